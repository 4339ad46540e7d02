// Anyone verifies a certificate in the browser: without a token, and without a network. Also: how a person gets a proof.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { violations } from '../browser/axe.mjs';
import { claimsOf, KEY, makeKey, sha256, signed } from './certificates.mjs';
import { company, IDS } from './company.mjs';
import { logOf } from './log.mjs';
import { open, Refusal } from './server.mjs';

let world, page;
before(async () => {
  world = await open(company());
  ({ page } = world);
  await page.addInitScript(() => sessionStorage.clear());
});
after(() => world.close());

const file = (name, content) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)) });
const keys = file('lethe-keys.json', { keys: [makeKey().jwk, KEY.jwk] });
const give = (...files) => page.getByLabel(/^Files: certificates/).setInputFiles(files);
const salt = randomBytes(32);
const commitment = sha256(Buffer.concat([Buffer.from('lethe-subject-proof\0'), salt, Buffer.from('USER_ID\0customer-1')]));
const proof = { certificate: 'reg_2', kind: 'USER_ID', id: 'customer-1', salt: salt.toString('base64url') };

const first = signed(claimsOf({ jti: 'reg_1' }));
const second = signed(claimsOf({ jti: 'reg_2', commitments: [commitment] }));
const third = signed(claimsOf({ jti: 'reg_3' }));
const kept = logOf([first, second, third]);
const log = (name, from, to, size = 3) => file(name, { data: { size, head: kept.head(size), entries: kept.entries.slice(from, to) } });

test('without a token and without a network it says what is proven and what is not', async () => {
  await page.goto(`${world.url}/console/verify?${new URLSearchParams({ certificate: 'reg_2', sha256: sha256(second) })}`);
  await page.getByRole('heading', { level: 1, name: 'Verify a certificate' }).waitFor();
  await world.context.setOffline(true);
  await give(file('b.jws', second));
  await page.getByText('The keys are missing').waitFor();
  await give(keys);
  await page.getByText('It holds.', { exact: true }).waitFor();
  for (const text of [/The signature is by the key .* given here as the key of Beispiel Handels GmbH/, 'none of its 8 entries was changed', 'It is the file that the paper was made of.', 'Gone from both systems', '2 objects that are under Object Lock', 'That there are no other certificates: the log of all shows it', 'Whose key it is.', '“Accepted” is not “deleted”']) {
    await page.getByText(text).first().waitFor();
  }
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(world.calls, []);
});

test('with the log, it is told which certificates are in it, were swapped, or are not among the files', async () => {
  await give(file('a.json', { data: { certificate: first, attempt: 1, receipt: kept.receipt(0) } }));
  await page.getByText('It is in the log of all certificates, at place 1 of 3').waitFor();
  await give(log('log-1.json', 0, 2));
  await page.getByText('Entry 3 of 3 is missing. If the log has several files, add the others.').waitFor();
  await give(log('log-2.json', 2, 3));
  for (const text of ['The log holds: its 3 entries are those that were signed.', '2 certificates given here: in the log, unchanged.', '1 certificate of the log not among these files: reg_3.', 'Nothing in the log was changed, dropped or moved', 'That there are no later certificates than in this log']) {
    await page.getByText(text).waitFor();
  }
  assert.deepEqual(await violations(page), []);
  await give(file('c.jws', third));
  await page.getByText('3 certificates are in the log, and none is missing here.').waitFor();
  await page.getByText('No certificate of the log is missing here.').waitFor();
  await give(file('growth.json', kept.growth(2)));
  await page.getByText('The log of 3 begins with the log of 2: nothing was dropped or changed between.').waitFor();
  await give(file('other.jws', signed(claimsOf({ jti: 'reg_2', iat: 7 }))), file('d.jws', signed(claimsOf({ jti: 'reg_4' }))));
  await page.getByText('reg_2: the log holds ANOTHER certificate of this id.').waitFor();
  await page.getByText('reg_4 is NOT in this log.').waitFor();
  await page.getByText('It is NOT the file that the paper was made of.').waitFor();
  assert.equal(await page.getByText('Nothing in the log was changed').count(), 0);
});

test('a receipt of another, a log that was changed and one that shrank do not hold', async () => {
  await page.getByRole('button', { name: 'Remove all files' }).click();
  await give(keys, file('a.json', { certificate: first, attempt: 1, receipt: kept.receipt(1) }), file('growth.json', { ...kept.growth(2), before: kept.head(2, { root: '0'.repeat(64) }) }));
  await page.getByText('It does NOT hold. Do not rely on it. Its receipt does not show it in the log').waitFor();
  await page.getByText('The log did NOT only grow').waitFor();
  await give(file('log.json', { size: 3, head: kept.head(3), entries: kept.entries.map((one) => ({ ...one, leaf: kept.entries[0].leaf })) }));
  await page.getByText('The first 3 entries of the log are not those that were signed').waitFor();
  await page.getByRole('button', { name: 'Remove all files' }).click();
  await give(keys, file('b.jws', second));
});

test('a subject proof shows one person, and no other', async () => {
  await give(file('proof.json', proof));
  await page.getByText('It holds: the person with User ID “customer-1” is on certificate reg_2.').waitFor();
  await page.getByText('The person of the subject proof is among those').waitFor();
  await give(file('other-proof.json', { ...proof, id: 'customer-2' }));
  await page.getByText('It does NOT hold: this person is not on the certificate by this proof.').waitFor();
  assert.ok(!page.url().includes('customer'));
});

test('what was changed does not hold, dropped as well as chosen; and nothing is said to be proven', async () => {
  await page.getByRole('button', { name: 'Remove all files' }).click();
  const [head, , signature] = second.split('.');
  const changed = `${head}.${Buffer.from(JSON.stringify(claimsOf({ iat: 7 }))).toString('base64url')}.${signature}`;
  const dropped = await page.evaluateHandle((all) => {
    const data = new DataTransfer();
    for (const [name, text] of all) data.items.add(new File([text], name));
    return data;
  }, [['changed.jws', changed], ['keys.json', keys.buffer.toString()]]);
  await page.locator('.drop').dispatchEvent('drop', { dataTransfer: dropped });
  await page.getByText('It does NOT hold. Do not rely on it. The signature does not fit').waitFor();
  assert.equal(await page.getByRole('heading', { name: 'What is proven' }).count(), 0);
});

test('in German, and on a phone', async () => {
  await world.context.setOffline(false);
  const german = await open(company(), { locale: 'de-DE', viewport: { width: 360, height: 780 } });
  try {
    await german.page.goto(`${german.url}/console/verify`);
    await german.page.getByLabel(/^Dateien: Zertifikate/).setInputFiles([file('b.json', { certificate: second, attempt: 1, receipt: kept.receipt(1) }), keys, log('log.json', 0, 3)]);
    await german.page.getByText('Es gilt.', { exact: true }).waitFor();
    await german.page.getByText('2 Zertifikate des Registers nicht unter diesen Dateien: reg_1 und reg_3.').waitFor();
    assert.ok((await german.page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0);
    assert.deepEqual(await violations(german.page), []);
  } finally {
    await german.close();
  }
});

test('on a request’s page, a person on its certificate gets a proof, and another does not', async () => {
  const own = await open({ ...company(), 'POST /regulations/{id}/proof': ({ body }) => (body.subject.id === 'customer-1' ? proof : new Refusal(404, 'this person is not on it')) });
  try {
    await own.go(`/requests/${IDS.accepted}`);
    await own.page.getByRole('button', { name: 'Prove that a person is on this certificate…' }).click();
    const dialog = own.page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Make the proof' }).click();
    await dialog.getByText('Required.').waitFor();
    await dialog.getByLabel('Identifier', { exact: true }).fill('customer-2');
    await dialog.getByRole('button', { name: 'Make the proof' }).click();
    await dialog.getByText(/^This person is not on the certificate/).waitFor();
    await dialog.getByLabel('Identifier', { exact: true }).fill('customer-1');
    const saved = own.page.waitForEvent('download');
    await dialog.getByRole('button', { name: 'Make the proof' }).click();
    assert.deepEqual(JSON.parse(readFileSync(await (await saved).path())), proof);
    assert.deepEqual(own.of('POST /regulations/{id}/proof').at(-1).body, { subject: { type: 'USER_ID', id: 'customer-1' } });
    assert.ok(!own.page.url().includes('customer'));
  } finally {
    await own.close();
  }
});

test('the log is downloaded from the audit trail in one file, which holds', async () => {
  const all = Array.from({ length: 1_003 }, (_, n) => (n === 1 ? second : signed(claimsOf({ jti: `reg_${n}` }))));
  const many = logOf(all);
  const own = await open({
    ...company(),
    // The last is being appended: the head does not commit to it yet.
    'GET /log/entries': ({ query: { from = 0 } }) => ({ size: 1_002, head: many.head(1_002), entries: many.entries.slice(+from, +from + 1_000), ...(+from === 0 && { next: 1_000 }) }),
  });
  try {
    await own.go('/audit');
    const saved = own.page.waitForEvent('download');
    await own.page.getByRole('button', { name: 'Download the log of certificates' }).click();
    const download = await saved;
    assert.equal(download.suggestedFilename(), 'lethe-log-1002.json');
    const text = readFileSync(await download.path(), 'utf8');
    const { size, head, entries } = JSON.parse(text);
    assert.deepEqual([size, head === undefined, entries.length], [1_002, false, 1_002]);
    await page.getByRole('button', { name: 'Remove all files' }).click();
    await give(keys, file('b.jws', second), file('log.json', text));
    await page.getByText('The log holds: its 1,002 entries are those that were signed.').waitFor();
    await page.getByText('1,001 certificates of the log not among these files').waitFor();
    own.answers['GET /log/entries'] = () => ({ size: 0, entries: [] });
    await own.page.getByRole('button', { name: 'Download the log of certificates' }).click();
    await own.page.getByText('There is no certificate in the log yet.').waitFor();
  } finally {
    await own.close();
  }
});
