// Sends events with Segment's own Node SDK, unmodified: only the host is another. `round` events for each user; then
// again once a line comes in; and, a while later, once more. Says `sent` after each. Exits with 0 if all were taken.
const { Analytics } = require('@segment/analytics-node');
const readline = require('node:readline');

const [users, round] = [Number(process.env.USERS), Number(process.env.ROUND)];
const analytics = new Analytics({
  writeKey: process.env.WRITE_KEY, host: process.env.COLLECT_URL, maxEventsInBatch: 100, httpRequestTimeout: 120000,
  // Twice as many as by default: functions of a busy machine run into their timeouts.
  maxRetries: 20,
});
const errors = [];
analytics.on('error', (error) => errors.push(error));

const send = async (number) => {
  for (let event = 0; event < round; event += 1) {
    for (let user = 0; user < users; user += 1) {
      analytics.track({ userId: `node-${user}`, event: `node-${user}-${number}-${event}`, properties: { round: number } });
    }
  }
  await analytics.flush({ timeout: 300000 });
  console.log('sent');
};

async function main() {
  const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  await send(0);
  await lines.next();
  await send(1);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await send(2);
  await analytics.closeAndFlush();
  if (errors.length > 0) throw new Error(`${errors.length} errors, the first: ${JSON.stringify(errors[0])}`);
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
