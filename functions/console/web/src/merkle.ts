// A Merkle tree as certificate transparency keeps it (RFC 9162, section 2.1). Hashes are SHA-256: hex outside, bytes within.

type Bytes = Uint8Array<ArrayBuffer>;

export const isHash = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);

const bytesOf = (hex: string): Bytes => Uint8Array.from({ length: hex.length / 2 }, (_, at) => parseInt(hex.slice(2 * at, 2 * at + 2), 16));
const hexOf = (hash: Bytes): string => Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** The hash of a certificate in compact form. */
export const leafOf = async (certificate: string): Promise<string> => hexOf(await hashOf(0, new TextEncoder().encode(certificate)));

const node = (left: Bytes, right: Bytes): Promise<Bytes> => hashOf(1, left, right);

async function hashOf(kind: 0 | 1, ...parts: Bytes[]): Promise<Bytes> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 1));
  whole[0] = kind;
  let at = 1;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest('SHA-256', whole));
}

/** The root of a tree (section 2.1.1): from level to level, each two are joined, and one that is left over goes up as it is. */
export async function rootOf(leaves: string[]): Promise<string> {
  let level = leaves.map(bytesOf);
  while (level.length > 1) {
    const joined: (Bytes | Promise<Bytes>)[] = [];
    for (let at = 0; at < level.length; at += 2) joined.push(at + 1 < level.length ? node(level[at]!, level[at + 1]!) : level[at]!);
    level = await Promise.all(joined);
  }
  return hexOf(level[0] ?? new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array())));
}

// Sizes may have more than the 32 bits that JavaScript's operators on bits take.
const half = (n: number): number => Math.floor(n / 2);
const odd = (n: number): boolean => n % 2 === 1;
const isPower = (n: number): boolean => (odd(n) ? n === 1 : n > 0 && isPower(n / 2));

/** The root to which the path from a leaf leads (section 2.1.3.2); none, if it does not fit the place. */
export async function rootOfPath(index: number, size: number, leaf: string, path: string[]): Promise<string | undefined> {
  if (!(index >= 0 && index < size)) return undefined;
  let [at, last, hash] = [index, size - 1, bytesOf(leaf)];
  for (const other of path.map(bytesOf)) {
    if (last === 0) return undefined;
    if (odd(at) || at === last) {
      hash = await node(other, hash);
      while (!odd(at) && at > 0) [at, last] = [half(at), half(last)];
    } else {
      hash = await node(hash, other);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 ? hexOf(hash) : undefined;
}

export interface Tree {
  size: number;
  root: string;
}

/** Whether the later tree begins with the earlier one (section 2.1.4.2). */
export async function begins(before: Tree, after: Tree, proof: string[]): Promise<boolean> {
  if (before.size === after.size) return before.root === after.root && proof.length === 0;
  if (!(before.size > 0 && before.size < after.size)) return false;
  const [first, ...rest] = (isPower(before.size) ? [before.root, ...proof] : proof).map(bytesOf);
  if (first === undefined) return false;
  let [at, last, old, now] = [before.size - 1, after.size - 1, first, first];
  while (odd(at)) [at, last] = [half(at), half(last)];
  for (const other of rest) {
    if (last === 0) return false;
    if (odd(at) || at === last) {
      [old, now] = await Promise.all([node(other, old), node(other, now)]);
      while (!odd(at) && at > 0) [at, last] = [half(at), half(last)];
    } else {
      now = await node(now, other);
    }
    [at, last] = [half(at), half(last)];
  }
  return hexOf(old) === before.root && hexOf(now) === after.root && last === 0;
}
