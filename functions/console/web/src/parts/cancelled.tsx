// By whom a request was cancelled, and when. What was cancelled before requests told by whom is looked up in the audit trail.

import { useAccess } from '../access';
import { call } from '../api/client';
import { useLive } from '../live';
import { words } from '../words';
import { Time } from './basics';
import { Requester } from './requester';

const said = words.request;

export function Cancelled({ id, at, by }: { id: string; at: string | undefined; by: string | null | undefined }) {
  const { audit } = useAccess();
  const live = useLive(`who cancelled ${id}`, async (signal) => (audit && at && !by ? canceller(id, at, signal) : undefined), 0);
  return (
    <>
      {by ? <Requester actor={by} said={said.cancelledBy} /> : live.data ? said.cancelledBy(live.data) : said.cancelled} {at && <Time at={at} />}
    </>
  );
}

/** The audit trail has it about then. */
async function canceller(id: string, at: string, signal: AbortSignal): Promise<string | undefined> {
  const around = (ms: number) => new Date(new Date(at).getTime() + ms).toISOString();
  const { entries } = await call('GET /audit', { query: { since: around(-60_000), until: around(60_000), 'pagination.count': 1_000 }, signal });
  return entries.find((entry) => entry.object === id && entry.action.startsWith('DELETE'))?.callerName;
}
