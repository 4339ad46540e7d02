// The law's clock: it runs until a request succeeds. One that failed somewhere is not done, and still on the clock.

import type { RunWithProgress, Status } from './api/schema';
import { DAY_MS } from './format';

/** The law's month, of a request from before the API counted it itself. */
export const DEADLINE_DAYS = 30;

export interface Timed {
  createdAt: string;
  /** When the person asked, and by when the law wants an answer; what was made before there were deadlines has neither. */
  receivedAt?: string | null | undefined;
  dueAt?: string | null | undefined;
  finishedAt?: string | null | undefined;
  status: Status;
}

export type Clock = { state: 'done' | 'left' | 'overdue'; ms: number } | { state: 'cancelled' };

/** When the person asked. */
export const received = ({ receivedAt, createdAt }: Pick<Timed, 'receivedAt' | 'createdAt'>): string => receivedAt ?? createdAt;

export const due = (one: Pick<Timed, 'receivedAt' | 'createdAt' | 'dueAt'>): number =>
  one.dueAt ? new Date(one.dueAt).getTime() : new Date(received(one)).getTime() + DEADLINE_DAYS * DAY_MS;

export function clock(one: Timed, now = Date.now()): Clock {
  const { finishedAt, status } = one;
  if (status === 'INVALID') return { state: 'cancelled' };
  if (status === 'FINISHED' && finishedAt) return { state: 'done', ms: new Date(finishedAt).getTime() - new Date(received(one)).getTime() };
  const left = due(one) - now;
  return left < 0 ? { state: 'overdue', ms: -left } : { state: 'left', ms: left };
}

export const isOverdue = (one: Timed, now = Date.now()): boolean => clock(one, now).state === 'overdue';

/** Overdue first, then what is due next; what has no clock any more comes last. */
export function byUrgency<T extends Timed>(all: T[], now = Date.now()): T[] {
  const rank = (one: T) => {
    const { state } = clock(one, now);
    return state === 'overdue' || state === 'left' ? due(one) : Infinity;
  };
  return [...all].sort((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
}

/** How long the scan of a purge run may still take, by how long it took so far. Milliseconds; undefined where nothing tells: the scan has hardly begun, or is over. */
export function remaining({ phase, objects, progress, startedAt }: Pick<RunWithProgress, 'phase' | 'objects' | 'progress' | 'startedAt'>, now = Date.now()): number | undefined {
  const done = progress.find?.objects ?? 0;
  if (phase !== 'find' || done === 0 || done >= objects) return undefined;
  return ((now - new Date(startedAt).getTime()) * (objects - done)) / done;
}
