// The suppression list: whose events are dropped at the door.

import { useState } from 'preact/hooks';

import { call, regulate } from '../api/client';
import { write } from '../csv';
import { people } from '../format';
import { useAction, useLive } from '../live';
import { Empty, Head, Known, Problem, Table } from '../parts/basics';
import { Dialog, download } from '../parts/forms';
import { PeopleField } from '../parts/people-field';
import { Pager } from '../parts/pager';
import type { Place } from '../router';

const PAGE = 50;

export function Suppressions({ place }: { place: Place }) {
  void place;
  const [cursors, setCursors] = useState<string[]>([]);
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<string>();
  const cursor = cursors.at(-1);
  const live = useLive(`suppressions ${cursor}`, (signal) =>
    call('GET /suppressions', { query: { 'pagination.count': PAGE, 'pagination.cursor': cursor }, signal }),
  );
  const save = useAction(exportAll);
  return (
    <div class="page">
      <Head title="Suppression list" lead="Events about these people are dropped when they arrive, and never stored.">
        <button type="button" class="button" disabled={save.busy} onClick={() => void save.run()}>
          {save.busy ? 'Exporting…' : 'Export CSV'}
        </button>
        <button type="button" class="button primary" onClick={() => setAdding(true)}>
          Add people
        </button>
      </Head>
      {save.error && <Problem error={save.error} />}
      <Known live={live} what="the suppression list">
        {({ suppressed, pagination }) => {
          const rows = suppressed.flatMap(({ subjectType, subjectIds }) => subjectIds.map((id) => ({ id, subjectType })));
          return rows.length === 0 && !cursor ? (
            <Empty>
              <p>Nobody is suppressed.</p>
            </Empty>
          ) : (
            <>
              <Table caption="Suppressed people">
                <thead>
                  <tr>
                    <th scope="col">Identifier</th>
                    <th scope="col">Kind</th>
                    <th scope="col">
                      <span class="hidden">Action</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {rows.map(({ id, subjectType }) => (
                    <tr key={subjectType + id}>
                      <th scope="row">{id}</th>
                      <td>{subjectType === 'USER_ID' ? 'User id' : 'Anonymous id'}</td>
                      <td class="num">
                        <button type="button" class="quiet" aria-label={`Remove ${id}`} onClick={() => setRemoving(id)}>
                          Remove
                        </button>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </Table>
              <Pager cursors={cursors} next={pagination.next} onMove={setCursors} />
            </>
          );
        }}
      </Known>
      {adding && <Add close={() => setAdding(false)} done={live.refresh} />}
      {removing !== undefined && <Remove id={removing} close={() => setRemoving(undefined)} done={live.refresh} />}
    </div>
  );
}

async function exportAll(): Promise<void> {
  const rows = [['userId']];
  let cursor: string | null | undefined;
  do {
    const page = await call('GET /suppressions', { query: { 'pagination.count': 1000, ...(cursor && { 'pagination.cursor': cursor }) } });
    for (const { subjectIds } of page.suppressed) rows.push(...subjectIds.map((id) => [id]));
    cursor = page.pagination.next;
  } while (cursor);
  download('suppression-list.csv', 'text/csv', write(rows));
}

/** Sends a change and waits until it holds. */
async function change(regulationType: 'SUPPRESS_ONLY' | 'UNSUPPRESS', subjectIds: string[]): Promise<void> {
  const regulateId = await regulate({ regulationType, subjectType: 'USER_ID', subjectIds });
  for (let tries = 0; tries < 40; tries += 1) {
    const { regulation } = await call('GET /regulations/{id}', { path: { id: regulateId } });
    if (regulation.overallStatus !== 'INITIALIZED' && regulation.overallStatus !== 'RUNNING') return;
    await new Promise((later) => setTimeout(later, 500));
  }
}

function Add({ close, done }: { close: () => void; done: () => void }) {
  const [ids, setIds] = useState<string[]>([]);
  const [wrong, setWrong] = useState<string>();
  const add = useAction(async () => {
    for (let at = 0; at < ids.length; at += 5_000) await change('SUPPRESS_ONLY', ids.slice(at, at + 5_000));
    done();
    close();
  });
  const submit = (event: Event) => {
    event.preventDefault();
    if (ids.length === 0) setWrong('Name at least one person.');
    else void add.run();
  };
  return (
    <Dialog title="Add people to the suppression list" close={close}>
      <form onSubmit={submit} noValidate>
        <PeopleField onChange={setIds} wrong={wrong} />
        <p class="help">Nothing that is stored is erased. To erase as well, make a deletion request.</p>
        {add.error && <Problem error={add.error} />}
        <div class="row">
          <button type="submit" class="button primary" disabled={add.busy}>
            {add.busy ? 'Adding…' : `Suppress${ids.length > 0 ? ` ${people(ids.length)}` : ''}`}
          </button>
          <button type="button" class="button" onClick={close}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Remove({ id, close, done }: { id: string; close: () => void; done: () => void }) {
  const remove = useAction(async () => {
    await change('UNSUPPRESS', [id]);
    done();
    close();
  });
  return (
    <Dialog title="Let this person in again?" close={close}>
      <p>
        <strong class="who">{id}</strong> leaves the suppression list. New events about this person are collected again.
      </p>
      {remove.error && <Problem error={remove.error} />}
      <div class="row">
        <button type="button" class="button danger" disabled={remove.busy} onClick={() => void remove.run()}>
          {remove.busy ? 'Removing…' : 'Remove from the list'}
        </button>
        <button type="button" class="button" onClick={close}>
          Keep suppressed
        </button>
      </div>
    </Dialog>
  );
}
