// Somebody else is let in with less than everything, and shut out again.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launch, signIn, URL_OF } from './browser/launch.mjs';

let browser, secret;
before(async () => {
  browser = await launch();
  await signIn(browser.page);
  await browser.page.getByRole('link', { name: 'Tokens' }).click();
});
after(() => browser.close());

const row = () => browser.page.getByRole('row').filter({ has: browser.page.getByRole('rowheader', { name: 'Help desk' }) });

test('a token is made, shown once, and listed with what it may do', async () => {
  const { page } = browser;
  await page.getByRole('button', { name: 'Create token' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Create token' }).click();
  await dialog.getByText('Enter a name.').waitFor();
  await dialog.getByText('Choose at least one.').waitFor();
  await dialog.getByLabel('Name', { exact: true }).fill('Help desk');
  await dialog.getByLabel('See requests, certificates, runs and systems').check();
  await dialog.getByRole('button', { name: 'Create token' }).click();
  secret = await dialog.locator('code').innerText();
  assert.ok(secret.length >= 32);
  await dialog.getByRole('button', { name: 'I have copied it' }).click();
  await row().getByText('see requests').waitFor();
  await row().getByText('never').waitFor();
  assert.ok(!(await page.content()).includes(secret));
});

test('it may do that and no more, and nothing once it is revoked', async () => {
  const other = await launch();
  try {
    await signIn(other.page, secret);
    await other.page.getByRole('navigation', { name: 'Pages' }).waitFor();
    await other.page.getByText('Your token can: see requests').waitFor();
    assert.equal(await other.page.getByRole('link', { name: /^(Tokens|Audit trail|Suppression list)$/ }).count(), 0, 'the menu leaves out what it may not see');
    await other.page.goto(URL_OF('/requests'));
    await other.page.getByRole('heading', { name: 'Deletion requests' }).waitFor();
    await other.page.getByRole('table').or(other.page.getByText('No deletion requests yet')).first().waitFor();
    await other.page.goto(URL_OF('/audit'));
    await other.page.getByRole('alert').getByText(/audit:read/).waitFor();

    await row().getByRole('button', { name: 'Revoke Help desk' }).click();
    await browser.page.getByRole('dialog').getByRole('button', { name: 'Revoke token' }).click();
    await row().getByText('revoked').waitFor();
    await other.page.goto(URL_OF('/requests'));
    await other.page.getByText('Lethe no longer accepts your token').waitFor();
  } finally {
    await other.close();
  }
});
