// What can be connected, and the form to do it. What fails its test is not connected: a deletion request would count on it.

import { useState } from 'preact/hooks';

import { call } from '../api/client';
import type { Description, Finding, Kind, NewDestination } from '../api/schema';
import { useAction, useLive } from '../live';
import { Head, Known, Section } from '../parts/basics';
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
  const { vendor: product } = description;
  const [failed, setFailed] = useState<{ draft: NewDestination; finding: Finding }>();
  const keep = async (draft: NewDestination) => {
    const { destination } = await call('POST /destinations', { body: draft });
    toast(said.connected);
    go(href(`/destinations/${destination.id}`));
  };
  const save = useAction(async (draft: NewDestination) => {
    setFailed(undefined);
    const finding = await call('POST /destinations/check', { body: draft });
    if (finding.ok) return keep(draft);
    setFailed({ draft, finding });
  });
  const anyway = useAction(keep);
  const name = vendor(product);
  return (
    <>
      <Head title={said.connectOne(name)} lead={words.confirms[description.confirms]} crumb={<Link to={href('/destinations/new')}>{said.catalogue}</Link>} />
      <DestinationForm
        description={description}
        name={name}
        save={(name, typed) => void save.run({ name, vendor: product, ...typed })}
        busy={save.busy}
        error={save.error ?? anyway.error}
        edited={() => setFailed(undefined)}
        failed={failed && { title: said.testFailed, finding: failed.finding }}
        action={said.connectOne(name)}
      />
      {failed && (
        <div class="row">
          <button type="button" class="button" disabled={anyway.busy} onClick={() => void anyway.run(failed.draft)}>
            {said.connectAnyway}
          </button>
        </div>
      )}
    </>
  );
}
