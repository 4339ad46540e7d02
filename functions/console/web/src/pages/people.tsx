// One person: which sources saw them, who received their events, where they are kept out, what was asked about them.
// Who it is stands in memory only, never in an address.

import { useState } from 'preact/hooks';

import { call } from '../api/client';
import type { SubjectFound, SubjectType, Whom } from '../api/schema';
import { count, list, people } from '../format';
import { useLive } from '../live';
import { Day, Empty, Head, Known, Section, Table } from '../parts/basics';
import { KeptOut } from '../parts/kept-out';
import { PersonSearch } from '../parts/person-search';
import { Recipients } from '../parts/recipients';
import { Link, href, type Place } from '../router';
import { SUBJECT } from '../words';
import { RequestTable } from './request-list';

/** The most requests about one person that are shown. */
const MOST = 100;

export function People({ place }: { place: Place }) {
  void place;
  const [who, setWho] = useState<Whom>();
  return (
    <div class="page">
      <Head title="Find a person" lead="Where somebody’s data came from, who received it, whether they are kept out, and what was asked about them." />
      <PersonSearch onSearch={setWho} />
      {who && <Person key={JSON.stringify(who)} who={who} />}
    </div>
  );
}

function Person({ who }: { who: Whom }) {
  const live = useLive(`person ${JSON.stringify(who)}`, async (signal) => {
    const [found, asked, connected] = await Promise.all([
      call('POST /subjects/lookup', { body: { subject: who }, signal }),
      call('POST /regulations/search', { body: { subject: who, pagination: { count: MOST } }, signal }),
      call('GET /destinations', { signal }),
    ]);
    return { found, regulations: asked.regulations, destinations: connected.destinations };
  });
  return (
    <Known live={live} what="this person">
      {({ found, regulations, destinations }) => (
        <>
          <h2 class="who">{who.id}</h2>
          {found.suppressions && (
            <Section title="Are they kept out?">
              <KeptOut suppressions={found.suppressions} />
            </Section>
          )}
          <Section title="What was asked about them?">
            {regulations.length > 0 ? (
              <RequestTable caption="Requests about this person" regulations={regulations} />
            ) : (
              <Empty>
                <p>No request about this person is found.</p>
                <p class="soft">A request is found by person once its work has begun.</p>
                <Link to={href('/requests/new')} class="button">
                  New request
                </Link>
              </Empty>
            )}
          </Section>
          <Section title="Who received their data?">
            <Recipients recipients={found.recipients} destinations={destinations} />
          </Section>
          <Section title="Where did it come from?">
            <Sources found={found} />
          </Section>
          <Section title="Their other identifiers">
            <Ids found={found} type={who.type} />
          </Section>
          <p class="help">
            This is known from events that came in through the tracking API. It is forgotten with the person: once their deletion has ended, the request keeps who received
            what.
          </p>
        </>
      )}
    </Known>
  );
}

function Sources({ found: { sources } }: { found: SubjectFound }) {
  if (sources.length === 0) return <p>No source has seen this person, as far as is known.</p>;
  return (
    <Table caption="Sources that saw this person">
      <thead>
        <tr>
          <th scope="col">Source</th>
          <th scope="col">First seen</th>
          <th scope="col">Last seen</th>
        </tr>
      </thead>
      <tbody>
        {sources.map((one) => (
          <tr key={one.sourceId}>
            <th scope="row" class="mono">
              {one.sourceId}
            </th>
            <td>
              <Day at={one.first} />
            </td>
            <td>
              <Day at={one.last} />
            </td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

function Ids({ found: { linked, owners, shared }, type }: { found: SubjectFound; type: SubjectType }) {
  const said = (some: Whom[]) => list(some.map((one) => `${one.id} (${SUBJECT[one.type].toLowerCase()})`));
  if (linked.length + owners.length + shared === 0) return <p>None is known.</p>;
  return (
    <ul class="todo">
      {linked.length > 0 && <li class="point">Theirs alone, suppressed and erased with them: {said(linked)}.</li>}
      {shared > 0 && <li class="point">Shared with others, and left alone: {count(shared, 'identifier')}.</li>}
      {type === 'ANONYMOUS_ID' && owners.length === 1 && <li class="point">This identifier is one of {said(owners)}.</li>}
      {owners.length > 1 && <li class="point">This identifier was met with {people(owners.length)}, and is left alone when one of them is erased: {said(owners)}.</li>}
    </ul>
  );
}
