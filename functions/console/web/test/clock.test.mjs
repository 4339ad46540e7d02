// The statutory month runs until a request succeeds, not until it ends.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './load.mjs';

const { clock, byUrgency, remaining } = await load('clock');
const DAY = 86_400_000;
const NOW = Date.parse('2026-11-28T12:00:00Z');
const ago = (days) => new Date(NOW - days * DAY).toISOString();

test('a request that failed is still on the clock; one that succeeded is not', () => {
  const ended = { createdAt: ago(10), finishedAt: ago(9) };
  assert.deepEqual(clock({ ...ended, status: 'FINISHED' }, NOW), { state: 'done', ms: DAY });
  for (const status of ['FAILED', 'PARTIAL_SUCCESS', 'NOT_SUPPORTED']) {
    assert.deepEqual(clock({ ...ended, status }, NOW), { state: 'left', ms: 20 * DAY }, status);
  }
});

test('what is overdue is never said to have days left', () => {
  assert.deepEqual(clock({ createdAt: ago(30.5), status: 'RUNNING' }, NOW), { state: 'overdue', ms: DAY / 2 });
  assert.deepEqual(clock({ createdAt: ago(45), finishedAt: ago(1), status: 'FAILED' }, NOW), { state: 'overdue', ms: 15 * DAY });
});

test('a cancelled request has no clock', () => {
  assert.deepEqual(clock({ createdAt: ago(90), finishedAt: ago(89), status: 'INVALID' }, NOW), { state: 'cancelled' });
});

test('the most urgent come first: overdue, then what is due next, then what has no clock', () => {
  const all = [
    { id: 'done', createdAt: ago(80), finishedAt: ago(79), status: 'FINISHED' },
    { id: 'fresh', createdAt: ago(1), status: 'RUNNING' },
    { id: 'failed and overdue', createdAt: ago(40), finishedAt: ago(39), status: 'FAILED' },
    { id: 'due soon', createdAt: ago(29), status: 'INITIALIZED' },
  ];
  assert.deepEqual(byUrgency(all, NOW).map(({ id }) => id), ['failed and overdue', 'due soon', 'fresh', 'done']);
});

test('a scan is estimated by how it went so far, and not once it is over', () => {
  const run = { phase: 'find', objects: 2_000, progress: { find: { objects: 500 } }, startedAt: ago(1) };
  assert.equal(remaining(run, NOW), 3 * DAY);
  for (const changes of [{ phase: 'forget' }, { progress: {} }, { progress: { find: { objects: 2_000 } } }]) {
    assert.equal(remaining({ ...run, ...changes }, NOW), undefined);
  }
});
