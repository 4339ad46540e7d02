// Anyone verifies a certificate in the browser: without a token, and without a network. Also: how a person gets a proof.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { violations } from '../browser/axe.mjs';
import { claimsOf, KEY, makeKey, sha256, signed } from './certificates.mjs';
import { MERGED } from './coming.mjs';
import { company, IDS } from './company.mjs';
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

const first = signed(claimsOf({ number: 1, previous: undefined, jti: 'reg_1' }));
const second = signed(claimsOf({ number: 2, previous: sha256(first), jti: 'reg_2', commitments: [commitment] }));

test('without a token and without a network it says what is proven and what is not', async () => {
  await page.goto(`${world.url}/console/verify?${new URLSearchParams({ certificate: 'reg_2', sha256: sha256(second) })}`);
  await page.getByRole('heading', { level: 1, name: 'Verify a certificate' }).waitFor();
  await world.context.setOffline(true);
  await give(file('b.jws', second));
  await page.getByText('The keys are missing').waitFor();
  await give(keys);
  await page.getByText('It holds.', { exact: true }).waitFor();
  for (const text of [/The signature is by the key .* given here as the key of Beispiel Handels GmbH/, 'none of its 8 entries was changed', 'It is the file that the paper was made of.', 'Gone from both systems', '2 objects that are under Object Lock', 'This is number 2.', 'Whose key it is.', '“Accepted” is not “deleted”']) {
    await page.getByText(text).first().waitFor();
  }
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(world.calls, []);
});

test('several certificates follow each other, and one that is missing is missed', async () => {
  await give(file('a.jws', first));
  await page.getByText('The certificates number 1 to 2 follow each other: none was taken out or replaced.').waitFor();
  await page.getByText('Between the numbers given, no certificate is missing.').waitFor();
  await give(file('d.jws', signed(claimsOf({ number: 4, previous: sha256('the third'), jti: 'reg_4' }))));
  await page.getByText('Between number 2 and number 4, certificates were not given').waitFor();
  await give(file('other.jws', signed(claimsOf({ number: 2, previous: sha256('another'), jti: 'reg_2', iat: 7 }))));
  await page.getByText('Number 2 is here twice').waitFor();
  await page.getByText('It is NOT the file that the paper was made of.').waitFor();
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
    await german.page.getByLabel(/^Dateien: Zertifikate/).setInputFiles([file('b.jws', second), keys]);
    await german.page.getByText('Es gilt.', { exact: true }).waitFor();
    assert.ok((await german.page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0);
    assert.deepEqual(await violations(german.page), []);
  } finally {
    await german.close();
  }
});

test('on a request’s page, a person on its certificate gets a proof, and another does not', { skip: !MERGED }, async () => {
  const own = await open({ ...company(), 'POST /regulations/{id}/proof': ({ body }) => (body.subjectId === 'customer-1' ? { certificate: 'reg_2', kind: 'USER_ID', salt: proof.salt } : new Refusal(404, 'this person is not on it')) });
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
    assert.deepEqual(own.of('POST /regulations/{id}/proof').at(-1).body, { subjectType: 'USER_ID', subjectId: 'customer-1' });
    assert.ok(!own.page.url().includes('customer'));
  } finally {
    await own.close();
  }
});
