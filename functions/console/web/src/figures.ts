// The overview's figures. The API counts what became of requests; one that does not is asked for each status by itself, and for
// what some system confirmed or only accepted. People whose data nobody found are not counted as deleted.

import { ApiError, call } from './api/client';
import type { Figures as Counted, RegulationEntry, RegulationSearch, Status, TaskStatus } from './api/schema';
import { DAY_MS } from './format';
import { erases } from './states';

/** The most requests of one kind that are looked at; a figure that reaches it is told with a `+`. */
export const MOST = 1_000;

export interface Figures {
  open: RegulationEntry[];
  stuck: RegulationEntry[];
  /** What the API counted; the two below are empty then. */
  counted?: Counted;
  /** Ended lately, with a vendor that accepted and does not confirm. */
  unconfirmed: RegulationEntry[];
  /** Ended lately, and something was found and deleted. */
  erased: RegulationEntry[];
}

/** A request takes at most this long before its vendors are given up: one that ended lately was made no earlier. */
const LONGEST_DAYS = 60;

/** `days`: how far back what ended is looked at. */
export async function figures(days: number, signal: AbortSignal, now = Date.now()): Promise<Figures> {
  const since = new Date(now - (days + LONGEST_DAYS) * DAY_MS).toISOString();
  const lately = ({ finishedAt }: RegulationEntry) => new Date(finishedAt ?? 0).getTime() >= now - days * DAY_MS;
  const status = (wanted: Status) => find({ status: wanted }, signal);
  const task = async (wanted: TaskStatus) => {
    const found = await find({ status: 'FINISHED', since, destination: { status: wanted } }, signal);
    return found.filter((one) => erases(one.regulationType) && lately(one));
  };
  const from = new Date(new Date(now).setUTCHours(0, 0, 0, 0) - (days - 1) * DAY_MS).toISOString();
  const counted = await call('GET /figures', { query: { since: from }, signal }).catch((error: unknown) => {
    if (error instanceof ApiError && !error.offline) return undefined;
    throw error;
  });
  const [queued, running, failed, partly, unsupported, unconfirmed, erased] = await Promise.all([
    status('INITIALIZED'),
    status('RUNNING'),
    status('FAILED'),
    status('PARTIAL_SUCCESS'),
    status('NOT_SUPPORTED'),
    counted ? [] : task('ACCEPTED'),
    counted ? [] : task('CONFIRMED'),
  ]);
  return { open: [...queued, ...running], stuck: [...failed, ...partly, ...unsupported], unconfirmed, erased, ...(counted && { counted }) };
}

async function find(wanted: RegulationSearch, signal: AbortSignal): Promise<RegulationEntry[]> {
  const all: RegulationEntry[] = [];
  let cursor: string | null | undefined;
  do {
    const { regulations, pagination } = await call('POST /regulations/search', { body: { ...wanted, pagination: { count: MOST, ...(cursor && { cursor }) } }, signal });
    all.push(...regulations);
    cursor = pagination.next;
  } while (cursor && all.length < MOST);
  return all;
}
