// What can be connected, and the form to do it.

import { call } from '../api/client';
import type { Description, Kind } from '../api/schema';
import { useAction, useLive } from '../live';
import { Head, Known, Section } from '../parts/basics';
import { DestinationForm } from '../parts/destination-form';
import { Link, go, href } from '../router';
import { CONFIRMS, KIND } from '../words';

export function NewDestination({ chosen }: { chosen: string | undefined }) {
  const live = useLive('catalogue', (signal) => call('GET /destinations/catalog', { signal }), 0);
  const crumb = <Link to={href('/destinations')}>Destinations</Link>;
  return (
    <div class="page">
      {!chosen && <Head title="Connect a destination" lead="Choose what it is. It can be checked before the first deletion." crumb={crumb} />}
      <Known live={live} what="the catalogue">
        {({ catalog }) => {
          const description = catalog.find((one) => one.vendor === chosen);
          return description ? <Connect description={description} /> : <Catalogue catalog={catalog} />;
        }}
      </Known>
    </div>
  );
}

function Catalogue({ catalog }: { catalog: Description[] }) {
  return (Object.keys(KIND) as Kind[]).map((kind) => {
    const some = catalog.filter((one) => one.kind === kind);
    return (
      some.length > 0 && (
        <Section key={kind} title={KIND[kind].many}>
          <ul class="choices">
            {some.map((one) => (
              <li key={one.vendor}>
                <Link to={href(`/destinations/new/${one.vendor}`)} class="choice offer">
                  <strong>{one.title}</strong>
                  <span class="soft small">{CONFIRMS[one.confirms] ?? ''}</span>
                </Link>
              </li>
            ))}
          </ul>
        </Section>
      )
    );
  });
}

function Connect({ description }: { description: Description }) {
  const save = useAction(async (name: string, settings: Record<string, unknown>, secrets: Record<string, string>) => {
    const { destination } = await call('POST /destinations', { body: { name, vendor: description.vendor, settings, secrets } });
    go(href(`/destinations/${destination.id}`));
  });
  const name = description.title;
  return (
    <>
      <Head title={`Connect ${name}`} lead={CONFIRMS[description.confirms]} crumb={<Link to={href('/destinations/new')}>All that can be connected</Link>} />
      <DestinationForm
        description={description}
        name={name}
        save={(given, { settings, secrets }) => void save.run(given, settings, secrets)}
        busy={save.busy}
        error={save.error}
        action={`Connect ${name}`}
      />
    </>
  );
}
