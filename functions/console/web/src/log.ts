// The log of all certificates, its signed heads, and what shows that a certificate is in it, as functions/audit/verify/log.py
// checks them.

import type { Jwk } from './api/schema';
import { begins, isHash, leafOf, rootOf, rootOfPath, type Tree } from './merkle';
import { isObject, signed, type Unsigned } from './signature';

const TYPE = 'lethe-log+jwt';

/** A certificate's place in the log, from 0, and how many were in it. */
export interface InLog {
  index: number;
  size: number;
}

/** Why a log or a receipt does not hold. `entry`: one is missing. `root`: it is not what was signed. */
export type LogWrong = Unsigned | 'noHead' | 'entry' | 'root';

export interface Log {
  size: number;
  /** The certificates' ids by their leaves: what commits is the leaf, an entry may lie about the id. */
  jtis: Map<string, string>;
  wrong?: LogWrong;
  /** The place of the entry that is missing, from 0; or the size of the head that does not fit. */
  at?: number;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const areHashes = (value: unknown): value is string[] => Array.isArray(value) && value.every(isHash);

async function headOf(jws: unknown, keys: Jwk[]): Promise<Tree | Unsigned> {
  const { claims, wrong = 'form' } = await signed(jws, keys, TYPE);
  return claims && isCount(claims.size) && isHash(claims.root) ? { size: claims.size, root: claims.root } : wrong;
}

/** Where a receipt shows the certificate to be, or why it does not. */
export async function checkReceipt(jws: string, receipt: unknown, keys: Jwk[]): Promise<InLog | LogWrong> {
  if (!isObject(receipt)) return 'form';
  const { index, path } = receipt;
  const head = await headOf(receipt.head, keys);
  if (typeof head === 'string') return head;
  if (!isCount(index) || !areHashes(path)) return 'form';
  return (await rootOfPath(index, head.size, await leafOf(jws), path)) === head.root ? { index, size: head.size } : 'root';
}

/** The log of one or several parts, each an answer of the API: their entries give the roots of all their heads. */
export async function readLog(parts: Record<string, unknown>[], keys: Jwk[]): Promise<Log> {
  const none = { size: 0, jtis: new Map<string, string>() };
  const heads = await Promise.all(parts.filter(({ head }) => head).map(({ head }) => headOf(head, keys)));
  const wrong = heads.find((head) => typeof head === 'string');
  if (wrong) return { ...none, wrong };
  const trees = heads as Tree[];
  if (trees.length === 0) return { ...none, wrong: 'noHead' };
  const size = Math.max(...trees.map((tree) => tree.size));
  const entries = new Map<unknown, Record<string, unknown>>();
  for (const { entries: some } of parts) for (const one of Array.isArray(some) ? some.filter(isObject) : []) entries.set(one.index, one);
  const leaves: string[] = [];
  const jtis = new Map<string, string>();
  for (let at = 0; at < size; at += 1) {
    const entry = entries.get(at);
    if (!entry) return { ...none, size, wrong: 'entry', at };
    if (!isHash(entry.leaf)) return { ...none, size, wrong: 'form' };
    leaves.push(entry.leaf);
    jtis.set(entry.leaf, String(entry.jti));
  }
  const roots = new Map<number, string>();
  for (const tree of trees) {
    const root = roots.get(tree.size) ?? (await rootOf(leaves.slice(0, tree.size)));
    roots.set(tree.size, root);
    if (root !== tree.root) return { ...none, size, wrong: 'root', at: tree.size };
  }
  return { size, jtis };
}

/** What the log says of a certificate: it is in it, another of its id is, or neither. */
export function standing({ jtis }: Log, leaf: string, jti: string): 'in' | 'swapped' | 'absent' {
  if (jtis.has(leaf)) return 'in';
  return [...jtis.values()].includes(jti) ? 'swapped' : 'absent';
}

/** The ids of those in the log that are not among these leaves. */
export const notHere = ({ jtis }: Log, leaves: Set<string>): string[] => [...jtis].flatMap(([leaf, jti]) => (leaves.has(leaf) ? [] : [jti]));

/** Whether a later log begins with an earlier one: `{before, after, hashes}`, two signed heads and the API's proof. */
export async function checkGrowth({ before, after, hashes }: Record<string, unknown>, keys: Jwk[]): Promise<{ before: number; after: number } | LogWrong> {
  const [earlier, later] = await Promise.all([headOf(before, keys), headOf(after, keys)]);
  if (typeof earlier === 'string') return earlier;
  if (typeof later === 'string') return later;
  if (!areHashes(hashes)) return 'form';
  return (await begins(earlier, later, hashes)) ? { before: earlier.size, after: later.size } : 'root';
}
