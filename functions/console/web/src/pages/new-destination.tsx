// What can be connected, and the form to do it. A system that fails its test is not left connected: a deletion request
// would count on it.

import { useState } from 'preact/hooks';

import { call } from '../api/client';
import type { Description, DestinationId, Finding, Kind } from '../api/schema';
import type { Typed } from '../fields';
import { useAction, useLive } from '../live';
import { Head, Known, Problem, Section } from '../parts/basics';
import { DestinationForm } from '../parts/destination-form';
import { toast } from '../parts/toast';
import { Link, go, href } from '../router';
import { vendor } from '../states';
import { words } from '../words';

const said = words.destinations;

export function NewDestination({ chosen }: { chosen: string | undefined }) {
  const live = useLive('catalogue', (signal) => call('GET /destinations/catalog', { signal }), 0);
  const crumb = <Link to={href('/destinations')}>{said.title}</Link>;
  return (
    <div class="page">
      {!chosen && <Head title={said.connect} lead={said.connectLead} crumb={crumb} />}
      <Known live={live} what={words.things.catalogue}>
        {({ catalog }) => {
          const description = catalog.find((one) => one.vendor === chosen);
          return description ? <Connect description={description} /> : <Catalogue catalog={catalog} />;
        }}
      </Known>
    </div>
  );
}

function Catalogue({ catalog }: { catalog: Description[] }) {
  return (Object.keys(words.kind) as Kind[]).map((kind) => {
    const some = catalog.filter((one) => one.kind === kind);
    return (
      some.length > 0 && (
        <Section key={kind} title={words.kind[kind].many}>
          <ul class="choices">
            {some.map((one) => (
              <li key={one.vendor}>
                <Link to={href(`/destinations/new/${one.vendor}`)} class="choice offer">
                  <strong>{vendor(one.vendor)}</strong>
                  <span class="soft small">{words.confirms[one.confirms] ?? ''}</span>
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
  // Made by the first try: the next ones change it.
  const [made, setMade] = useState<Made>();
  const [finding, setFinding] = useState<Finding>();
  const open = (id: DestinationId) => {
    toast(said.connected);
    go(href(`/destinations/${id}`));
  };
  const save = useAction(async (name: string, given: Typed) => {
    setFinding(undefined);
    const id = await keep(made, description.vendor, name, given);
    setMade({ id, settings: given.settings });
    const found = await call('POST /destinations/{id}/check', { path: { id } });
    if (found.ok) return open(id);
    await call('DELETE /destinations/{id}', { path: { id } });
    setFinding(found);
  });
  const anyway = useAction(async (id: DestinationId) => {
    await call('PATCH /destinations/{id}', { path: { id }, body: { enabled: true } });
    open(id);
  });
  const name = vendor(description.vendor);
  return (
    <>
      <Head title={said.connectOne(name)} lead={words.confirms[description.confirms]} crumb={<Link to={href('/destinations/new')}>{said.catalogue}</Link>} />
      <DestinationForm
        description={description}
        name={name}
        save={(given, typed) => void save.run(given, typed)}
        busy={save.busy}
        error={save.error}
        failed={finding && { title: said.testFailed, finding }}
        action={said.connectOne(name)}
      />
      {finding && made && (
        <div class="row">
          <button type="button" class="button" disabled={anyway.busy} onClick={() => void anyway.run(made.id)}>
            {said.connectAnyway}
          </button>
          {anyway.error && <Problem error={anyway.error} />}
        </div>
      )}
    </>
  );
}

interface Made {
  id: DestinationId;
  settings: Record<string, unknown>;
}

async function keep(made: Made | undefined, vendor: string, name: string, { settings, secrets }: Typed): Promise<DestinationId> {
  if (!made) return (await call('POST /destinations', { body: { name, vendor, settings, secrets } })).destination.id;
  // What was taken out since the last try is taken away.
  const cleared = Object.fromEntries(Object.keys(made.settings).map((name) => [name, null]));
  const body = { name, settings: { ...cleared, ...settings }, enabled: true, ...(Object.keys(secrets).length > 0 && { secrets }) };
  await call('PATCH /destinations/{id}', { path: { id: made.id }, body });
  return made.id;
}
