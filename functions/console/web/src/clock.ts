// The statutory month: it runs until a request succeeds. One that failed somewhere is not done, and still on the clock.

import type { RunWithProgress, Status } from './api/schema';
import { DAY_MS } from './format';

/** The law's month, as this software counts it. */
export const DEADLINE_DAYS = 30;

export interface Timed {
  createdAt: string;
  finishedAt?: string | null | undefined;
  status: Status;
}

export type Clock = { state: 'done' | 'left' | 'overdue'; ms: number } | { state: 'cancelled' };

export const due = (createdAt: string): number => new Date(createdAt).getTime() + DEADLINE_DAYS * DAY_MS;

export function clock({ createdAt, finishedAt, status }: Timed, now = Date.now()): Clock {
  if (status === 'INVALID') return { state: 'cancelled' };
  if (status === 'FINISHED' && finishedAt) return { state: 'done', ms: new Date(finishedAt).getTime() - new Date(createdAt).getTime() };
  const left = due(createdAt) - now;
  return left < 0 ? { state: 'overdue', ms: -left } : { state: 'left', ms: left };
}

export const isOverdue = (one: Timed, now = Date.now()): boolean => clock(one, now).state === 'overdue';

/** Overdue first, then what is due next; what has no clock any more comes last. */
export function byUrgency<T extends Timed>(all: T[], now = Date.now()): T[] {
  const rank = (one: T) => {
    const { state } = clock(one, now);
    return state === 'overdue' || state === 'left' ? due(one.createdAt) : Infinity;
  };
  return [...all].sort((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
}

/** How long the scan of a purge run may still take, by how long it took so far. Milliseconds; undefined where nothing tells: the scan has hardly begun, or is over. */
export function remaining({ phase, objects, progress, startedAt }: Pick<RunWithProgress, 'phase' | 'objects' | 'progress' | 'startedAt'>, now = Date.now()): number | undefined {
  const done = progress.find?.objects ?? 0;
  if (phase !== 'find' || done === 0 || done >= objects) return undefined;
  return ((now - new Date(startedAt).getTime()) * (objects - done)) / done;
}
