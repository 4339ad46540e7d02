// A Merkle tree as certificate transparency keeps it (RFC 9162, section 2.1). Hashes are SHA-256 in hex.

export const isHash = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);

const bytesOf = (hash: string): number[] => Array.from({ length: hash.length / 2 }, (_, at) => parseInt(hash.slice(2 * at, 2 * at + 2), 16));

async function hashOf(data: Iterable<number>): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', Uint8Array.from(data));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The hash of a certificate in compact form. */
export const leafOf = (certificate: string): Promise<string> => hashOf([0, ...new TextEncoder().encode(certificate)]);

const node = (left: string, right: string): Promise<string> => hashOf([1, ...bytesOf(left), ...bytesOf(right)]);

/** The root of a tree (section 2.1.1): from level to level, each two are joined, and one that is left over goes up as it is. */
export async function rootOf(leaves: string[]): Promise<string> {
  let level = leaves;
  while (level.length > 1) {
    const joined: (string | Promise<string>)[] = [];
    for (let at = 0; at < level.length; at += 2) joined.push(at + 1 < level.length ? node(level[at]!, level[at + 1]!) : level[at]!);
    level = await Promise.all(joined);
  }
  return level[0] ?? hashOf([]);
}

// Sizes may have more than the 32 bits that JavaScript's operators on bits take.
const half = (n: number): number => Math.floor(n / 2);
const odd = (n: number): boolean => n % 2 === 1;
const isPower = (n: number): boolean => (odd(n) ? n === 1 : n > 0 && isPower(n / 2));

/** The root to which the path from a leaf leads (section 2.1.3.2); none, if it does not fit the place. */
export async function rootOfPath(index: number, size: number, leaf: string, path: string[]): Promise<string | undefined> {
  if (!(index >= 0 && index < size)) return undefined;
  let [at, last, hash] = [index, size - 1, leaf];
  for (const other of path) {
    if (last === 0) return undefined;
    if (odd(at) || at === last) {
      hash = await node(other, hash);
      while (!odd(at) && at > 0) [at, last] = [half(at), half(last)];
    } else {
      hash = await node(hash, other);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 ? hash : undefined;
}

export interface Tree {
  size: number;
  root: string;
}

/** Whether the later tree begins with the earlier one (section 2.1.4.2). */
export async function begins(before: Tree, after: Tree, proof: string[]): Promise<boolean> {
  if (before.size === after.size) return before.root === after.root && proof.length === 0;
  if (!(before.size > 0 && before.size < after.size)) return false;
  const [first, ...rest] = isPower(before.size) ? [before.root, ...proof] : proof;
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
  return old === before.root && now === after.root && last === 0;
}
