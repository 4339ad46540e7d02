// The log of certificates, as RFC 9162 defines it: by recursion, as nothing that is tested computes it.

import { createHash } from 'node:crypto';

import { KEY, signed } from './certificates.mjs';

const hash = (...parts) => parts.reduce((all, part) => all.update(part), createHash('sha256')).digest('hex');
const bytes = (hex) => Buffer.from(hex, 'hex');

export const leaf = (text) => hash(Buffer.from([0]), text);

/** The largest power of two below a size. */
const split = (size) => 2 ** (Math.ceil(Math.log2(size)) - 1);

/** Section 2.1.1. */
export function root(leaves) {
  if (leaves.length === 1) return leaves[0];
  const left = split(leaves.length);
  return hash(Buffer.from([1]), bytes(root(leaves.slice(0, left))), bytes(root(leaves.slice(left))));
}

/** Section 2.1.3.1. */
export function path(index, leaves) {
  if (leaves.length === 1) return [];
  const left = split(leaves.length);
  const [before, after] = [leaves.slice(0, left), leaves.slice(left)];
  return index < left ? [...path(index, before), root(after)] : [...path(index - left, after), root(before)];
}

/** Section 2.1.4.1. */
export function growth(before, leaves, whole = true) {
  if (before === leaves.length) return whole ? [] : [root(leaves)];
  const left = split(leaves.length);
  const [one, other] = [leaves.slice(0, left), leaves.slice(left)];
  return before <= left ? [...growth(before, one, whole), root(other)] : [...growth(before - left, other, false), root(one)];
}

/** The log of these certificates, as the API gives it. */
export function logOf(certificates, key = KEY) {
  const leaves = certificates.map(leaf);
  const jti = (jws) => JSON.parse(Buffer.from(jws.split('.')[1], 'base64url')).jti;
  const head = (size, more = {}) => signed({ iss: 'lethe', iat: 1793955600, size, root: root(leaves.slice(0, size)), ...more }, key, { typ: 'lethe-log+jwt' });
  const size = certificates.length;
  return {
    head,
    entries: certificates.map((jws, index) => ({ index, jti: jti(jws), leaf: leaves[index] })),
    receipt: (index, of = size) => ({ index, size: of, path: path(index, leaves.slice(0, of)), head: head(of) }),
    growth: (before, after = size) => ({ before: head(before), after: head(after), hashes: growth(before, leaves.slice(0, after)) }),
  };
}
