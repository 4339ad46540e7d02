// Every language says everything.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { load } from './load.mjs';

const { en } = await load('words/en');
const { de } = await load('words/de');
const { en: proofEn } = await load('words/proof/en');
const { de: proofDe } = await load('words/proof/de');

const paths = (words, at = '') =>
  Object.entries(words).flatMap(([name, value]) => (value && typeof value === 'object' ? paths(value, `${at}${name}.`) : [`${at}${name}:${typeof value}`]));

test('German has every text that English has, and nothing is empty', () => {
  assert.deepEqual(paths(de).sort(), paths(en).sort());
  assert.deepEqual(paths(proofDe).sort(), paths(proofEn).sort());
  const empty = (words) => Object.entries(words).some(([, value]) => (typeof value === 'string' ? !value.trim() : value && typeof value === 'object' && empty(value)));
  assert.ok([de, en, proofDe, proofEn].every((words) => !empty(words)));
});
