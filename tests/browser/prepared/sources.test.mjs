// Sources and write keys, forwarding, suppressions at one source, and exceptions: what was the API's alone.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { company, DST, exceptions, RUN, runs, sources } from './company.mjs';
import { open, Refusal } from './server.mjs';

let world, page, answers;
before(async () => {
  world = await open(company());
  ({ page, answers } = world);
});
after(() => world.close());

const dialog = () => page.getByRole('dialog');
const last = (operation) => world.of(operation).at(-1);

test('a source is made, its key is seen once, and an id that is refused is said beside its field', async () => {
  answers['POST /sources'] = () => new Refusal(422, 'id must have lower-case letters, digits and - only', 'id');
  await world.go('/sources');
  await page.getByRole('rowheader', { name: 'Website' }).waitFor();
  await page.getByRole('button', { name: 'Create source' }).click();
  await dialog().getByRole('button', { name: 'Create source' }).click();
  await dialog().getByText('Required.').waitFor();
  await dialog().getByLabel('Name').fill('Shop');
  await dialog().getByLabel('Source ID').fill('SHOP');
  await dialog().getByRole('button', { name: 'Create source' }).click();
  await dialog().getByText('Id must have lower-case letters').waitFor();
  assert.equal(await dialog().getByLabel('Source ID').getAttribute('aria-invalid'), 'true');
  answers['POST /sources'] = () => ({ source: sources()[0], writeKey: 'key-once', writeKeyId: sources()[0].writeKeys[0].id });
  await dialog().getByLabel('Source ID').fill('');
  await dialog().getByRole('button', { name: 'Create source' }).click();
  await dialog().getByText('key-once').waitFor();
  assert.deepEqual(last('POST /sources').body, { name: 'Shop' });
  await dialog().getByRole('button', { name: 'I have copied it' }).click();
  await page.getByRole('heading', { level: 1, name: 'Website' }).waitFor();
  assert.ok(!(await page.content()).includes('key-once'));
});

test('write keys are made and revoked', async () => {
  const [{ writeKeys: [{ id }] }] = sources();
  answers['POST /sources/{id}/write-keys'] = () => ({ source: sources()[0], writeKey: 'another-key', writeKeyId: id });
  answers['DELETE /sources/{id}/write-keys/{writeKeyId}'] = () => ({ source: sources()[0] });
  await world.go('/sources/web');
  await page.getByRole('button', { name: 'Create write key' }).click();
  await dialog().getByText('another-key').waitFor();
  await dialog().getByRole('button', { name: 'I have copied it' }).click();
  await page.getByRole('button', { name: `Revoke ${id}` }).click();
  await dialog().getByRole('button', { name: 'Revoke write key' }).click();
  await page.getByText('The write key was revoked.').waitFor();
  assert.deepEqual(last('DELETE /sources/{id}/write-keys/{writeKeyId}').path, { id: 'web', writeKeyId: id });
});

test('a connection that ends stays on record; a new one is added to the others', async () => {
  answers['PATCH /sources/{id}'] = () => ({ source: sources()[0] });
  await page.getByRole('button', { name: 'End the connection to Braze' }).click();
  await page.getByText('The connection was ended.').waitFor();
  const { connections } = last('PATCH /sources/{id}').body;
  assert.equal(connections.length, 2);
  assert.ok(!connections[0].until && connections[1].until);
  await page.getByLabel('Add a system').selectOption({ label: 'Warehouse' });
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByText('The system was added.').waitFor();
  assert.deepEqual(last('PATCH /sources/{id}').body.connections.map(({ destinationId }) => destinationId), [DST.archive, DST.braze, DST.warehouse]);
});

test('forwarding is changed with its secret, and stopped', async () => {
  answers['PUT /sources/{id}/upstream'] = () => ({ source: sources()[0] });
  answers['DELETE /sources/{id}/upstream'] = () => ({ source: sources()[0] });
  const section = page.getByRole('region', { name: 'Forwarding' });
  await section.getByText('Segment tracking API').waitFor();
  await section.getByRole('button', { name: 'Change' }).click();
  await section.getByRole('button', { name: 'Save' }).click();
  await section.getByText('Required.').waitFor();
  await section.getByLabel('Write key there').fill('upstream-secret');
  await section.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Events are forwarded from now on.').waitFor();
  assert.deepEqual(last('PUT /sources/{id}/upstream').body, { url: 'https://api.segment.io', format: 'segment', secret: 'upstream-secret' });
  assert.ok(!(await page.content()).includes('upstream-secret'));
  await section.getByRole('button', { name: 'Stop forwarding…' }).click();
  await dialog().getByRole('button', { name: 'Stop forwarding' }).click();
  await page.getByText('Forwarding was stopped.').waitFor();
});

test('people are suppressed and lifted at one source', async () => {
  answers['POST /suppressions'] = answers['POST /suppressions/lift'] = ({ body }) => ({ subjects: body.subjects.length, linked: 0 });
  await page.getByRole('link', { name: 'People suppressed at this source' }).click();
  await page.getByRole('rowheader', { name: 'customer-1' }).waitFor();
  assert.equal(await page.getByLabel('Where').inputValue(), 'web');
  assert.equal(last('GET /suppressions').query.sourceId, 'web');
  await page.getByRole('button', { name: 'Add people' }).click();
  await dialog().getByText('Only events from the source web are dropped.').waitFor();
  await dialog().getByLabel('User IDs').fill('here-only');
  await dialog().getByRole('button', { name: 'Suppress 1 person' }).click();
  await dialog().waitFor({ state: 'detached' });
  assert.equal(last('POST /suppressions').body.sourceId, 'web');
  await page.getByRole('button', { name: 'Lift suppression of customer-1' }).click();
  await dialog().getByText(/is taken off the suppression list of the source web/).waitFor();
  await dialog().getByRole('button', { name: 'Lift suppression' }).click();
  await dialog().waitFor({ state: 'detached' });
  assert.equal(last('POST /suppressions/lift').body.sourceId, 'web');
  await page.getByLabel('Where').selectOption('');
  await page.waitForURL(/\/suppressions$/);
});

test('an archive shows its exceptions; one is ended, and one is made of what a test could not read', async () => {
  answers['POST /destinations/{id}/exceptions'] = ({ body }) => ({ exception: { ...exceptions()[0], ...body } });
  answers['DELETE /destinations/{id}/exceptions/{exceptionId}'] = () => ({ exception: exceptions()[1] });
  answers['POST /destinations/{id}/check'] = () => ({
    ok: false, message: '1 of the objects that were looked into cannot be read (1 corrupt)',
    details: { bucket: 'lethe-events', prefix: '', kinds: ['USER_ID'], objects: 12, versions: 14, bytes: 9000, whole: true, unreachable: [{ key: 'day/broken.gz', reason: 'corrupt', detail: 'its gzip ends early' }] },
  });
  await world.go(`/destinations/${DST.archive}`);
  const table = page.getByRole('table', { name: 'Exceptions' });
  await table.getByRole('row', { name: /^sums\/\*\.orc unknown format daily sums, no ids Administrator/ }).waitFor();
  await table.getByRole('row', { name: /old\/broken\.gz damaged checked by hand Maria \(privacy\) ended/ }).waitFor();
  await table.getByRole('button', { name: 'End the exception for sums/*.orc' }).click();
  await dialog().getByRole('button', { name: 'End exception' }).click();
  await page.getByText('The exception was ended.').waitFor();

  await page.getByRole('button', { name: 'Test the connection' }).click();
  const unread = page.getByRole('table', { name: 'Objects that cannot be read' });
  await unread.getByRole('row', { name: /^day\/broken\.gz Its gzip ends early\./ }).waitFor();
  assert.doesNotMatch(await page.getByRole('main').innerText(), /unreachable|kinds|whole/i, 'no name of a field reaches a person');
  await unread.getByRole('button', { name: 'Except day/broken.gz' }).click();
  await dialog().getByRole('button', { name: 'Add exception' }).click();
  assert.equal(await dialog().getByText('Required.').count(), 2, 'a reason and a day are asked for');
  await dialog().getByLabel('Reason').fill('checked by hand');
  await dialog().getByLabel('Last day').fill('2027-05-31');
  await dialog().getByRole('button', { name: 'Add exception' }).click();
  await page.getByText(/The exception was added/).waitFor();
  const { body } = last('POST /destinations/{id}/exceptions');
  assert.deepEqual([body.keys, body.kind, body.reason], ['day/broken.gz', 'corrupt', 'checked by hand']);
  assert.ok(!page.url().includes('broken'), 'no address holds a key');
});

test('what a dry run could not read can be excepted there', async () => {
  answers['GET /purge-runs/{id}'] = () => ({ purgeRun: { ...runs()[1], id: RUN, dryRun: true, progress: {} } });
  answers['GET /purge-runs/{id}/report'] = () => ({ report: { subjects: { abc: 3 }, objects: [{ archive: DST.archive, key: 'a.gz', lines: { abc: 3 } }], residuals: [{ archive: DST.archive, key: 'x.orc', detail: 'its format is not known' }], excepted: 0 } });
  await world.go(`/runs/${RUN}`);
  await page.getByText(/^3 lines about 1 of 1 person, in 1 object\. Nothing was changed\./).waitFor();
  await page.getByRole('button', { name: 'Except x.orc' }).click();
  await dialog().getByLabel('Reason').fill('sums');
  await dialog().getByLabel('Last day').fill('2027-05-31');
  await dialog().getByRole('button', { name: 'Add exception' }).click();
  await page.getByText(/The exception was added/).waitFor();
  assert.deepEqual(last('POST /destinations/{id}/exceptions').path, { id: DST.archive });
});
