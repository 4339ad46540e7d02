// Verifies certificates from their files alone, as functions/audit/verify does: the signature and its form, the chain of
// evidence, whether the status follows from the places; then the receipt, and who is on one.

import type { Jwk } from './api/schema';
import { TYPE, bytes, sha256, unbroken, type Claims } from './certificate';
import { checkReceipt, type InLog } from './log';
import { leafOf } from './merkle';
import { isObject, parsed, signed, type Unsigned } from './signature';
import { suppresses } from './states';

export type Role = 'certificate' | 'keys' | 'proof' | 'log' | 'growth' | 'claims' | 'pdf' | 'unknown';

export interface Given {
  name: string;
  role: Role;
  /** A certificate in compact form, or JSON without the API's envelope. */
  text: string;
  /** What came with a certificate to show that it is in the log. */
  receipt?: unknown;
}

/** A person of a certificate, and what shows that they are on it. */
export interface SubjectProof {
  certificate: string;
  kind: string;
  id: string;
  /** 32 bytes in base64url. */
  salt: string;
}

export type Wrong = Unsigned | 'chain' | 'status' | 'receipt' | 'receiptKey';

export interface Verified {
  name: string;
  /** SHA-256 of the file's text, in base64url. */
  hash: string;
  /** As the log has it. */
  leaf: string;
  kid?: string;
  claims?: Claims;
  /** Where its receipt shows it to be. */
  place?: InLog;
  /** Why it does not hold; none, if it holds. */
  wrong?: Wrong;
}

/** What a file is. The API's own answer around a certificate is taken off. */
export function recognise(name: string, content: string): Given {
  const trimmed = content.trim();
  if (trimmed.startsWith('%PDF')) return { name, role: 'pdf', text: '' };
  if (/^[\w-]+\.[\w-]+\.[\w-]+$/.test(trimmed)) return { name, role: 'certificate', text: trimmed };
  const whole = parsed(trimmed);
  const value = isObject(whole?.data) ? whole.data : whole;
  if (!value) return { name, role: 'unknown', text: trimmed };
  if ('certificate' in value && !('salt' in value) && typeof value.certificate === 'string') return { name, role: 'certificate', text: value.certificate, ...(value.receipt ? { receipt: value.receipt } : {}) };
  return { name, role: roleOf(value), text: JSON.stringify(value) };
}

function roleOf(value: Record<string, unknown>): Role {
  if ('salt' in value) return 'proof';
  if (Array.isArray(value.keys)) return 'keys';
  if ('before' in value && 'after' in value) return 'growth';
  if (Array.isArray(value.entries) || ('head' in value && 'size' in value)) return 'log';
  return 'jti' in value ? 'claims' : 'unknown';
}

const all = (given: Given[], wanted: Role) => given.filter(({ role }) => role === wanted).map(({ text }) => parsed(text) ?? {});

export const keysOf = (given: Given[]): Jwk[] => all(given, 'keys').flatMap(({ keys }) => (keys as Jwk[]).filter(isObject));

export const logsOf = (given: Given[]): Record<string, unknown>[] => all(given, 'log');

export const contentOf = ({ text }: Given): Record<string, unknown> => parsed(text) ?? {};

export async function verifyFile({ name, text: jws, receipt }: Given, keys: Jwk[]): Promise<Verified> {
  const [hash, leaf] = await Promise.all([sha256(jws), leafOf(jws)]);
  const { kid, claims: told, wrong } = await signed(jws, keys, TYPE);
  const known = { name, hash, leaf, ...(kid && { kid }) };
  const claims = told as Claims | undefined;
  if (wrong || !Array.isArray(claims?.evidence) || !Array.isArray(claims.destinations)) return { ...known, wrong: wrong ?? 'form' };
  if (!(await unbroken(claims.evidence))) return { ...known, claims, wrong: 'chain' };
  if (claims.regulation.status !== statusOf(claims)) return { ...known, claims, wrong: 'status' };
  if (receipt === undefined) return { ...known, claims };
  const place = await checkReceipt(jws, receipt, keys);
  if (typeof place === 'string') return { ...known, claims, wrong: place === 'noKey' ? 'receiptKey' : 'receipt' };
  return { ...known, claims, place };
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

export const proofOf = (given: Given): SubjectProof => contentOf(given) as unknown as SubjectProof;

/** Whether a proof leads to what the certificate commits to. */
export async function isOn({ kind, id, salt }: SubjectProof, { commitments = [] }: Claims): Promise<boolean> {
  const letters = new TextEncoder();
  const parts = [letters.encode('lethe-subject-proof'), [0], bytes(salt), letters.encode(kind), [0], letters.encode(id)];
  return commitments.includes(await sha256(Uint8Array.from(parts.flatMap((part) => [...part]))));
}
