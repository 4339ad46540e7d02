// Deletion requests, the newest first.

import { useState } from 'preact/hooks';

import { call } from '../api/client';
import type { RegulationEntry, RegulationType, Status, Whom } from '../api/schema';
import { number, people } from '../format';
import { useLive } from '../live';
import { Select } from '../parts/forms';
import { Deadline, Empty, Head, Known, Table, Time } from '../parts/basics';
import { PersonSearch } from '../parts/person-search';
import { Pager } from '../parts/pager';
import { State } from '../parts/state';
import { Link, go, href, type Place } from '../router';
import { STATUS, TYPE } from '../words';

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
      <Head title="Deletion requests" lead="Each request names people and says what to do about them. The newest come first.">
        <Link to={href('/requests/new')} class="button primary">
          New request
        </Link>
      </Head>
      <PersonSearch
        onSearch={(wanted) => {
          setCursors([]);
          setWho(wanted);
        }}
      />
      <div class="filters">
        <Select label="State" value={status} options={[['', 'Any'], ...words(STATUS, ({ word }) => word)]} onChange={(chosen) => filter({ status: chosen })} />
        <Select label="What" value={type} options={[['', 'Anything'], ...words(TYPE, ({ short }) => short)]} onChange={(chosen) => filter({ type: chosen })} />
      </div>
      <Known live={live} what="deletion requests">
        {({ regulations, pagination }) =>
          regulations.length === 0 && !cursor && (status || type || who) ? (
            <Empty>
              <p>{who ? 'No request about this person is like this.' : 'No request is like this.'}</p>
              {who && <p class="soft">A request is found by person once its work has begun.</p>}
            </Empty>
          ) : regulations.length === 0 && !cursor ? (
            <Empty>
              <p>Nobody has asked to be forgotten yet.</p>
              <Link to={href('/requests/new')} class="button">
                New request
              </Link>
            </Empty>
          ) : (
            <>
              <RequestTable caption="Deletion requests" regulations={regulations} />
              <Pager cursors={cursors} next={pagination.next} onMove={setCursors} />
            </>
          )
        }
      </Known>
    </div>
  );
}

function words<Name extends string, Word>(all: Record<Name, Word>, word: (one: Word) => string): [Name, string][] {
  return (Object.entries(all) as [Name, Word][]).map(([name, one]) => [name, word(one)]);
}

export function RequestTable({ caption, regulations }: { caption: string; regulations: RegulationEntry[] }) {
  return (
    <Table caption={caption}>
      <thead>
        <tr>
          <th scope="col">Asked</th>
          <th scope="col">People</th>
          <th scope="col" class="wide">
            What
          </th>
          <th scope="col">State</th>
          <th scope="col">Deadline</th>
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
            <td class="wide">{TYPE[regulation.regulationType].short}</td>
            <td>
              <State said={STATUS[regulation.status]} />
            </td>
            <td>
              <Deadline createdAt={regulation.createdAt} finishedAt={regulation.finishedAt} />
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
  if (!first) return <span title="The identifiers are dropped: the certificate names people by pseudonym.">{people(regulation.subjectCount)}</span>;
  const more = regulation.subjectCount - (second ? 2 : 1);
  return (
    <span class="who">
      {first}
      {second && `, ${second}`}
      {more > 0 && <span class="soft"> and {number(more)} more</span>}
    </span>
  );
}
