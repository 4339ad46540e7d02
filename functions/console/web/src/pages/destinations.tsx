// Destinations: every place that holds people's data.

import { call } from '../api/client';
import type { Destination } from '../api/schema';
import { useLive } from '../live';
import { Empty, Head, Known, Section, Table, Time } from '../parts/basics';
import { Shape } from '../parts/state';
import type { Place } from '../router';
import { KIND, vendor } from '../words';

export function Destinations({ place }: { place: Place }) {
  void place;
  const live = useLive('destinations', (signal) => call('GET /destinations', { signal }), 30_000);
  return (
    <div class="page">
      <Head title="Destinations" lead="Every place that holds people’s data. A deletion request reaches all that are connected when it is made." />
      <Known live={live} what="destinations">
        {({ destinations }) =>
          destinations.length === 0 ? (
            <Empty>
              <p>No place is connected yet: a deletion request would reach nothing.</p>
            </Empty>
          ) : (
            Object.entries(KIND).map(([kind, { many }]) => {
              const some = destinations.filter((one) => one.kind === kind);
              return some.length > 0 && <Group key={kind} title={many} destinations={some} />;
            })
          )
        }
      </Known>
    </div>
  );
}

function Group({ title, destinations }: { title: string; destinations: Destination[] }) {
  return (
    <Section title={title}>
      <Table caption={title}>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Product</th>
            <th scope="col" class="wide">
              Settings
            </th>
            <th scope="col">Connected</th>
          </tr>
        </thead>
        <tbody>
          {destinations.map((one) => (
            <tr key={one.id}>
              <th scope="row">{one.name}</th>
              <td>{vendor(one.vendor)}</td>
              <td class="wide small soft">{settings(one)}</td>
              <td>
                {one.enabledUntil ? (
                  <span class="state tone-waiting">
                    <Shape tone="waiting" />
                    until <Time at={one.enabledUntil} only="day" />
                  </span>
                ) : (
                  <span class="state tone-done">
                    <Shape tone="done" />
                    since <Time at={one.enabledFrom} only="day" />
                  </span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </Table>
    </Section>
  );
}

const settings = (one: Destination): string =>
  Object.entries(one.settings)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
