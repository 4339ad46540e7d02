// Who is let in, and what the page says when Lethe is away.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launch, signIn, URL_OF } from './browser/launch.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

test('a wrong token is told apart, and kept nowhere', async () => {
  const { page } = browser;
  await signIn(page, 'not-a-token');
  await page.getByText('Lethe does not know this token.').waitFor();
  assert.equal(await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])).then((kept) => kept.includes('not-a-token')), false);
});

test('a token stays in its tab, and signing out forgets it', async () => {
  const { page, context } = browser;
  await signIn(page);
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  await page.reload();
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  const other = await context.newPage();
  await other.goto(URL_OF('/requests'));
  await other.getByLabel('Token').waitFor();
  await other.close();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Token').waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
});

test('while Lethe is away the page keeps what it knows, says so, and recovers by itself', async () => {
  const { page, context } = browser;
  await signIn(page);
  await page.getByRole('link', { name: 'Systems' }).click();
  await page.getByRole('rowheader', { name: 'Warehouse' }).waitFor();
  await context.setOffline(true);
  await page.getByRole('link', { name: 'Purge runs' }).click();
  await page.getByText(/Lethe has not answered for/).waitFor();
  await page.getByText(/Lethe can’t be reached/).waitFor();
  await context.setOffline(false);
  await page.getByText(/Lethe has not answered for/).waitFor({ state: 'detached' });
  await page.getByText(/Lethe can’t be reached/).waitFor({ state: 'detached' });
});

test('an API that answers nonsense or 503 is said in words, with a way on', async () => {
  const { page } = browser;
  await page.route('**/destinations', (route) => route.fulfill({ status: 503, body: 'no JSON' }));
  await page.getByRole('link', { name: 'Systems' }).click();
  await page.getByText(/Lethe answered 503/).waitFor();
  await page.unroute('**/destinations');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('rowheader', { name: 'Warehouse' }).waitFor();
});

test('a token that is revoked meanwhile leads back to the sign-in', async () => {
  const { page } = browser;
  await page.evaluate(() => sessionStorage.setItem('lethe-token', 'revoked'));
  await page.reload();
  await page.getByText('Lethe no longer accepts your token').waitFor();
});
