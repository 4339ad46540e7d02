// What the API says of a request's case, of the caller, and in figures: the page says it, and counts nothing by itself.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { violations } from '../browser/axe.mjs';
import { ago, company, figures, IDS, regulations } from './company.mjs';
import { open, Refusal } from './server.mjs';

const law = { receivedAt: ago(20), law: 'CCPA', dueAt: ago(-25), daysLeft: 25, file: { reference: 'DSR-4711', requester: 'a parent' } };
let world, page, answers;
before(async () => {
  world = await open(company());
  ({ page, answers } = world);
});
after(() => world.close());

const shown = (name, more) => (answers['GET /regulations/{id}'] = () => ({ regulation: { ...regulations().find((one) => one.id === IDS[name]), ...more } }));

test('a request says its law, its deadline and what is on file', async () => {
  shown('running', law);
  await world.go(`/requests/${IDS.running}`);
  await page.getByText('25 days left').waitFor();
  for (const text of ['CCPA: 45 days', 'DSR-4711', 'a parent']) await page.getByText(text).waitFor();
});

test('its deadline is extended once, with a reason', async () => {
  const extension = { at: ago(0), by: 'admin', reason: 'two vendors need longer', dueAt: ago(-70) };
  answers['POST /regulations/{id}/extension'] = () => ({ extension });
  await page.getByRole('button', { name: 'Extend the deadline…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Extend', exact: true }).click();
  await dialog.getByText('Required.').waitFor();
  await dialog.getByLabel('Reason').fill(extension.reason);
  shown('running', { ...law, dueAt: extension.dueAt, extension });
  await dialog.getByRole('button', { name: 'Extend', exact: true }).click();
  await page.getByText('The deadline was extended.').waitFor();
  await page.getByText(extension.reason).waitFor();
  await page.getByText('70 days left').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Extend the deadline…' }).count(), 0);
  assert.deepEqual(world.of('POST /regulations/{id}/extension')[0].body, { reason: extension.reason });
});

test('who cancelled it is said without the audit trail', async () => {
  shown('cancelled', { cancelledBy: 'admin', cancelledAt: ago(8) });
  const before = world.of('GET /audit').length;
  await world.go(`/requests/${IDS.cancelled}`);
  await page.getByText('Cancelled by Administrator (token from deployment)').waitFor();
  assert.equal(world.of('GET /audit').length, before);
});

test('a new request says when it came in, its law and its reference', async () => {
  answers['POST /regulations'] = () => ({ regulateId: IDS.running });
  await world.go('/requests/new');
  await page.getByLabel('User IDs').fill('customer-9');
  await page.getByText('Suppress only').click();
  await page.getByLabel('Received on').fill('2026-11-02');
  await page.getByLabel('Law').selectOption('OTHER');
  await page.getByLabel('Reference').fill('DSR-9');
  await page.getByLabel('Requested by (their role)').fill('a lawyer');
  const send = page.getByRole('button', { name: /^Suppress only/ });
  await send.click();
  await page.getByText('A number from 1 to 365.').waitFor();
  await page.getByLabel('Days to answer').fill('20');
  await send.click();
  await page.waitForURL(/requests\/reg_/);
  const { body } = world.of('POST /regulations').at(-1);
  assert.deepEqual({ ...body, receivedAt: undefined }, { regulationType: 'SUPPRESS_ONLY', subjectType: 'USER_ID', subjectIds: ['customer-9'], law: 'OTHER', dueInDays: 20, file: { reference: 'DSR-9', requester: 'a lawyer' }, receivedAt: undefined });
  assert.equal(body.receivedAt, '2026-11-01T23:00:00.000Z', 'midnight in Berlin');
});

test('what the API refuses of a case stands beside its field, in the form and in the dialog', async () => {
  answers['POST /regulations'] = () => new Refusal(422, 'file.reference names somebody whom it is about', 'file.reference');
  await world.go('/requests/new');
  await page.getByLabel('User IDs').fill('customer-9');
  await page.getByLabel('Reference').fill('about customer-9');
  await page.getByRole('button', { name: 'Review and delete…' }).click();
  await page.getByRole('button', { name: 'Delete 1 person permanently' }).click();
  await page.getByText('Names somebody whom it is about').waitFor();
  assert.equal(await page.getByRole('dialog').count(), 0);
  assert.equal(await page.evaluate(() => document.activeElement.value), 'about customer-9');
  await page.getByLabel('Reference').fill('DSR-9');
  await page.getByRole('button', { name: 'Review and delete…' }).click();
  await page.getByRole('dialog').waitFor();
  assert.equal(await page.getByText('Names somebody whom it is about').count(), 0);

  shown('running', law);
  answers['POST /regulations/{id}/extension'] = () => new Refusal(422, 'reason looks like an email address', 'reason');
  await world.go(`/requests/${IDS.running}`);
  await page.getByRole('button', { name: 'Extend the deadline…' }).click();
  await page.getByLabel('Reason').fill('a@b.example needs longer');
  await page.getByRole('dialog').getByRole('button', { name: 'Extend', exact: true }).click();
  await page.getByText('Looks like an email address').waitFor();
  assert.equal(await page.getByLabel('Reason').getAttribute('aria-invalid'), 'true');
});

test('nothing is erased before a request’s time of grace is over, and until then it can be cancelled', async () => {
  shown('running', { overallStatus: 'INITIALIZED', graceUntil: ago(-1) });
  await world.go(`/requests/${IDS.running}`);
  await page.getByText(/^Nothing is erased before .* until then you can cancel\.$/).waitFor();
  answers['DELETE /regulations/{id}'] = () => ({ status: 'INVALID' });
  await page.getByRole('button', { name: 'Cancel this request' }).click();
  await page.getByText('The request was cancelled.').waitFor();
  shown('running', { graceUntil: ago(1) });
  await world.go(`/requests/${IDS.running}`);
  assert.equal(await page.getByText(/^Nothing is erased before/).count(), 0);
});

const outcome = { accepted: 0, acceptedAt: 0, erased: 0, failed: 0, failedAt: 0, found: 0, notFound: 0, unclear: 0, unreached: 0, unreachedAt: 0 };

test('nobody who was not found counts as deleted, on a request and in the list', async () => {
  shown('accepted', { outcome: { ...outcome, notFound: 1 } });
  await world.go(`/requests/${IDS.accepted}`);
  await page.getByRole('heading', { level: 1, name: /^Nobody was found: no system held data under this identifier/ }).waitFor();
  shown('accepted', { subjectCount: 3, outcome: { ...outcome, erased: 2, found: 2, notFound: 1 } });
  await page.reload();
  await page.getByRole('heading', { level: 1, name: /1 person of them was found nowhere/ }).waitFor();
  const { regulations: listed } = company()['GET /regulations']({ query: {} });
  const told = { [IDS.accepted]: { ...outcome, notFound: 1 }, [IDS.running]: { ...outcome, accepted: 1, acceptedAt: 1 } };
  const all = listed.map((one) => (told[one.id] ? { ...one, status: 'FINISHED', finishedAt: ago(1), outcome: told[one.id] } : one));
  answers['GET /regulations'] = answers['POST /regulations/search'] = () => ({ regulations: all, pagination: { current: '', next: null } });
  await world.go('/requests');
  await page.getByRole('cell', { name: 'Nobody found' }).waitFor();
  await page.getByRole('cell', { name: 'Accepted, not confirmed' }).waitFor();
  Object.assign(answers, { 'GET /regulations': company()['GET /regulations'], 'POST /regulations/search': company()['POST /regulations/search'] });
});

test('identifiers are shown while they are kept, when the reader wants it: each look is recorded', async () => {
  const subjects = [{ id: 'customer-9', type: 'USER_ID', person: 0 }, { id: 'nine@example.com', type: 'EMAIL', person: 0 }];
  answers['GET /regulations/{id}/subjects'] = ({ query }) => ({ subjects: query['pagination.cursor'] ? [{ id: 'customer-10', type: 'USER_ID', person: 1 }] : subjects, pagination: { current: '', next: query['pagination.cursor'] ? null : '2' } });
  shown('running', {});
  await world.go(`/requests/${IDS.running}`);
  await page.getByText('Each look is recorded in the audit trail.').waitFor();
  assert.equal(world.of('GET /regulations/{id}/subjects').length, 0);
  await page.getByRole('button', { name: 'Show identifiers' }).click();
  await page.getByRole('row', { name: 'nine@example.com Email address 1' }).waitFor();
  assert.deepEqual(await violations(page), []);
  await page.getByRole('button', { name: 'Show more' }).click();
  await page.getByRole('row', { name: 'customer-10 User ID 2' }).waitFor();
  assert.equal(await page.getByText('Each look is recorded in the audit trail.').count(), 0);
  shown('accepted', {});
  await world.go(`/requests/${IDS.accepted}`);
  assert.equal(await page.getByRole('button', { name: 'Show identifiers' }).count(), 0);
});

test('the report of a month is saved from the overview', async () => {
  answers['GET /reports/{month}'] = () => 'month,received\r\n2026-10,5\r\n';
  await world.go();
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Monthly report (CSV)' }).click();
  const file = await saved;
  const last = new Date(new Date().setUTCDate(0)).toISOString().slice(0, 7);
  assert.equal(file.suggestedFilename(), `lethe-report-${last}.csv`);
  assert.match(readFileSync(await file.path(), 'utf8'), /^month,received\r\n/);
  const [call] = world.of('GET /reports/{month}');
  assert.deepEqual([call.path.month, call.headers.accept], [last, 'text/csv']);
});

test('the figures are the API’s, and say so if they are not whole', async () => {
  const days = figures();
  answers['GET /figures'] = () => figures({ acceptedOnly: 3, daysToHonour: { of: 9, median: 4, mean: 5, longest: 21 }, people: { ...days.people, erased: 1234, unclear: 2, notFound: 7 } });
  await world.go();
  const figure = (title) => page.locator('.figures > div').filter({ hasText: title });
  await figure('People deleted').getByText('1,234').waitFor();
  await figure('People deleted').getByText('and some of 2 people named together').waitFor();
  await figure('People deleted').getByText('7 people found nowhere').waitFor();
  await figure('Accepted, not confirmed').getByText('3', { exact: true }).waitFor();
  await figure('Days until done').getByText('the longest: 21').waitFor();
  answers['GET /figures'] = () => figures({ complete: false, countedSince: ago(3) });
  await page.reload();
  await page.getByText(/^There are too many to count at once: these figures begin/).waitFor();
});

test('whose token it is and until when; nothing is tried to find out what it may', async () => {
  const own = await open({ ...company(), 'GET /me': () => ({ ...company()['GET /me'](), scopes: ['audit:read'] }) });
  try {
    await own.page.goto(`${own.url}/console`);
    await own.page.getByRole('heading', { level: 1, name: 'Audit trail' }).waitFor();
    await own.page.getByText(/^Token: Anna \(privacy\), until/).waitFor();
    await own.page.getByText('Your token can: see the audit trail').waitFor();
    assert.equal(own.of('GET /tokens').length + own.of('GET /suppressions').length, 0);
  } finally {
    await own.close();
  }
});

test('the trail is filtered by the API, as the address says', async () => {
  await world.go(`/audit?object=${IDS.cancelled}`);
  await page.getByLabel('Action').selectOption('Cancelled a request');
  await page.waitForURL(/action=DELETE/);
  await page.getByRole('row').nth(1).waitFor();
  const { query } = world.of('GET /audit').at(-1);
  assert.deepEqual([query.object, query.action], [IDS.cancelled, 'DELETE /regulations/{id}']);
  const entry = company()['GET /audit']({ query: {} }).entries[0];
  answers['GET /audit'] = () => ({ entries: [{ ...entry, action: 'POST /purge-runs', object: null, dryRun: true }], pagination: { current: '' } });
  await page.getByLabel('Action').selectOption('Started a dry run');
  await page.getByRole('cell', { name: /^Started a dry run/ }).waitFor();
  assert.equal(world.of('GET /audit').at(-1).query.action, 'POST /purge-runs');
});
