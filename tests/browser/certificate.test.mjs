// The certificate as paper: with many places and people and long names, in both formats and languages.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { launch, signIn, URL_OF } from './browser/launch.mjs';

const SAMPLE = new URL('../../functions/audit/verify/sample/', import.meta.url);
const jws = readFileSync(new URL('certificate.jws', SAMPLE), 'utf8').trim();
const { keys } = JSON.parse(readFileSync(new URL('lethe-keys.json', SAMPLE), 'utf8'));
/** CSS pixels within the margins. */
const PAPER = { A4: 673, Letter: 695 };

/** The sample's own words for 50 places with long names, and 1,000 people: its signature does not hold then. */
function large() {
  const [header, payload, signature] = jws.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  claims.regulation.subjectCount = 1_000;
  claims.subjects = Array.from({ length: 1_000 }, (_, n) => String(n).padStart(64, '0'));
  claims.destinations = Array.from({ length: 50 }, (_, n) => ({ ...claims.destinations[n % 3], name: `${'Donaudampfschifffahrtsgesellschaft'.repeat(2)} ${n}` }));
  return `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
}

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

async function open(page, certificate) {
  await page.route('**/.well-known/jwks.json', (route) => route.fulfill({ json: { keys } }));
  await page.route('**/regulations/*/certificate', (route) =>
    route.request().resourceType() === 'document' ? route.fallback() : route.fulfill({ json: { data: { certificate } } }),
  );
  await page.goto('about:blank');
  await page.goto(URL_OF(`/requests/reg_${'0'.repeat(32)}/certificate`));
  await page.locator('.sheet').waitFor();
}

/** Nothing is wider than its place, and no section lies on another. */
const faults = () => {
  const sheet = document.querySelector('.sheet');
  const boxes = [...sheet.children].map((part) => part.getBoundingClientRect());
  const over = boxes.flatMap((box, at) => (at > 0 && box.top < boxes[at - 1].bottom - 0.5 ? [`part ${at} lies on the one before`] : []));
  const places = [...document.querySelectorAll('.place > *')].filter((part) => part.scrollWidth > part.clientWidth + 1);
  const wide = document.documentElement.scrollWidth > innerWidth ? [`${document.documentElement.scrollWidth} px wide`] : [];
  return [...over, ...wide, ...places.map((part) => `too wide: ${part.textContent}`)];
};

test('a certificate says what it is, and who confirms what', async () => {
  const { page } = browser;
  await page.goto(URL_OF());
  await signIn(page);
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  await open(page, jws);
  await page.getByRole('heading', { name: 'Certificate of deletion and suppression', exact: true }).waitFor();
  for (const text of ['The signature is valid', 'Confirmed by Lethe: a second search after the deletion found nothing.', 'Not confirmed.', '1 of 30', 'make verify CERT=', 'Backups, snapshots']) {
    await page.getByText(text).first().waitFor();
  }
});

test('the answer of the API can be downloaded', async () => {
  const { page } = browser;
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download with receipt (JSON)' }).click();
  assert.deepEqual(JSON.parse(readFileSync(await (await saved).path(), 'utf8')), { certificate: jws });
});

test('on paper nothing lies on anything else or beside the paper, and it is tagged', async () => {
  const { page } = browser;
  for (const certificate of [jws, large()]) {
    await open(page, certificate);
    assert.deepEqual(await page.evaluate(faults), [], 'on the screen');
    await page.emulateMedia({ media: 'print' });
    for (const [format, width] of Object.entries(PAPER)) {
      await page.setViewportSize({ width, height: 900 });
      assert.deepEqual(await page.evaluate(faults), [], format);
      const pdf = (await page.pdf({ format, tagged: true })).toString('latin1');
      assert.ok(pdf.includes('/StructTreeRoot') && pdf.includes('/Lang (en'), format);
      const pages = pdf.match(/\/Type \/Page\b(?!s)/g).length;
      assert.ok(certificate === jws ? pages <= 3 : pages > 10, `${pages} pages of ${format}`);
    }
    await page.emulateMedia({ media: null });
  }
  await page.setViewportSize({ width: 1280, height: 900 });
});
