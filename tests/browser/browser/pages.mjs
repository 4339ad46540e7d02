// Every page, with the latest of what it shows.

import { api } from './launch.mjs';

export async function pages() {
  const { regulations } = (await api('GET', '/regulations?pagination.count=100')).json().data;
  const { purgeRuns } = (await api('GET', '/purge-runs')).json().data;
  const { destinations } = (await api('GET', '/destinations')).json().data;
  const finished = regulations.find((one) => one.status === 'FINISHED' && one.regulationType === 'SUPPRESS_WITH_DELETE');
  const stuck = regulations.find((one) => one.status === 'PARTIAL_SUCCESS');
  const suppressed = regulations.find((one) => one.regulationType === 'SUPPRESS_ONLY');
  const { batches } = (await api('GET', '/batches')).json().data;
  const refused = batches.find((one) => one.account?.refused > 0);
  return [
    { name: 'overview', path: '' },
    { name: 'requests', path: '/requests' },
    { name: 'new-request', path: '/requests/new' },
    finished && { name: 'request', path: `/requests/${finished.id}` },
    stuck && { name: 'request-that-needs-a-hand', path: `/requests/${stuck.id}` },
    finished && { name: 'certificate', path: `/requests/${finished.id}/certificate` },
    suppressed && { name: 'request-that-suppresses', path: `/requests/${suppressed.id}` },
    { name: 'person', path: '/people', ready: findGrace },
    { name: 'batches', path: '/batches' },
    refused && { name: 'batch', path: `/batches/${refused.id}` },
    { name: 'suppressions', path: '/suppressions' },
    { name: 'destinations', path: '/destinations' },
    destinations[0] && { name: 'destination', path: `/destinations/${destinations[0].id}` },
    { name: 'sources', path: '/sources' },
    { name: 'source', path: '/sources/web' },
    { name: 'catalogue', path: '/destinations/new' },
    { name: 'connect', path: '/destinations/new/braze' },
    { name: 'runs', path: '/runs' },
    purgeRuns[0] && { name: 'run', path: `/runs/${purgeRuns[0].id}` },
    { name: 'tokens', path: '/tokens' },
    { name: 'audit', path: '/audit' },
    { name: 'nowhere', path: '/nowhere' },
  ].filter(Boolean);
}

/** Somebody whose events came in through the tracking API. */
async function findGrace(page) {
  await page.getByLabel('Find a person').fill('grace');
  await page.getByRole('button', { name: 'Find' }).click();
  await page.getByRole('heading', { name: 'Who received their data?' }).waitFor();
}
