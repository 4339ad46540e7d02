// The overview's requests, and what the API counted of the others.

import { call } from './api/client';
import type { Figures as Counted, RegulationEntry, Status } from './api/schema';
import { DAY_MS } from './format';

/** The most requests of one kind that are looked at; a figure that reaches it is told with a `+`. */
export const MOST = 1_000;

export interface Figures {
  open: RegulationEntry[];
  stuck: RegulationEntry[];
  counted: Counted;
}

/** `days`: of how many days up to now it is counted. */
export async function figures(days: number, signal: AbortSignal, now = Date.now()): Promise<Figures> {
  const since = new Date(new Date(now).setUTCHours(0, 0, 0, 0) - (days - 1) * DAY_MS).toISOString();
  const status = (wanted: Status) => find(wanted, signal);
  const [counted, queued, running, failed, partly, unsupported] = await Promise.all([
    call('GET /figures', { query: { since }, signal }),
    status('INITIALIZED'),
    status('RUNNING'),
    status('FAILED'),
    status('PARTIAL_SUCCESS'),
    status('NOT_SUPPORTED'),
  ]);
  return { open: [...queued, ...running], stuck: [...failed, ...partly, ...unsupported], counted };
}

async function find(status: Status, signal: AbortSignal): Promise<RegulationEntry[]> {
  const all: RegulationEntry[] = [];
  let cursor: string | null | undefined;
  do {
    const { regulations, pagination } = await call('POST /regulations/search', { body: { status, pagination: { count: MOST, ...(cursor && { cursor }) } }, signal });
    all.push(...regulations);
    cursor = pagination.next;
  } while (cursor && all.length < MOST);
  return all;
}
