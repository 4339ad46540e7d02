// Verifies certificates from their files alone, as functions/audit/verify does: the signature and its form, the chain of
// evidence, whether the status follows from the places; then how several follow each other, and who is on one.

import type { Jwk } from './api/schema';
import { TYPE, base64url, bytes, sha256, text, unbroken, verify, type Claims } from './certificate';
import { suppresses } from './states';

export type Role = 'certificate' | 'keys' | 'proof' | 'claims' | 'pdf' | 'unknown';

export interface Given {
  name: string;
  role: Role;
  text: string;
}

/** A person of a certificate, and what shows that they are on it. */
export interface SubjectProof {
  certificate: string;
  kind: string;
  id: string;
  /** 32 bytes in base64url. */
  salt: string;
}

export type Wrong = 'noKey' | 'badKey' | 'type' | 'changed' | 'chain' | 'status' | 'form';

export interface Verified {
  name: string;
  /** SHA-256 of the file's text, in base64url. */
  hash: string;
  kid?: string;
  claims?: Claims;
  /** Why it does not hold; none, if it holds. */
  wrong?: Wrong;
}

/** What follows from the numbers of several: `n` and `of` are numbers of certificates. */
export interface Order {
  what: 'orderWhole' | 'orderOnly' | 'orderGap' | 'orderBroken' | 'orderTwice' | 'orderNone';
  n: number;
  of: number;
}

const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]{86}$/;

/** What a file is. The API's own answer around a certificate is taken off. */
export function recognise(name: string, content: string): Given {
  const trimmed = content.trim();
  if (trimmed.startsWith('%PDF')) return { name, role: 'pdf', text: '' };
  if (/^[\w-]+\.[\w-]+\.[\w-]+$/.test(trimmed)) return { name, role: 'certificate', text: trimmed };
  const value = parsed(trimmed);
  const inside = value?.certificate ?? (value?.data as Record<string, unknown> | undefined)?.certificate;
  if (value && 'salt' in value) return { name, role: 'proof', text: trimmed };
  if (typeof inside === 'string') return { name, role: 'certificate', text: inside };
  const role = Array.isArray(value?.keys) ? 'keys' : value && 'jti' in value ? 'claims' : 'unknown';
  return { name, role, text: trimmed };
}

function parsed(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

export const keysOf = (given: Given[]): Jwk[] => given.filter(({ role }) => role === 'keys').flatMap(({ text }) => (parsed(text)?.keys ?? []) as Jwk[]);

export async function verifyFile({ name, text: jws }: Given, keys: Jwk[]): Promise<Verified> {
  const hash = await sha256(jws);
  const refuse = (wrong: Wrong, more: Partial<Verified> = {}): Verified => ({ name, hash, wrong, ...more });
  const [head = '', payload = '', signature = ''] = jws.split('.');
  if (!COMPACT.test(jws) || ![head, payload, signature].every(canonical)) return refuse('form');
  const header = parsed(text(head));
  if (header?.alg !== 'ES256' || header.typ !== TYPE || Object.keys(header).sort().join() !== 'alg,kid,typ') return refuse('type');
  const kid = String(header.kid);
  const key = keys.find((one) => one.kid === kid);
  if (!key) return refuse('noKey', { kid });
  const { crv, kty, x, y } = key;
  if ((await sha256(JSON.stringify({ crv, kty, x, y }))) !== kid) return refuse('badKey', { kid });
  const signed = new TextEncoder().encode(`${head}.${payload}`);
  if (!(await verify(key, signed, bytes(signature)).catch(() => false))) return refuse('changed', { kid });
  const claims = parsed(text(payload)) as Claims | undefined;
  if (!Array.isArray(claims?.evidence) || !Array.isArray(claims.destinations)) return refuse('form', { kid });
  if (!(await unbroken(claims.evidence))) return refuse('chain', { kid, claims });
  return claims.regulation.status === statusOf(claims) ? { name, hash, kid, claims } : refuse('status', { kid, claims });
}

/** Whether base64url is written in its one way: its last letter has no bits to spare. */
function canonical(part: string): boolean {
  const last = part.slice(-(part.length % 4 || 4));
  return part.length % 4 !== 1 && base64url(bytes(last)) === last;
}

/** The status that follows from the places, and from the suppression list where it was to be changed (`Status::of`). */
function statusOf({ regulation, destinations, evidence }: Claims): string {
  const places: string[] = destinations.map(({ status }) => status);
  if (suppresses(regulation.regulationType) || regulation.regulationType === 'UNSUPPRESS') {
    places.push(evidence.some(({ step }) => step === 'suppress') ? 'CONFIRMED' : 'FAILED');
  }
  const of = (...names: string[]) => places.filter((one) => names.includes(one)).length;
  const [failed, unable] = [of('FAILED'), of('NOT_SUPPORTED', 'NO_IDENTIFIER')];
  if (of('QUEUED', 'RUNNING', 'FORWARDED') > 0) return 'RUNNING';
  if (failed > 0) return places.length > failed + unable ? 'PARTIAL_SUCCESS' : 'FAILED';
  return unable > 0 && unable === places.length ? 'NOT_SUPPORTED' : 'FINISHED';
}

/** How certificates that hold follow each other: each names the one before by its hash. */
export function orderOf(all: Verified[]): Order[] {
  const known = new Map(all.filter(({ wrong, claims }) => !wrong && claims?.number !== undefined).map((one) => [one.hash, one]));
  const numbered = [...known.values()].map(({ hash, claims }) => ({ hash, number: claims!.number!, previous: claims!.previous })).sort((a, b) => a.number - b.number);
  const [first] = numbered;
  if (!first) return all.some(({ wrong }) => !wrong) ? [{ what: 'orderNone', n: 0, of: 0 }] : [];
  const said: Order[] = (first.number === 1) === (first.previous === undefined) ? [] : [{ what: 'orderBroken', n: first.number, of: 0 }];
  let begins = first.number;
  const ends = (of: number) => begins < of && said.push({ what: 'orderWhole', n: begins, of });
  numbered.slice(1).forEach(({ number, previous }, at) => {
    const before = numbered[at]!;
    if (number === before.number + 1 && previous === before.hash) return;
    ends(before.number);
    begins = number;
    const what = number === before.number ? 'orderTwice' : number === before.number + 1 ? 'orderBroken' : 'orderGap';
    said.push({ what, n: what === 'orderGap' ? before.number : number, of: number });
  });
  ends(numbered.at(-1)!.number);
  return said.length > 0 ? said : [{ what: 'orderOnly', n: first.number, of: first.number }];
}

export const proofOf = ({ text }: Given): SubjectProof => parsed(text) as unknown as SubjectProof;

/** Whether a proof leads to what the certificate commits to. */
export async function isOn({ kind, id, salt }: SubjectProof, { commitments = [] }: Claims): Promise<boolean> {
  const letters = new TextEncoder();
  const parts = [letters.encode('lethe-subject-proof'), [0], bytes(salt), letters.encode(kind), [0], letters.encode(id)];
  return commitments.includes(await sha256(Uint8Array.from(parts.flatMap((part) => [...part]))));
}
