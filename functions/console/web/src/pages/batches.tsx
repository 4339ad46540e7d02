// Batches: what became of the messages and files that came in through the queue.

import { useState } from 'preact/hooks';

import { call } from '../api/client';
import type { Batch, BatchShown, RegulationShown } from '../api/schema';
import { bytes, number } from '../format';
import { useLive } from '../live';
import { Empty, Head, Known, Section, Table, Time, Title, useTitle } from '../parts/basics';
import { Export } from '../parts/list';
import { Pager } from '../parts/pager';
import { State } from '../parts/state';
import { Link, href, type Place } from '../router';
import { BATCH, STATUS } from '../states';
import { words } from '../words';

const said = words.batches;
const { people } = words.common;

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
      <Head title={words.nav.batches} lead={said.lead}>
        <Export name="batches" rows={everything} />
      </Head>
      <Known live={live} what={words.things.batches}>
        {({ batches, pagination }) =>
          batches.length === 0 && !cursor ? (
            <Empty>
              <p>{said.none}</p>
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

async function everything(): Promise<string[][]> {
  const rows = [[said.id, said.received, said.endedOn, said.action, said.status, said.people, said.requests, said.rejected, said.sender]];
  let cursor: string | null | undefined;
  do {
    const page = await call('GET /batches', { query: { 'pagination.count': 1_000, ...(cursor && { 'pagination.cursor': cursor }) } });
    for (const one of page.batches) {
      const action = one.regulationType ? words.type[one.regulationType].short : '';
      rows.push([one.id, one.createdAt, one.finishedAt ?? '', action, BATCH[one.status].word, String(one.account?.subjects ?? ''), String(one.made ?? ''), String(one.account?.refused ?? ''), one.sender]);
    }
    cursor = page.pagination.next;
  } while (cursor);
  return rows;
}

const made = (batch: Batch): string => (batch.account ? said.of(number(batch.made ?? 0), number(batch.account.regulations)) : words.common.none);

function BatchTable({ batches }: { batches: Batch[] }) {
  return (
    <Table caption={words.nav.batches} cards>
      <thead>
        <tr>
          <th scope="col">{said.received}</th>
          <th scope="col" class="wide">
            {said.action}
          </th>
          <th scope="col">{said.status}</th>
          <th scope="col" class="num">
            {said.people}
          </th>
          <th scope="col" class="num">
            {said.requests}
          </th>
          <th scope="col" class="num wide">
            {said.rejected}
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
            <td class="wide">{batch.regulationType ? words.type[batch.regulationType].short : words.common.none}</td>
            <td>
              <State said={BATCH[batch.status]} />
            </td>
            <td class="num">{batch.account ? number(batch.account.subjects) : words.common.none}</td>
            <td class="num">{made(batch)}</td>
            <td class="num wide">{batch.account ? number(batch.account.refused) : words.common.none}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

function One({ id }: { id: string }) {
  useTitle(said.one);
  const live = useLive(
    `batch ${id}`,
    (signal) => call('GET /batches/{id}', { path: { id }, signal }),
    ({ batch }) => (batch.finishedAt ? 0 : 2_000),
  );
  return (
    <div class="page">
      <Known live={live} what={words.things.batch}>
        {({ batch }) => (
          <>
            <header>
              <div>
                <p class="crumb">
                  <Link to={href('/batches')}>{words.nav.batches}</Link>
                </p>
                <Title>{headline(batch)}</Title>
                <p class="lead">
                  {said.received} <Time at={batch.createdAt} />
                  {batch.finishedAt && (
                    <>
                      {' · '}
                      {said.ended} <Time at={batch.finishedAt} />
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

function headline({ status, account, regulations, made = 0 }: BatchShown): string {
  const { headline } = said;
  switch (status) {
    case 'ACCEPTED': return headline.ACCEPTED(account?.subjects ?? 0, regulations.length);
    case 'RUNNING': return headline.RUNNING(made);
    default: return headline[status];
  }
}

const ROWS = ['subjects', 'duplicates', 'refused', 'blank', 'header', 'lines'] as const;

function Lines({ batch }: { batch: BatchShown }) {
  const { account, file } = batch;
  return (
    <Section title={said.contents}>
      <dl class="facts">
        {batch.regulationType && (
          <>
            <dt>{said.action}</dt>
            <dd>{words.type[batch.regulationType].title}</dd>
          </>
        )}
        {account &&
          ROWS.map((name) => (
            <>
              <dt>{said.rows[name]}</dt>
              <dd class="number">{number(account[name])}</dd>
            </>
          ))}
        {file && (
          <>
            <dt>{said.file}</dt>
            <dd>{bytes(file.bytes)}</dd>
          </>
        )}
        <dt>{said.sender}</dt>
        <dd class="mono">{batch.sender}</dd>
        {batch.duplicateOf && (
          <>
            <dt>{said.duplicateOf}</dt>
            <dd>
              <Link to={href(`/batches/${batch.duplicateOf}`)}>{said.sameBatch}</Link>
            </dd>
          </>
        )}
        <dt>{said.id}</dt>
        <dd class="mono">{batch.id}</dd>
      </dl>
    </Section>
  );
}

async function refusals(id: string): Promise<string[][]> {
  const rows = [[said.line, said.why]];
  let cursor: string | null | undefined;
  do {
    const page = await call('GET /batches/{id}/refusals', { path: { id }, query: { 'pagination.count': 1_000, ...(cursor && { 'pagination.cursor': cursor }) } });
    rows.push(...page.refusals.map(({ line, reason }) => [String(line), said.it(reason)]));
    cursor = page.pagination.next;
  } while (cursor);
  return rows;
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
    <Section title={said.refusals} aside={<Export name="rejected-lines" rows={() => refusals(id)} />}>
      <Known live={live} what={words.things.refusals}>
        {({ refusals, pagination }) => (
          <>
            <Table caption={said.refusals}>
              <thead>
                <tr>
                  <th scope="col" class="num">
                    {said.line}
                  </th>
                  <th scope="col">{said.why}</th>
                </tr>
              </thead>
              <tbody>
                {refusals.map(({ line, reason }) => (
                  <tr key={line}>
                    <th scope="row" class="num">
                      {number(line)}
                    </th>
                    <td class="wraps">{said.it(reason)}</td>
                  </tr>
                ))}
              </tbody>
            </Table>
            <Pager cursors={cursors} next={pagination.next} onMove={setCursors} words={[words.common.previous, words.common.next]} />
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
    <Section title={said.itsRequests}>
      <Known live={live} what={words.things.requests}>
        {(regulations: RegulationShown[]) => (
          <>
            <Table caption={said.itsRequests}>
              <thead>
                <tr>
                  <th scope="col">{said.request}</th>
                  <th scope="col">{said.people}</th>
                  <th scope="col">{said.status}</th>
                </tr>
              </thead>
              <tbody>
                {regulations.map((one, place) => (
                  <tr key={one.id}>
                    <th scope="row">
                      <Link to={href(`/requests/${one.id}`)}>
                        {said.of(number(from + place + 1), number(ids.length))}
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
            <Pager cursors={cursors} next={from + FEW < ids.length ? String(from + FEW) : null} onMove={setCursors} words={[words.common.previous, words.common.next]} />
          </>
        )}
      </Known>
    </Section>
  );
}
