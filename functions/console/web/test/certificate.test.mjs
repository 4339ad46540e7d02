// A certificate is read as the page of its request is, and by its own signature.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { load } from './load.mjs';

const { check, daysBegun, told } = await load('certificate');
const { leftovers, marks, places, question, verdict } = await load('verdict');

const SAMPLE = new URL('../../../audit/verify/sample/', import.meta.url);
const sample = readFileSync(new URL('certificate.jws', SAMPLE), 'utf8').trim();
const { keys } = JSON.parse(readFileSync(new URL('lethe-keys.json', SAMPLE), 'utf8'));

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

test('the sample holds, and says what it is about', async () => {
  const { claims, signature, chain } = await check(sample, keys);
  assert.deepEqual([signature, chain], [true, true]);
  assert.equal(claims.subjects.length, 3);
  assert.equal(question(told(claims)), 'Are these 3 people gone?');
  assert.match(verdict(told(claims)).answer, /^Gone from both systems that confirm deletion\. Braze accepted/);
  assert.deepEqual(leftovers(told(claims)), ['Braze: everything it holds, until Braze deletes it.']);
});

test('another payload, another algorithm, another type, another key: none is valid', async () => {
  const [header, , signature] = sample.split('.');
  const { claims } = await check(sample, keys);
  const changed = `${header}.${encode({ ...claims, iss: 'another' })}.${signature}`;
  assert.equal((await check(changed, keys)).signature, false);
  for (const other of [{ alg: 'none' }, { typ: 'JWT' }, { kid: 'x' }]) {
    const { kid } = keys[0];
    const made = `${encode({ alg: 'ES256', kid, typ: 'lethe-certificate+jwt', ...other })}.${sample.split('.').slice(1).join('.')}`;
    assert.equal((await check(made, keys)).signature, false, JSON.stringify(other));
  }
  assert.equal((await check(sample, [])).signature, false);
});

test('several runs of one attempt count together, and an earlier attempt does not', () => {
  const step = (attempt, name, lines) => ({ destinationId: 'dst_1', attempt, step: name, at: '2026-11-01T10:00:00Z', counts: { lines }, hash: '' });
  const claims = {
    regulation: { status: 'FINISHED', regulationType: 'DELETE_ONLY', subjectCount: 1 },
    destinations: [{ id: 'dst_1', name: 'Archive', vendor: 's3', kind: 'ARCHIVE', status: 'CONFIRMED' }],
    evidence: [step(1, 'find', 9), step(2, 'find', 3), step(2, 'forget', 2), step(2, 'find', 1), step(2, 'forget', 1), step(2, 'verify', 0)],
  };
  assert.deepEqual(marks(places(told(claims))[0]).map(({ amount }) => amount), ['3 lines', '3 lines', 'nothing']);
});

test('days are counted as they begin', () => {
  assert.equal(daysBegun('2026-11-01T10:00:00Z', '2026-11-01T10:00:01Z'), 1);
  assert.equal(daysBegun('2026-11-01T10:00:00Z', '2026-11-04T09:00:00Z'), 3);
});
