// Purge runs: the passes over the archives.

import { useState } from 'preact/hooks';

import { useAccess } from '../access';
import { call } from '../api/client';
import type { Progress, Run, RunWithProgress } from '../api/schema';
import { remaining } from '../clock';
import { bytes, capital, duration, number } from '../format';
import { useAction, useLive } from '../live';
import { Empty, Head, Known, Problem, Section, Table, Time, Title, useTitle } from '../parts/basics';
import { Dialog } from '../parts/forms';
import { Export } from '../parts/list';
import { Report } from '../parts/report';
import { Shape, State } from '../parts/state';
import { toast } from '../parts/toast';
import { Link, go, href, type Place } from '../router';
import { PHASE } from '../states';
import { words } from '../words';

const said = words.runs;

const moves = (run: Run): boolean => !run.finishedAt;

export function Runs({ place }: { place: Place }) {
  const id = place.path[1];
  return id ? <One id={id} /> : <List />;
}

function List() {
  const { admin } = useAccess();
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
      <Head title={words.nav.runs} lead={said.lead}>
        <Export name="purge-runs" rows={() => [[said.id, said.started, said.endedOn, said.dryRun, said.status, said.requests, said.versions, said.size], ...(live.data?.purgeRuns ?? []).map(row)]} />
        {admin && (
          <>
            <button type="button" class="button" disabled={start.busy} onClick={() => void start.run(true)}>
              {said.dryRun}
            </button>
            <button type="button" class="button primary" disabled={start.busy} onClick={() => void start.run(false)}>
              {said.start}
            </button>
          </>
        )}
      </Head>
      {start.error && <Problem error={start.error} />}
      <Known live={live} what={words.things.runs}>
        {({ purgeRuns }) => (purgeRuns.length === 0 ? <None /> : <RunTable runs={purgeRuns} />)}
      </Known>
    </div>
  );
}

const row = (run: Run): string[] => [
  run.id, run.startedAt, run.finishedAt ?? '', run.dryRun ? said.dry : '', PHASE[run.phase].word, String(run.regulations), String(run.objects), String(run.bytes),
];

const None = () => (
  <Empty>
    <p>{said.none}</p>
  </Empty>
);

function RunTable({ runs }: { runs: Run[] }) {
  return (
    <Table caption={words.nav.runs} cards>
      <thead>
        <tr>
          <th scope="col">{said.started}</th>
          <th scope="col">{said.status}</th>
          <th scope="col" class="num wide">
            {said.requests}
          </th>
          <th scope="col" class="num wide">
            {said.versions}
          </th>
          <th scope="col" class="num wide">
            {said.size}
          </th>
          <th scope="col">{said.took}</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr key={run.id}>
            <th scope="row">
              <Link to={href(`/runs/${run.id}`)}>
                <Time at={run.startedAt} />
              </Link>
              {run.dryRun && <span class="soft small"> {said.dry}</span>}
            </th>
            <td>
              <State said={PHASE[run.phase]} />
            </td>
            <td class="num wide">{number(run.regulations)}</td>
            <td class="num wide">{number(run.objects)}</td>
            <td class="num wide">{bytes(run.bytes)}</td>
            <td>{run.finishedAt ? took(run) : words.common.none}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

const took = (run: Run): string => duration(new Date(run.finishedAt ?? Date.now()).getTime() - new Date(run.startedAt).getTime());

function One({ id }: { id: string }) {
  useTitle(said.one);
  const live = useLive(
    `run ${id}`,
    (signal) => call('GET /purge-runs/{id}', { path: { id }, signal }),
    ({ purgeRun }) => (moves(purgeRun) ? 1_500 : 0),
  );
  return (
    <div class="page">
      <Known live={live} what={words.things.run}>
        {({ purgeRun }) => <Shown run={purgeRun} refresh={live.refresh} />}
      </Known>
    </div>
  );
}

function Shown({ run, refresh }: { run: RunWithProgress; refresh: () => void }) {
  const { tone, word, means } = PHASE[run.phase];
  const left = remaining(run);
  const { admin } = useAccess();
  return (
    <>
      <header class="verdict">
        <p class="crumb">
          <Link to={href('/runs')}>{words.nav.runs}</Link>
        </p>
        <Title class={`tone-${tone}`}>
          <Shape tone={tone} />
          <span>
            {said.headline(Boolean(run.dryRun), word, Boolean(run.stopRequested) && moves(run))}
          </span>
        </Title>
        <p class="lead">{means}</p>
      </header>
      <Question run={run} refresh={refresh} />
      <dl class="figures">
        <div>
          <dt>{said.started}</dt>
          <dd class="small">
            <Time at={run.startedAt} />
          </dd>
        </div>
        <div>
          <dt>{said.served}</dt>
          <dd>{number(run.regulations)}</dd>
        </div>
        <div>
          <dt>{said.toScan}</dt>
          <dd>{number(run.objects)}</dd>
        </div>
        <div>
          <dt>{said.size}</dt>
          <dd>{bytes(run.bytes)}</dd>
        </div>
        {run.finishedAt && (
          <div>
            <dt>{said.took}</dt>
            <dd>{took(run)}</dd>
          </div>
        )}
        {left !== undefined && (
          <div>
            <dt>{said.scanLeft}</dt>
            <dd>{duration(left)}</dd>
          </div>
        )}
      </dl>
      <Phases run={run} />
      {run.dryRun && run.phase === 'closed' && <Report run={run} />}
      {admin && moves(run) && <Stop run={run} refresh={refresh} />}
    </>
  );
}

function Question({ run, refresh }: { run: Run; refresh: () => void }) {
  const [asked, setAsked] = useState(false);
  const { admin } = useAccess();
  const confirm = useAction(async () => {
    await call('POST /purge-runs/{id}/confirm', { path: { id: run.id } });
    toast(said.approved);
    setAsked(false);
    refresh();
  });
  if (!run.question || run.phase !== 'guard') return null;
  return (
    <div class="box alert" role="alert">
      <p>
        <strong>{said.paused}</strong> {run.question}. {said.pausedHelp}
      </p>
      {admin && (
        <div class="row">
          <button type="button" class="button danger" onClick={() => setAsked(true)}>
            {said.approve}
          </button>
        </div>
      )}
      {asked && (
        <Dialog title={said.approveTitle} close={() => setAsked(false)}>
          <p>{capital(run.question)}.</p>
          <p>{said.approveHelp}</p>
          {confirm.error && <Problem error={confirm.error} />}
          <div class="row">
            <button type="button" class="button danger" disabled={confirm.busy} onClick={() => void confirm.run()}>
              {said.approveIt}
            </button>
            <button type="button" class="button" onClick={() => setAsked(false)}>
              {said.notYet}
            </button>
          </div>
        </Dialog>
      )}
    </div>
  );
}

const PHASES = ['find', 'forget', 'verify'] as const;

function Phases({ run }: { run: RunWithProgress }) {
  return (
    <Section title={said.progress}>
      <ol class="stack">
        {PHASES.filter((name) => !run.dryRun || name === 'find').map((name) => {
          const progress: Progress = run.progress[name] ?? { objects: 0, bytes: 0, hits: 0 };
          return (
            <li key={name} class="stack">
              <div class="row apart">
                <h3 id={`phase-${name}`}>{said.phases[name]}</h3>
                <span class="soft small number">{said.done(progress.objects, progress.bytes, progress.hits)}</span>
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

function Stop({ run, refresh }: { run: Run; refresh: () => void }) {
  const stop = useAction(async () => {
    await call('POST /purge-runs/{id}/stop', { path: { id: run.id } });
    refresh();
  });
  return (
    <div class="stack">
      <div class="row">
        <button type="button" class="button" disabled={stop.busy || run.stopRequested} onClick={() => void stop.run()}>
          {run.stopRequested ? said.stopping : said.stop}
        </button>
        <span class="soft small">{said.stopHelp}</span>
      </div>
      {stop.error && <Problem error={stop.error} />}
    </div>
  );
}
