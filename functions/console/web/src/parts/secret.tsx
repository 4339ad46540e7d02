// A secret that is seen this once: a token's, or a write key.

import { useState } from 'preact/hooks';

import { useAction } from '../live';
import { words } from '../words';
import { Dialog } from './forms';

const said = words.secret;

export function Secret({ title, secret, help, close }: { title: string; secret: string; help: string; close: () => void }) {
  const [copied, setCopied] = useState(false);
  const copy = useAction(async () => {
    await navigator.clipboard.writeText(secret);
    setCopied(true);
  });
  return (
    <Dialog title={title} close={close}>
      <p>
        <strong>{said.copyNow}</strong> {help}
      </p>
      <p class="box">
        <code>{secret}</code>
      </p>
      <p role="status">{copied && words.common.copied}</p>
      {copy.error && <p class="wrong">{said.cannotCopy}</p>}
      <div class="row">
        <button type="button" class="button primary" onClick={() => void copy.run()}>
          {words.common.copy}
        </button>
        <button type="button" class="button" onClick={close}>
          {said.haveIt}
        </button>
      </div>
    </Dialog>
  );
}
