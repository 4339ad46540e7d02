// Where one person's data came from and went to, and what came in through the queue.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { api, launch, signIn } from './browser/launch.mjs';

let browser;
before(async () => {
  browser = await launch();
  await signIn(browser.page);
});
after(() => browser.close());

test('a person is found: sources, recipients, whom to write to, other identifiers; no address tells', async () => {
  const { page } = browser;
  const addresses = [];
  page.on('request', (request) => addresses.push(request.url()));
  await page.getByRole('link', { name: 'Find a person' }).click();
  await page.getByLabel('Find a person').fill('grace');
  await page.getByLabel('Find a person').press('Enter');
  const received = page.getByRole('table', { name: 'Systems that received the data' });
  await received.getByRole('row', { name: /^Warehouse .*web/ }).waitFor();
  await received.getByRole('row', { name: /^Call centre .*write to privacy@calls\.example\./ }).waitFor();
  await page.getByRole('table', { name: 'Sources that saw this person' }).getByRole('row', { name: /^web/ }).waitFor();
  await page.getByText(/grace-phone \(Anonymous ID\)/).waitFor();
  await page.getByText('Not suppressed: new events about them are collected.').waitFor();
  const title = await received.locator('time').first().getAttribute('title');
  assert.match(title, /A day in UTC; it begins .* UTC/);

  await page.getByLabel('Find a person').fill('hopper');
  await page.getByRole('button', { name: 'Find' }).click();
  await page.getByText(/Suppressed everywhere, since/).waitFor();
  await page.getByRole('table', { name: 'Requests about them' }).getByRole('link').first().click();
  await page.getByRole('heading', { name: 'Which other identifiers are theirs?' }).waitFor();
  await page.getByText(/^1 other identifier of theirs, treated the same way/).waitFor();
  await page.getByRole('table', { name: 'Systems that received the data' }).getByText('Not part of this request.').first().waitFor();
  assert.deepEqual(addresses.map(decodeURIComponent).filter((address) => /grace|hopper/.test(address)), []);
});

test('a batch tells what its lines were and which requests were made; a refused one tells why', async () => {
  const { page } = browser;
  await page.getByRole('link', { name: 'Batches' }).click();
  await page.getByRole('row').filter({ hasText: 'Accepted' }).getByRole('link').click();
  await page.getByRole('heading', { name: 'Accepted: 1 person in 1 request.' }).waitFor();
  await page.getByRole('table', { name: 'Rejected lines' }).getByRole('row', { name: /^2 It is empty\./ }).waitFor();
  await page.getByRole('link', { name: '1 of 1' }).click();
  await page.getByText('Is the suppression lifted?').waitFor();
  await page.getByRole('link', { name: 'Batches' }).click();
  await page.getByRole('row').filter({ hasText: 'Rejected' }).getByRole('link').click();
  await page.getByRole('heading', { name: /^Rejected\. / }).waitFor();
  const { batches } = (await api('GET', '/batches')).json().data;
  await page.getByText(batches.find((one) => one.status === 'REFUSED').problem).waitFor();
});

test('what a place keeps for a while is left, with the day in it', async () => {
  const { page } = browser;
  const { regulations } = (await api('GET', '/regulations?status=FINISHED&regulationTypes=SUPPRESS_WITH_DELETE')).json().data;
  const { id } = regulations.at(-1);
  // As BigQuery says it; the rest is this request's own.
  await page.route(`**/regulations/${id}`, async (route) => {
    const { data } = (await api('GET', `/regulations/${id}`)).json();
    const place = data.regulation.streamStatus[0].destinationStatus.find((one) => one.name === 'Warehouse');
    place.evidence.forget.residuals = { 'rows that Google keeps until 2026-12-09 (time travel and fail-safe)': 7 };
    await route.fulfill({ json: { data } });
  });
  await page.goto(new URL(`/console/requests/${id}`, page.url()).href);
  await page.getByRole('heading', { name: /Some copies are kept for now/ }).waitFor();
  await page.getByText('Warehouse: 7 rows that Google keeps until 9 Dec 2026 (time travel and fail-safe).').waitFor();
  await page.unrouteAll({ behavior: 'wait' });
});
