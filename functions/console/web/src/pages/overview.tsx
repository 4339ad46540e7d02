// The overview: what needs action, what is open and for how long still, and how it went lately.

import { call } from '../api/client';
import type { Run } from '../api/schema';
import { byUrgency, isOverdue } from '../clock';
import { exact, number } from '../format';
import { MOST, figures, type Figures } from '../figures';
import { useLive } from '../live';
import { deadline, Empty, Head, Known, Section, Time } from '../parts/basics';
import { Chart } from '../parts/chart';
import { later } from '../parts/later';
import { RequestTable } from '../parts/request-table';
import { Shape, State } from '../parts/state';
import { Link, href, type Place } from '../router';
import { PHASE } from '../states';
import { words } from '../words';

const said = words.overview;
const DAYS = 30;

const MonthlyReport = later(async () => (await import('../parts/monthly-report')).MonthlyReport);

export function Overview({ place }: { place: Place }) {
  void place;
  const live = useLive(
    'overview',
    async (signal) => {
      const [{ regulations }, { purgeRuns }, found] = await Promise.all([
        call('GET /regulations', { query: { 'pagination.count': 1 }, signal }),
        call('GET /purge-runs', { signal }),
        figures(DAYS, signal),
      ]);
      return { any: regulations.length > 0, runs: purgeRuns, figures: found };
    },
    30_000,
  );
  return (
    <div class="page">
      <Known live={live} what={words.things.overview}>
        {({ any, runs, figures }) => (any ? <Seen figures={figures} runs={runs} refresh={live.refresh} /> : <Nothing />)}
      </Known>
    </div>
  );
}

function Nothing() {
  return (
    <>
      <Head title={said.nothing} lead={said.nothingLead} />
      <Empty>
        <p>{said.noneYet}</p>
        <New />
      </Empty>
    </>
  );
}

const New = () => (
  <Link to={href('/requests/new')} class="button primary">
    {words.requests.new}
  </Link>
);

function Seen({ figures, runs, refresh }: { figures: Figures; runs: Run[]; refresh: () => void }) {
  const [open, stuck] = [byUrgency(figures.open), byUrgency(figures.stuck)];
  const asking = runs.filter((run) => run.phase === 'guard');
  return (
    <>
      <Head title={headline(figures, asking.length)}>
        <New />
      </Head>
      {!figures.counted.complete && <p class="help">{said.countedSince(exact(figures.counted.countedSince ?? ''))}</p>}
      {[figures.open, figures.stuck].some(({ length }) => length >= MOST) && <p class="help">{said.newest(MOST)}</p>}
      <Numbers figures={{ ...figures, open }} asking={asking.length} last={runs[0]} />
      {(stuck.length > 0 || asking.length > 0) && (
        <Section title={said.actionNeeded}>
          {asking.map((run) => (
            <p key={run.id} class="box alert">
              <span>
                {said.approve(run.question ?? '')} <Link to={href(`/runs/${run.id}`)}>{said.openRun}</Link>
              </span>
            </p>
          ))}
          {stuck.length > 0 && <RequestTable caption={said.stuckTable} regulations={stuck} refresh={refresh} />}
        </Section>
      )}
      <Section title={said.openTitle} id="open">
        {open.length > 0 ? <RequestTable caption={said.openTable} regulations={open} /> : <p class="soft">{said.noneOpen}</p>}
      </Section>
      <Section title={said.doneTitle(DAYS)} id="lately">
        <Chart title={said.doneChart} days={figures.counted.perDay.map(({ day, finished, acceptedOnly }) => ({ at: Date.parse(`${day}T12:00Z`), value: finished + acceptedOnly }))} unit={[said.request, said.requests]} />
      </Section>
      <MonthlyReport />
    </>
  );
}

function headline({ open, stuck, counted }: Figures, asking: number): string {
  const overdue = [...open, ...stuck].filter((one) => isOverdue(one)).length;
  if (overdue > 0) return said.overdue(overdue);
  if (stuck.length + asking > 0) return said.stuck(stuck.length + asking);
  if (open.length > 0) return said.open(open.length);
  return counted.acceptedOnly > 0 ? said.unconfirmed(counted.acceptedOnly) : said.done;
}

const figure = (n: number): string => (n < MOST ? number(n) : said.atLeast(n));

function Numbers({ figures: { open, stuck, counted }, asking, last }: { figures: Figures; asking: number; last: Run | undefined }) {
  const [first] = open;
  const acts = stuck.length + asking;
  return (
    <dl class="figures">
      <div>
        <dt>{said.actionNeeded}</dt>
        <dd class={acts > 0 ? 'tone-alert state' : undefined}>
          {acts > 0 && <Shape tone="alert" />}
          {figure(acts)}
        </dd>
      </div>
      <div>
        <dt>{said.inProgress}</dt>
        <dd>{figure(open.length)}</dd>
        {first && <dd class="small soft">{said.first(deadline(first))}</dd>}
      </div>
      <Counts of={counted} />
      <div>
        <dt>{said.lastRun}</dt>
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
          <dd class="small soft">{said.noRun}</dd>
        )}
      </div>
    </dl>
  );
}

/** As the API counted them. */
function Counts({ of: { acceptedOnly, people, daysToHonour } }: { of: Figures['counted'] }) {
  const { median, longest } = daysToHonour;
  return (
    <>
      <div>
        <dt>{said.acceptedOf(DAYS)}</dt>
        <dd>{number(acceptedOnly)}</dd>
        <dd class="small soft">{said.acceptedHelp}</dd>
      </div>
      <div>
        <dt>{said.erasedOf(DAYS)}</dt>
        <dd>{number(people.erased)}</dd>
        <dd class="small soft">{people.unclear > 0 ? said.unclear(people.unclear) : said.erasedHelp}</dd>
        {people.notFound > 0 && <dd class="small soft">{said.foundNowhere(people.notFound)}</dd>}
      </div>
      <div>
        <dt>{said.honoured(DAYS)}</dt>
        <dd>{median === null ? words.common.none : number(median)}</dd>
        {longest !== null && <dd class="small soft">{said.longest(longest)}</dd>}
      </div>
    </>
  );
}
