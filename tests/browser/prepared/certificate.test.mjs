// The certificate: on the page, printed, and as a PDF that a regulator reads without Lethe.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { claimsOf, KEY, large, sha256, signed } from './certificates.mjs';
import { company } from './company.mjs';
import { logOf } from './log.mjs';
import { overlaps, readPdf, roles } from './pdf.mjs';
import { open } from './server.mjs';

let world, page, answers;
before(async () => {
  world = await open({ ...company(), 'GET /.well-known/jwks.json': () => ({ keys: [KEY.jwk] }) });
  ({ page, answers } = world);
});
after(() => world.close());

/** The receipt that belongs to the certificate. */
const OWN = Symbol();

async function show(claims, { page: on = page, go = world.go, set = answers, receipt = OWN } = {}) {
  const certificate = signed(claims);
  const other = signed(claimsOf({ jti: 'reg_0' }));
  set['GET /regulations/{id}/certificate'] = () => ({ attempt: 1, certificate, receipt: receipt === OWN ? logOf([other, certificate, other]).receipt(1) : receipt });
  await go(`/requests/${claims.regulation.id}/certificate`);
  await on.locator('.sheet').waitFor();
  return certificate;
}

async function saved(button, on = page) {
  const download = on.waitForEvent('download');
  await on.getByRole('button', { name: button }).click();
  const file = await download;
  return { name: file.suggestedFilename(), data: readFileSync(await file.path()) };
}

const squeeze = (text) => text.replace(/\s+/g, '');

test('PDF, JSON and JWS stand side by side, and each holds what it says', async () => {
  const claims = claimsOf();
  const jws = await show(claims);
  await page.getByRole('heading', { level: 1, name: 'Certificate of deletion and suppression' }).waitFor();
  await page.getByText('The signature is valid').waitFor();
  assert.equal((await saved('Download certificate (JWS)')).data.toString(), jws);
  const { certificate, attempt, receipt } = JSON.parse((await saved('Download with receipt (JSON)')).data);
  assert.deepEqual([certificate, attempt, receipt.index, receipt.path.length], [jws, 1, 1, 2]);
  await page.getByText('In the log of all certificates at place 2 of 3.').waitFor();
  const { name, data } = await saved('Download PDF');
  assert.equal(name, `${claims.jti}.pdf`);
  assert.equal(data.subarray(0, 5).toString(), '%PDF-');
});

test('a receipt of another certificate is not believed, and one that is not there yet is not missed', async () => {
  await show(claimsOf(), { receipt: logOf([signed(claimsOf({ jti: 'reg_0' }))]).receipt(0) });
  await page.getByText('Its receipt does NOT show it in the log of all certificates').waitFor();
  assert.equal(await page.getByText('In the log of all certificates at place').count(), 0);
  await show(claimsOf(), { receipt: null });
  await page.getByText('The chain of evidence is intact.').waitFor();
  assert.equal(await page.getByText('the log of all certificates').count(), 0);
});

test('the first page alone answers who, what, by which law, when, where, what remains and how to check', async () => {
  const claims = claimsOf();
  const jws = await show(claims);
  const { pages, text } = await readPdf((await saved('Download PDF')).data);
  const first = squeeze(pages[0].text);
  const said = [
    'Beispiel Handels GmbH', 'Hafenstraße 1, 20457 Hamburg', 'privacy@beispiel.example',
    'Certificate of deletion and suppression', 'Are these 2 people gone?', 'Braze accepted',
    'Delete everywhere and suppress.', '2 people, by User ID', 'General Data Protection Regulation (GDPR)', 'reference: DSR-4711',
    'Received', '20 Oct 2026', 'Honoured', '3 Nov 2026', '15 of 31.', 'UTC',
    'Events archive', '214 lines', 'Αποθήκη — Склад', '15 rows', 'Confirmed by Lethe: a second search after the deletion found nothing.',
    'Accepted, not confirmed', 'Not confirmed.', 'Accepted is not confirmed', 'Braze: everything it holds, until Braze deletes it.', 'under Object Lock',
    'Backups, snapshots, copies', 'Data that came in after', claims.jti, 'In the log of all certificates at place 2 of 3.',
    'The signature is valid', '/console/verify', 'make verify CERT=', KEY.jwk.kid, sha256(jws), 'Page 1 /',
  ];
  for (const one of said) assert.ok(first.includes(squeeze(one)), `${one} in: ${pages[0].text}`);
  for (const one of ['Appendix: each system in detail', 'Versions scanned: 1,840', 'public.orders 12', 'Appendix: evidence', claims.evidence[0].hash.slice(0, 16), 'Appendix: pseudonyms', 'a'.repeat(64), 'c'.repeat(64)]) {
    assert.ok(squeeze(text).includes(squeeze(one)), one);
  }
});

test('it is tagged, has a language and a title, and carries the signed file and the keys', async () => {
  const claims = claimsOf();
  const jws = await show(claims);
  const { data } = await saved('Download PDF');
  const { pages, info, lang, marked, files } = await readPdf(data);
  assert.equal(lang, 'en');
  assert.equal(info.Title, 'Certificate of deletion and suppression');
  assert.equal(marked.Marked, true);
  assert.match(data.toString('latin1'), /\/DisplayDocTitle true/);
  const tags = pages.flatMap(({ tree }) => roles(tree));
  for (const role of ['Document', 'Sect', 'H1', 'H2', 'H3', 'P', 'Table', 'TR', 'TH', 'TD', 'L', 'LI', 'Lbl', 'LBody', 'Figure']) assert.ok(tags.includes(role), role);
  assert.equal(tags.filter((role) => role === 'H1').length, 1);
  for (const { artifacts } of pages) assert.ok(artifacts > 0, 'page numbers are artifacts');
  assert.match(JSON.stringify(pages[0].tree), /"alt":"QR code with the address/);
  assert.equal(Buffer.from(files[`${claims.jti}.jws`].content).toString(), jws);
  assert.equal(JSON.parse(Buffer.from(files['lethe-keys.json'].content)).keys[0].kid, KEY.jwk.kid);
});

test('nothing lies on anything else or beside the paper, of few places and of many', async () => {
  for (const claims of [claimsOf(), large(60)]) {
    await show(claims);
    const { pages } = await readPdf((await saved('Download PDF')).data);
    for (const [at, one] of pages.entries()) assert.deepEqual(overlaps(one), [], `page ${at + 1}`);
    if (claims.destinations.length < 60) continue;
    assert.match(pages[0].text, /and \d\d more of 60: .*Deletion confirmed/);
    assert.match(pages[0].text, /How to verify it/);
    assert.match(pages.at(-1).text, new RegExp(`Page ${pages.length} / ${pages.length}`));
  }
});

test('one that failed, one that suppresses alone, and one from before there were issuers', async () => {
  const text = async (claims) => (await show(claims), (await readPdf((await saved('Download PDF')).data)).pages[0].text);
  const failed = claimsOf({}, { status: 'PARTIAL_SUCCESS' });
  failed.destinations[1].status = 'FAILED';
  assert.match(await text(failed), /not complete.*Last attempt ended.*the clock runs until a retry succeeds/);
  assert.match(await text(claimsOf({ destinations: [] }, { regulationType: 'SUPPRESS_ONLY' })), /Certificate of suppression.*changes the suppression list alone/);
  assert.match(await text(claimsOf({ destinations: [] }, { regulationType: 'UNSUPPRESS' })), /Certificate of lifted suppression/);
  const { issuer, commitments, ...early } = claimsOf({}, { law: undefined, receivedAt: undefined, dueAt: undefined, file: undefined, regulationType: 'DELETE_ONLY' });
  assert.ok(issuer && commitments);
  assert.match(await text(early), /The company that runs Lethe at .*Certificate of deletion .*Not stated in the request. Counted as 30 days/);
});

test('German on German pages, and on Letter where that is written on', async () => {
  for (const [locale, title, lang, height] of [['de-DE', 'Zertifikat über Löschung und Sperrung', 'de', 842], ['en-US', 'Certificate of deletion and suppression', 'en', 792]]) {
    const other = await open({ ...company(), 'GET /.well-known/jwks.json': () => ({ keys: [KEY.jwk] }) }, { locale });
    try {
      await show(claimsOf(), { page: other.page, go: other.go, set: other.answers });
      const { pages, info, lang: said } = await readPdf((await saved(/^(PDF herunterladen|Download PDF)$/, other.page)).data);
      assert.deepEqual([info.Title, said, Math.round(pages[0].height)], [title, lang, height]);
      for (const one of pages) assert.deepEqual(overlaps(one), []);
      if (lang === 'de') assert.match(pages[0].text, /Angenommen ist nicht bestätigt.*So wird es geprüft/);
    } finally {
      await other.close();
    }
  }
});

/** Nothing is wider than its place, and no section lies on another. */
const faults = () => {
  const boxes = [...document.querySelector('.sheet').children].map((part) => part.getBoundingClientRect());
  const over = boxes.flatMap((box, at) => (at > 0 && box.top < boxes[at - 1].bottom - 0.5 ? [`part ${at} lies on the one before`] : []));
  const wide = document.documentElement.scrollWidth > innerWidth ? [`${document.documentElement.scrollWidth} px wide`] : [];
  return [...over, ...wide];
};

test('printed, too, no section lies on another', async () => {
  for (const claims of [claimsOf(), large(60)]) {
    await show(claims);
    assert.deepEqual(await page.evaluate(faults), [], 'on the screen');
    await page.emulateMedia({ media: 'print' });
    for (const [format, width] of Object.entries({ A4: 673, Letter: 695 })) {
      await page.setViewportSize({ width, height: 900 });
      assert.deepEqual(await page.evaluate(faults), [], format);
      const { pages, info } = await readPdf(await page.pdf({ format, tagged: true }));
      assert.match(info.Title, /^Certificate of deletion/);
      for (const [at, one] of pages.entries()) assert.deepEqual(overlaps(one), [], `page ${at + 1} of ${format}`);
    }
    await page.emulateMedia({ media: null });
    await page.setViewportSize({ width: 1280, height: 900 });
  }
});
