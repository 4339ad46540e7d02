// Whoever never saw Lethe answers from the page alone: is this person gone, from where, since when, what is left, who must
// act, by when?

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { company, DST, IDS, RUN } from './company.mjs';
import { open } from './server.mjs';

let world, page;
before(async () => {
  world = await open(company());
  page = world.page;
});
after(() => world.close());

const read = async (name) => {
  await world.go(`/requests/${IDS[name]}`);
  await page.getByText(/Maria \(privacy\)/).waitFor();
  const section = (title) => page.getByRole('region', { name: title, exact: true });
  const text = async (title) => (await section(title).innerText()).split('\n').slice(1).map((line) => line.trim()).filter(Boolean).join(' ');
  return { gone: await page.getByRole('heading', { level: 1 }).innerText(), when: await page.locator('header.verdict > .soft').innerText(), act: await text('Who must act?'), left: await text('What is left?'), place: (system) => page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: system }) }) };
};
const DATE = String.raw`\d{1,2} \w{3} \d{4}`;

test('a running request: not yet, who is at work, how long still, and by when', async () => {
  const { gone, when, act, left, place } = await read('running');
  assert.equal(gone, 'Not yet. 1 of 3 systems is done.');
  assert.match(when, new RegExp(`^Received ${DATE}, \\d\\d:\\d\\d · due ${DATE} · 27 days left$`));
  await page.getByText(/About 30 minutes of scanning left/).waitFor();
  assert.match(act, /Lethe, at Events archive: Scanning in a purge run: 500 of 2,000 object versions \(25%\)\..*Lethe, at Braze: Not started yet\. Nothing for you to do\./);
  assert.match(left, /^Events archive and Braze: not confirmed as deleted yet\./);
  assert.match(await place('Warehouse').innerText(), new RegExp(`Deletion confirmed\\s+since ${DATE}[^]*17 rows in 2 tables[^]*nothing`));
  assert.equal(await place('Braze').getByText('not yet').count(), 0, 'a vendor is not said to be counted');
});

test('a failed one: what failed and who mends it; it is said once, and nothing is “not yet”', async () => {
  const { gone, when, act, left, place } = await read('failed');
  assert.equal(gone, 'Gone from 1 of 3 systems. Action needed at Events archive.');
  assert.match(when, new RegExp(`last attempt ended ${DATE}, .* · due ${DATE} · 24 days left$`));
  assert.match(act, /You, at Events archive: The bucket lethe-events refuses s3:PutObject: grant it to the role of purge, then retry\. Braze:/);
  assert.equal(await page.getByText(/refuses s3:PutObject/).count(), 1);
  assert.match(left, /^Events archive: as far as is known, everything it held is still there\. Braze: everything it holds, until Braze deletes it\./);
  assert.match(await place('Events archive').innerText(), /Found\s+unknown/);
});

test('an overdue one: that the deadline has passed comes first, with what to do', async () => {
  const { when, act } = await read('overdue');
  assert.match(when, new RegExp(`due ${DATE} · 4 days overdue$`));
  assert.match(act, new RegExp(`^You: The deadline passed on ${DATE}\\. Follow up where it is not done.* Amplitude: Is working on the request\\.`));
});

test('a cancelled one: by whom and when, and nothing else', async () => {
  const { gone, when, act, left } = await read('cancelled');
  assert.equal(gone, 'Cancelled. Nothing was deleted or changed.');
  await page.getByText(/Cancelled by Help desk/).waitFor();
  assert.ok(!/left|due|overdue/.test(when), when);
  assert.equal(act, 'Nobody: the request was cancelled.');
  assert.equal(left, 'Everything: nothing was deleted.');
});

test('one that a vendor accepted: gone from the others, not confirmed there', async () => {
  const { gone, when, act, left } = await read('accepted');
  assert.equal(gone, 'Gone from both systems that confirm deletion. Braze accepted the request but doesn’t confirm deletion.');
  assert.match(when, /done in 24 hours$/);
  assert.match(act, /^Braze: Accepted the request\. Braze doesn’t send confirmation: ask them if you need one\./);
  assert.match(left, /^Braze: everything it holds, until Braze deletes it\./);
  await page.getByText('2 identifiers linked by events and not included, as they may be other people’s. Make a separate request for those that are theirs.').waitFor();
});

test('no name of a field or of the API reaches a person', async () => {
  const pages = ['', '/requests', '/requests/new', ...Object.values(IDS).map((id) => `/requests/${id}`), '/people', '/suppressions', '/destinations', ...Object.values(DST).map((id) => `/destinations/${id}`), '/destinations/new', '/sources', '/sources/web', '/batches', '/runs', `/runs/${RUN}`, '/tokens', '/audit'];
  for (const path of pages) {
    await world.go(path);
    await page.evaluate(() => document.querySelectorAll('details').forEach((part) => (part.open = true)));
    const text = await page.getByRole('main').innerText();
    assert.deepEqual(text.match(/\b[a-z]+[A-Z][a-z]\w*\b|\b[A-Z]+_[A-Z_]+\b/g), null, path);
  }
});

test('nothing that is said is cut off on a phone', async () => {
  await page.setViewportSize({ width: 360, height: 780 });
  for (const name of Object.keys(IDS)) {
    await world.go(`/requests/${IDS[name]}`);
    const cut = await page.evaluate(() =>
      [...document.querySelectorAll('main p, main li, main dd, main h1')].filter((part) => part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).overflow !== 'visible').map((part) => part.textContent),
    );
    assert.deepEqual(cut, [], name);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
});
