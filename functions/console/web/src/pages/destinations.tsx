// Destinations: every place that holds people's data, the way to connect one, and to one.

import { call } from '../api/client';
import type { Destination } from '../api/schema';
import { useLive } from '../live';
import { Empty, Head, Known, Table } from '../parts/basics';
import { Connected } from '../parts/connected';
import { later } from '../parts/later';
import { Export, useSorted } from '../parts/list';
import { Link, href, type Place } from '../router';
import { vendor } from '../states';
import { words } from '../words';

const NewDestination = later(async () => (await import('./new-destination')).NewDestination);
const OneDestination = later(async () => (await import('./destination')).OneDestination);

const said = words.destinations;

export function Destinations({ place }: { place: Place }) {
  const id = place.path[1];
  if (id === 'new') return <NewDestination chosen={place.path[2]} />;
  return id ? <OneDestination id={id} /> : <List />;
}

function List() {
  const live = useLive('destinations', (signal) => call('GET /destinations', { signal }), 30_000);
  return (
    <div class="page">
      <Head title={said.title} lead={said.lead}>
        <Export name="systems" rows={() => [[said.id, said.name, said.product, said.kind, said.since, said.notSince], ...(live.data?.destinations ?? []).map(row)]} />
        <Link to={href('/destinations/new')} class="button primary">
          {said.connect}
        </Link>
      </Head>
      <Known live={live} what={words.things.destinations}>
        {({ destinations }) =>
          destinations.length === 0 ? (
            <Empty>
              <p>{said.none}</p>
            </Empty>
          ) : (
            <DestinationTable destinations={destinations} />
          )
        }
      </Known>
    </div>
  );
}

const row = (one: Destination): string[] => [one.id, one.name, vendor(one.vendor), words.kind[one.kind].one, one.enabledFrom, one.enabledUntil ?? ''];

const VALUES = {
  name: (one: Destination) => one.name,
  product: (one: Destination) => vendor(one.vendor),
  kind: (one: Destination) => words.kind[one.kind].one,
  status: (one: Destination) => one.enabledUntil ?? one.enabledFrom,
};

function DestinationTable({ destinations }: { destinations: Destination[] }) {
  const { rows, head } = useSorted(destinations, VALUES);
  return (
    <Table caption={said.table} cards>
      <thead>
        <tr>
          {head('name', said.name)}
          {head('product', said.product)}
          {head('kind', said.kind, 'wide')}
          {head('status', said.status)}
        </tr>
      </thead>
      <tbody>
        {rows.map((one) => (
          <tr key={one.id}>
            <th scope="row">
              <Link to={href(`/destinations/${one.id}`)}>{one.name}</Link>
            </th>
            <td>{vendor(one.vendor)}</td>
            <td class="wide">{words.kind[one.kind].one}</td>
            <td>
              <Connected destination={one} />
            </td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}
