// Reads and checks a certificate in the browser, as any JOSE library would offline: a JWS in compact form (RFC 7515)
// with ES256 (RFC 7518), and inside it a chain of evidence in which each hash covers all before it.

import type { DestinationStatus, Evidence, Jwk, RegulationShown } from './api/schema';

export type Link = Evidence & { hash: string };

/** What a certificate says (`shared/src/certificate.rs`). */
export interface Claims {
  iss: string;
  jti: string;
  /** Unix seconds. */
  iat: number;
  regulation: Pick<RegulationShown, 'id' | 'regulationType' | 'subjectType' | 'subjectCount' | 'attempt' | 'createdAt' | 'finishedAt'> & {
    status: RegulationShown['overallStatus'];
  };
  /** Pseudonyms. */
  subjects: string[];
  destinations: { id: string; name: string; vendor: string; kind: string; status: DestinationStatus['taskStatus']; finishedAt?: string }[];
  evidence: Link[];
}

export interface Checked {
  claims: Claims;
  kid: string;
  /** Undefined where the browser gives no cryptography (it does over https). */
  signature: boolean | undefined;
  chain: boolean | undefined;
}

export async function check(jws: string, keys: Jwk[]): Promise<Checked> {
  const [header = '', payload = '', signature = ''] = jws.split('.');
  const { kid } = JSON.parse(text(header)) as { kid: string };
  const claims = JSON.parse(text(payload)) as Claims;
  if (!globalThis.crypto?.subtle) return { claims, kid, signature: undefined, chain: undefined };
  const key = keys.find((one) => one.kid === kid);
  const signed = new TextEncoder().encode(`${header}.${payload}`);
  return { claims, kid, signature: key ? await verify(key, signed, bytes(signature)) : false, chain: await unbroken(claims.evidence) };
}

async function verify({ kty, crv, x, y }: Jwk, signed: BufferSource, signature: BufferSource): Promise<boolean> {
  const curve = { name: 'ECDSA', namedCurve: 'P-256' };
  const key = await crypto.subtle.importKey('jwk', { kty, crv, x, y }, curve, false, ['verify']);
  return crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, signature, signed);
}

async function unbroken(links: Link[]): Promise<boolean> {
  let previous = '';
  for (const { hash, ...evidence } of links) {
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(previous + JSON.stringify(evidence)));
    previous = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
    if (previous !== hash) return false;
  }
  return true;
}

const bytes = (base64url: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64url.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));

const text = (base64url: string): string => new TextDecoder().decode(bytes(base64url));
