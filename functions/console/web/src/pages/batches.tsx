// Batches: what became of the messages and files that came in through the queue.

import { useState } from 'preact/hooks';

import { call } from '../api/client';
import type { Batch, BatchShown, RegulationShown } from '../api/schema';
import { bytes, count, number, people } from '../format';
import { useLive } from '../live';
import { Empty, Head, Known, Section, Table, Time, Title, useTitle } from '../parts/basics';
import { Pager } from '../parts/pager';
import { State } from '../parts/state';
import { Link, href, type Place } from '../router';
import { BATCH, STATUS, TYPE } from '../words';

const PAGE = 50;
/** How many of a batch's requests are asked for at a time: each is a call of its own. */
const FEW = 10;

export function Batches({ place }: { place: Place }) {
  const id = place.path[1];
  return id ? <One id={id} /> : <List />;
}

function List() {
  const [cursors, setCursors] = useState<string[]>([]);
  const cursor = cursors.at(-1);
  const live = useLive(`batches ${cursor}`, (signal) =>
    call('GET /batches', { query: { 'pagination.count': PAGE, ...(cursor && { 'pagination.cursor': cursor }) }, signal }),
  );
  return (
    <div class="page">
      <Head title="Batches" lead="Files and messages from the queue, each cut into requests of up to 5,000 people. The newest come first." />
      <Known live={live} what="batches">
        {({ batches, pagination }) =>
          batches.length === 0 && !cursor ? (
            <Empty>
              <p>Nothing came in through the queue yet.</p>
            </Empty>
          ) : (
            <>
              <BatchTable batches={batches} />
              <Pager cursors={cursors} next={pagination.next} onMove={setCursors} />
            </>
          )
        }
      </Known>
    </div>
  );
}

const made = (batch: Batch): string => (batch.account ? `${number(batch.made ?? 0)} of ${number(batch.account.regulations)}` : '–');

function BatchTable({ batches }: { batches: Batch[] }) {
  return (
    <Table caption="Batches">
      <thead>
        <tr>
          <th scope="col">Came in</th>
          <th scope="col" class="wide">
            What
          </th>
          <th scope="col">State</th>
          <th scope="col" class="num">
            People
          </th>
          <th scope="col" class="num">
            Requests made
          </th>
          <th scope="col" class="num wide">
            Lines refused
          </th>
        </tr>
      </thead>
      <tbody>
        {batches.map((batch) => (
          <tr key={batch.id}>
            <th scope="row">
              <Link to={href(`/batches/${batch.id}`)}>
                <Time at={batch.createdAt} />
              </Link>
            </th>
            <td class="wide">{batch.regulationType ? TYPE[batch.regulationType].short : '–'}</td>
            <td>
              <State said={BATCH[batch.status]} />
            </td>
            <td class="num">{batch.account ? number(batch.account.subjects) : '–'}</td>
            <td class="num">{made(batch)}</td>
            <td class="num wide">{batch.account ? number(batch.account.refused) : '–'}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

function One({ id }: { id: string }) {
  useTitle('Batch');
  const live = useLive(
    `batch ${id}`,
    (signal) => call('GET /batches/{id}', { path: { id }, signal }),
    ({ batch }) => (batch.finishedAt ? 0 : 2_000),
  );
  return (
    <div class="page">
      <Known live={live} what="the batch">
        {({ batch }) => (
          <>
            <header>
              <div>
                <p class="crumb">
                  <Link to={href('/batches')}>Batches</Link>
                </p>
                <Title>{headline(batch)}</Title>
                <p class="lead">
                  Came in <Time at={batch.createdAt} />
                  {batch.finishedAt && (
                    <>
                      {' · '}ended <Time at={batch.finishedAt} />
                    </>
                  )}
                </p>
              </div>
            </header>
            {batch.problem && <p class="box alert">{batch.problem}</p>}
            <Lines batch={batch} />
            {(batch.account?.refused ?? 0) > 0 && <Refusals id={id} />}
            {batch.regulations.length > 0 && <Regulations ids={batch.regulations} />}
          </>
        )}
      </Known>
    </div>
  );
}

function headline(batch: BatchShown): string {
  const whole = batch.account;
  switch (batch.status) {
    case 'ACCEPTED': return `Taken: ${people(whole?.subjects ?? 0)} in ${count(batch.regulations.length, 'request')}.`;
    case 'RUNNING': return `Being read: ${count(batch.made ?? 0, 'request')} made so far.`;
    case 'DUPLICATE': return 'Nothing was made: the same had come in before.';
    case 'REFUSED': return 'Refused. It has to be put right and sent again.';
  }
}

function Lines({ batch }: { batch: BatchShown }) {
  const all = batch.account;
  const rows: [string, number][] = all
    ? [['People', all.subjects], ['Named again', all.duplicates], ['Refused', all.refused], ['Blank', all.blank], ['Names of columns', all.header], ['Lines in all', all.lines]]
    : [];
  return (
    <Section title="What was in it">
      <dl class="facts">
        {batch.regulationType && (
          <>
            <dt>What to do</dt>
            <dd>{TYPE[batch.regulationType].title}</dd>
          </>
        )}
        {rows.map(([name, value]) => (
          <>
            <dt>{name}</dt>
            <dd class="number">{number(value)}</dd>
          </>
        ))}
        {batch.file && (
          <>
            <dt>File</dt>
            <dd>{bytes(batch.file.bytes)}</dd>
          </>
        )}
        <dt>Sent by</dt>
        <dd class="mono">{batch.sender}</dd>
        {batch.duplicateOf && (
          <>
            <dt>Came before as</dt>
            <dd>
              <Link to={href(`/batches/${batch.duplicateOf}`)}>the batch with the same people</Link>
            </dd>
          </>
        )}
        <dt>Number</dt>
        <dd class="mono">{batch.id}</dd>
      </dl>
    </Section>
  );
}

function Refusals({ id }: { id: string }) {
  const [cursors, setCursors] = useState<string[]>([]);
  const cursor = cursors.at(-1);
  const live = useLive(
    `refusals ${id} ${cursor}`,
    (signal) => call('GET /batches/{id}/refusals', { path: { id }, query: { 'pagination.count': PAGE, ...(cursor && { 'pagination.cursor': cursor }) }, signal }),
    0,
  );
  return (
    <Section title="Lines that were refused">
      <Known live={live} what="refused lines">
        {({ refusals, pagination }) => (
          <>
            <Table caption="Lines that were refused">
              <thead>
                <tr>
                  <th scope="col" class="num">
                    Line
                  </th>
                  <th scope="col">Why</th>
                </tr>
              </thead>
              <tbody>
                {refusals.map(({ line, reason }) => (
                  <tr key={line}>
                    <th scope="row" class="num">
                      {number(line)}
                    </th>
                    <td class="wraps">It {reason}.</td>
                  </tr>
                ))}
              </tbody>
            </Table>
            <Pager cursors={cursors} next={pagination.next} onMove={setCursors} words={['Before', 'After']} />
          </>
        )}
      </Known>
    </Section>
  );
}

function Regulations({ ids }: { ids: string[] }) {
  const [cursors, setCursors] = useState<string[]>([]);
  const from = Number(cursors.at(-1) ?? 0);
  const live = useLive(`requests of a batch ${ids[from]}`, (signal) =>
    Promise.all(ids.slice(from, from + FEW).map(async (id) => (await call('GET /regulations/{id}', { path: { id }, signal })).regulation)),
  );
  return (
    <Section title="The requests made of it">
      <Known live={live} what="its requests">
        {(regulations: RegulationShown[]) => (
          <>
            <Table caption="Requests made of this batch">
              <thead>
                <tr>
                  <th scope="col">Request</th>
                  <th scope="col">People</th>
                  <th scope="col">State</th>
                </tr>
              </thead>
              <tbody>
                {regulations.map((one, place) => (
                  <tr key={one.id}>
                    <th scope="row">
                      <Link to={href(`/requests/${one.id}`)}>
                        {number(from + place + 1)} of {number(ids.length)}
                      </Link>
                    </th>
                    <td>{people(one.subjectCount)}</td>
                    <td>
                      <State said={STATUS[one.overallStatus]} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </Table>
            <Pager cursors={cursors} next={from + FEW < ids.length ? String(from + FEW) : null} onMove={setCursors} words={['Before', 'After']} />
          </>
        )}
      </Known>
    </Section>
  );
}
