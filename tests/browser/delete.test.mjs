// The main job, from the page alone: three people are deleted, the page says so, and the certificate is saved for the
// harness to verify. `DOWNLOADS` says where to.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { ENDS, launch, signIn } from './browser/launch.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

test('three people are deleted, watched and proven without leaving the page', async () => {
  const { page } = browser;
  const addresses = [];
  page.on('request', (request) => addresses.push(request.url()));
  await signIn(page);
  await page.getByRole('link', { name: 'New request' }).first().click();
  // One of them twice, and with blanks around: as people paste.
  await page.getByLabel('User IDs').fill(' u1\n1001\n\nzoë\nu1 ');
  await page.getByText('3 people; 1 duplicate counted once.').waitFor();
  await page.getByText('Deletes from Events archive, Warehouse and Braze.').waitFor();
  await page.getByRole('button', { name: 'Preview', exact: true }).click();
  const counts = page.getByRole('table', { name: 'What would be deleted' });
  await counts.getByRole('row', { name: /^Warehouse [\d,]+ rows/ }).waitFor({ timeout: ENDS });
  await counts.getByRole('row', { name: /^Braze not known/ }).waitFor();
  await page.getByRole('button', { name: 'Review and delete…' }).click();
  const review = page.getByRole('dialog', { name: 'Delete 3 people permanently?' });
  await review.getByText('zoë').waitFor();
  await review.getByText(/Warehouse: [\d,]+ rows/).waitFor();
  await review.getByRole('button', { name: 'Delete 3 people permanently' }).click();

  await page.getByText('Are these 3 people gone?').waitFor();
  const place = (name) => page.getByRole('listitem').filter({ has: page.getByRole('heading', { name }) });
  // It moves by itself: nothing is reloaded.
  await place('Warehouse').getByText('Deletion confirmed').waitFor({ timeout: ENDS });
  await place('Events archive').getByText('Deletion confirmed').waitFor({ timeout: ENDS });
  await place('Braze').getByText('Accepted, not confirmed', { exact: true }).waitFor({ timeout: ENDS });
  await page.getByRole('heading', { name: 'Gone from both systems that confirm deletion. Braze accepted the request but doesn’t confirm deletion.' }).waitFor();
  assert.match(await place('Warehouse').innerText(), /Found\s+[\d,]+ rows in \d+ tables[^]*Left\s+nothing/);
  assert.match(await place('Events archive').innerText(), /Found\s+[\d,]+ lines[^]*Left\s+nothing/);

  await page.getByRole('link', { name: /^Certificate/ }).click();
  await page.getByText('The signature is valid').waitFor();
  await page.getByText('The chain of evidence is intact.').waitFor();
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download certificate' }).click();
  await (await saved).saveAs(join(process.env.DOWNLOADS, 'certificate.jws'));

  await page.getByRole('link', { name: 'Suppression list' }).click();
  await page.getByRole('rowheader', { name: 'zoë', exact: true }).waitFor();
  const told = addresses.map(decodeURIComponent).filter((address) => /zoë|\b1001\b|\bu1\b/.test(address));
  assert.deepEqual(told, [], 'no address holds an identifier');
});
