// Certificates are verified by their files alone: signature, form, evidence, status, and who is on one. Receipts and the log: log.test.mjs.

import assert from 'node:assert/strict';
import { createHash, randomBytes, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { chained, claimsOf, KEY, makeKey, signed } from '../../../../tests/browser/prepared/certificates.mjs';
import { load } from './load.mjs';

const { isOn, keysOf, recognise, verifyFile } = await load('verifying');

const SAMPLE = new URL('../../../audit/verify/sample/', import.meta.url);
const read = (name) => readFileSync(new URL(name, SAMPLE), 'utf8');
/** A payload as it was written, signed. */
const resigned = (head, payload) => `${head}.${payload}.${sign('sha256', Buffer.from(`${head}.${payload}`), { key: KEY.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
const holds = async (jws, keys = [KEY.jwk]) => (await verifyFile(recognise('a.jws', jws), keys)).wrong;

test('the sample holds with its keys, and a set may have others, too', async () => {
  const keys = keysOf([recognise('lethe-keys.json', read('lethe-keys.json')), recognise('b', JSON.stringify({ keys: [KEY.jwk] }))]);
  assert.equal(await holds(read('certificate.jws'), keys), undefined);
  assert.equal(await holds(read('certificate.jws')), 'noKey');
});

test('files are told apart by what is in them', () => {
  const role = (content) => recognise('x', content).role;
  const jws = signed(claimsOf());
  const all = {
    certificate: [jws, `${jws}\n`, JSON.stringify({ data: { certificate: jws } }), JSON.stringify({ certificate: jws, attempt: 1, receipt: {} })],
    keys: ['{"keys":[]}'],
    proof: ['{"certificate":"x","salt":"y"}', '{"data":{"certificate":"x","salt":"y"}}'],
    log: ['{"size":0,"entries":[]}', '{"data":{"size":1,"head":"x","entries":[],"next":1}}', '{"size":1,"head":"x"}'],
    growth: ['{"before":"x","after":"y","hashes":[]}'],
    claims: [JSON.stringify(claimsOf())],
    pdf: ['%PDF-1.7'],
    unknown: ['hello', '[1', '1', 'null', '{"data":null}', '{"certificate":1}'],
  };
  for (const [expected, contents] of Object.entries(all)) for (const one of contents) assert.equal(role(one), expected, one);
});

test('whatever was changed is named', async () => {
  const claims = claimsOf();
  const jws = signed(claims);
  const [head, , signature] = jws.split('.');
  assert.equal(await holds(jws), undefined);
  assert.equal(await holds(`${head}.${Buffer.from(JSON.stringify({ ...claims, iat: 1 })).toString('base64url')}.${signature}`), 'changed');
  assert.equal(await holds(`${jws}A`), 'form');
  // The last letter of a signature has bits to spare: another letter with the same bits is another text.
  const at = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  assert.equal(await holds(jws.slice(0, -1) + at[at.indexOf(jws.at(-1)) + 1]), 'form');
  for (const header of [{ alg: 'none' }, { typ: 'JWT' }, { crit: ['x'] }]) assert.equal(await holds(signed(claims, KEY, header)), 'type');
  // A name that stands twice: one reader would take the first, another the last.
  const twice = Buffer.from(JSON.stringify(claims).replace('"jti"', '"iat" : 1,"jti"')).toString('base64url');
  assert.equal(await holds(resigned(head, twice)), 'form');
  assert.equal(await holds(signed({ ...claims, note: { 'a "b": c': ['\\": "', { d: '\\' }] } })), undefined, 'what looks like a name in a text is none');
  const other = makeKey();
  assert.equal(await holds(jws, [{ ...other.jwk, kid: KEY.jwk.kid }]), 'badKey');
  assert.equal(await holds(signed({ ...claims, evidence: claims.evidence.slice(1) })), 'chain');
  assert.equal(await holds(signed(claimsOf({}, { status: 'FAILED' }))), 'status');
  assert.equal(await holds(signed(claimsOf({ evidence: chained([]) }))), 'status', 'it was to suppress, and nothing says that it did');
});

test('a proof leads to what the certificate commits to, and another person does not', async () => {
  const salt = randomBytes(32);
  const [kind, id] = ['USER_ID', 'Jürgen-7'];
  const hash = createHash('sha256').update('lethe-subject-proof\0').update(salt).update(`${kind}\0${id}`).digest('base64url');
  const proof = { certificate: 'reg_1', kind, id, salt: salt.toString('base64url') };
  const claims = claimsOf({ commitments: ['x', hash] });
  assert.equal(await isOn(proof, claims), true);
  for (const change of [{ id: 'Jürgen-8' }, { kind: 'EMAIL' }, { salt: randomBytes(32).toString('base64url') }]) assert.equal(await isOn({ ...proof, ...change }, claims), false);
  assert.equal(await isOn(proof, claimsOf({ commitments: undefined })), false, 'it was made before there were any');
});
