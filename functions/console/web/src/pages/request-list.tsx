// Deletion requests, the newest first.

import { useState } from 'preact/hooks';

import { call } from '../api/client';
import type { RegulationEntry, RegulationType, Status, Whom } from '../api/schema';
import { useLive } from '../live';
import { Select } from '../parts/forms';
import { Deadline, Empty, Head, Known, Table, Time } from '../parts/basics';
import { PersonSearch } from '../parts/person-search';
import { Pager } from '../parts/pager';
import { State } from '../parts/state';
import { Link, go, href, type Place } from '../router';
import { STATUS } from '../states';
import { words } from '../words';

const said = words.requests;

const PAGE = 50;

export function RequestList({ place }: { place: Place }) {
  const status = (place.query.get('status') ?? '') as Status | '';
  const type = (place.query.get('type') ?? '') as RegulationType | '';
  const [cursors, setCursors] = useState<string[]>([]);
  const [who, setWho] = useState<Whom>();
  const cursor = cursors.at(-1);
  const live = useLive(`requests ${status} ${type} ${cursor} ${JSON.stringify(who)}`, (signal) => {
    // A search goes in the body: an identifier may not stand in an address.
    const pagination = { count: PAGE, ...(cursor && { cursor }) };
    const body = { pagination, ...(status && { status }), ...(type && { regulationTypes: [type] }), ...(who && { subject: who }) };
    return call('POST /regulations/search', { body, signal });
  });
  const filter = (chosen: { status?: string; type?: string }) => {
    setCursors([]);
    go(href('/requests', { status, type, ...chosen }), true);
  };
  return (
    <div class="page">
      <Head title={words.nav.requests} lead={said.lead}>
        <Link to={href('/requests/new')} class="button primary">
          {said.new}
        </Link>
      </Head>
      <PersonSearch
        onSearch={(wanted) => {
          setCursors([]);
          setWho(wanted);
        }}
      />
      <div class="filters">
        <Select label={said.status} value={status} options={[['', words.common.any], ...named(words.status, ({ word }) => word)]} onChange={(chosen) => filter({ status: chosen })} />
        <Select label={said.action} value={type} options={[['', said.anyAction], ...named(words.type, ({ short }) => short)]} onChange={(chosen) => filter({ type: chosen })} />
      </div>
      <Known live={live} what={words.things.requests}>
        {({ regulations, pagination }) =>
          regulations.length === 0 && !cursor && (status || type || who) ? (
            <Empty>
              <p>{who ? said.noneLikeThisPerson : said.noneLikeThis}</p>
              {who && <p class="soft">{said.searchHelp}</p>}
            </Empty>
          ) : regulations.length === 0 && !cursor ? (
            <Empty>
              <p>{said.none}</p>
              <Link to={href('/requests/new')} class="button">
                {said.new}
              </Link>
            </Empty>
          ) : (
            <>
              <RequestTable caption={words.nav.requests} regulations={regulations} />
              <Pager cursors={cursors} next={pagination.next} onMove={setCursors} />
            </>
          )
        }
      </Known>
    </div>
  );
}

function named<Name extends string, Word>(all: Record<Name, Word>, word: (one: Word) => string): [Name, string][] {
  return (Object.entries(all) as [Name, Word][]).map(([name, one]) => [name, word(one)]);
}

export function RequestTable({ caption, regulations }: { caption: string; regulations: RegulationEntry[] }) {
  return (
    <Table caption={caption} cards>
      <thead>
        <tr>
          <th scope="col">{said.received}</th>
          <th scope="col">{said.people}</th>
          <th scope="col" class="wide">
            {said.action}
          </th>
          <th scope="col">{said.status}</th>
          <th scope="col">{said.deadline}</th>
        </tr>
      </thead>
      <tbody>
        {regulations.map((regulation) => (
          <tr key={regulation.id}>
            <th scope="row">
              <Link to={href(`/requests/${regulation.id}`)}>
                <Time at={regulation.createdAt} />
              </Link>
            </th>
            <td>
              <Whom regulation={regulation} />
            </td>
            <td class="wide">{words.type[regulation.regulationType].short}</td>
            <td>
              <State said={STATUS[regulation.status]} />
            </td>
            <td>
              <Deadline of={regulation} />
            </td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

/** Identifiers while they are kept; then only how many. */
function Whom({ regulation }: { regulation: RegulationEntry }) {
  const [first, second] = regulation.subjects;
  if (!first) return <span title={said.dropped}>{words.common.people(regulation.subjectCount)}</span>;
  const more = regulation.subjectCount - (second ? 2 : 1);
  return (
    <span class="who">
      {first}
      {second && `, ${second}`}
      {more > 0 && <span class="soft"> {words.common.more(more)}</span>}
    </span>
  );
}
