// How long the scan of a purge run may still take, by how long it took so far.

import { call } from '../api/client';
import { remaining } from '../clock';
import { duration } from '../format';
import { useLive } from '../live';
import { words } from '../words';

export function Estimate({ run }: { run: string }) {
  const live = useLive(`estimate ${run}`, (signal) => call('GET /purge-runs/{id}', { path: { id: run }, signal }), 15_000);
  const ms = live.data && remaining(live.data.purgeRun);
  return ms === undefined ? null : <>{words.todo.estimate(duration(ms))}</>;
}
