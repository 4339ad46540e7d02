// Objects of an archive that cannot be read and may stay: who decided that, why, and until when.

import { useState } from 'preact/hooks';

import { useAccess } from '../access';
import { call } from '../api/client';
import type { Exception, Unreadable } from '../api/schema';
import { useAction, useLive } from '../live';
import { words } from '../words';
import { Known, Problem, Section, Table, Time } from './basics';
import { Confirm } from './confirm';
import { Dialog, Select, Text } from './forms';
import { Requester } from './requester';
import { toast } from './toast';

const said = words.exceptions;

const inForce = ({ until, endedAt }: Exception): boolean => !endedAt && new Date(until).getTime() > Date.now();

export function Exceptions({ archive }: { archive: string }) {
  const { admin } = useAccess();
  const [adding, setAdding] = useState(false);
  const [ending, setEnding] = useState<Exception>();
  const live = useLive(`exceptions ${archive}`, (signal) => call('GET /destinations/{id}/exceptions', { path: { id: archive }, signal }), 30_000);
  const end = async ({ id }: Exception) => {
    await call('DELETE /destinations/{id}/exceptions/{exceptionId}', { path: { id: archive, exceptionId: id } });
    toast(said.wasEnded);
    live.refresh();
  };
  return (
    <Section
      title={said.title}
      aside={
        admin && (
          <button type="button" class="button small" onClick={() => setAdding(true)}>
            {said.add}
          </button>
        )
      }
    >
      <p class="help">{said.lead}</p>
      <Known live={live} what={words.things.exceptions}>
        {({ exceptions }) => (exceptions.length > 0 ? <List exceptions={exceptions} onEnd={admin ? setEnding : undefined} /> : <p>{said.none}</p>)}
      </Known>
      {adding && <Except archive={archive} close={() => setAdding(false)} done={live.refresh} />}
      {ending && (
        <Confirm title={said.endTitle} action={said.endIt} act={() => end(ending)} close={() => setEnding(undefined)}>
          <code>{ending.keys}</code>: {said.endHelp}
        </Confirm>
      )}
    </Section>
  );
}

function List({ exceptions, onEnd }: { exceptions: Exception[]; onEnd: ((one: Exception) => void) | undefined }) {
  return (
    <Table caption={said.title} cards>
      <thead>
        <tr>
          <th scope="col">{said.objects}</th>
          <th scope="col">{said.kind}</th>
          <th scope="col">{said.reason}</th>
          <th scope="col">{said.by}</th>
          <th scope="col">{said.until}</th>
        </tr>
      </thead>
      <tbody>
        {exceptions.map((one) => (
          <tr key={one.id}>
            <th scope="row" class="mono">
              {one.keys}
            </th>
            <td>{said.kinds[one.kind]}</td>
            <td class="wraps">{one.reason}</td>
            <td>
              <Requester actor={one.createdBy} />
            </td>
            <td>
              {inForce(one) ? (
                <>
                  <Time at={one.until} only="day" />{' '}
                  {onEnd && (
                    <button type="button" class="quiet" aria-label={said.endOne(one.keys)} onClick={() => onEnd(one)}>
                      {said.end}
                    </button>
                  )}
                </>
              ) : (
                <span class="soft">
                  {said.ended} <Time at={one.endedAt ?? one.until} only="day" />
                </span>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

interface ExceptProps {
  archive: string;
  keys?: string;
  kind?: Unreadable;
  close: () => void;
  done?: () => void;
}

/** The keys are proposed; who decides may widen them to a pattern. */
export function Except({ archive, keys: proposed = '', kind: guessed = 'unsupported', close, done }: ExceptProps) {
  const [keys, setKeys] = useState(proposed);
  const [kind, setKind] = useState(guessed);
  const [reason, setReason] = useState('');
  const [until, setUntil] = useState('');
  const [tried, setTried] = useState(false);
  const add = useAction(async () => {
    const body = { keys: keys.trim(), kind, reason: reason.trim(), until: new Date(`${until}T23:59:59`).toISOString() };
    await call('POST /destinations/{id}/exceptions', { path: { id: archive }, body });
    toast(said.added);
    done?.();
    close();
  });
  const submit = (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (keys.trim() && reason.trim() && until) void add.run();
  };
  const wrong = (field: string, value: string) => (tried && !value.trim() ? words.common.required : add.error?.field === field ? add.error.message : undefined);
  const beside = ['keys', 'reason', 'until'].includes(add.error?.field ?? '');
  return (
    <Dialog title={said.addTitle} close={close} filled={reason !== '' || keys !== proposed}>
      <form onSubmit={submit} noValidate>
        <p>{said.addHelp}</p>
        <Text label={said.objects} help={said.objectsHelp} value={keys} onInput={setKeys} wrong={wrong('keys', keys)} />
        <Select label={said.kind} value={kind} options={Object.entries(said.kinds) as [Unreadable, string][]} onChange={setKind} />
        <Text label={said.reason} help={said.reasonHelp} value={reason} onInput={setReason} wrong={wrong('reason', reason)} />
        <Text label={said.lastDay} help={said.lastDayHelp} type="date" value={until} onInput={setUntil} wrong={wrong('until', until)} />
        {add.error && !beside && <Problem error={add.error} />}
        <div class="row">
          <button type="submit" class="button primary" disabled={add.busy}>
            {said.addIt}
          </button>
          <button type="button" class="button" onClick={close}>
            {words.common.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
