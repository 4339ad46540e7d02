// A destination is connected from the catalogue's fields, checked, changed and disconnected; its secret is never shown.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { ENDS, launch, signIn } from './browser/launch.mjs';

let browser;
before(async () => {
  browser = await launch();
  await signIn(browser.page);
  await browser.page.getByRole('link', { name: 'Systems' }).click();
});
after(() => browser.close());

test('a destination that works says so', async () => {
  const { page } = browser;
  await page.getByRole('link', { name: 'Braze', exact: true }).click();
  await page.getByRole('button', { name: 'Test the connection' }).click();
  await page.locator('[role=status] .tone-done').waitFor({ timeout: ENDS });
});

test('one is connected, refused by its check, changed and disconnected, and its secret stays unseen', async () => {
  const { page } = browser;
  const answers = [];
  page.on('response', async (reply) => answers.push(await reply.text().catch(() => '')));
  await page.getByRole('link', { name: 'Systems' }).first().click();
  await page.getByRole('link', { name: 'Connect a system' }).click();
  await page.getByRole('link', { name: /^Braze/ }).click();
  await page.getByRole('button', { name: 'Connect Braze' }).click();
  await page.getByText('Required.').first().waitFor();
  await page.getByLabel('Name', { exact: true }).fill('Old Braze');
  await page.getByLabel('Endpoint').fill('http://127.0.0.1:9');
  await page.getByLabel('API key').fill('never-shown');
  await page.getByRole('button', { name: 'Connect Braze' }).click();

  // It is not left connected, unless the reader wants that.
  await page.getByRole('alert').getByText(/The connection test failed, so the system is not connected/).waitFor({ timeout: ENDS });
  await page.getByRole('button', { name: 'Connect anyway' }).click();
  await page.getByRole('heading', { name: 'Old Braze' }).waitFor();
  await page.getByText('saved, never shown').waitFor();
  await page.getByRole('button', { name: 'Test the connection' }).click();
  await page.locator('[role=status] .tone-alert').waitFor({ timeout: ENDS });

  await page.getByRole('button', { name: 'Change', exact: true }).click();
  await page.getByLabel('Name', { exact: true }).fill('Older Braze');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText(/Saved, but the connection test failed/).waitFor({ timeout: ENDS });
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('heading', { name: 'Older Braze' }).waitFor();

  await page.getByRole('button', { name: 'Disconnect…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click();
  await page.getByRole('button', { name: 'Reconnect' }).waitFor();
  assert.ok(!answers.some((text) => text.includes('never-shown')));
});

test('the audit trail tells what was just done', async () => {
  const { page } = browser;
  await page.getByRole('link', { name: 'Audit trail' }).click();
  await page.getByRole('cell', { name: 'Disconnected a system' }).first().waitFor();
  await page.getByRole('cell', { name: 'Connected a system' }).first().waitFor();

  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export CSV' }).click();
  const lines = readFileSync(await (await saved).path(), 'utf8').split('\r\n');
  assert.equal(lines[0], '"id","at","caller","callerName","action","object","part","status","reason","dryRun"');
  assert.ok(lines.some((line) => line.includes('"DELETE /destinations/{id}"')));
});
