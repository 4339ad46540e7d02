// How the page is served: small, cached for ever where the name says what is in it, and under a policy that lets nothing
// in from elsewhere.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { api } from './browser/launch.mjs';

const DIST = new URL('../../functions/console/web/dist/', import.meta.url);
const MOST_JS = 60 * 1024;

/** A script and those that it loads at once: what it imports later is not among them. */
function withImports(name, known = new Set()) {
  if (known.has(name)) return known;
  known.add(name);
  const text = readFileSync(new URL(`assets/${name}`, DIST), 'utf8');
  for (const [, other] of text.matchAll(/(?:from|import)\s*["']\.\/([\w-]+\.js)["']/g)) withImports(other, known);
  return known;
}

test('the JavaScript of the first page is at most 60 KB, compressed; another language is not in it', () => {
  const [, first] = readFileSync(new URL('index.html', DIST), 'utf8').match(/assets\/([\w-]+\.js)/);
  const scripts = [...withImports(first)];
  const size = scripts.reduce((sum, name) => sum + gzipSync(readFileSync(new URL(`assets/${name}`, DIST)), { level: 9 }).length, 0);
  assert.ok(size > 10_000 && size <= MOST_JS, `${size} bytes of ${scripts}`);
  assert.ok(!scripts.some((name) => name.startsWith('de-')));
});

test('the page is asked for anew, its files never again, and nothing may run that is not its own', async () => {
  const page = await api('GET', '/console');
  assert.equal(page.status, 200);
  assert.equal(page.headers['content-type'], 'text/html; charset=utf-8');
  assert.equal(page.headers['cache-control'], 'no-cache');
  assert.equal(page.headers['x-content-type-options'], 'nosniff');
  assert.match(page.headers['strict-transport-security'], /max-age=\d{8}/);
  const policy = page.headers['content-security-policy'];
  for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"]) {
    assert.ok(policy.includes(part), part);
  }
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  assert.doesNotMatch(page.text, /<style|<script(?![^>]* src=)|style="/, 'nothing inline');

  const [script] = page.text.match(/\/console\/assets\/[^"]+\.js/);
  const file = await api('GET', script);
  assert.equal(file.headers['content-type'], 'text/javascript; charset=utf-8');
  assert.match(file.headers['cache-control'], /max-age=31536000, immutable/);

  const again = await api('GET', '/console', undefined, { 'if-none-match': page.headers.etag });
  assert.deepEqual([again.status, again.text], [304, '']);
});

test('what is not there is not taken for the page, and the front door leads to it', async () => {
  assert.equal((await api('GET', '/console/assets/none.js')).status, 404);
  assert.equal((await api('GET', '/console/requests/reg_0')).status, 200);
  assert.equal((await api('GET', '/')).headers.location, '/console');
  assert.equal((await api('GET', '/regulations')).status, 200);
});
