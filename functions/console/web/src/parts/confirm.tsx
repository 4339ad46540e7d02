// A question before something ends: what it means, and a way back.

import type { ComponentChildren } from 'preact';

import { useAction } from '../live';
import { words } from '../words';
import { Problem } from './basics';
import { Dialog } from './forms';

interface Props {
  title: string;
  action: string;
  act: () => Promise<void>;
  close: () => void;
  keep?: string;
  children: ComponentChildren;
}

export function Confirm({ title, action, act, close, keep = words.common.cancel, children }: Props) {
  const run = useAction(async () => {
    await act();
    close();
  });
  return (
    <Dialog title={title} close={close}>
      <p>{children}</p>
      {run.error && <Problem error={run.error} />}
      <div class="row">
        <button type="button" class="button danger" disabled={run.busy} onClick={() => void run.run()}>
          {action}
        </button>
        <button type="button" class="button" onClick={close}>
          {keep}
        </button>
      </div>
    </Dialog>
  );
}
