// The overview's figures, over all requests: each status is asked for by itself, and what some system confirmed or only
// accepted. People whose data nobody found are not counted as deleted.

import { call } from './api/client';
import type { RegulationEntry, RegulationSearch, Status, TaskStatus } from './api/schema';
import { DAY_MS } from './format';
import { erases } from './states';

/** The most requests of one kind that are looked at; a figure that reaches it is told with a `+`. */
export const MOST = 1_000;

export interface Figures {
  open: RegulationEntry[];
  stuck: RegulationEntry[];
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
  const [queued, running, failed, partly, unsupported, unconfirmed, erased] = await Promise.all([
    status('INITIALIZED'),
    status('RUNNING'),
    status('FAILED'),
    status('PARTIAL_SUCCESS'),
    status('NOT_SUPPORTED'),
    task('ACCEPTED'),
    task('CONFIRMED'),
  ]);
  return { open: [...queued, ...running], stuck: [...failed, ...partly, ...unsupported], unconfirmed, erased };
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
