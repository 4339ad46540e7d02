// The suppression list is changed and exported from the page.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { ENDS, launch, signIn } from './browser/launch.mjs';

let browser;
before(async () => {
  browser = await launch();
  await signIn(browser.page);
  await browser.page.getByRole('link', { name: 'Suppression list' }).click();
});
after(() => browser.close());

test('somebody is added, shown, exported and lifted', async () => {
  const { page } = browser;
  await page.getByRole('button', { name: 'Add people' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('User IDs').fill('=ada,lovelace');
  await dialog.getByLabel('Reason').fill('asked by phone');
  await dialog.getByRole('button', { name: 'Suppress 2 people' }).click();
  await dialog.waitFor({ state: 'detached', timeout: ENDS });
  const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'lovelace', exact: true }) });
  await row.waitFor();

  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export CSV' }).click();
  const lines = readFileSync(await (await saved).path(), 'utf8').split('\r\n');
  assert.equal(lines[0], 'userId,anonymousId,emailSha256,phoneSha256');
  assert.ok(lines.includes('lovelace,,,') && lines.includes("'=ada,,,"), 'no cell is taken for a formula');

  // What was exported is understood when it comes back.
  await page.getByRole('button', { name: 'Add people' }).click();
  await dialog.getByLabel('CSV file').setInputFiles({ name: 'list.csv', mimeType: 'text/csv', buffer: Buffer.from("userId,anonymousId\r\n'=ada,\r\n,device\r\n") });
  await dialog.getByText('1 person.').waitFor();
  await dialog.getByText('=ada', { exact: true }).waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();

  await page.getByLabel('Find a person').fill('lovelace');
  await page.getByRole('button', { name: 'Find' }).click();
  await page.getByText(/Suppressed everywhere, since .*asked by phone/).waitFor();
  assert.ok(!page.url().includes('lovelace'));
  await row.getByRole('button', { name: 'Lift suppression of lovelace' }).click();
  await page.getByRole('dialog').getByLabel('Reason').fill('asked again');
  await page.getByRole('dialog').getByRole('button', { name: 'Lift suppression' }).click();
  await row.waitFor({ state: 'detached', timeout: ENDS });
  await page.getByRole('button', { name: 'Find' }).click();
  await page.getByText('Not suppressed: new events about them are collected.').waitFor();
});
