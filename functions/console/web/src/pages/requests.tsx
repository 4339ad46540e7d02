// Deletion requests: the list, and the way to one and to a new one.

import { later } from '../parts/later';
import type { Place } from '../router';
import { Request } from './request';
import { RequestList } from './request-list';

const NewRequest = later(async () => (await import('./new-request')).NewRequest);
const Certificate = later(async () => (await import('./certificate')).Certificate);

export function Requests({ place }: { place: Place }) {
  const [, id, part] = place.path;
  if (!id) return <RequestList place={place} />;
  if (id === 'new') return <NewRequest />;
  return part === 'certificate' ? <Certificate id={id} /> : <Request id={id} />;
}
