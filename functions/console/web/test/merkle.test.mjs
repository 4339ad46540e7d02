// The Merkle tree against another's roots, and against proofs that are computed as RFC 9162 defines them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { growth, leaf, path, root } from '../../../../tests/browser/prepared/log.mjs';
import { load } from './load.mjs';

const { begins, leafOf, rootOf, rootOfPath } = await load('merkle');

// The leaves and roots of the reference implementation of RFC 6962 (google/certificate-transparency, `merkletree`).
const REFERENCE = [
  ['', '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
  ['\0', 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'],
  ['\x10', 'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77'],
  [' !', 'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7'],
  ['01', '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4'],
  ['@ABC', '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef'],
  ['PQRSTUVW', 'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c'],
  ['`abcdefghijklmno', '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328'],
];
const leaves = Array.from({ length: 33 }, (_, n) => leaf(String(n)));
const tree = (all) => ({ size: all.length, root: root(all) });

test('roots are those of the reference', async () => {
  const known = await Promise.all(REFERENCE.map(([text]) => leafOf(text)));
  for (const [at, [, expected]] of REFERENCE.entries()) assert.equal(await rootOf(known.slice(0, at + 1)), expected);
  assert.equal(await rootOf([]), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
});

test('each path leads to its root from its place alone', async () => {
  for (let size = 1; size <= 33; size += 1) {
    const whole = root(leaves.slice(0, size));
    assert.equal(await rootOf(leaves.slice(0, size)), whole);
    for (let index = 0; index < size; index += 1) {
      const way = path(index, leaves.slice(0, size));
      assert.equal(await rootOfPath(index, size, leaves[index], way), whole);
      assert.notEqual(await rootOfPath((index + 1) % size, size, leaf('x'), way), whole);
      assert.equal(await rootOfPath(index, size, leaves[index], [...way, whole]), undefined, 'too long');
      if (size > 1) assert.equal(await rootOfPath(index, size, leaves[index], way.slice(1)), undefined, 'too short');
    }
    assert.equal(await rootOfPath(size, size, leaves[0], []), undefined, 'outside');
  }
});

test('a log that grew begins with what it was, and one that was rewritten does not', async () => {
  for (let size = 1; size <= 33; size += 1) {
    for (let before = 1; before <= size; before += 1) {
      const [now, proof] = [tree(leaves.slice(0, size)), growth(before, leaves.slice(0, size))];
      assert.equal(await begins(tree(leaves.slice(0, before)), now, proof), true);
      const rewritten = [leaf('x'), ...leaves.slice(1, before)];
      for (const hashes of [proof, growth(before, [...rewritten, ...leaves.slice(before, size)])]) assert.equal(await begins(tree(rewritten), now, hashes), false);
      if (before < size) {
        assert.equal(await begins(now, tree(leaves.slice(0, before)), proof), false, 'it shrank');
        assert.equal(await begins(tree(leaves.slice(0, before)), now, []), false, 'without a proof');
      }
    }
  }
});

test('a place beyond 32 bits is no other', async () => {
  // The left half of a tree of 2^33 + 1 leaves hangs on one hash alone when seen from the last leaf.
  const [last, left] = [leaf('last'), leaf('left')];
  assert.equal(await rootOfPath(2 ** 33, 2 ** 33 + 1, last, [left]), await rootOf([left, last]));
  assert.equal(await rootOfPath(0, 2 ** 33 + 1, last, [left]), undefined);
});
