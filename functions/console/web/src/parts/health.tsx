// When a system last did what was asked of it, and when it last failed: by the newest requests that it was part of.

import { call } from '../api/client';
import type { RegulationEntry, TaskStatus } from '../api/schema';
import { useLive } from '../live';
import { Link, href } from '../router';
import { words } from '../words';
import { Known, Time } from './basics';
import { Shape } from './state';

const said = words.health;

const GOOD: TaskStatus[] = ['CONFIRMED', 'ACCEPTED', 'NO_DATA_FOUND'];

/** A page may hold fewer than were asked for, even none. */
const MOST_PAGES = 5;

async function newest(id: string, status: TaskStatus, signal: AbortSignal): Promise<RegulationEntry | undefined> {
  let cursor: string | null | undefined;
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    const { regulations, pagination } = await call('POST /regulations/search', { body: { destination: { id, status }, pagination: { count: 100, ...(cursor && { cursor }) } }, signal });
    cursor = pagination.next;
    if (regulations[0] || !cursor) return regulations[0];
  }
  return undefined;
}

const when = (one: RegulationEntry): string => one.finishedAt ?? one.createdAt;

export function Health({ id }: { id: string }) {
  const live = useLive(
    `health ${id}`,
    async (signal) => {
      const [failure, ...good] = await Promise.all((['FAILED', ...GOOD] as TaskStatus[]).map((status) => newest(id, status, signal)));
      const success = good.flatMap((one) => one ?? []).sort((a, b) => when(b).localeCompare(when(a)))[0];
      return { success, failure };
    },
    0,
  );
  return (
    <Known live={live} what={words.things.found}>
      {({ success, failure }) => (
        <dl class="facts">
          <dt>{said.success}</dt>
          <dd>{success ? <Request of={success} /> : words.common.never}</dd>
          <dt>{said.failure}</dt>
          <dd class={failure && (!success || when(failure) > when(success)) ? 'tone-alert state' : undefined}>
            {failure ? (
              <>
                {(!success || when(failure) > when(success)) && <Shape tone="alert" />}
                <Request of={failure} />
              </>
            ) : (
              words.common.never
            )}
          </dd>
        </dl>
      )}
    </Known>
  );
}

const Request = ({ of }: { of: RegulationEntry }) => (
  <Link to={href(`/requests/${of.id}`)}>
    <Time at={when(of)} />
  </Link>
);
