// Drives Lethe with Segment's own SDK, unmodified: only the host is another. Prints nothing and exits with 0 if every
// answer is what the SDK's types promise.
const assert = require('node:assert');
const { DeletionAndSuppressionApi } = require('@segment/public-api-sdk-typescript');

const { LETHE_URL, LETHE_HOST, LETHE_TOKEN } = process.env;
const api = new DeletionAndSuppressionApi(LETHE_URL);
api.accessToken = LETHE_TOKEN;
// A local name that the system's resolver does not know.
api.defaultHeaders = { Host: LETHE_HOST };

const refused = async (call, status) => {
  const error = await call.then(() => assert.fail(`should have been refused with ${status}`), (error) => error);
  assert.equal(error.statusCode, status);
  assert.ok(error.body.errors[0].type && error.body.errors[0].message);
};

async function main() {
  const created = await api.createWorkspaceRegulation({
    regulationType: 'SUPPRESS_ONLY', subjectType: 'USER_ID', subjectIds: ['sdk-1', 'sdk-2'],
  });
  assert.equal(created.response.statusCode, 200);
  const id = created.body.data.regulateId;
  assert.match(id, /^reg_/);

  let regulation;
  for (let tries = 0; tries < 240 && regulation?.overallStatus !== 'FINISHED'; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    regulation = (await api.getRegulation(id)).body.data.regulation;
  }
  assert.equal(regulation.overallStatus, 'FINISHED');
  assert.equal(regulation.id, id);
  assert.ok(regulation.workspaceId && Date.parse(regulation.createdAt) && Date.parse(regulation.finishedAt));
  assert.ok(Array.isArray(regulation.streamStatus[0].destinationStatus));

  const { regulateId: second } = (await api.createWorkspaceRegulation({
    regulationType: 'UNSUPPRESS', subjectType: 'USER_ID', subjectIds: ['sdk-2'],
  })).body.data;
  // `pagination[count]` and `regulationTypes[0]`, as the SDK writes them.
  const page = (await api.listWorkspaceRegulations({ count: 1 })).body.data;
  assert.deepEqual(page.regulations.map((entry) => entry.id), [second]);
  const next = (await api.listWorkspaceRegulations({ count: 1, cursor: page.pagination.next })).body.data;
  assert.deepEqual(next.regulations.map((entry) => entry.id), [id]);
  const types = await api.listWorkspaceRegulations({ count: 10 }, undefined, ['SUPPRESS_ONLY']);
  assert.deepEqual(types.body.data.regulations.map((entry) => entry.id), [id]);
  const finished = await api.listWorkspaceRegulations({ count: 10 }, 'FAILED');
  assert.deepEqual(finished.body.data.regulations, []);

  const { suppressed } = (await api.listSuppressions({ count: 10 })).body.data;
  assert.equal(suppressed[0].subjectType, 'USER_ID');
  assert.ok(suppressed[0].subjectIds.includes('sdk-1'));

  const { regulateId: ofSource } = (await api.createSourceRegulation('web', {
    regulationType: 'DELETE_ARCHIVE_ONLY', subjectType: 'ANONYMOUS_ID', subjectIds: ['sdk-3'],
  })).body.data;
  const { regulateId: ofObjects } = (await api.createCloudSourceRegulation('web', {
    regulationType: 'DELETE_INTERNAL', subjectType: 'OBJECT_ID', subjectIds: ['object-1'], collection: 'charges',
  })).body.data;
  const about = (await api.listRegulationsFromSource('web', { count: 10 })).body.data.regulations;
  assert.deepEqual(about.map((entry) => entry.id), [ofObjects, ofSource]);
  await refused(api.createSourceRegulation('nowhere', {
    regulationType: 'DELETE_ONLY', subjectType: 'USER_ID', subjectIds: ['x'],
  }), 404);

  await refused(api.getRegulation('reg_00000000000000000000000000000000'), 404);
  await refused(api.deleteRegulation(id), 422);
  await refused(api.createWorkspaceRegulation({ regulationType: 'FORGET', subjectType: 'USER_ID', subjectIds: ['x'] }), 422);
}

main().catch((error) => {
  console.error(error.body ? JSON.stringify(error.body) : error);
  process.exit(1);
});
