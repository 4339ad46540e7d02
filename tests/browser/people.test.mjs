// Many people at once: CSV files as exports have them, and a confirmation that cannot be clicked by accident.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { api, ENDS, launch, signIn } from './browser/launch.mjs';

let browser;
before(async () => {
  browser = await launch();
  await signIn(browser.page);
  await browser.page.getByRole('heading', { level: 1 }).waitFor();
});
after(() => browser.close());

const open = async (text, name = 'people.csv') => {
  const { page } = browser;
  await page.getByRole('link', { name: 'Deletion requests' }).first().click();
  await page.getByRole('link', { name: 'New request' }).click();
  await page.getByLabel('CSV file').setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });
  await page.getByText(name).waitFor();
};

test('a CSV export is understood: separator, quotes, header, column, repeats', async () => {
  const { page } = browser;
  await open('\uFEFFname;user_id;plan\r\n"Doe; Jane";csv-1;pro\r\nKim;"csv-""2""";free\r\nKim;csv-1;free\r\n\r\n');
  await page.getByText('2 people; 1 duplicate counted once.').waitFor();
  assert.equal(await page.getByLabel('Column with the user IDs').inputValue(), '1');
  await page.getByText('csv-"2"').waitFor();
  await page.getByLabel('Column with the user IDs').selectOption('0');
  await page.getByText('Doe; Jane').waitFor();
});

test('5,000 people are taken, after what will happen is typed', async () => {
  const { page } = browser;
  await open(`userId\n${Array.from({ length: 5_000 }, (_, n) => `many-${n}`).join('\n')}\n`);
  await page.getByText('5,000 people.', { exact: true }).waitFor();
  await page.getByText('Delete from our own systems only').click();
  const send = page.getByRole('button', { name: 'Review and delete…' });
  await send.click();
  await page.getByText('Type “delete 5000”.').waitFor();
  await page.getByLabel(/To confirm, type/).fill('delete 5000');
  await send.click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete 5,000 people permanently' }).click();
  await page.getByText('Are these 5,000 people gone?').waitFor({ timeout: ENDS });
  await page.getByRole('heading', { name: /^Nobody was found/ }).waitFor({ timeout: ENDS });
  const { data } = (await api('GET', '/regulations?pagination.count=1')).json();
  assert.equal(data.regulations[0].subjectCount, 5_000);
});

test('more than 5,000 people are sent as several requests; too many for the page are told where to go', async () => {
  const { page } = browser;
  const sheet = (count) => `userId\n${Array.from({ length: count }, (_, n) => `more-${n}`).join('\n')}\n`;
  await open(sheet(50_001));
  await page.getByText('Lift suppression').first().click();
  const send = page.getByRole('button', { name: /^Lift suppression: / });
  await send.click();
  await page.getByRole('alert').getByText(/More than 50,000 people at once are sent as a batch/).waitFor();

  await page.getByRole('button', { name: 'Remove the file' }).click();
  await page.getByLabel('CSV file').setInputFiles({ name: 'fewer.csv', mimeType: 'text/csv', buffer: Buffer.from(sheet(5_001)) });
  await page.getByText('Sent as 2 requests of up to 5,000 people each.').waitFor();
  await page.getByLabel(/To confirm, type/).fill('lift 5001');
  // The second fails once: the first is not made twice.
  let posts = 0;
  await page.route('**/regulations', (route) => {
    if (route.request().method() === 'POST' && (posts += 1) === 2) return route.fulfill({ status: 503, body: '{}' });
    return route.continue();
  });
  await send.click();
  await page.getByText('1 of 2 requests were created.').waitFor({ timeout: ENDS });
  await send.click();
  await page.getByRole('heading', { name: 'Deletion requests' }).waitFor({ timeout: ENDS });
  await page.unrouteAll({ behavior: 'wait' });
  const { regulations } = (await api('GET', '/regulations?regulationTypes=UNSUPPRESS&pagination.count=100')).json().data;
  const made = regulations.map((one) => one.subjectCount);
  assert.deepEqual([made[0], made.filter((count) => count === 5_000).length], [1, 1], 'the first was not made twice');
});

test('what is wrong is said where it is wrong, and nothing is sent', async () => {
  const { page } = browser;
  await page.getByRole('link', { name: 'Deletion requests' }).first().click();
  await page.getByRole('link', { name: 'New request' }).click();
  await page.getByRole('button', { name: 'Review and delete…' }).click();
  await page.getByText('Enter at least one person.').waitFor();
  await page.getByLabel('User IDs').fill('x'.repeat(2_000));
  await page.getByRole('button', { name: 'Review and delete…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete 1 person permanently' }).click();
  await page.getByRole('alert').getByText(/at most 1024/).waitFor();
});
