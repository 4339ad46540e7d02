// A proof that one person is on a certificate: a file for them or for a regulator. What was typed stays in memory.

import { useState } from 'preact/hooks';

import { ApiError, call } from '../api/client';
import type { RegulationShown } from '../api/schema';
import { useAction } from '../live';
import { kindOf } from '../states';
import { words } from '../words';
import { words as proof } from '../words/proof';
import { Problem } from './basics';
import { Dialog, Select, Text, download } from './forms';
import { toast } from './toast';

const said = proof.proof;

export function PersonProof({ regulation }: { regulation: RegulationShown }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <div class="row">
        <button type="button" class="button" onClick={() => setOpen(true)}>
          {said.open}
        </button>
      </div>
      {open && <Ask regulation={regulation} close={() => setOpen(false)} />}
    </>
  );
}

function Ask({ regulation: { id, identifiers, subjectType }, close }: { regulation: RegulationShown; close: () => void }) {
  const named = Object.keys(identifiers ?? { [subjectType]: 1 });
  const kinds = [...new Set([...named, 'USER_ID', 'ANONYMOUS_ID', 'EMAIL', 'PHONE'])];
  const [kind, setKind] = useState(kinds[0]!);
  const [given, setGiven] = useState('');
  const [wrong, setWrong] = useState<string>();
  const { run, busy, error } = useAction(async () => {
    const subject = given.trim();
    setWrong(subject ? undefined : words.common.required);
    if (!subject) return;
    const made = await call('POST /regulations/{id}/proof', { path: { id }, body: { subject: { type: kind, id: subject } } }).catch((failed: unknown) => {
      if (!(failed instanceof ApiError && failed.status === 404)) throw failed;
      setWrong(said.notOn);
    });
    if (!made) return;
    download(`${made.certificate}-proof.json`, 'application/json', JSON.stringify(made, null, 2));
    toast(said.made);
    close();
  });
  const submit = (event: Event) => {
    event.preventDefault();
    void run();
  };
  return (
    <Dialog title={said.title} close={close} filled={given !== ''}>
      <form class="stack" onSubmit={submit} noValidate>
        <p>{said.help}</p>
        <Select label={said.kind} value={kind} options={kinds.map((one) => [one, kindOf(one)])} onChange={setKind} />
        <Text label={said.id} value={given} onInput={setGiven} wrong={wrong} required />
        {error && <Problem error={error} />}
        <div class="row">
          <button type="submit" class="button primary" disabled={busy}>
            {busy ? said.making : said.make}
          </button>
          <button type="button" class="button" onClick={close}>
            {words.common.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
