// One person: are they gone, which sources saw them, who received their events, are they suppressed, what was asked.
// Who it is stands in memory only, never in an address.

import { useState } from 'preact/hooks';

import { useAccess } from '../access';
import { call } from '../api/client';
import type { SubjectFound, SubjectType, Whom } from '../api/schema';
import { list } from '../format';
import { useLive } from '../live';
import { Day, Empty, Head, Known, Section, Table } from '../parts/basics';
import { PersonSearch } from '../parts/person-search';
import { Recipients } from '../parts/recipients';
import { RequestTable } from '../parts/request-table';
import { Shape } from '../parts/state';
import { Suppressed } from '../parts/suppressed';
import { Link, href, type Place } from '../router';
import { kindOf } from '../states';
import { personVerdict, type Verdict } from '../verdict';
import { words } from '../words';

const said = words.person;

/** The most requests about one person that are shown, and how many of the newest are looked into for the verdict. */
const [MOST, LOOKED_INTO] = [100, 5];

export function People({ place }: { place: Place }) {
  void place;
  const [who, setWho] = useState<Whom>();
  return (
    <div class="page">
      <Head title={words.nav.people} lead={said.lead} />
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
    const newest = asked.regulations.slice(0, LOOKED_INTO);
    const seen = await Promise.all(newest.map(async ({ id }) => (await call('GET /regulations/{id}', { path: { id }, signal })).regulation));
    return { found, regulations: asked.regulations, destinations: connected.destinations, verdict: personVerdict(seen, found) };
  });
  return (
    <Known live={live} what={words.things.person}>
      {({ found, regulations, destinations, verdict }) => (
        <>
          <Answer who={who} verdict={verdict} request={verdict.from?.id} />
          <Section title={said.requests}>
            {regulations.length > 0 ? <RequestTable caption={said.requests} regulations={regulations} /> : <NoRequest />}
          </Section>
          <Section title={said.suppressed}>
            {found.suppressions && <Suppressed suppressions={found.suppressions} />}
          </Section>
          <Section title={said.recipients}>
            <Recipients recipients={found.recipients} destinations={destinations} />
          </Section>
          <Section title={said.sources}>
            <Sources found={found} />
          </Section>
          <Section title={said.ids}>
            <Ids found={found} type={who.type} />
          </Section>
          <p class="help">{said.footnote}</p>
        </>
      )}
    </Known>
  );
}

function Answer({ who, verdict: { tone, answer }, request }: { who: Whom; verdict: Verdict; request: string | undefined }) {
  const { audit } = useAccess();
  return (
    <section class="verdict" aria-live="polite">
      <p class="asked">
        <strong>{who.id}</strong>: {said.gone}
      </p>
      <h2 class={`tone-${tone}`}>
        <Shape tone={tone} />
        <span>{answer}</span>
      </h2>
      {request && (
        <p class="row">
          <Link to={href(`/requests/${request}`)}>{said.openRequest}</Link>
          {audit && <Link to={href('/audit', { object: request })}>{words.request.audit}</Link>}
        </p>
      )}
    </section>
  );
}

const NoRequest = () => (
  <Empty>
    <p>{said.noRequest}</p>
    <p class="soft">{words.requests.searchHelp}</p>
    <Link to={href('/requests/new')} class="button">
      {words.requests.new}
    </Link>
  </Empty>
);

function Sources({ found: { sources } }: { found: SubjectFound }) {
  if (sources.length === 0) return <p>{said.notTracked}</p>;
  return (
    <Table caption={said.sourcesTable}>
      <thead>
        <tr>
          <th scope="col">{said.source}</th>
          <th scope="col">{said.firstSeen}</th>
          <th scope="col">{said.lastSeen}</th>
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

function Ids({ found: { linked, leftOut, owners, shared }, type }: { found: SubjectFound; type: SubjectType }) {
  const named = (some: Whom[]) => list(some.map((one) => `${one.id} (${kindOf(one.type)})`));
  if (linked.length + leftOut.length + owners.length + shared === 0) return <p>{said.noIds}</p>;
  return (
    <ul class="todo">
      {linked.length > 0 && <li class="point">{said.own(named(linked))}</li>}
      {leftOut.length > 0 && <li class="point">{said.leftOut(named(leftOut))}</li>}
      {shared > 0 && <li class="point">{said.shared(shared)}</li>}
      {type === 'ANONYMOUS_ID' && owners.length === 1 && <li class="point">{said.oneOf(named(owners))}</li>}
      {owners.length > 1 && <li class="point">{said.several(owners.length, named(owners))}</li>}
    </ul>
  );
}
