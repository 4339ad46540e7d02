// A signature and its form: a JWS in compact form (RFC 7515) with ES256, by a key of a set, written in its one way.

import type { Jwk } from './api/schema';
import { base64url, bytes, sha256, text, verify } from './certificate';

export type Unsigned = 'noKey' | 'badKey' | 'type' | 'changed' | 'form';

export interface Signed {
  kid?: string;
  claims?: Record<string, unknown>;
  /** Why it is not signed; none, if it is. */
  wrong?: Unsigned;
}

const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]{86}$/;

/** What was signed, if it is a JWS of this type by one of these keys. */
export async function signed(jws: unknown, keys: Jwk[], type: string): Promise<Signed> {
  if (typeof jws !== 'string' || !COMPACT.test(jws)) return { wrong: 'form' };
  const parts = jws.split('.');
  const [head = '', payload = '', signature = ''] = parts;
  if (!parts.every(canonical)) return { wrong: 'form' };
  const header = parsed(text(head));
  if (header?.alg !== 'ES256' || header.typ !== type || Object.keys(header).sort().join() !== 'alg,kid,typ') return { wrong: 'type' };
  const kid = String(header.kid);
  const key = keys.find((one) => one.kid === kid);
  if (!key) return { kid, wrong: 'noKey' };
  const { crv, kty, x, y } = key;
  if ((await sha256(JSON.stringify({ crv, kty, x, y }))) !== kid) return { kid, wrong: 'badKey' };
  const covered = new TextEncoder().encode(`${head}.${payload}`);
  if (!(await verify(key, covered, bytes(signature)).catch(() => false))) return { kid, wrong: 'changed' };
  const claims = parsed(text(payload));
  return claims ? { kid, claims } : { kid, wrong: 'form' };
}

/** Whether base64url is written in its one way: its last letter has no bits to spare. */
function canonical(part: string): boolean {
  const last = part.slice(-(part.length % 4 || 4));
  return part.length % 4 !== 1 && base64url(bytes(last)) === last;
}

/** A JSON object in which no name stands twice, or nothing: of two, a reader could take either. */
export function parsed(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isObject(value) && namesIn(value) === namesWritten(json) ? value : undefined;
  } catch {
    return undefined;
  }
}

const namesIn = (value: unknown): number =>
  isObject(value) ? Object.values(value).reduce((sum: number, one) => sum + namesIn(one), Array.isArray(value) ? 0 : Object.keys(value).length) : 0;

/** In JSON, a string before a colon is a name. */
function namesWritten(json: string): number {
  let names = 0;
  for (const [, colon] of json.matchAll(/"(?:[^"\\]+|\\.)*"(\s*:)?/g)) if (colon) names += 1;
  return names;
}

export const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
