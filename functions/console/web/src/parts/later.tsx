// A page whose code comes when it is first opened, so that the first page comes sooner.

import type { FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { ApiError } from '../api/client';
import { words } from '../words';
import { Loading, Problem } from './basics';

export function later<Props extends object>(load: () => Promise<FunctionComponent<Props>>): FunctionComponent<Props> {
  let known: FunctionComponent<Props> | undefined;
  return function Later(props: Props) {
    const [Page, setPage] = useState(() => known);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (known) return;
      const came = (page: FunctionComponent<Props>) => {
        known = page;
        setPage(() => page);
      };
      load().then(came, () => setFailed(true));
    }, []);
    if (Page) return <Page {...props} />;
    return failed ? <Problem error={new ApiError(0, words.problem.unreachable)} retry={() => location.reload()} /> : <Loading what={words.things.page} />;
  };
}
