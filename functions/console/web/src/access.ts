// What the reader's token may see, as the API says.

import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';

import { call } from './api/client';
import type { Me } from './api/schema';
import { words } from './words';

export type Area = 'requests' | 'suppressions' | 'audit' | 'admin';

export type Access = Record<Area, boolean> & { me?: Me };

const ALL: Access = { requests: true, suppressions: true, audit: true, admin: true };

export const AccessContext = createContext<Access>(ALL);

export const useAccess = (): Access => useContext(AccessContext);

/** Undefined until it is known. */
export function useLookedUpAccess(): Access | undefined {
  const [access, setAccess] = useState<Access>();
  useEffect(() => void look().then(setAccess), []);
  return access;
}

/** If it is not told, every page may be seen, and says itself what is wrong. */
async function look(): Promise<Access> {
  const me = await call('GET /me').catch(() => undefined);
  if (!me) return ALL;
  const has = (wanted: string) => me.scopes.some((one) => one === wanted || one === 'admin');
  return { requests: has('regulations:read'), suppressions: has('suppressions:read'), audit: has('audit:read'), admin: has('admin'), me };
}

/** What the token may, in words. */
export function may(access: Access): string {
  if (access.admin) return words.app.fullAccess;
  const { scope } = words;
  const seen = [
    access.requests && scope['regulations:read'].short,
    access.suppressions && scope['suppressions:read'].short,
    access.audit && scope['audit:read'].short,
  ].filter((one) => one !== false);
  return seen.join(' · ') || words.app.onlyNew;
}
