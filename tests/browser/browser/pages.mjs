// Every page, with the latest of what it shows.

import { api } from './launch.mjs';

export async function pages() {
  const { regulations } = (await api('GET', '/regulations?pagination.count=100')).json().data;
  const { purgeRuns } = (await api('GET', '/purge-runs')).json().data;
  const { destinations } = (await api('GET', '/destinations')).json().data;
  const finished = regulations.find((one) => one.status === 'FINISHED' && one.regulationType === 'SUPPRESS_WITH_DELETE');
  const stuck = regulations.find((one) => one.status === 'PARTIAL_SUCCESS');
  return [
    { name: 'overview', path: '' },
    { name: 'requests', path: '/requests' },
    { name: 'new-request', path: '/requests/new' },
    finished && { name: 'request', path: `/requests/${finished.id}` },
    stuck && { name: 'request-that-needs-a-hand', path: `/requests/${stuck.id}` },
    finished && { name: 'certificate', path: `/requests/${finished.id}/certificate` },
    { name: 'suppressions', path: '/suppressions' },
    { name: 'destinations', path: '/destinations' },
    destinations[0] && { name: 'destination', path: `/destinations/${destinations[0].id}` },
    { name: 'catalogue', path: '/destinations/new' },
    { name: 'connect', path: '/destinations/new/braze' },
    { name: 'runs', path: '/runs' },
    purgeRuns[0] && { name: 'run', path: `/runs/${purgeRuns[0].id}` },
    { name: 'tokens', path: '/tokens' },
    { name: 'audit', path: '/audit' },
    { name: 'nowhere', path: '/nowhere' },
  ].filter(Boolean);
}
