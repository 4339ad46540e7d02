// Pages whose code comes after the first page is there, so that that one comes sooner.

import type { FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { ApiError } from '../api/client';
import { words } from '../words';
import { Loading, Problem } from './basics';

const all: (() => Promise<unknown>)[] = [];

/** Fetches them, so that they open at once, and also while Lethe is away. */
export const fetchLater = () => all.forEach((fetch) => void fetch().catch(() => undefined));

export function later<Props extends object>(load: () => Promise<FunctionComponent<Props>>): FunctionComponent<Props> {
  let known: FunctionComponent<Props> | undefined;
  const fetch = async () => (known ??= await load());
  all.push(fetch);
  return function Later(props: Props) {
    const [Page, setPage] = useState(() => known);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      // It may have come since the first look.
      if (Page) return;
      fetch().then(
        (page) => setPage(() => page),
        () => setFailed(true),
      );
    }, []);
    if (Page) return <Page {...props} />;
    return failed ? <Problem error={new ApiError(0, words.problem.unreachable)} retry={() => location.reload()} /> : <Loading what={words.things.page} />;
  };
}
