// How long the scan of a purge run may still take, by how long it took so far.

import { call } from '../api/client';
import type { RunWithProgress } from '../api/schema';
import { duration } from '../format';
import { useLive } from '../live';
import { words } from '../words';

/** Milliseconds; undefined where nothing tells: the scan has hardly begun, or is over. */
export function remaining({ phase, objects, progress, startedAt }: RunWithProgress, now = Date.now()): number | undefined {
  const done = progress.find?.objects ?? 0;
  if (phase !== 'find' || done === 0 || done >= objects) return undefined;
  return ((now - new Date(startedAt).getTime()) * (objects - done)) / done;
}

export function Estimate({ run }: { run: string }) {
  const live = useLive(`estimate ${run}`, (signal) => call('GET /purge-runs/{id}', { path: { id: run }, signal }), 15_000);
  const ms = live.data && remaining(live.data.purgeRun);
  return ms === undefined ? null : <>{words.todo.estimate(duration(ms))}</>;
}
