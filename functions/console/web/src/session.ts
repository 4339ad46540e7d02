// The token: in memory and in this tab's session storage, nowhere else. Closing the tab forgets it.

const KEY = 'lethe-token';

export type Ended = 'asked' | 'expired';

let current = sessionStorage.getItem(KEY) ?? '';
const listeners = new Set<(ended?: Ended) => void>();

export const token = (): string => current;

export function signIn(value: string): void {
  current = value;
  sessionStorage.setItem(KEY, value);
  for (const listener of listeners) listener();
}

export function signOut(ended: Ended): void {
  if (!current) return;
  current = '';
  sessionStorage.removeItem(KEY);
  for (const listener of listeners) listener(ended);
}

/** Tells of every sign-in and sign-out; answers how to stop it. */
export function onSession(listener: (ended?: Ended) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
