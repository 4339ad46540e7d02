// Takes a picture of every page into functions/console/screenshots, and tells how soon a list of 1,000 requests is seen.

import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { drawPdf } from './draw-pdf.mjs';
import { launch, signIn, URL_OF } from './launch.mjs';
import { pages } from './pages.mjs';

const DIR = fileURLToPath(new URL('../../../functions/console/screenshots/', import.meta.url));
const SHOWN = ['overview', 'requests', 'new-request', 'request', 'request-that-needs-a-hand', 'certificate', 'person', 'batch', 'suppressions', 'destinations', 'source', 'connect', 'run', 'tokens', 'audit'];

mkdirSync(DIR, { recursive: true });
const { page, context, close } = await launch({ viewport: { width: 1180, height: 800 }, reducedMotion: 'reduce' });
await page.goto(URL_OF());
await page.getByLabel('Token').waitFor();
await page.screenshot({ path: `${DIR}sign-in.png` });
await signIn(page);
const all = await pages();
for (const { name, path, ready } of all.filter((one) => SHOWN.includes(one.name))) {
  await page.goto(URL_OF(path));
  await page.locator('.loading').first().waitFor({ state: 'detached' });
  await ready?.(page);
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: `${DIR}${name}.png`, fullPage: true });
}
const certificate = all.find((one) => one.name === 'certificate');
await page.goto(URL_OF(certificate.path));
const saved = page.waitForEvent('download');
await page.getByRole('button', { name: 'Download PDF' }).click();
await drawPdf(context, readFileSync(await (await saved).path()), `${DIR}certificate-pdf.png`);
const request = all.find((one) => one.name === 'request');
await page.emulateMedia({ colorScheme: 'dark' });
await page.goto(URL_OF(request.path));
await page.locator('.loading').first().waitFor({ state: 'detached' });
await page.screenshot({ path: `${DIR}request-dark.png`, fullPage: true });
await page.setViewportSize({ width: 360, height: 780 });
await page.screenshot({ path: `${DIR}request-phone.png` });

// 1,000 requests in one answer, made of a real one: what is measured is the page.
const regulations = await page.evaluate(async () => {
  const headers = { authorization: `Bearer ${sessionStorage.getItem('lethe-token')}` };
  const reply = await (await fetch('/regulations?pagination.count=1', { headers })).json();
  return Array.from({ length: 1_000 }, (_, n) => ({ ...reply.data.regulations[0], id: `reg_${String(n).padStart(32, '0')}` }));
});
await page.route('**/regulations/search', (route) => route.fulfill({ json: { data: { regulations, pagination: { current: '' } } } }));
await page.setViewportSize({ width: 1180, height: 800 });
await page.goto(URL_OF('/requests'));
await page.locator('tbody tr').nth(999).waitFor();
const paint = await page.evaluate(() => Math.max(...performance.getEntriesByType('paint').map((one) => one.startTime)));
const listed = await page.evaluate(() => performance.now());
console.log(`first paint ${Math.round(paint)} ms, 1,000 requests listed within ${Math.round(listed)} ms of opening the page`);
await close();
