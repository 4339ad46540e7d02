// A company as Lethe would tell of it: three systems, five requests in five states, and what belongs to them.

export const DAY = 86_400_000;
export const ago = (days) => new Date(Date.now() - days * DAY).toISOString();
const day = (days) => ago(days).slice(0, 10);
const id = (kind, n) => `${kind}_${String(n).padStart(32, '0')}`;

export const IDS = { running: id('reg', 1), failed: id('reg', 2), overdue: id('reg', 3), cancelled: id('reg', 4), accepted: id('reg', 5) };
export const RUN = id('run', 1);
const [ARCHIVE, WAREHOUSE, BRAZE, AMPLITUDE, CALLS] = [1, 2, 3, 4, 5].map((n) => id('dst', n));
export const DST = { archive: ARCHIVE, warehouse: WAREHOUSE, braze: BRAZE, amplitude: AMPLITUDE, calls: CALLS };

const step = (name, at, counts, more = {}) => ({ step: name, at, attempt: 1, counts, ...more });
const nearest = { QUEUED: 'INITIALIZED', RUNNING: 'RUNNING', FORWARDED: 'RUNNING', FAILED: 'FAILED', NOT_SUPPORTED: 'NOT_SUPPORTED' };
const place = (destination, name, vendor, taskStatus, more = {}) => ({ id: destination, name, vendor, taskStatus, status: nearest[taskStatus] ?? 'FINISHED', errString: '', evidence: {}, ...more });

const erased = (at) => ({ find: step('find', at, { 'public.users': 3, 'public.orders': 14 }), forget: step('forget', at, { 'public.users': 3, 'public.orders': 14 }), verify: step('verify', at, { 'public.users': 0, 'public.orders': 0 }) });
const purged = (at, residuals) => ({
  find: step('find', at, { lines: 214 }, { lookedAt: { versions: 1840, ruledOut: 1790, bytes: 91_000_000 } }),
  forget: step('forget', at, { objectsRewritten: 12, versionsDeleted: 19, othersLinesInDeletedVersions: 4012 }),
  verify: step('verify', at, { lines: 0 }, residuals && { residuals }),
});
const archive = (taskStatus, more) => place(ARCHIVE, 'Events archive', 's3', taskStatus, more);
const warehouse = (at) => place(WAREHOUSE, 'Warehouse', 'postgres', 'CONFIRMED', { finishedAt: at, evidence: erased(at) });
const braze = (at) => place(BRAZE, 'Braze', 'braze', 'ACCEPTED', { finishedAt: at, evidence: { forward: step('forward', at, { accepted: 1 }) } });

const request = (name, overallStatus, created, ended, places, more = {}) => ({
  id: IDS[name], overallStatus, regulationType: 'SUPPRESS_WITH_DELETE', subjectType: 'USER_ID', subjectCount: 1, workspaceId: 'workspace', actor: id('tok', 1), attempt: 1,
  createdAt: ago(created), finishedAt: ended === undefined ? null : ago(ended), streamStatus: [{ id: 'workspace', destinationStatus: places }],
  leftOutCount: 0, leftOutSubjects: [], linkedCount: 0, linkedSubjects: [], recipients: [], resolved: {}, resolvedShared: {}, resolvedSubjects: [], sharedCount: 0, sources: [], ...more,
});

export const regulations = () => [
  request('running', 'RUNNING', 3, undefined, [
    archive('RUNNING', { purgeRun: { id: RUN, phase: 'find', objects: 2000, bytes: 4e9, progress: { objects: 500, bytes: 1e9, hits: 31 } } }), warehouse(ago(2.9)), place(BRAZE, 'Braze', 'braze', 'QUEUED'),
  ]),
  request('failed', 'PARTIAL_SUCCESS', 6, 5, [
    archive('FAILED', { finishedAt: ago(5), errString: 'the bucket lethe-events refuses s3:PutObject: grant it to the role of purge, then retry', evidence: {} }), warehouse(ago(5.9)), braze(ago(5.8)),
  ], { identifiersKeptUntil: ago(-54) }),
  request('cancelled', 'INVALID', 8, 7.99, [archive('QUEUED'), place(WAREHOUSE, 'Warehouse', 'postgres', 'QUEUED'), place(BRAZE, 'Braze', 'braze', 'QUEUED')]),
  request('accepted', 'FINISHED', 12, 11, [archive('CONFIRMED', { finishedAt: ago(11), evidence: purged(ago(11)) }), warehouse(ago(11.8)), braze(ago(11.9))], {
    recipients: [{ destinationId: BRAZE, name: 'Braze', vendor: 'braze', kind: 'CLOUD', sourceId: 'web', first: day(90), last: day(12) }], sources: [{ sourceId: 'web', first: day(90), last: day(12) }],
    linkedCount: 1, leftOutCount: 2, sharedCount: 1,
  }),
  request('overdue', 'RUNNING', 34, undefined, [archive('CONFIRMED', { finishedAt: ago(33), evidence: purged(ago(33)) }), warehouse(ago(33.5)), place(AMPLITUDE, 'Amplitude', 'amplitude', 'FORWARDED', { errString: 'the job is staging since 2026-10-28' })]),
];

const entry = ({ id, createdAt, finishedAt, regulationType, subjectType, subjectCount, overallStatus }, n) => ({
  id, createdAt, finishedAt, regulationType, subjectType, subjectCount, status: overallStatus, subjects: ['RUNNING', 'PARTIAL_SUCCESS'].includes(overallStatus) ? [`customer-${n}`] : [],
});

const destination = (one, name, vendor, kind, settings, more = {}) => ({ id: one, name, vendor, kind, settings, enabledFrom: ago(200), ...more });
export const destinations = () => [
  destination(ARCHIVE, 'Events archive', 's3', 'ARCHIVE', { bucket: 'lethe-events', prefix: 'segment-logs/' }),
  destination(WAREHOUSE, 'Warehouse', 'postgres', 'WAREHOUSE', { host: 'db.example.com', database: 'analytics', user: 'lethe', schemas: ['public', 'web'] }),
  destination(BRAZE, 'Braze', 'braze', 'CLOUD', { endpoint: 'https://rest.iad-01.braze.com' }),
  destination(AMPLITUDE, 'Amplitude', 'amplitude', 'CLOUD', { region: 'eu' }),
  destination(CALLS, 'Call centre', 'manual', 'CLOUD', { contact: 'privacy@calls.example' }, { enabledUntil: ago(10) }),
];

const field = (name, title, help, more = {}) => ({ name, title, help, required: false, secret: false, directsSecrets: false, form: { type: 'text' }, ...more });
export const catalog = () => [
  { vendor: 's3', title: 'Amazon S3', kind: 'ARCHIVE', confirms: 'CONFIRMED', docs: 'https://docs.aws.amazon.com/s3/', fields: [field('bucket', 'Bucket', 'Name of the bucket', { required: true }), field('prefix', 'Prefix', 'Where the objects begin')] },
  { vendor: 'postgres', title: 'PostgreSQL', kind: 'WAREHOUSE', confirms: 'CONFIRMED', docs: 'https://www.postgresql.org/docs/', fields: [
    field('host', 'Host', 'Host name or address', { required: true, directsSecrets: true }), field('port', 'Port', 'Port; 5432 if left out', { form: { type: 'number' }, directsSecrets: true }),
    field('database', 'Database', 'Database name', { required: true }), field('user', 'User', 'Role that may read and delete', { required: true, directsSecrets: true }),
    field('schemas', 'Schemas', 'Names of the schemas in scope; * stands for any characters', { required: true, form: { type: 'list' } }),
    field('password', 'Password', 'The role’s password', { required: true, secret: true }),
  ] },
  { vendor: 'bigquery', title: 'Google BigQuery', kind: 'WAREHOUSE', confirms: 'CONFIRMED', docs: 'https://cloud.google.com/bigquery/docs', fields: [
    field('project', 'Project', 'Id of the project that holds the datasets and pays for the queries', { required: true }), field('location', 'Location', 'Where the datasets are: US, EU, europe-west1, …', { required: true }),
    field('datasets', 'Datasets', 'Names of the datasets in scope; * stands for any characters', { required: true, form: { type: 'list' } }), field('exceptTables', 'Except tables', 'Tables to leave alone', { form: { type: 'list' } }),
    field('columns', 'Columns', 'Which columns hold identifiers: [{"table": "web.loyalty", "column": "member", "type": "USER_ID"}]', { form: { type: 'json' } }),
    field('credentials', 'Credentials', 'JSON: a service account’s key', { required: true, secret: true, form: { type: 'longText' } }),
  ] },
  { vendor: 'braze', title: 'Braze', kind: 'CLOUD', confirms: 'ACCEPTED', docs: 'https://www.braze.com/docs/', fields: [field('endpoint', 'Endpoint', 'REST endpoint', { required: true, directsSecrets: true, form: { type: 'host', values: ['rest.*.braze.com'] } }), field('apiKey', 'API key', 'REST API key with users.delete', { required: true, secret: true })] },
  { vendor: 'amplitude', title: 'Amplitude', kind: 'CLOUD', confirms: 'CONFIRMED', docs: 'https://amplitude.com/docs', fields: [field('region', 'Region', 'Where the project is', { required: true, directsSecrets: true, form: { type: 'region', values: [{ name: 'us', host: 'amplitude.com' }, { name: 'eu', host: 'analytics.eu.amplitude.com' }] } }), field('secretKey', 'Secret key', 'The project’s secret key', { required: true, secret: true })] },
  { vendor: 'manual', title: 'Manual (no API)', kind: 'CLOUD', confirms: 'NOT_SUPPORTED', docs: 'https://example.com/', fields: [field('contact', 'Contact', 'Whom to write to', { required: true })] },
];

export const sources = () => [
  { id: 'web', name: 'Website', createdAt: ago(200), trustedToLink: false, upstream: { url: 'https://api.segment.io', format: 'segment' }, writeKeys: [{ id: id('key', 1), createdAt: ago(200) }], connections: [{ destinationId: ARCHIVE, from: ago(200) }, { destinationId: BRAZE, from: ago(200) }] },
  { id: 'ios', name: 'Mobile app', createdAt: ago(90), trustedToLink: false, writeKeys: [{ id: id('key', 2), createdAt: ago(90) }], connections: [{ destinationId: ARCHIVE, from: ago(90) }] },
];

export const runs = () => [
  { id: RUN, phase: 'find', objects: 2000, bytes: 4e9, regulations: 2, startedAt: new Date(Date.now() - 600_000).toISOString() },
  { id: id('run', 2), phase: 'closed', objects: 1840, bytes: 3.8e9, regulations: 1, startedAt: ago(11.1), finishedAt: ago(11) },
];

export const tokens = () => [
  { id: id('tok', 1), name: 'Maria (privacy)', createdAt: ago(100), scopes: ['regulations:create', 'regulations:read'], requestOnly: false, lastUsedAt: ago(0.1) },
  { id: id('tok', 2), name: 'Old script', createdAt: ago(300), scopes: ['suppressions:write'], requestOnly: false, revokedAt: ago(20) },
];

const trail = (n, days, action, more = {}) => ({ id: id('trl', n), at: ago(days), caller: id('tok', 1), callerName: 'Maria (privacy)', action, status: 200, ...more });
export const entries = () => [
  trail(9, 0.2, 'POST /destinations/{id}/exceptions', { object: ARCHIVE, part: id('exc', 1) }),
  trail(8, 0.4, 'POST /regulations', {}),
  trail(7, 3, 'POST /regulations', { object: IDS.running }),
  trail(6, 7.99, 'DELETE /regulations/{id}', { object: IDS.cancelled, callerName: 'Help desk' }),
  trail(5, 9, 'PATCH /destinations/{id}', { object: BRAZE, status: 422, reason: 'settings.endpoint must be a host of Braze' }),
];

export const exceptions = () => [
  { id: id('exc', 1), keys: 'sums/*.orc', kind: 'unsupported', reason: 'daily sums, no ids', createdAt: ago(2), createdBy: 'admin', until: ago(-200) },
  { id: id('exc', 2), keys: 'old/broken.gz', kind: 'corrupt', reason: 'checked by hand', createdAt: ago(60), createdBy: id('tok', 1), until: ago(-20), endedAt: ago(5), endedBy: id('tok', 1) },
];

export const BATCH = id('bat', 1);
const batches = () => [
  { id: BATCH, messageId: 'm1', sender: 'AROA:help', createdAt: ago(2), finishedAt: ago(2), status: 'ACCEPTED', regulationType: 'SUPPRESS_WITH_DELETE', made: 2, account: { lines: 6003, subjects: 6000, duplicates: 1, refused: 1, blank: 0, header: 1, regulations: 2 } },
];

const one = (all, wanted) => all.find(({ id }) => id === wanted);
const last = { current: '', next: null };
/** As the search of the API; one person asked for the last of them. */
const found = ({ id, overallStatus, createdAt, streamStatus: [{ destinationStatus }] }, { status, destination, subject, since, until }) =>
  (!status || overallStatus === status) && (!subject || id === IDS.accepted) && (!since || createdAt >= since) && (!until || createdAt < until) &&
  (!destination || destinationStatus.some((at) => (!destination.id || at.id === destination.id) && (!destination.status || at.taskStatus === destination.status)));

const inTrail = ({ at, caller, action, object }, query) =>
  (!query.since || at >= query.since) && (!query.until || at < query.until) && (!query.caller || caller === query.caller) && (!query.action || action === query.action) && (!query.object || object === query.object);

export const figures = (more = {}) => ({
  since: ago(29), until: ago(0), received: 5, underWay: 2, finished: 0, acceptedOnly: 1, notSupported: 0, partlyFailed: 1, failed: 0, cancelled: 1, unknown: 0, complete: true,
  byType: { SUPPRESS_WITH_DELETE: 5 }, peopleNamed: 5, objectsNamed: 0, daysToHonour: { of: 1, median: 1, mean: 1, longest: 1 },
  people: { accepted: 1, cancelled: 1, erased: 0, failed: 1, notFound: 0, nothingToErase: 0, unclear: 0, underWay: 2, unknown: 0, unreached: 0 },
  perDay: Array.from({ length: 30 }, (_, n) => ({ day: day(29 - n), received: 0, finished: 0, acceptedOnly: n === 18 ? 1 : 0 })), ...more,
});

/** Every answer of an administrator's day. A test changes those that it is about. */
export function company() {
  const suppressed = [{ subjectType: 'USER_ID', subjectIds: ['customer-1', 'customer-5'] }];
  return {
    'GET /me': () => ({ caller: id('tok', 1), name: 'Anna (privacy)', scopes: ['admin'], requestOnly: false, expiresAt: ago(-60) }),
    'GET /figures': () => figures(),
    'GET /tokens': () => ({ tokens: tokens() }),
    'GET /regulations': () => ({ regulations: regulations().map(entry), pagination: last }),
    'POST /regulations/search': ({ body }) => ({ regulations: regulations().filter((one) => found(one, body)).map(entry), pagination: last }),
    'GET /regulations/{id}': ({ path }) => ({ regulation: one(regulations(), path.id) }),
    'GET /destinations': () => ({ destinations: destinations() }),
    'GET /destinations/{id}': ({ path }) => ({ destination: one(destinations(), path.id) }),
    'GET /destinations/catalog': () => ({ catalog: catalog() }),
    'GET /destinations/{id}/exceptions': () => ({ exceptions: exceptions() }),
    'GET /sources': () => ({ sources: sources() }),
    'GET /sources/{id}': ({ path }) => ({ source: one(sources(), path.id) }),
    'GET /purge-runs': () => ({ purgeRuns: runs() }),
    'GET /purge-runs/{id}': ({ path }) => ({ purgeRun: { ...one(runs(), path.id), progress: { find: { objects: 500, bytes: 1e9, hits: 31 } } } }),
    'GET /batches': () => ({ batches: batches(), pagination: last }),
    'GET /batches/{id}': () => ({ batch: { ...batches()[0], regulations: [IDS.running] } }),
    'GET /batches/{id}/refusals': () => ({ refusals: [{ line: 2, reason: 'is empty' }], pagination: last }),
    'GET /audit': ({ query }) => ({ entries: entries().filter((one) => inTrail(one, query)), pagination: last }),
    'GET /suppressions': () => ({ suppressed, pagination: last }),
    'POST /suppressions/search': () => ({ suppressions: [{ byLink: false, suppressedAt: ago(3), reason: 'asked by phone' }] }),
    'POST /subjects/lookup': () => ({ leftOut: [], linked: [], owners: [], recipients: [], shared: 0, sources: [], suppressions: [] }),
  };
}
