// For everybody, also where the real company of the other tests has nothing to show: every page and dialog, light and dark, in
// both languages, from a small phone on.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { violations } from '../browser/axe.mjs';
import { claimsOf, KEY, signed } from './certificates.mjs';
import { BATCH, company, DST, IDS, RUN } from './company.mjs';
import { open } from './server.mjs';

const PATHS = [
  '', '/requests', '/requests/new', ...Object.values(IDS).map((id) => `/requests/${id}`), '/people', '/suppressions', '/suppressions?source=web', '/destinations', ...Object.values(DST).map((id) => `/destinations/${id}`),
  '/destinations/new', '/destinations/new/bigquery', '/sources', '/sources/web', '/batches', `/batches/${BATCH}`, '/runs', `/runs/${RUN}`, '/tokens', '/audit', '/nowhere', '/verify', `/requests/${IDS.accepted}/certificate`,
];

let world, page;
before(async () => {
  world = await open({ ...company(), 'GET /.well-known/jwks.json': () => ({ keys: [KEY.jwk] }), 'GET /regulations/{id}/certificate': () => ({ attempt: 1, certificate: signed(claimsOf()) }) }, { reducedMotion: 'reduce' });
  page = world.page;
});
after(() => world.close());

for (const language of ['en', 'de']) {
  test(`axe finds nothing on any page, and none is wider than the screen: ${language}`, async () => {
    const refused = [];
    page.on('console', (message) => message.text().includes('Content Security Policy') && refused.push(message.text()));
    await world.go();
    await page.evaluate((one) => localStorage.setItem('lethe-language', one), language);
    for (const path of PATHS) {
      await page.setViewportSize({ width: 1280, height: 900 });
      await world.go(path);
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await violations(page), [], `${path} ${colorScheme}`);
      }
      await page.setViewportSize({ width: 360, height: 780 });
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(over <= 0, `${path} is ${over} px too wide`);
    }
    assert.deepEqual(refused, []);
    await page.evaluate(() => localStorage.clear());
  });
}

test('axe finds nothing in a dialog', async () => {
  await page.setViewportSize({ width: 1280, height: 900 });
  const dialogs = {
    '/sources': () => page.getByRole('button', { name: 'Create source' }).click(),
    '/sources/web': () => page.getByRole('button', { name: 'Stop forwarding…' }).click(),
    [`/destinations/${DST.archive}`]: () => page.getByRole('button', { name: 'Add exception' }).click(),
    '/requests?status=FAILED': () => page.getByRole('button', { name: 'Save this filter…' }).click(),
    '/runs': () => page.keyboard.press('Control+k'),
    '/tokens': () => page.getByRole('button', { name: 'Revoke Maria (privacy)' }).click(),
  };
  for (const [path, show] of Object.entries(dialogs)) {
    await world.go(path);
    await show();
    await page.getByRole('dialog').waitFor();
    assert.deepEqual(await violations(page), [], path);
  }
});
