// Who made a request: the name of the token, where the reader may see names, or a batch.

import { useAccess } from '../access';
import { call } from '../api/client';
import { useLive } from '../live';
import { Link, href } from '../router';
import { words } from '../words';

const said = words.request;

/** `said`: what is said of them, around the name. */
export function Requester({ actor, said: around = (name) => name }: { actor: string; said?: (name: string) => string }) {
  const [batch] = actor.match(/^bat_\w+/) ?? [];
  if (batch) return <Link to={href(`/batches/${batch}`)}>{said.aBatch}</Link>;
  return actor === 'admin' ? <>{around(said.adminToken)}</> : <Named token={actor} around={around} />;
}

function Named({ token, around }: { token: string; around: (name: string) => string }) {
  const { admin } = useAccess();
  const live = useLive('tokens', async (signal) => (admin ? (await call('GET /tokens', { signal })).tokens : []), 0);
  const name = live.data?.find(({ id }) => id === token)?.name;
  return <>{around(name ?? token)}</>;
}
