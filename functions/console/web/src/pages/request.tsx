// One request, as answers to what a person wants to know.

import { useAccess } from '../access';
import { call } from '../api/client';
import type { RegulationShown } from '../api/schema';
import { due, received } from '../clock';
import { list, number } from '../format';
import { useAction, useLive } from '../live';
import { Dated, Deadline, Known, Problem, Section, Time, Title, useTitle } from '../parts/basics';
import { CaseFacts, Extend } from '../parts/case';
import { Cancelled } from '../parts/cancelled';
import { Estimate } from '../parts/estimate';
import { later } from '../parts/later';
import { Linked, hasOthers } from '../parts/linked';
import { Place } from '../parts/place';
import { Recipients } from '../parts/recipients';
import { Requester } from '../parts/requester';
import { Shape } from '../parts/state';
import { toast } from '../parts/toast';
import { Link, go, href } from '../router';
import { erases, kindOf } from '../states';
import { isCancelled, isOpen, leftovers, places, question, todos, verdict } from '../verdict';
import { words } from '../words';

const said = words.request;

const Named = later(async () => (await import('../parts/named')).Named);
const PersonProof = later(async () => (await import('../parts/person-proof')).PersonProof);

/** How often a request that moves is looked at, and one that does not. */
const SOON = 1_500;
const LATER = 30_000;

export function Request({ id }: { id: string }) {
  useTitle(said.title);
  const live = useLive(
    `request ${id}`,
    (signal) => call('GET /regulations/{id}', { path: { id }, signal }),
    ({ regulation }) => (isOpen(regulation.overallStatus) ? SOON : LATER),
  );
  return (
    <div class="page">
      <Known live={live} what={words.things.request}>
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
      {where.length > 0 && !isCancelled(regulation) && (
        <Section title={said.where}>
          <ul class="places">
            {where.map((place) => (
              <Place key={place.id} place={place} />
            ))}
          </ul>
        </Section>
      )}
      {regulation.recipients.length > 0 && (
        <Section title={said.recipients}>
          <Recipients recipients={regulation.recipients} places={where} />
        </Section>
      )}
      {hasOthers(regulation) && (
        <Section title={said.linked}>
          <Linked of={regulation} lifted={regulation.regulationType === 'UNSUPPRESS'} linked={regulation.linkedSubjects} leftOut={regulation.leftOutSubjects} />
        </Section>
      )}
      <Proof regulation={regulation} />
      <About regulation={regulation} />
    </>
  );
}

function Verdict({ regulation }: { regulation: RegulationShown }) {
  const { tone, answer } = verdict(regulation);
  return (
    <header class="verdict" aria-live="polite">
      <p class="crumb">
        <Link to={href('/requests')}>{words.nav.requests}</Link>
      </p>
      <p class="asked">{question(regulation)}</p>
      <Title class={`tone-${tone}`}>
        <Shape tone={tone} />
        <span>{answer}</span>
      </Title>
      <p class="soft">
        {said.received} <Time at={received(regulation)} />
        {' · '}
        {isCancelled(regulation) ? (
          <Cancelled id={regulation.id} at={regulation.cancelledAt ?? regulation.finishedAt ?? undefined} by={regulation.cancelledBy} />
        ) : (
          <>
            {regulation.finishedAt && (
              <>
                {regulation.overallStatus === 'FINISHED' ? said.ended : said.tried} <Time at={regulation.finishedAt} />
                {' · '}
              </>
            )}
            {regulation.overallStatus !== 'FINISHED' && (
              <>
                {said.due} <Time at={new Date(due(regulation)).toISOString()} only="day" />
                {' · '}
              </>
            )}
            <Deadline of={{ ...regulation, status: regulation.overallStatus }} />
          </>
        )}
      </p>
    </header>
  );
}

function Acts({ regulation, refresh }: { regulation: RegulationShown; refresh: () => void }) {
  const all = todos(regulation);
  const retry = useAction(async () => {
    await call('POST /regulations/{id}/retry', { path: { id: regulation.id } });
    toast(said.retried);
    refresh();
  });
  const canRetry = !isOpen(regulation.overallStatus) && all.some((todo) => todo.act === 'retry');
  return (
    <Section title={said.who}>
      {all.length === 0 ? (
        <p>{isCancelled(regulation) ? said.nobodyCancelled : said.nobody}</p>
      ) : (
        <ul class={all.some((todo) => todo.tone === 'alert') ? 'todo box alert' : 'todo box'}>
          {all.map((todo) => (
            <li key={todo.who} class={`tone-${todo.tone}`}>
              <Shape tone={todo.tone} />
              <p>
                <strong>{todo.who}:</strong> <Dated text={todo.what} /> {todo.run && <Estimate run={todo.run} />}{' '}
                {todo.run && <Link to={href(`/runs/${todo.run}`)}>{words.todo.theRun}</Link>}
              </p>
            </li>
          ))}
        </ul>
      )}
      {canRetry && (
        <div class="row">
          <button type="button" class="button primary" disabled={retry.busy} onClick={() => void retry.run()}>
            {said.retry}
          </button>
          <span class="soft small">
            {said.retryHelp}
            {regulation.identifiersKeptUntil && (
              <>
                {' '}
                {said.retryUntil} <Time at={regulation.identifiersKeptUntil} />.
              </>
            )}
          </span>
        </div>
      )}
      {retry.error && <Problem error={retry.error} />}
      {regulation.overallStatus === 'INITIALIZED' && <Withdraw regulation={regulation} />}
      <Extend regulation={regulation} refresh={refresh} />
    </Section>
  );
}

/** Only while nothing has begun. */
function Withdraw({ regulation: { id, graceUntil } }: { regulation: RegulationShown }) {
  const withdraw = useAction(async () => {
    await call('DELETE /regulations/{id}', { path: { id } });
    toast(said.cancelDone);
    go(href('/requests'));
  });
  return (
    <div class="row">
      <button type="button" class="button" disabled={withdraw.busy} onClick={() => void withdraw.run()}>
        {said.cancel}
      </button>
      <span class="soft small">{graceUntil && Date.parse(graceUntil) > Date.now() ? <Dated text={said.grace(graceUntil)} /> : said.cancelHelp}</span>
      {withdraw.error && <Problem error={withdraw.error} />}
    </div>
  );
}

function Left({ regulation }: { regulation: RegulationShown }) {
  const left = leftovers(regulation);
  const open = isOpen(regulation.overallStatus);
  return (
    <Section title={said.left}>
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
        <p>{isCancelled(regulation) ? said.leftCancelled : open ? said.leftOpen : said.leftNothing}</p>
      )}
      {!isCancelled(regulation) && <p class="help">{said.backups}</p>}
    </Section>
  );
}

function Proof({ regulation }: { regulation: RegulationShown }) {
  return (
    <Section title={said.proof}>
      {isOpen(regulation.overallStatus) ? (
        <p>{said.proofOpen}</p>
      ) : isCancelled(regulation) ? (
        <p>{said.proofNone}</p>
      ) : (
        <>
          <div class="row">
            <Link to={href(`/requests/${regulation.id}/certificate`)} class="button">
              {said.certificate}
            </Link>
          </div>
          <PersonProof regulation={regulation} />
        </>
      )}
    </Section>
  );
}

/** Whether its identifiers are still kept: while it is under way, and for a while after it failed somewhere. */
const namesKept = ({ overallStatus, identifiersKeptUntil }: RegulationShown): boolean =>
  isOpen(overallStatus) || (identifiersKeptUntil ? Date.parse(identifiersKeptUntil) > Date.now() : false);

function About({ regulation }: { regulation: RegulationShown }) {
  const kind = words.type[regulation.regulationType];
  const { audit } = useAccess();
  return (
    <Section title={said.about}>
      <dl class="facts">
        <dt>{said.action}</dt>
        <dd>
          {kind.title}.{!isCancelled(regulation) && ` ${kind.touches.join('. ')}.`}
        </dd>
        <dt>{said.for}</dt>
        <dd>
          {said.by(words.common.people(regulation.subjectCount), list(Object.keys(regulation.identifiers ?? { [regulation.subjectType]: 1 }).map(kindOf)))}
          {namesKept(regulation) && <Named id={regulation.id} />}
        </dd>
        <CaseFacts of={regulation} />
        {regulation.actor && (
          <>
            <dt>{said.requester}</dt>
            <dd>
              <Requester actor={regulation.actor} />
            </dd>
          </>
        )}
        {regulation.attempt > 1 && (
          <>
            <dt>{said.attempt}</dt>
            <dd>{number(regulation.attempt)}</dd>
          </>
        )}
        {regulation.sourceId && (
          <>
            <dt>{said.source}</dt>
            <dd class="mono">{regulation.sourceId}</dd>
          </>
        )}
        {regulation.duplicateOf && (
          <>
            <dt>{said.duplicate}</dt>
            <dd>
              <Link to={href(`/requests/${regulation.duplicateOf}`)}>{said.duplicateOf}</Link>
            </dd>
          </>
        )}
        <dt>{said.id}</dt>
        <dd class="mono">{regulation.id}</dd>
      </dl>
      {audit && (
        <p>
          <Link to={href('/audit', { object: regulation.id })}>{said.audit}</Link>
        </p>
      )}
    </Section>
  );
}
