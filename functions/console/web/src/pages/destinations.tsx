// Destinations: every place that holds people's data, the way to connect one, and to one.

import { call } from '../api/client';
import type { Destination } from '../api/schema';
import { useTitles } from '../catalogue';
import { useLive } from '../live';
import { Empty, Head, Known, Table } from '../parts/basics';
import { Connected } from '../parts/connected';
import { Link, href, type Place } from '../router';
import { KIND } from '../words';
import { OneDestination } from './destination';
import { NewDestination } from './new-destination';

export function Destinations({ place }: { place: Place }) {
  const id = place.path[1];
  if (id === 'new') return <NewDestination chosen={place.path[2]} />;
  return id ? <OneDestination id={id} /> : <List />;
}

function List() {
  const title = useTitles();
  const live = useLive('destinations', (signal) => call('GET /destinations', { signal }), 30_000);
  return (
    <div class="page">
      <Head title="Destinations" lead="Every place that holds people’s data. A deletion request reaches all that are connected when it is made.">
        <Link to={href('/destinations/new')} class="button primary">
          Connect a destination
        </Link>
      </Head>
      <Known live={live} what="destinations">
        {({ destinations }) =>
          destinations.length === 0 ? (
            <Empty>
              <p>No place is connected yet: a deletion request would reach nothing.</p>
            </Empty>
          ) : (
            <Table caption="Destinations">
              <thead>
                <tr>
                  <th scope="col">Name</th>
                  <th scope="col">Product</th>
                  <th scope="col" class="wide">
                    Kind
                  </th>
                  <th scope="col">Connected</th>
                </tr>
              </thead>
              <tbody>
                {destinations.map((one) => (
                  <Row key={one.id} destination={one} product={title(one.vendor)} />
                ))}
              </tbody>
            </Table>
          )
        }
      </Known>
    </div>
  );
}

function Row({ destination, product }: { destination: Destination; product: string }) {
  return (
    <tr>
      <th scope="row">
        <Link to={href(`/destinations/${destination.id}`)}>{destination.name}</Link>
      </th>
      <td>{product}</td>
      <td class="wide">{KIND[destination.kind].one}</td>
      <td>
        <Connected destination={destination} />
      </td>
    </tr>
  );
}
