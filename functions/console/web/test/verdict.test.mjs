// Five kinds of requests and one person: is this person gone, what is left, who must act?

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './load.mjs';

const { verdict, todos, leftovers, marks, personVerdict, amount } = await load('verdict');

const place = (name, taskStatus, more = {}) => ({ id: `dst_${name}`, name, vendor: 'braze', taskStatus, errString: '', evidence: {}, ...more });
const request = (overallStatus, places, more = {}) => ({
  id: 'reg_1', overallStatus, regulationType: 'DELETE_ONLY', subjectCount: 1, subjectType: 'USER_ID', createdAt: '2026-11-01T10:00:00Z', finishedAt: '2026-11-02T10:00:00Z',
  streamStatus: [{ id: 'workspace', destinationStatus: places }], ...more,
});

test('a cancelled request is cancelled: nothing to do, nothing to try again', () => {
  const cancelled = request('INVALID', [place('Braze', 'QUEUED'), place('Postgres', 'FAILED')]);
  assert.equal(verdict(cancelled).tone, 'note');
  assert.match(verdict(cancelled).answer, /^Cancelled/);
  assert.deepEqual(todos(cancelled), []);
  assert.deepEqual(leftovers(cancelled), []);
});

test('a running one says how far it is in plain words, and what each system waits for', () => {
  const run = { id: 'run_1', phase: 'find', objects: 200, bytes: 0, progress: { objects: 50, bytes: 0, hits: 0 } };
  const running = request('RUNNING', [place('Archive', 'RUNNING', { purgeRun: run }), place('Braze', 'QUEUED'), place('DB', 'RUNNING')]);
  assert.equal(verdict(running).answer, 'Not yet. None of the 3 systems is done yet.');
  const archive = todos(running).find(({ who }) => who.includes('Archive'));
  assert.equal(archive.run, 'run_1');
  assert.match(archive.what, /25 %|25%/);
});

test('a purge run that wants approval is somebody’s to do, before all else', () => {
  const run = { id: 'run_1', phase: 'guard', question: 'it would remove 40 of 100 lines', objects: 1, bytes: 0, progress: { objects: 0, bytes: 0, hits: 0 } };
  const [first] = todos(request('RUNNING', [place('DB', 'RUNNING'), place('Archive', 'RUNNING', { purgeRun: run })]));
  assert.deepEqual([first.tone, first.run], ['alert', 'run_1']);
});

test('what is not done yet is left, and an overdue request is somebody’s to follow up', () => {
  const running = request('RUNNING', [place('DB', 'CONFIRMED', { vendor: 'postgres' }), place('Braze', 'FORWARDED'), place('Archive', 'QUEUED', { vendor: 's3' })], { finishedAt: null });
  assert.deepEqual(leftovers(running), ['Braze and Archive: not confirmed as deleted yet.']);
  const after = (days) => Date.parse(running.createdAt) + days * 86_400_000;
  assert.ok(todos(running, after(29)).every(({ who }) => who !== 'You'));
  const [first] = todos(running, after(31));
  assert.deepEqual([first.tone, first.who], ['alert', 'You']);
  assert.match(first.what, /deadline passed on 1 Dec 2026/);
  const done = request('FINISHED', [place('DB', 'CONFIRMED')]);
  assert.deepEqual(todos(done, after(31)), [], 'a request that succeeded has no deadline any more');
});

test('a vendor is not said to be counted: it is sent a request', () => {
  assert.deepEqual(marks(place('Braze', 'QUEUED')), []);
  assert.equal(marks(place('Store', 'QUEUED', { vendor: 's3' })).length, 3);
  assert.deepEqual(marks(place('Braze', 'ACCEPTED', { evidence: { forward: { counts: { accepted: 2 } } } })), [{ what: 'Sent', amount: '2 people accepted' }]);
});

test('a vendor that only accepted is not done', () => {
  const accepted = verdict(request('FINISHED', [place('DB', 'CONFIRMED'), place('Braze', 'ACCEPTED')]));
  assert.equal(accepted.tone, 'note');
  assert.match(accepted.answer, /Braze accepted the request but/);
  const [todo] = todos(request('FINISHED', [place('Braze', 'ACCEPTED')]));
  assert.match(todo.what, /doesn’t send confirmation/);
});

test('a failed one says where action is needed', () => {
  const failed = verdict(request('PARTIAL_SUCCESS', [place('DB', 'CONFIRMED'), place('Braze', 'FAILED')]));
  assert.equal(failed.answer, 'Gone from 1 of 2 systems. Action needed at Braze.');
});

test('a person: the newest deletion decides; nothing asked is not “no”', () => {
  const none = personVerdict([], { recipients: [], sources: [] });
  assert.equal(none.tone, 'note');
  assert.match(none.answer, /^Not known/);
  const gone = request('FINISHED', [place('DB', 'CONFIRMED')]);
  assert.match(personVerdict([gone], { recipients: [], sources: [] }).answer, /^Yes, gone/);
  const cancelled = request('INVALID', [], { createdAt: '2026-11-05T10:00:00Z' });
  assert.match(personVerdict([cancelled, gone], { recipients: [], sources: [] }).answer, /^Yes, gone/);
  assert.match(personVerdict([cancelled], { recipients: [], sources: [] }).answer, /^No/);
});

test('a person whose events came in after the deletion is not gone', () => {
  const gone = request('FINISHED', [place('DB', 'CONFIRMED')]);
  const back = personVerdict([gone], { recipients: [], sources: [{ sourceId: 'web', first: '2026-11-01', last: '2026-11-09' }] });
  assert.equal(back.tone, 'alert');
  assert.match(back.answer, /web/);
});

test('an erasure that found nothing is not one', () => {
  assert.match(verdict(request('FINISHED', [place('DB', 'NO_DATA_FOUND')])).answer, /^Nobody was found/);
});

test('no name of a field reaches a person', () => {
  assert.equal(amount({ objectsRewritten: 2, othersLinesInDeletedVersions: 3, someNewCounter: 9 }), '2 objects rewritten');
});
