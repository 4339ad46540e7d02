// Ten answers that were false, or took the wrong people.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { ago, company, destinations, entries, figures, IDS, regulations, RUN } from './company.mjs';
import { open, Refusal } from './server.mjs';

let world, page, answers;
const fresh = company();
before(async () => {
  world = await open({ ...fresh });
  ({ page, answers } = world);
});
after(() => world.close());

const real = regulations()[0];

/** Opens a request, with this of it changed. */
async function request(changes) {
  answers['GET /regulations/{id}'] = () => ({ regulation: { ...real, ...changes } });
  await world.go(`/requests/${real.id}`);
}

const system = (name, taskStatus, more = {}) => ({ id: `dst_${name}`, name, vendor: 's3', status: 'RUNNING', taskStatus, errString: '', evidence: {}, ...more });
const at = (...systems) => ({ streamStatus: [{ id: 'workspace', destinationStatus: systems }] });

/** The overview, the list and the person find these. */
const searches = (find) => (answers['POST /regulations/search'] = ({ body }) => ({ regulations: find(body), pagination: { current: '' } }));
const entry = (changes) => ({ id: real.id, regulationType: 'DELETE_ONLY', subjectCount: 1, subjectType: 'USER_ID', subjects: [], createdAt: ago(3), status: 'FINISHED', ...changes });

test('1: the clock of a failed request runs on, and what is overdue is overdue, first', async () => {
  await request({ overallStatus: 'FAILED', createdAt: ago(40.5), finishedAt: ago(40), ...at(system('Store', 'FAILED', { errString: 'no access' })) });
  await page.getByText('11 days overdue').waitFor();
  assert.equal(await page.getByText(/done in/).count(), 0);
  searches(({ status }) => (status === 'RUNNING' ? [entry({ status, createdAt: ago(1) }), entry({ status, createdAt: ago(33) })] : []));
  await world.go();
  await page.getByRole('heading', { name: '1 request is overdue.' }).waitFor();
  await page.getByRole('table', { name: 'Requests in progress, most urgent first' }).getByRole('row').nth(1).getByText('3 days overdue').waitFor();
});

test('2: a cancelled request is cancelled, by whom and when; nothing to do, nothing to retry', async () => {
  await request({ overallStatus: 'INVALID', createdAt: ago(2), finishedAt: ago(1), ...at(system('Store', 'FAILED')) });
  answers['GET /audit'] = () => ({ entries: [{ ...entries()[3], object: real.id }], pagination: { current: '' } });
  await page.reload();
  await page.getByRole('heading', { name: 'Cancelled. Nothing was deleted or changed.' }).waitFor();
  await page.getByText(/Cancelled by Help desk/).waitFor();
  await page.getByText('Nobody: the request was cancelled.').waitFor();
  assert.equal(await page.getByRole('button', { name: /Retry/ }).count(), 0);
});

const rehearsed = (destinations) => ({ body }) => ({
  dryRun: true, destinations, regulationType: body.regulationType, subjectCount: 2, leftOut: [], leftOutCount: 1, linkedCount: 3, linkedSubjects: [], sharedCount: 0, resolved: { EMAIL: 1 },
});

async function file(name, buffer) {
  await world.go('/requests/new');
  await page.getByLabel('CSV file').setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(buffer) });
}

test('3: no binary becomes people; the column is known or asked for; a header is nobody; kinds are shown', async () => {
  await file('people.csv', [0x50, 0x4b, 3, 4, 0, 0]);
  await page.getByRole('alert').getByText(/Excel workbook \(\.xlsx\).*Save As/).waitFor();
  await page.getByText('No people yet.').waitFor();
  await file('kunden.csv', 'E-Mail;Kundennummer\nkim@example.com;4711\nlee@example.com;4712\n');
  await page.getByText('2 people.', { exact: true }).waitFor();
  await page.getByText('They look like: 2 numbers.').waitFor();
  assert.equal(await page.getByRole('table', { name: 'First rows of the file' }).getByRole('row').count(), 3);
  await file('unsure.csv', 'E-Mail\tPlan\nkim@example.com\tpro\n');
  await page.getByText('No people yet.').waitFor();
  await page.getByRole('button', { name: 'Review and delete…' }).click();
  await page.getByRole('alert').getByText('Choose the column with the identifiers first.').waitFor();
  await page.getByLabel('Column with the user IDs').selectOption({ label: 'E-Mail' });
  await page.getByText('1 person.', { exact: true }).waitFor();
  await page.getByText(/1 email address/).waitFor();
});

test('3: a list of email addresses asks for people by their address', async () => {
  await file('kunden.csv', 'Kundennummer;E-Mail\n4711;kim@example.com\n4712;lee@example.com\n');
  await page.getByText('They look like: 2 numbers.').waitFor();
  await page.getByLabel('Kind of identifier').selectOption({ label: 'Email addresses' });
  await page.getByText('They look like: 2 email addresses.').waitFor();
  assert.equal(await page.getByLabel('Column with the email addresses').inputValue(), '1');
  answers['POST /regulations'] = rehearsed([]);
  await page.getByRole('button', { name: 'Preview', exact: true }).click();
  await page.getByRole('button', { name: 'Preview again' }).waitFor();
  const { body, query } = world.of('POST /regulations').at(-1);
  assert.equal(query.dryRun, 'true');
  assert.deepEqual(body.subjects, [{ email: 'kim@example.com' }, { email: 'lee@example.com' }]);
  assert.equal(body.subjectType, undefined);
});

test('4: settings are sent as their types; what is wrong stands beside its field', async () => {
  await world.go('/destinations/new/bigquery');
  await page.getByRole('button', { name: 'Connect Google BigQuery' }).click();
  await page.getByText('Required.').first().waitFor();
  await page.getByLabel('Project').fill('acme');
  await page.getByLabel('Location').fill('EU');
  await page.getByLabel('Datasets').fill('web, ios');
  await page.getByLabel('Except tables').fill('web.audit_*');
  await page.getByLabel('Columns').fill('[{"table": "web.loyalty", "column": "member", "type": "USER_ID"}');
  await page.getByLabel('Credentials').fill('{}');
  await page.getByRole('button', { name: 'Connect Google BigQuery' }).click();
  await page.getByText(/This is not valid JSON/).waitFor();
  await page.getByLabel('Columns').fill('[{"table": "web.loyalty", "column": "member", "type": "USER_ID"}]');
  answers['POST /destinations/check'] = () => new Refusal(422, 'settings.location must be a region', 'settings.location');
  await page.getByRole('button', { name: 'Connect Google BigQuery' }).click();
  const location = page.getByLabel('Location');
  await page.getByText('Must be a region').waitFor();
  assert.equal(await location.getAttribute('aria-invalid'), 'true');
  const sent = world.of('POST /destinations/check').at(-1).body;
  assert.deepEqual(sent.settings.datasets, ['web', 'ios']);
  assert.deepEqual(sent.settings.exceptTables, ['web.audit_*']);
  assert.equal(sent.settings.columns[0].column, 'member');
});

test('4: saving tests first: what fails its test is not connected, unless the reader wants that', async () => {
  const destination = destinations()[2];
  answers['POST /destinations'] = () => ({ destination });
  answers['POST /destinations/check'] = () => ({ ok: false, message: 'Braze refuses the key' });
  await world.go('/destinations/new/braze');
  await page.getByLabel('Endpoint').fill('https://rest.iad-01.braze.com');
  await page.getByLabel('API key').fill('a-key');
  await page.getByRole('button', { name: 'Connect Braze' }).click();
  await page.getByRole('alert').getByText(/The connection test failed, so the system is not connected: Braze refuses the key/).waitFor();
  assert.equal(world.of('POST /destinations').length, 0);
  await page.getByLabel('API key').fill('another-key');
  assert.equal(await page.getByRole('button', { name: 'Connect anyway' }).count(), 0, 'what was tested is not what is typed');
  await page.getByRole('button', { name: 'Connect Braze' }).click();
  await page.getByRole('button', { name: 'Connect anyway' }).click();
  await page.getByRole('heading', { level: 1, name: 'Braze' }).waitFor();
  assert.deepEqual(world.of('POST /destinations').map(({ body }) => body), [{ name: 'Braze', vendor: 'braze', settings: { endpoint: 'https://rest.iad-01.braze.com' }, secrets: { apiKey: 'another-key' } }]);
});

test('4: a secret is asked for again when it would be sent elsewhere', async () => {
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  await page.getByLabel('Endpoint').fill('https://rest.fra-01.braze.eu');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Enter it again: you changed where it is sent.').waitFor();
  assert.equal(world.of('PATCH /destinations/{id}').length, 0);
});

test('5: a person: gone or not comes first, and “not tracked” is not “no”', async () => {
  searches(() => []);
  await world.go('/people');
  await page.getByLabel('Find a person').fill('never-heard-of');
  await page.getByRole('button', { name: 'Find' }).click();
  await page.getByRole('heading', { level: 2, name: 'Not known: no deletion request about this person was found.' }).waitFor();
  assert.equal(await page.getByRole('heading', { level: 2 }).first().innerText(), 'Not known: no deletion request about this person was found.');
  await page.getByText(/Not tracked: no source recorded this identifier/).waitFor();
});

test('6: accepted by a vendor is not done, and nobody who was not found counts as deleted', async () => {
  searches(() => []);
  answers['GET /figures'] = () => figures({ acceptedOnly: 1 });
  await world.go();
  await page.getByRole('heading', { name: 'Nothing to do here. Vendors haven’t confirmed 1 request.' }).waitFor();
  const figure = page.locator('.figures > div').filter({ hasText: 'People deleted' }).locator('dd').first();
  assert.equal(await figure.innerText(), '0');
});

test('7: deletion for good is reviewed: whom, where, how much; nothing is sent before', async () => {
  const posts = () => world.of('POST /regulations').filter(({ query }) => !query.dryRun).length;
  const before = posts();
  await world.go('/requests/new');
  await page.getByLabel('User IDs').fill('reviewed-1\nreviewed-2');
  await page.getByRole('button', { name: 'Review and delete…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete 2 people permanently?' });
  await dialog.getByText('reviewed-2').waitFor();
  await dialog.getByText(/Events archive|Warehouse/).first().waitFor();
  await dialog.getByText('Deleted data cannot be restored.').waitFor();
  assert.equal(posts(), before);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
});

test('8: a preview that found nothing warns, there and in the review', async () => {
  answers['POST /regulations'] = rehearsed([{ id: 'dst_1', name: 'Warehouse', kind: 'WAREHOUSE', vendor: 'postgres', count: 0, reason: '' }, { id: 'dst_2', name: 'Braze', kind: 'CLOUD', vendor: 'braze', count: null, reason: 'it has no call that counts' }]);
  await page.getByRole('button', { name: 'Preview', exact: true }).click();
  await page.getByText(/^Nothing was found under these identifiers/).waitFor();
  await page.getByRole('button', { name: 'Review and delete…' }).click();
  await page.getByRole('dialog').getByText(/^Nothing was found under these identifiers/).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
});

test('8: a preview tells of the other identifiers as the result does', async () => {
  await page.getByText('3 other identifiers of theirs, treated the same way.').waitFor();
  await page.getByText(/^1 identifier linked by events and not included/).waitFor();
  await page.getByText('Found in your own data, and included: 1 × Email address.').waitFor();
});

test('8: an error names a person as the reader counts', async () => {
  answers['POST /regulations'] = () => new Refusal(422, 'subjectIds[1] has 2000 bytes: at most 1024 are taken', 'subjectIds');
  await page.getByRole('button', { name: 'Preview again' }).click();
  await page.getByRole('alert').getByText('Person 2 has 2000 bytes: at most 1024 are taken').waitFor();
});

test('9: a preview is no request in the trail; no path is shown; filters stand in the address', async () => {
  answers['GET /audit'] = fresh['GET /audit'];
  await world.go('/audit');
  await page.getByRole('cell', { name: 'Previewed a request' }).first().waitFor();
  assert.doesNotMatch(await page.getByRole('table').innerText(), /(GET|POST|PATCH|DELETE) \//);
  await page.getByLabel('Request ID').fill(IDS.running);
  await page.getByRole('cell', { name: /Made a request/ }).waitFor();
  assert.match(page.url(), new RegExp(`object=${IDS.running}`));
  assert.equal(await page.getByRole('row').count(), 2);
  await page.getByLabel('Action').selectOption('Cancelled a request');
  await page.getByText('No entry matches.').waitFor();
  await page.reload();
  await page.getByText('No entry matches.').waitFor();
});

test('9: what came through the queue, and exceptions, have words', async () => {
  const one = (action, more) => ({ ...entries()[0], id: `trl_${'5'.repeat(32)}`, action, ...more });
  answers['GET /audit'] = () => ({ entries: [one('batch', { object: `bat_${'1'.repeat(32)}` }), one('batch: regulation', { id: `trl_${'6'.repeat(32)}`, object: IDS.running }), entries()[0]], pagination: { current: '' } });
  await world.go('/audit');
  await page.getByRole('cell', { name: /^Sent a batch/ }).waitFor();
  await page.getByRole('cell', { name: /^Made a request from a batch/ }).waitFor();
  await page.getByRole('cell', { name: /^Added an exception/ }).waitFor();
  answers['GET /audit'] = fresh['GET /audit'];
});

test('10a: a running request says what each system waits for, and leads to the purge run', async () => {
  const run = { id: RUN, phase: 'find', objects: 200, bytes: 1, progress: { objects: 50, bytes: 1, hits: 0 } };
  await request({ overallStatus: 'RUNNING', finishedAt: null, createdAt: ago(1), ...at(system('Archive', 'RUNNING', { purgeRun: run }), system('Vault', 'QUEUED')) });
  await page.getByRole('heading', { name: 'Not yet. None of the 2 systems is done yet.' }).waitFor();
  await page.getByText(/Scanning in a purge run: 50 of 200 object versions \(25%\)/).waitFor();
  await page.getByText('Waits for the next purge run, which starts automatically.').waitFor();
  assert.match(await page.getByRole('link', { name: 'Open the purge run' }).getAttribute('href'), /run_0+1$/);
});

test('10b: Escape does not discard what was typed; what was not sent is said to be not sent', async () => {
  await world.go('/suppressions');
  await page.getByRole('button', { name: 'Add people' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('User IDs').fill('half-typed');
  await page.keyboard.press('Escape');
  await dialog.getByText('Discard what you entered?').waitFor();
  await page.keyboard.press('Escape');
  await dialog.getByRole('button', { name: 'Keep editing' }).click();
  assert.equal(await dialog.getByLabel('User IDs').inputValue(), 'half-typed');
  await world.context.setOffline(true);
  await dialog.getByRole('button', { name: 'Suppress 1 person' }).click();
  await dialog.getByText(/^Not sent: you are offline\. Nothing was changed\./).waitFor();
  await world.context.setOffline(false);
  await page.keyboard.press('Escape');
  await dialog.getByRole('button', { name: 'Discard' }).click();
});

test('10c: on a phone the deadline is in sight', async () => {
  Object.assign(answers, fresh);
  await page.setViewportSize({ width: 360, height: 780 });
  await world.go('/requests');
  const deadline = page.locator('tbody tr').first().locator('td').last();
  const box = await deadline.boundingBox();
  assert.ok(box.width > 0 && box.x + box.width <= 360, JSON.stringify(box));
  await page.setViewportSize({ width: 1280, height: 900 });
});

test('10d: a limited token sees what it may do, and nothing else', async () => {
  const refuse = () => new Refusal(403, 'this needs the scope admin');
  Object.assign(answers, { 'GET /tokens': refuse, 'GET /suppressions': refuse, 'GET /audit': refuse, 'GET /me': () => ({ ...fresh['GET /me'](), scopes: ['regulations:read'] }) });
  await world.go('/runs');
  await page.getByText('Your token can: see requests').waitFor();
  assert.equal(await page.getByRole('link', { name: /^(Tokens|Audit trail|Suppression list)$/ }).count(), 0);
  assert.equal(await page.getByRole('button', { name: /Start a run|Dry run/ }).count(), 0);
  Object.assign(answers, fresh);
});

test('10e: what succeeded is confirmed', async () => {
  answers['POST /suppressions'] = ({ body }) => ({ subjects: body.subjects.length, linked: 0 });
  await world.go('/suppressions');
  await page.getByRole('button', { name: 'Add people' }).click();
  await page.getByRole('dialog').getByLabel('User IDs').fill('one\ntwo');
  await page.getByRole('dialog').getByRole('button', { name: 'Suppress 2 people' }).click();
  await page.getByRole('status').getByText('2 people suppressed.').waitFor();
});

test('German, by the browser’s language, and switched in the page', async () => {
  const german = await open(company(), { locale: 'de-DE' });
  try {
    await german.page.addInitScript(() => sessionStorage.clear());
    await german.page.goto(`${german.url}/console`);
    await german.page.getByRole('heading', { name: 'Anmelden' }).waitFor();
    assert.equal(await german.page.locator('html').getAttribute('lang'), 'de');
    await german.page.getByLabel('Token').fill('prepared');
    await german.page.getByRole('button', { name: 'Anmelden' }).click();
    await german.page.getByRole('link', { name: 'Löschanfragen' }).click();
    await german.page.getByRole('columnheader', { name: 'Frist' }).waitFor();
  } finally {
    await german.close();
  }
});
