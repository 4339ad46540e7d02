// A browser with nothing in it, and what every test does with it.

import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

import { DIR } from './where.mjs';

const { LETHE_URL, LETHE_TOKEN, CHROMIUM } = process.env;
export const URL_OF = (path = '') => `${LETHE_URL}/console${path}`;
export const TOKEN = LETHE_TOKEN;

/** For what Lethe does after the page has asked: as long as a wait for progress lasts, so that no slow machine fails a test. */
export const ENDS = 300_000;

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A browser with a new, empty profile, which goes with it. `CHROMIUM` names another than the one that is pinned. */
export async function launch(options = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'lethe-browser-'));
  const own = CHROMIUM ? {} : { LD_LIBRARY_PATH: `${DIR}/lib`, FONTCONFIG_FILE: `${DIR}/fonts.conf` };
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM ?? `${DIR}/chromium`,
    env: { ...process.env, ...own },
    args: FLAGS,
    viewport: { width: 1280, height: 900 },
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    acceptDownloads: true,
    ...options,
  });
  context.setDefaultTimeout(60_000);
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { context, page: context.pages()[0] ?? (await context.newPage()), close };
}

/** Signs in as a person does. */
export async function signIn(page, token = TOKEN) {
  await page.goto(URL_OF());
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Calls the API directly, for what a test must know beside the page. */
export async function api(method, path, body, headers = {}) {
  // Node's resolver does not know *.localhost, so the name goes into the header only.
  const { port, host } = new URL(LETHE_URL);
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path, method, headers: { host, authorization: `Bearer ${LETHE_TOKEN}`, ...headers } }, (reply) => {
      let text = '';
      reply.setEncoding('utf8').on('data', (part) => (text += part));
      reply.on('end', () => resolve({ status: reply.statusCode, headers: reply.headers, text, json: () => JSON.parse(text) }));
    });
    call.on('error', reject).end(body && JSON.stringify(body));
  });
}
