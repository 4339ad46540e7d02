// By whom a request was cancelled, if the reader may see the audit trail, and when.

import { useAccess } from '../access';
import { call } from '../api/client';
import { useLive } from '../live';
import { words } from '../words';
import { Time } from './basics';

const said = words.request;

export function Cancelled({ id, at }: { id: string; at: string | undefined }) {
  const { audit } = useAccess();
  const live = useLive(`who cancelled ${id}`, async (signal) => (audit && at ? canceller(id, at, signal) : undefined), 0);
  return (
    <>
      {live.data ? said.cancelledBy(live.data) : said.cancelled} {at && <Time at={at} />}
    </>
  );
}

/** The audit trail has it about then. */
async function canceller(id: string, at: string, signal: AbortSignal): Promise<string | undefined> {
  const around = (ms: number) => new Date(new Date(at).getTime() + ms).toISOString();
  const { entries } = await call('GET /audit', { query: { since: around(-60_000), until: around(60_000), 'pagination.count': 1_000 }, signal });
  return entries.find((entry) => entry.object === id && entry.action.startsWith('DELETE'))?.callerName;
}
