// The list of requests is narrowed down, and a request that has not begun is taken back.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { api, launch, signIn } from './browser/launch.mjs';

let browser;
before(async () => {
  browser = await launch();
  await signIn(browser.page);
});
after(() => browser.close());

test('filters narrow the list, stay in the address, and say when nothing is left', async () => {
  const { page } = browser;
  await page.getByRole('link', { name: 'Deletion requests' }).first().click();
  await page.getByRole('row').nth(1).waitFor();
  await page.getByLabel('Status').selectOption({ label: 'Action needed' });
  await page.getByRole('cell', { name: 'Action needed' }).first().waitFor();
  assert.equal(await page.getByRole('cell', { name: 'Completed' }).count(), 0);
  assert.match(page.url(), /status=PARTIAL_SUCCESS/);
  await page.getByLabel('Action').selectOption('UNSUPPRESS');
  await page.getByText('No request matches.').waitFor();
  await page.reload();
  await page.getByText('No request matches.').waitFor();
});

test('requests about one person are found by who it is, and the address does not tell', async () => {
  const { page } = browser;
  await page.getByLabel('Status').selectOption('');
  await page.getByLabel('Action').selectOption('');
  await page.getByLabel('Find a person').fill('nobody-has-this-id');
  await page.getByRole('button', { name: 'Find' }).click();
  await page.getByRole('row').filter({ hasText: 'nobody-has-this-id' }).waitFor();
  assert.equal(await page.getByRole('row').count(), 2, 'a head and one request');
  assert.ok(!page.url().includes('nobody-has-this-id'));
  await page.getByLabel('Find a person').fill('never-asked-for');
  await page.getByRole('button', { name: 'Find' }).click();
  await page.getByText('No request about this person matches.').waitFor();
  await page.getByLabel('Find a person').fill('');
  await page.getByRole('row').nth(2).waitFor();
});

test('a request that began a moment ago is not taken back, and the page says why', async () => {
  const { page } = browser;
  const made = await api('POST', '/regulations', { regulationType: 'SUPPRESS_ONLY', subjectType: 'USER_ID', subjectIds: ['taken-back'] });
  const id = made.json().data.regulateId;
  // As it was a moment before; the click goes to the API.
  await page.route(`**/regulations/${id}`, async (route) => {
    if (route.request().method() !== 'GET') return route.continue();
    const { data } = (await api('GET', `/regulations/${id}`)).json();
    data.regulation.overallStatus = 'INITIALIZED';
    await route.fulfill({ json: { data } });
  });
  while ((await api('GET', `/regulations/${id}`)).json().data.regulation.overallStatus === 'INITIALIZED') {
    await new Promise((later) => setTimeout(later, 200));
  }
  await page.locator(`a[href$="${id}"]`).click();
  await page.getByRole('button', { name: 'Cancel this request' }).click();
  await page.getByRole('main').getByRole('alert').waitFor();
  await page.unrouteAll({ behavior: 'wait' });
});
