// The case behind a request: under which law it is answered and by when, what is on file, and the one extension that the law allows.

import { useState } from 'preact/hooks';

import { call } from '../api/client';
import type { Case, RegulationShown } from '../api/schema';
import { clock } from '../clock';
import { beside } from '../fields';
import { useAction } from '../live';
import { words } from '../words';
import { Problem, Time } from './basics';
import { Dialog, Text } from './forms';
import { Requester } from './requester';
import { toast } from './toast';

const said = words.case;

export function CaseFacts({ of: { law, extension, file = {} } }: { of: Case }) {
  const onFile = (Object.entries(said.file) as [keyof typeof file, string][]).flatMap(([name, title]) => (file[name] ? [{ title, text: file[name] }] : []));
  return (
    <>
      {law && (
        <>
          <dt>{said.law}</dt>
          <dd>{said.laws[law]}</dd>
        </>
      )}
      {extension && (
        <>
          <dt>{said.extended}</dt>
          <dd>
            {extension.reason} <span class="soft">(<Requester actor={extension.by} />, <Time at={extension.at} />)</span>
          </dd>
        </>
      )}
      {onFile.map(({ title, text }) => (
        <>
          <dt>{title}</dt>
          <dd>{text}</dd>
        </>
      ))}
    </>
  );
}

/** Once, and before the time is over. */
export function Extend({ regulation, refresh }: { regulation: RegulationShown; refresh: () => void }) {
  const [open, setOpen] = useState(false);
  const { id, dueAt, extension, overallStatus } = regulation;
  if (!dueAt || extension || clock({ ...regulation, status: overallStatus }).state !== 'left') return null;
  return (
    <div class="row">
      <button type="button" class="button small" onClick={() => setOpen(true)}>
        {said.extend}
      </button>
      {open && <Ask id={id} refresh={refresh} close={() => setOpen(false)} />}
    </div>
  );
}

function Ask({ id, refresh, close }: { id: string; refresh: () => void; close: () => void }) {
  const [reason, setReason] = useState('');
  const [wrong, setWrong] = useState<string>();
  const { run, busy, error } = useAction(async () => {
    await call('POST /regulations/{id}/extension', { path: { id }, body: { reason: reason.trim() } });
    toast(said.extendDone);
    refresh();
    close();
  });
  const refused = error?.field === 'reason' ? beside(error.message) : undefined;
  const submit = (event: Event) => {
    event.preventDefault();
    setWrong(reason.trim() ? undefined : words.common.required);
    if (reason.trim()) void run();
  };
  return (
    <Dialog title={said.extendTitle} close={close} filled={reason !== ''}>
      <form class="stack" onSubmit={submit} noValidate>
        <p>{said.extendHelp}</p>
        <Text label={said.reason} value={reason} onInput={setReason} wrong={wrong ?? refused} required help={said.namesNobody} />
        {error && !refused && <Problem error={error} />}
        <div class="row">
          <button type="submit" class="button primary" disabled={busy}>
            {said.extendYes}
          </button>
          <button type="button" class="button" onClick={close}>
            {words.common.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
