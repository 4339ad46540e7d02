// Reads and checks a certificate in the browser, as any JOSE library would offline: a JWS in compact form (RFC 7515)
// with ES256 (RFC 7518), and inside it a chain of evidence in which each hash covers all before it.

import type { DestinationStatus, Evidence, Jwk, Kind, RegulationShown } from './api/schema';
import { DAY_MS } from './format';
import type { InLog } from './log';
import type { Told } from './verdict';

export type Link = Evidence & { hash: string };

/** What a certificate says (`shared/model/src/certificate.rs`). Those that were made earlier lack what came later. */
export interface Claims {
  iss: string;
  issuer?: { name?: string; address?: string; contact?: string };
  jti: string;
  /** Unix seconds. */
  iat: number;
  regulation: Pick<RegulationShown, 'id' | 'regulationType' | 'subjectType' | 'subjectCount' | 'identifiers' | 'attempt' | 'createdAt' | 'finishedAt'> & Case & {
    status: RegulationShown['overallStatus'];
    /** The one source that it is about. */
    part?: { sourceId: string; collection?: string };
  };
  /** Pseudonyms; those below are of the same people, but for the last, who were left alone. */
  subjects: string[];
  linkedSubjects?: string[];
  resolvedSubjects?: string[];
  leftOut?: string[];
  /** What a subject proof must lead to: SHA-256 in base64url. */
  commitments?: string[];
  destinations: Place[];
  evidence: Link[];
}

/** The law's clock of a request, and what is on file about it. */
export interface Case {
  receivedAt?: string;
  law?: string;
  dueAt?: string;
  extension?: { reason: string };
  file?: Record<string, string>;
}

export interface Place {
  id: string;
  name: string;
  vendor: string;
  kind: Kind;
  status: DestinationStatus['taskStatus'];
  finishedAt?: string;
}

export interface Checked {
  claims: Claims;
  kid: string;
  /** Undefined where the browser gives no cryptography (it does over https). */
  signature: boolean | undefined;
  chain: boolean | undefined;
  /** Where its receipt shows it to be in the log; none without a receipt, and false if the receipt does not show it. */
  place?: InLog | false;
}

export const TYPE = 'lethe-certificate+jwt';

export async function check(jws: string, keys: Jwk[]): Promise<Checked> {
  const [header = '', payload = '', signature = ''] = jws.split('.');
  const { kid, alg, typ } = JSON.parse(text(header)) as { kid: string; alg: string; typ: string };
  const claims = JSON.parse(text(payload)) as Claims;
  if (!globalThis.crypto?.subtle) return { claims, kid, signature: undefined, chain: undefined };
  const key = alg === 'ES256' && typ === TYPE && keys.find((one) => one.kid === kid);
  const signed = new TextEncoder().encode(`${header}.${payload}`);
  return { claims, kid, signature: key ? await verify(key, signed, bytes(signature)) : false, chain: await unbroken(claims.evidence) };
}

export async function verify({ kty, crv, x, y }: Jwk, signed: BufferSource, signature: BufferSource): Promise<boolean> {
  const curve = { name: 'ECDSA', namedCurve: 'P-256' };
  const key = await crypto.subtle.importKey('jwk', { kty, crv, x, y }, curve, false, ['verify']);
  return crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, signature, signed);
}

export async function unbroken(links: Link[]): Promise<boolean> {
  let previous = '';
  for (const { hash, ...evidence } of links) {
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(previous + JSON.stringify(evidence)));
    previous = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
    if (previous !== hash) return false;
  }
  return true;
}

/** What it says of the request, as the API says it: so that a certificate and the page of its request never differ. */
export function told({ regulation: { status, regulationType, subjectCount }, destinations, evidence }: Claims): Told {
  const destinationStatus = destinations.map((place) => ({
    ...place,
    status,
    taskStatus: place.status,
    errString: '',
    evidence: bySteps(evidence.filter((link) => link.destinationId === place.id)),
  }));
  return { overallStatus: status, regulationType, subjectCount, streamStatus: [{ id: 'workspace', destinationStatus }] };
}

/** The steps of the last attempt at a place. One that several runs did: `by_step` in `shared/model/src/evidence.rs`. */
function bySteps(links: Link[]): Record<string, Evidence> {
  const last = Math.max(...links.map(({ attempt }) => attempt));
  const steps: Record<string, Evidence> = {};
  for (const link of links.filter(({ attempt }) => attempt === last)) {
    const before = steps[link.step];
    const counts = { ...link.counts };
    for (const [name, earlier] of Object.entries(before?.counts ?? {})) {
      const now = counts[name] ?? 0;
      counts[name] = link.step === 'find' ? Math.max(earlier, now) : link.step === 'forget' ? earlier + now : now;
    }
    steps[link.step] = { ...link, counts };
  }
  return steps;
}

/** Days begun between two moments, the first included: a request that is honoured on the day it came took one. */
export const daysBegun = (from: string, to: string): number => Math.max(1, Math.ceil((Date.parse(to) - Date.parse(from)) / DAY_MS));

/** SHA-256, in base64url. */
export async function sha256(data: BufferSource | string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', typeof data === 'string' ? new TextEncoder().encode(data) : data);
  return base64url(new Uint8Array(digest));
}

export const base64url = (data: Uint8Array): string => btoa(String.fromCharCode(...data)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

export const bytes = (base64url: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64url.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));

export const text = (base64url: string): string => new TextDecoder().decode(bytes(base64url));
