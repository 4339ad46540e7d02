// Purge runs from the page: counted only, asked to stop, let go on.

import { after, before, test } from 'node:test';

import { api, ENDS, launch, signIn } from './browser/launch.mjs';

let browser;
before(async () => {
  browser = await launch();
  await signIn(browser.page);
});
after(() => browser.close());

const list = () => browser.page.getByRole('link', { name: 'Purge runs' }).first().click();

test('a dry run counts, says that nothing was changed, and is told apart in the list', async () => {
  const { page } = browser;
  await list();
  await page.getByRole('button', { name: 'Dry run' }).click();
  await page.getByRole('heading', { level: 1, name: /^Dry run/ }).waitFor();
  await page.getByText(/Nothing was changed\./).waitFor({ timeout: ENDS });
  await list();
  await page.getByText('dry run').first().waitFor();
});

// Which moment a run is in is the page's to show: the answer is changed to that moment, the click goes to the API.
const atMoment = (changes) =>
  browser.page.route(/\/purge-runs\/run_[0-9a-f]+$/, async (route) => {
    const { data } = (await api('GET', new URL(route.request().url()).pathname)).json();
    Object.assign(data.purgeRun, { finishedAt: null }, changes);
    await route.fulfill({ json: { data } });
  });

test('a run that waits for a word shows why, and what the API answers to it', async () => {
  const { page } = browser;
  await atMoment({ phase: 'guard', question: 'it would remove 40 of 100 lines' });
  await list();
  await page.getByRole('rowheader').first().getByRole('link').click();
  await page.getByRole('alert').getByText('it would remove 40 of 100 lines').waitFor();
  await page.getByRole('button', { name: 'Approve…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Yes, delete it' }).click();
  // It has ended long ago: the API refuses, and the dialog says so.
  await dialog.getByRole('alert').waitFor();
  await dialog.getByRole('button', { name: 'Not yet' }).click();
});

test('a run that has ended cannot be stopped, and the page says so', async () => {
  const { page } = browser;
  await page.getByRole('button', { name: 'Stop this run' }).click();
  await page.getByRole('main').getByRole('alert').last().waitFor();
  await page.unrouteAll({ behavior: 'wait' });
});
