// What a list gives whoever works with it all day: CSV, order, a choice of rows to retry, saved filters, keys.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { BATCH, company, DST, IDS } from './company.mjs';
import { open, Refusal } from './server.mjs';

let world, page;
before(async () => {
  world = await open(company());
  page = world.page;
});
after(() => world.close());

const exported = async () => {
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export CSV' }).click();
  const file = await saved;
  return { name: file.suggestedFilename(), lines: readFileSync(await file.path(), 'utf8').trim().split('\r\n') };
};

test('every list is exported, with a name and heads that people know', async () => {
  const wanted = {
    '/requests': ['requests.csv', /^Request ID,Received,Due,Ended,Action,Status,People,Identifiers$/, 6],
    '/destinations': ['systems.csv', /^System ID,Name,Product,Type,/, 6],
    '/sources': ['sources.csv', /^Source ID,Name,Created,/, 3],
    '/batches': ['batches.csv', /^Batch ID,Received,Ended,/, 2],
    [`/batches/${BATCH}`]: ['rejected-lines.csv', /^Line,Why$/, 2],
    '/runs': ['purge-runs.csv', /^Run ID,Started,Ended,/, 3],
    '/tokens': ['tokens.csv', /^Name,Permissions,/, 3],
    '/suppressions': ['suppression-list.csv', /^userId,/, 3],
  };
  for (const [path, [name, head, count]] of Object.entries(wanted)) {
    await world.go(path);
    const file = await exported();
    assert.equal(file.name, name);
    assert.match(file.lines[0], head);
    assert.equal(file.lines.length, count, file.lines.join('\n'));
  }
});

test('a head sorts, upwards, downwards, and back', async () => {
  await world.go('/requests');
  const first = () => page.getByRole('table', { name: 'Deletion requests' }).getByRole('row').nth(1).innerText();
  await page.getByRole('button', { name: 'Deadline' }).click();
  assert.match(await first(), /4 days overdue/);
  assert.equal(await page.getByRole('columnheader', { name: 'Deadline' }).getAttribute('aria-sort'), 'ascending');
  await page.getByRole('button', { name: 'Status' }).click();
  await page.getByRole('button', { name: 'Status' }).click();
  assert.match(await first(), /In progress/);
  await page.getByRole('button', { name: 'Status' }).click();
  assert.match(await first(), /27 days left/);
});

test('what failed is chosen and retried together; what is refused is said', async () => {
  const search = world.answers['POST /regulations/search'];
  const other = IDS.failed.replace('2', '9');
  world.answers['POST /regulations/search'] = (call) => {
    const { regulations, pagination } = search(call);
    return { regulations: [...regulations, { ...regulations[1], id: other }], pagination };
  };
  world.answers['POST /regulations/{id}/retry'] = ({ path }) => ({ regulateId: path.id, attempt: 2 });
  await world.go('/requests');
  assert.equal(await page.getByRole('checkbox').count(), 3, 'two that failed, and all');
  await page.getByRole('checkbox', { name: `Select ${IDS.failed}` }).check();
  await page.getByRole('button', { name: 'Retry 1 request' }).click();
  await page.getByText('Retrying 1 request.').waitFor();
  assert.deepEqual(world.of('POST /regulations/{id}/retry').map(({ path }) => path.id), [IDS.failed]);
  world.answers['POST /regulations/{id}/retry'] = ({ path }) => (path.id === other ? new Refusal(409, 'its identifiers are no longer kept') : { regulateId: path.id, attempt: 2 });
  await page.getByRole('checkbox', { name: 'Select all 2 that failed' }).check();
  await page.getByRole('button', { name: 'Retry 2 requests' }).click();
  await page.getByRole('alert').getByText('1 of 2 requests could not be retried: Its identifiers are no longer kept').waitFor();
  assert.equal(world.of('POST /regulations/{id}/retry').length, 3, 'one that is refused does not hold up the next');
  world.answers['POST /regulations/search'] = search;
});

test('a filter is saved under a name, kept by the browser, and taken away', async () => {
  await world.go('/requests?status=FAILED');
  await page.getByRole('button', { name: 'Save this filter…' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('Trouble');
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'Clear filters' }).click();
  assert.ok(!page.url().includes('status'));
  await page.reload();
  await page.getByRole('link', { name: 'Trouble', exact: true }).click();
  assert.match(page.url(), /status=FAILED/);
  assert.equal(await page.getByLabel('Status').inputValue(), 'FAILED');
  await page.getByRole('button', { name: 'Remove the filter Trouble' }).click();
  await page.getByRole('link', { name: 'Trouble', exact: true }).waitFor({ state: 'detached' });
});

test('requests are narrowed down to a system and to days, in the address', async () => {
  await world.go('/requests');
  await page.getByLabel('System', { exact: true }).selectOption({ label: 'Amplitude' });
  await page.getByRole('row').nth(2).waitFor({ state: 'detached' });
  assert.match(page.url(), new RegExp(`system=${DST.amplitude}`));
  await page.getByLabel('Received from').fill('2999-01-01');
  await page.getByText('No request matches.').waitFor();
  const { since } = world.of('POST /regulations/search').at(-1).body;
  assert.ok(since.startsWith('2998-12-31T23:00'), since);
});

test('a system says when it last did its work, and when it last failed', async () => {
  await world.go(`/destinations/${DST.archive}`);
  const facts = page.getByRole('region', { name: 'Connection' });
  assert.match(await facts.innerText(), /Last success\s+\d+ \w+ \d{4}[^]*Last failure\s+\d+ \w+ \d{4}/);
  assert.match(await facts.locator('.tone-alert a').getAttribute('href'), new RegExp(`${IDS.failed}$`));
});

test('/ finds a person, Ctrl-K goes anywhere, by name or id; neither takes a letter from a field', async () => {
  await world.go('/tokens');
  await page.keyboard.press('/');
  await page.waitForURL(/\/people$/);
  await page.waitForFunction(() => document.activeElement?.type === 'search');
  await page.keyboard.type('a/b');
  assert.equal(await page.getByLabel('Find a person').inputValue(), 'a/b');
  await page.keyboard.press('Control+k');
  await page.getByRole('dialog', { name: 'Go to' }).getByLabel('Page or ID').waitFor();
  await page.keyboard.type('aud');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/audit$/);
  await page.keyboard.press('Control+k');
  await page.getByLabel('Page or ID').fill(DST.braze);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForURL(new RegExp(`/destinations/${DST.braze}$`));
});

test('on a phone every list shows what matters, without sideways scrolling', async () => {
  await page.setViewportSize({ width: 360, height: 780 });
  for (const path of ['/requests', '/audit', '/destinations', '/sources', '/batches', '/tokens', '/runs', '/suppressions']) {
    await world.go(path);
    const wide = await page.evaluate(() => [...document.querySelectorAll('main .scroll')].filter((part) => part.scrollWidth > part.clientWidth + 1).length);
    assert.equal(wide, 0, path);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
});
