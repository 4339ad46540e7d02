// Destinations: every place that holds people's data, the way to connect one, and to one.

import { call } from '../api/client';
import type { Destination } from '../api/schema';
import { useLive } from '../live';
import { Empty, Head, Known, Table } from '../parts/basics';
import { Connected } from '../parts/connected';
import { Link, href, type Place } from '../router';
import { vendor } from '../states';
import { words } from '../words';
import { OneDestination } from './destination';
import { NewDestination } from './new-destination';

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
            <Table caption={said.table} cards>
              <thead>
                <tr>
                  <th scope="col">{said.name}</th>
                  <th scope="col">{said.product}</th>
                  <th scope="col" class="wide">
                    {said.kind}
                  </th>
                  <th scope="col">{said.status}</th>
                </tr>
              </thead>
              <tbody>
                {destinations.map((one) => (
                  <Row key={one.id} destination={one} />
                ))}
              </tbody>
            </Table>
          )
        }
      </Known>
    </div>
  );
}

function Row({ destination }: { destination: Destination }) {
  return (
    <tr>
      <th scope="row">
        <Link to={href(`/destinations/${destination.id}`)}>{destination.name}</Link>
      </th>
      <td>{vendor(destination.vendor)}</td>
      <td class="wide">{words.kind[destination.kind].one}</td>
      <td>
        <Connected destination={destination} />
      </td>
    </tr>
  );
}
