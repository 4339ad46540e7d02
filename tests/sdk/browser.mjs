// Sends events from pages with Segment's own browser SDK, unmodified: only the host is another. Ada's sends each event at
// once, Bob's in batches. Goes on whenever a line comes in, and says `sent` after each part:
//
// 1. Both are identified and do something.
// 2. Both do something more: Ada is suppressed by now.
// 3. Carol takes Ada's browser, while the door is closed. Says `refused` once an event was.
// 4. The door is open again: the SDK's own next try is taken.
//
// The pages are of another origin, and the SDK sends `authorization` and, when it tries again, `x-retry-count`: neither
// arrives unless the preflight allows it. Exits with 0 if all was taken.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import { launch } from '../browser/browser/launch.mjs';

const { COLLECT_URL, WRITE_KEY } = process.env;
const { host, protocol } = new URL(COLLECT_URL);
const sdk = await readFile(new URL('node_modules/@segment/analytics-next/dist/umd/index.js', import.meta.url));
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

const site = createServer((request, response) => {
  const [type, body] = request.url === '/sdk.js' ? ['text/javascript', sdk] : ['text/html', '<script src="sdk.js"></script>'];
  response.writeHead(200, { 'content-type': type }).end(body);
});
await new Promise((listening) => site.listen(0, '127.0.0.1', listening));

/** A browser whose page has loaded the SDK. */
async function visitor(deliveryStrategy) {
  const { page, close } = await launch();
  await page.goto(`http://127.0.0.1:${site.address().port}/`);
  const settings = { apiKey: WRITE_KEY, apiHost: `${host}/v1`, protocol: protocol.slice(0, -1), deliveryStrategy };
  await page.evaluate(([writeKey, settings]) => {
    const integrations = { 'Segment.io': settings };
    window.analytics = AnalyticsNext.AnalyticsBrowser.load({ writeKey, cdnSettings: { integrations } }, { integrations });
  }, [WRITE_KEY, settings]);
  /** Has the SDK send, and waits for an answer of this status to a call of this path. */
  const send = async (calls, path, status = 200) => {
    const answered = page.waitForResponse((reply) => new URL(reply.url()).pathname === `/v1/${path}` && reply.request().method() === 'POST' && reply.status() === status, { timeout: 120_000 });
    page.evaluate(calls).catch(() => {});
    await answered;
  };
  return { page, send, close };
}

const say = async (what) => {
  console.log(what);
  await lines.next();
};

const ada = await visitor({ strategy: 'standard' });
const bob = await visitor({ strategy: 'batching', config: { size: 3, timeout: 1_000 } });

await ada.send(() => analytics.identify('ada', { plan: 'free' }), 'i');
await ada.send(() => analytics.track('ada before'), 't');
await bob.send(() => { analytics.identify('bob'); analytics.page(); analytics.track('bob before'); }, 'b');
await say('sent');

await ada.send(() => analytics.track('ada after'), 't');
await ada.send(() => analytics.page(), 'p');
await bob.send(() => { analytics.track('bob after'); analytics.page(); analytics.group('team'); }, 'b');
await say('sent');

await ada.page.evaluate(() => analytics.reset());
await ada.send(() => { analytics.identify('carol'); analytics.track('carol, at the second try'); }, 't', 503);
const taken = ada.send(() => {}, 't');
await say('refused');
await taken;
console.log('sent');

await Promise.all([ada.close(), bob.close()]);
process.exit(0);
