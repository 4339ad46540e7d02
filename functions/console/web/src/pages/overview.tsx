// The overview: what needs a hand, what is open and for how long still, and how it went lately.

import { call } from '../api/client';
import type { RegulationEntry, Run } from '../api/schema';
import { capital, count, inWords, number, people } from '../format';
import { useLive } from '../live';
import { daysLeft, Empty, Head, Known, Section, Time } from '../parts/basics';
import { Chart, byDay } from '../parts/chart';
import { Shape, State } from '../parts/state';
import { Link, href, type Place } from '../router';
import { isOpen } from '../verdict';
import { PHASE, erases } from '../words';
import { RequestTable } from './request-list';

/** How far back it looks. */
const LOOKED_AT = 500;
const DAYS = 30;

export function Overview({ place }: { place: Place }) {
  void place;
  const live = useLive('overview', async (signal) => {
    const [{ regulations }, { purgeRuns }] = await Promise.all([
      call('GET /regulations', { query: { 'pagination.count': LOOKED_AT }, signal }),
      call('GET /purge-runs', { signal }),
    ]);
    return { regulations, runs: purgeRuns };
  });
  return (
    <div class="page">
      <Known live={live} what="the overview">
        {({ regulations, runs }) => (regulations.length === 0 ? <Nothing /> : <Seen regulations={regulations} runs={runs} />)}
      </Known>
    </div>
  );
}

function Nothing() {
  return (
    <>
      <Head title="Nobody has asked yet" lead="When somebody asks to be forgotten, make a deletion request: this page then shows how it goes." />
      <Empty>
        <p>No deletion request yet.</p>
        <Link to={href('/requests/new')} class="button primary">
          New request
        </Link>
      </Empty>
    </>
  );
}

function Seen({ regulations, runs }: { regulations: RegulationEntry[]; runs: Run[] }) {
  const stuck = regulations.filter((one) => ['FAILED', 'PARTIAL_SUCCESS', 'NOT_SUPPORTED'].includes(one.status));
  const open = regulations.filter((one) => isOpen(one.status)).sort((a, b) => a.createdAt.localeCompare(b.createdAt));
  const asking = runs.filter((run) => run.phase === 'guard');
  const finished = regulations.filter((one) => one.finishedAt && erases(one.regulationType) && one.status === 'FINISHED');
  const days = byDay(finished.map((one) => ({ at: one.finishedAt ?? '', value: one.subjectCount })), DAYS);
  const [last] = runs;
  return (
    <>
      <Head title={headline(stuck.length + asking.length, open.length)}>
        <Link to={href('/requests/new')} class="button primary">
          New request
        </Link>
      </Head>
      <Figures stuck={stuck.length} open={open} forgotten={days.reduce((sum, one) => sum + one.value, 0)} last={last} />
      {(stuck.length > 0 || asking.length > 0) && (
        <Section title="Needs a hand">
          {asking.map((run) => (
            <p key={run.id} class="box alert">
              <span>
                A purge run waits for you: {run.question}. <Link to={href(`/runs/${run.id}`)}>Look at it</Link>
              </span>
            </p>
          ))}
          {stuck.length > 0 && <RequestTable caption="Requests that need a hand" regulations={stuck} />}
        </Section>
      )}
      <Section title="Open, the oldest first" id="open">
        {open.length > 0 ? <RequestTable caption="Open requests, the oldest first" regulations={open} /> : <p class="soft">No request is open.</p>}
      </Section>
      <Section title={`People forgotten, last ${DAYS} days`} id="lately">
        <Chart title="People forgotten by day" days={days} unit={['person', 'people']} />
      </Section>
    </>
  );
}

function headline(stuck: number, open: number): string {
  if (stuck > 0) return `${capital(inWords(stuck))} ${stuck === 1 ? 'thing needs' : 'things need'} a hand.`;
  if (open > 0) return `${capital(inWords(open))} ${open === 1 ? 'request is' : 'requests are'} under way.`;
  return 'Everything that was asked is done.';
}

function Figures({ stuck, open, forgotten, last }: { stuck: number; open: RegulationEntry[]; forgotten: number; last: Run | undefined }) {
  const [oldest] = open;
  return (
    <dl class="figures">
      <div>
        <dt>Need a hand</dt>
        <dd class={stuck > 0 ? 'tone-alert state' : undefined}>
          {stuck > 0 && <Shape tone="alert" />}
          {number(stuck)}
        </dd>
      </div>
      <div>
        <dt>Open</dt>
        <dd>{number(open.length)}</dd>
        {oldest && <dd class="small soft">the oldest has {count(Math.max(0, daysLeft(oldest.createdAt)), 'day')} left</dd>}
      </div>
      <div>
        <dt>Forgotten in {DAYS} days</dt>
        <dd>{number(forgotten)}</dd>
        <dd class="small soft">{forgotten === 1 ? 'person' : people(forgotten).replace(/^\S+ /, '')}</dd>
      </div>
      <div>
        <dt>Last purge run</dt>
        {last ? (
          <>
            <dd class="small">
              <Link to={href(`/runs/${last.id}`)}>
                <Time at={last.startedAt} />
              </Link>
            </dd>
            <dd class="small">
              <State said={PHASE[last.phase]} />
            </dd>
          </>
        ) : (
          <dd class="small soft">none yet</dd>
        )}
      </div>
    </dl>
  );
}
