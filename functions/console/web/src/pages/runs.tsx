// Purge runs: the passes over the archives.

import { useState } from 'preact/hooks';

import { call } from '../api/client';
import type { Progress, Run, RunWithProgress } from '../api/schema';
import { bytes, capital, count, duration, number } from '../format';
import { useAction, useLive } from '../live';
import { Empty, Head, Known, Problem, Section, Table, Time, Title, useTitle } from '../parts/basics';
import { Dialog } from '../parts/forms';
import { Shape, State } from '../parts/state';
import { Link, go, href, type Place } from '../router';
import { PHASE } from '../words';

const moves = (run: Run): boolean => !run.finishedAt;

export function Runs({ place }: { place: Place }) {
  const id = place.path[1];
  return id ? <One id={id} /> : <List />;
}

function List() {
  const live = useLive(
    'runs',
    (signal) => call('GET /purge-runs', { signal }),
    ({ purgeRuns }) => (purgeRuns.some(moves) ? 3_000 : 15_000),
  );
  const start = useAction(async (dryRun: boolean) => {
    const { purgeRun } = await call('POST /purge-runs', { body: { dryRun } });
    go(href(`/runs/${purgeRun.id}`));
  });
  return (
    <div class="page">
      <Head
        title="Purge runs"
        lead="Archives are read in runs: one pass serves every request that waits. Runs start by themselves; you can start one sooner."
      >
        <button type="button" class="button" disabled={start.busy} onClick={() => void start.run(true)}>
          Dry run
        </button>
        <button type="button" class="button primary" disabled={start.busy} onClick={() => void start.run(false)}>
          Start a run now
        </button>
      </Head>
      {start.error && <Problem error={start.error} />}
      <Known live={live} what="purge runs">
        {({ purgeRuns }) => (purgeRuns.length === 0 ? <None /> : <RunTable runs={purgeRuns} />)}
      </Known>
    </div>
  );
}

const None = () => (
  <Empty>
    <p>No run yet. The first starts when a deletion request reaches an archive.</p>
  </Empty>
);

function RunTable({ runs }: { runs: Run[] }) {
  return (
    <Table caption="Purge runs">
      <thead>
        <tr>
          <th scope="col">Started</th>
          <th scope="col">State</th>
          <th scope="col" class="num wide">
            Requests
          </th>
          <th scope="col" class="num wide">
            Versions
          </th>
          <th scope="col" class="num wide">
            Size
          </th>
          <th scope="col">Took</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr key={run.id}>
            <th scope="row">
              <Link to={href(`/runs/${run.id}`)}>
                <Time at={run.startedAt} />
              </Link>
              {run.dryRun && <span class="soft small"> dry run</span>}
            </th>
            <td>
              <State said={PHASE[run.phase]} />
            </td>
            <td class="num wide">{number(run.regulations)}</td>
            <td class="num wide">{number(run.objects)}</td>
            <td class="num wide">{bytes(run.bytes)}</td>
            <td>{run.finishedAt ? took(run) : '–'}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

const took = (run: Run): string => duration(new Date(run.finishedAt ?? Date.now()).getTime() - new Date(run.startedAt).getTime());

function One({ id }: { id: string }) {
  useTitle('Purge run');
  const live = useLive(
    `run ${id}`,
    (signal) => call('GET /purge-runs/{id}', { path: { id }, signal }),
    ({ purgeRun }) => (moves(purgeRun) ? 1_500 : 0),
  );
  return (
    <div class="page">
      <Known live={live} what="the purge run">
        {({ purgeRun }) => <Shown run={purgeRun} refresh={live.refresh} />}
      </Known>
    </div>
  );
}

function Shown({ run, refresh }: { run: RunWithProgress; refresh: () => void }) {
  const said = PHASE[run.phase];
  return (
    <>
      <header class="verdict">
        <p class="crumb">
          <Link to={href('/runs')}>Purge runs</Link>
        </p>
        <Title class={`tone-${said.tone}`}>
          <Shape tone={said.tone} />
          <span>
            {run.dryRun ? 'Dry run' : 'Purge run'}: {said.word.toLowerCase()}
            {run.stopRequested && moves(run) && ', and asked to stop'}
          </span>
        </Title>
        <p class="lead">{said.means}</p>
      </header>
      <Question run={run} refresh={refresh} />
      <dl class="figures">
        <div>
          <dt>Started</dt>
          <dd class="small">
            <Time at={run.startedAt} />
          </dd>
        </div>
        <div>
          <dt>Requests served</dt>
          <dd>{number(run.regulations)}</dd>
        </div>
        <div>
          <dt>Versions to look at</dt>
          <dd>{number(run.objects)}</dd>
        </div>
        <div>
          <dt>Their size</dt>
          <dd>{bytes(run.bytes)}</dd>
        </div>
        {run.finishedAt && (
          <div>
            <dt>Took</dt>
            <dd>{took(run)}</dd>
          </div>
        )}
      </dl>
      <Phases run={run} />
      {run.dryRun && run.phase === 'closed' && <Report id={run.id} />}
      {moves(run) && <Stop run={run} refresh={refresh} />}
    </>
  );
}

function Question({ run, refresh }: { run: Run; refresh: () => void }) {
  const [asked, setAsked] = useState(false);
  const confirm = useAction(async () => {
    await call('POST /purge-runs/{id}/confirm', { path: { id: run.id } });
    setAsked(false);
    refresh();
  });
  if (!run.question || run.phase !== 'guard') return null;
  return (
    <div class="box alert" role="alert">
      <p>
        <strong>This run stopped before it wrote anything:</strong> {run.question}. A wrong list of people, or a rule that matches too much, looks like this.
        If it is right, let it go on.
      </p>
      <div class="row">
        <button type="button" class="button danger" onClick={() => setAsked(true)}>
          Let it go on…
        </button>
      </div>
      {asked && (
        <Dialog title="Let this run remove that much?" close={() => setAsked(false)}>
          <p>{capital(run.question)}.</p>
          <p>What is removed cannot be brought back.</p>
          {confirm.error && <Problem error={confirm.error} />}
          <div class="row">
            <button type="button" class="button danger" disabled={confirm.busy} onClick={() => void confirm.run()}>
              Yes, remove it
            </button>
            <button type="button" class="button" onClick={() => setAsked(false)}>
              Not yet
            </button>
          </div>
        </Dialog>
      )}
    </div>
  );
}

const PHASES = [
  { name: 'find', title: 'Find', hits: 'line' },
  { name: 'forget', title: 'Remove', hits: 'line' },
  { name: 'verify', title: 'Check', hits: 'line' },
] as const;

function Phases({ run }: { run: RunWithProgress }) {
  return (
    <Section title="How far it is">
      <ol class="stack">
        {PHASES.filter(({ name }) => !run.dryRun || name === 'find').map(({ name, title }) => {
          const progress: Progress = run.progress[name] ?? { objects: 0, bytes: 0, hits: 0 };
          return (
            <li key={name} class="stack">
              <div class="row apart">
                <h3 id={`phase-${name}`}>{title}</h3>
                <span class="soft small number">
                  {count(progress.objects, 'object')} · {bytes(progress.bytes)} read · {count(progress.hits, 'line')} of these people
                </span>
              </div>
              {name === 'find' && run.objects > 0 && (
                <progress aria-labelledby={`phase-${name}`} value={Math.min(progress.objects, run.objects)} max={run.objects} />
              )}
            </li>
          );
        })}
      </ol>
    </Section>
  );
}

interface DryReport {
  subjects?: Record<string, number>;
  objects?: { key: string; lines: Record<string, number> }[];
  residuals?: { key: string; detail: string }[];
}

function Report({ id }: { id: string }) {
  const live = useLive(`report ${id}`, (signal) => call('GET /purge-runs/{id}/report', { path: { id }, signal }), 0);
  return (
    <Section title="What a run would remove">
      <Known live={live} what="the report">
        {({ report }) => <Found report={report as DryReport} />}
      </Known>
    </Section>
  );
}

function Found({ report: { subjects = {}, objects = [], residuals = [] } }: { report: DryReport }) {
  const lines = Object.values(subjects).reduce((sum, one) => sum + one, 0);
  const met = Object.values(subjects).filter(Boolean).length;
  return (
    <>
      <p>
        {count(lines, 'line')} of {number(met)} of {count(Object.keys(subjects).length, 'person', 'people')}, in {count(objects.length, 'object')}. Nothing was changed.
      </p>
      {residuals.length > 0 && (
        <ul class="todo">
          {residuals.map(({ key, detail }) => (
            <li key={key} class="tone-alert">
              <Shape tone="alert" />
              <p>
                <code>{key}</code>: {detail}
              </p>
            </li>
          ))}
        </ul>
      )}
      {objects.length > 0 && (
        <details>
          <summary>Objects that would be rewritten</summary>
          <Table caption="Objects that would be rewritten">
            <thead>
              <tr>
                <th scope="col">Object</th>
                <th scope="col" class="num">
                  Lines
                </th>
              </tr>
            </thead>
            <tbody>
              {objects.slice(0, 200).map(({ key, lines: of }) => (
                <tr key={key}>
                  <th scope="row" class="mono">
                    {key}
                  </th>
                  <td class="num">{number(Object.values(of).reduce((sum, one) => sum + one, 0))}</td>
                </tr>
              ))}
            </tbody>
          </Table>
        </details>
      )}
    </>
  );
}

function Stop({ run, refresh }: { run: Run; refresh: () => void }) {
  const stop = useAction(async () => {
    await call('POST /purge-runs/{id}/stop', { path: { id: run.id } });
    refresh();
  });
  return (
    <div class="stack">
      <div class="row">
        <button type="button" class="button" disabled={stop.busy || run.stopRequested} onClick={() => void stop.run()}>
          {run.stopRequested ? 'Asked to stop' : 'Stop this run'}
        </button>
        <span class="soft small">What is being rewritten is finished, nothing new begins, and its requests wait for the next run.</span>
      </div>
      {stop.error && <Problem error={stop.error} />}
    </div>
  );
}
