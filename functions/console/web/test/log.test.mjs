// What shows that a certificate is in the log of all, and each way in which it does not.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { claimsOf, KEY, makeKey, signed } from '../../../../tests/browser/prepared/certificates.mjs';
import { leaf, logOf } from '../../../../tests/browser/prepared/log.mjs';
import { load } from './load.mjs';

const { checkGrowth, notHere, readLog, standing } = await load('log');
const { recognise, verifyFile, logsOf } = await load('verifying');

const keys = [KEY.jwk];
const texts = [1, 2, 3, 4, 5].map((n) => signed(claimsOf({ jti: `reg_${n}` })));
const kept = logOf(texts);
const whole = { size: 5, head: kept.head(5), entries: kept.entries };
const read = (...parts) => readLog(logsOf(parts.map((part, at) => recognise(`${at}.json`, JSON.stringify(part)))), keys);
const wrong = async (...parts) => {
  const { wrong: why, at } = await read(...parts);
  return [why, at];
};

test('a log holds whole or in parts, and with heads of before', async () => {
  const { data, ...half } = { data: 0, ...whole, entries: kept.entries.slice(3) };
  for (const parts of [[whole], [{ data: whole }], [half, { data: { size: 3, head: kept.head(3), entries: kept.entries.slice(0, 3), next: 3 } }], [whole, { size: 2, head: kept.head(2) }]]) {
    const log = await read(...parts);
    assert.deepEqual([log.wrong, log.size, log.jtis.size], [undefined, 5, 5]);
  }
  // What is appended at this moment is not signed yet.
  assert.equal((await read({ ...whole, size: 4, head: kept.head(4) })).size, 4);
});

test('each change of a log is named', async () => {
  const entries = (change) => ({ ...whole, entries: structuredClone(kept.entries).flatMap(change) });
  assert.deepEqual(await wrong(entries((one) => (one.index === 1 ? [] : [one]))), ['entry', 1]);
  assert.deepEqual(await wrong(entries((one) => [{ ...one, index: [1, 0, 2, 3, 4][one.index] }])), ['root', 5]);
  assert.deepEqual(await wrong(entries((one) => [one.index === 2 ? { ...one, leaf: '0'.repeat(64) } : one])), ['root', 5]);
  assert.deepEqual(await wrong(entries((one) => [one.index === 2 ? { ...one, leaf: 7 } : one])), ['form', undefined]);
  assert.deepEqual(await wrong(whole, { size: 2, head: kept.head(2, { root: '0'.repeat(64) }) }), ['root', 2]);
  assert.deepEqual(await wrong({ entries: kept.entries }), ['noHead', undefined]);
  assert.deepEqual(await wrong({ ...whole, head: logOf(texts, makeKey()).head(5) }), ['noKey', undefined]);
  assert.deepEqual(await wrong({ ...whole, head: texts[0] }), ['type', undefined]);
  assert.deepEqual(await wrong({ ...whole, head: kept.head(5, { size: -1 }) }), ['form', undefined]);
  assert.deepEqual(await wrong({ ...whole, head: `${kept.head(5).split('.')[0]}.${kept.head(4).split('.').slice(1).join('.')}x` }), ['form', undefined]);
});

test('a certificate is in the log, was swapped, or is not in it; and it is seen which are not here', async () => {
  const log = await read(whole);
  assert.equal(standing(log, leaf(texts[0]), 'reg_1'), 'in');
  assert.equal(standing(log, leaf(signed(claimsOf({ jti: 'reg_1', iat: 7 }))), 'reg_1'), 'swapped');
  assert.equal(standing(log, leaf('x'), 'reg_9'), 'absent');
  assert.deepEqual(notHere(log, new Set(texts.slice(0, 3).map(leaf))), ['reg_4', 'reg_5']);
  // An entry may lie about the id of the certificate that was dropped.
  const lying = await read({ ...whole, entries: kept.entries.map((one) => (one.index === 1 ? { ...one, jti: 'reg_1' } : one)) });
  assert.deepEqual(notHere(lying, new Set(texts.filter((_, at) => at !== 1).map(leaf))), ['reg_1']);
});

test('a receipt shows its own certificate at its own place', async () => {
  const check = async (jws, receipt) => {
    const { wrong: why, place } = await verifyFile(recognise('a.json', JSON.stringify({ data: { certificate: jws, attempt: 1, receipt } })), keys);
    return why ?? place;
  };
  for (const [index, jws] of texts.entries()) {
    assert.deepEqual(await check(jws, kept.receipt(index)), { index, size: 5 });
    const receipt = kept.receipt(index);
    for (const change of [{ index: (index + 1) % 5 }, { index: '0' }, { index: 0.5 }, { path: [] }, { path: [...receipt.path, ...receipt.path] }, { path: [7] }, { path: undefined }, { head: kept.head(5, { root: '0'.repeat(64) }) }, { head: jws }, { head: undefined }]) {
      assert.equal(await check(jws, { ...receipt, ...change }), 'receipt', JSON.stringify(change));
    }
  }
  assert.equal(await check(texts[0], kept.receipt(1)), 'receipt');
  assert.equal(await check(texts[0], 'x'), 'receipt');
  assert.equal(await check(texts[0], logOf(texts, makeKey()).receipt(0)), 'receiptKey');
  assert.equal(await check(texts[0], null), undefined, 'it was not appended yet');
});

test('the log only grew, or something was dropped between two heads', async () => {
  assert.deepEqual(await checkGrowth(kept.growth(3), keys), { before: 3, after: 5 });
  assert.deepEqual(await checkGrowth(kept.growth(5), keys), { before: 5, after: 5 });
  const rewritten = logOf([texts[1], ...texts.slice(1)]);
  assert.equal(await checkGrowth({ ...kept.growth(3), before: rewritten.head(3) }, keys), 'root');
  assert.equal(await checkGrowth({ ...kept.growth(3), hashes: ['x'] }, keys), 'form');
  assert.equal(await checkGrowth({ ...kept.growth(3), after: texts[0] }, keys), 'type');
  assert.equal(await checkGrowth(kept.growth(3), [makeKey().jwk]), 'noKey');
});
