// One request, as answers to what a person wants to know.

import { call } from '../api/client';
import type { DestinationStatus, RegulationShown } from '../api/schema';
import { useTitles } from '../catalogue';
import { count, list, number, people } from '../format';
import { useAction, useLive } from '../live';
import { Dated, Deadline, Known, Problem, Section, Table, Time, Title, useTitle } from '../parts/basics';
import { Recipients } from '../parts/recipients';
import { Shape, State } from '../parts/state';
import { Link, go, href } from '../router';
import { isOpen, leftovers, marks, places, tables, todos, verdict } from '../verdict';
import { SUBJECT, TASK, TYPE, erases } from '../words';

/** How often a request that moves is looked at, and one that does not. */
const SOON = 1_500;
const LATER = 30_000;

export function Request({ id }: { id: string }) {
  useTitle('Deletion request');
  const live = useLive(
    `request ${id}`,
    (signal) => call('GET /regulations/{id}', { path: { id }, signal }),
    ({ regulation }) => (isOpen(regulation.overallStatus) ? SOON : LATER),
  );
  return (
    <div class="page">
      <Known live={live} what="the request">
        {({ regulation }) => <Answers regulation={regulation} refresh={live.refresh} />}
      </Known>
    </div>
  );
}

function Answers({ regulation, refresh }: { regulation: RegulationShown; refresh: () => void }) {
  const where = places(regulation);
  return (
    <>
      <Verdict regulation={regulation} />
      <div class="cols">
        <Acts regulation={regulation} refresh={refresh} />
        {erases(regulation.regulationType) && <Left regulation={regulation} />}
      </div>
      {where.length > 0 && (
        <Section title="From where, and since when?">
          <ul class="places">
            {where.map((place) => (
              <Place key={place.id} place={place} />
            ))}
          </ul>
        </Section>
      )}
      {regulation.recipients.length > 0 && (
        <Section title="Who received their data?">
          <Recipients recipients={regulation.recipients} places={where} />
        </Section>
      )}
      {regulation.linkedCount + regulation.sharedCount > 0 && <Linked regulation={regulation} />}
      <Proof regulation={regulation} />
      <About regulation={regulation} />
    </>
  );
}

function Verdict({ regulation }: { regulation: RegulationShown }) {
  const { tone, answer } = verdict(regulation);
  const one = regulation.subjectCount === 1;
  const question = erases(regulation.regulationType)
    ? one ? 'Is this person gone?' : `Are these ${number(regulation.subjectCount)} people gone?`
    : regulation.regulationType === 'UNSUPPRESS' ? 'May they come in again?' : 'Are they kept out?';
  return (
    <header class="verdict" aria-live="polite">
      <p class="crumb">
        <Link to={href('/requests')}>Deletion requests</Link>
      </p>
      <p class="asked">{question}</p>
      <Title class={`tone-${tone}`}>
        <Shape tone={tone} />
        <span>{answer}</span>
      </Title>
      <p class="soft">
        Asked <Time at={regulation.createdAt} />
        {regulation.finishedAt && (
          <>
            {' · '}ended <Time at={regulation.finishedAt} />
          </>
        )}
        {' · '}
        <Deadline createdAt={regulation.createdAt} finishedAt={regulation.finishedAt} />
      </p>
    </header>
  );
}

function Acts({ regulation, refresh }: { regulation: RegulationShown; refresh: () => void }) {
  const all = todos(regulation);
  const retry = useAction(async () => {
    await call('POST /regulations/{id}/retry', { path: { id: regulation.id } });
    refresh();
  });
  const canRetry = !isOpen(regulation.overallStatus) && all.some((todo) => todo.act === 'retry');
  return (
    <Section title="Who must still act?">
      {all.length === 0 ? (
        <p>Nobody. Everything that can be done is done.</p>
      ) : (
        <ul class={all.some((todo) => todo.tone === 'alert') ? 'todo box alert' : 'todo box'}>
          {all.map((todo) => (
            <li key={todo.who} class={`tone-${todo.tone}`}>
              <Shape tone={todo.tone} />
              <p>
                <strong>{todo.who}:</strong> <Dated text={todo.what} />
              </p>
            </li>
          ))}
        </ul>
      )}
      {canRetry && (
        <div class="row">
          <button type="button" class="button primary" disabled={retry.busy} onClick={() => void retry.run()}>
            Try again what failed
          </button>
          <span class="soft small">
            What is done is not done again.
            {regulation.identifiersKeptUntil && (
              <>
                {' '}
                It can be tried until <Time at={regulation.identifiersKeptUntil} />: then the identifiers are dropped.
              </>
            )}
          </span>
        </div>
      )}
      {retry.error && <Problem error={retry.error} />}
      {regulation.overallStatus === 'INITIALIZED' && <Withdraw id={regulation.id} />}
    </Section>
  );
}

/** Only while nothing has begun. */
function Withdraw({ id }: { id: string }) {
  const withdraw = useAction(async () => {
    await call('DELETE /regulations/{id}', { path: { id } });
    go(href('/requests'));
  });
  return (
    <div class="row">
      <button type="button" class="button" disabled={withdraw.busy} onClick={() => void withdraw.run()}>
        Cancel this request
      </button>
      <span class="soft small">Only until it begins.</span>
      {withdraw.error && <Problem error={withdraw.error} />}
    </div>
  );
}

function Place({ place }: { place: DestinationStatus }) {
  const title = useTitles();
  const rows = tables(place);
  const looked = { ...place.evidence.find?.lookedAt, ...place.evidence.forget?.counts };
  return (
    <li class="place">
      <div>
        <h3>{place.name}</h3>
        {title(place.vendor) !== place.name && <p>{title(place.vendor)}</p>}
      </div>
      <div>
        <State said={TASK[place.taskStatus]} />
        <p class="soft small">{place.finishedAt ? <>since <Time at={place.finishedAt} /></> : TASK[place.taskStatus].means}</p>
      </div>
      <ol class="rail" aria-label={`What happened at ${place.name}`}>
        {marks(place).map(({ what, amount }) => (
          <li key={what}>
            <span class="what">{what}</span>
            <span class={amount ? 'number' : 'none'}>{amount ?? 'not yet'}</span>
          </li>
        ))}
      </ol>
      {place.errString && <p class="said"><Dated text={place.errString} /></p>}
      {(rows.length > 0 || Object.keys(looked).length > 0) && (
        <details>
          <summary>Details of {place.name}</summary>
          {rows.length > 0 ? <Rows name={place.name} rows={rows} /> : <Looked counts={looked} />}
        </details>
      )}
    </li>
  );
}

function Rows({ name, rows }: { name: string; rows: [string, number][] }) {
  return (
    <Table caption={`Rows by table at ${name}`}>
      <thead>
        <tr>
          <th scope="col">Table</th>
          <th scope="col" class="num">
            Rows found and removed
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([table, count]) => (
          <tr key={table}>
            <th scope="row" class="mono">
              {table}
            </th>
            <td class="num">{number(count)}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

const LOOKED: Record<string, string> = {
  versions: 'Versions looked at',
  ruledOut: 'of them ruled out by the index',
  bytes: 'Bytes read, uncompressed',
  objectsRewritten: 'Objects rewritten',
  versionsDeleted: 'Old versions deleted',
};

function Looked({ counts }: { counts: Record<string, number> }) {
  const names = [...Object.keys(LOOKED), ...Object.keys(counts)].filter((name, place, all) => name in counts && all.indexOf(name) === place);
  return (
    <dl class="facts">
      {names.map((name) => (
        <>
          <dt>{LOOKED[name] ?? name}</dt>
          <dd class="number">{number(counts[name] ?? 0)}</dd>
        </>
      ))}
    </dl>
  );
}

function Left({ regulation }: { regulation: RegulationShown }) {
  const left = leftovers(regulation);
  const open = isOpen(regulation.overallStatus);
  return (
    <Section title="What is left?">
      {left.length > 0 ? (
        <ul class="todo">
          {left.map((text) => (
            <li key={text} class="tone-note">
              <Shape tone="note" />
              <p>
                <Dated text={text} />
              </p>
            </li>
          ))}
        </ul>
      ) : (
        <p>{open ? 'To be seen when every place is done.' : 'Nothing, in the places that are connected.'}</p>
      )}
      <p class="help">Backups and copies outside the connected places are not reached by Lethe.</p>
    </Section>
  );
}

function Linked({ regulation: { linkedCount, linkedSubjects, sharedCount, regulationType } }: { regulation: RegulationShown }) {
  const named = list(linkedSubjects.map((one) => `${one.id} (${SUBJECT[one.type].toLowerCase()})`));
  return (
    <Section title="Which other identifiers are theirs?">
      <ul class="todo who">
        {linkedCount > 0 && (
          <li class="point">
            {count(linkedCount, 'identifier')}, {regulationType === 'UNSUPPRESS' ? 'let in' : 'treated'} the same way{named ? `: ${named}` : '; dropped since the request ended'}.
          </li>
        )}
        {sharedCount > 0 && <li class="point">{count(sharedCount, 'identifier')} shared with others, and left alone.</li>}
      </ul>
    </Section>
  );
}

function Proof({ regulation }: { regulation: RegulationShown }) {
  return (
    <Section title="Where is the proof?">
      {isOpen(regulation.overallStatus) ? (
        <p>A signed certificate is written when the request ends.</p>
      ) : (
        <div class="row">
          <Link to={href(`/requests/${regulation.id}/certificate`)} class="button">
            Certificate: read, check, download, print
          </Link>
        </div>
      )}
    </Section>
  );
}

function About({ regulation }: { regulation: RegulationShown }) {
  const kind = TYPE[regulation.regulationType];
  return (
    <Section title="What was asked">
      <dl class="facts">
        <dt>What</dt>
        <dd>
          {kind.title}: {kind.touches.join('; ').toLowerCase()}.
        </dd>
        <dt>For</dt>
        <dd>
          {people(regulation.subjectCount)}, by {SUBJECT[regulation.subjectType].toLowerCase()}
        </dd>
        {regulation.attempt > 1 && (
          <>
            <dt>Attempt</dt>
            <dd>{number(regulation.attempt)}</dd>
          </>
        )}
        {regulation.sourceId && (
          <>
            <dt>Only of source</dt>
            <dd class="mono">{regulation.sourceId}</dd>
          </>
        )}
        {regulation.duplicateOf && (
          <>
            <dt>Asked before</dt>
            <dd>
              <Link to={href(`/requests/${regulation.duplicateOf}`)}>The same was under way already</Link>
            </dd>
          </>
        )}
        <dt>Number</dt>
        <dd class="mono">{regulation.id}</dd>
      </dl>
    </Section>
  );
}
