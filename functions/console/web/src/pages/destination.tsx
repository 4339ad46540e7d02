// One destination: whether it works, what it is set to, and its way out.

import { useState } from 'preact/hooks';

import { call } from '../api/client';
import type { Description, Destination, Finding } from '../api/schema';
import { label, shown, type Typed } from '../fields';
import { capital } from '../format';
import { useAction, useLive } from '../live';
import { Head, Known, Problem, Section, Time } from '../parts/basics';
import { Connected } from '../parts/connected';
import { DestinationForm } from '../parts/destination-form';
import { Dialog } from '../parts/forms';
import { Shape } from '../parts/state';
import { Link, href } from '../router';
import { CONFIRMS, KIND } from '../words';

export function OneDestination({ id }: { id: string }) {
  const live = useLive(
    `destination ${id}`,
    async (signal) => {
      const [{ destination }, { catalog }] = await Promise.all([
        call('GET /destinations/{id}', { path: { id }, signal }),
        call('GET /destinations/catalog', { signal }),
      ]);
      return { destination, description: catalog.find((one) => one.vendor === destination.vendor) };
    },
    0,
  );
  return (
    <div class="page">
      <Known live={live} what="the destination">
        {({ destination, description }) => <Shown destination={destination} description={description} refresh={live.refresh} />}
      </Known>
    </div>
  );
}

interface Props {
  destination: Destination;
  description: Description | undefined;
  refresh: () => void;
}

function Shown({ destination, description, refresh }: Props) {
  const [editing, setEditing] = useState(false);
  return (
    <>
      <Head
        title={destination.name}
        lead={`${KIND[destination.kind].one}: ${description?.title ?? destination.vendor}. ${description ? (CONFIRMS[description.confirms] ?? '') : ''}`}
        crumb={<Link to={href('/destinations')}>Destinations</Link>}
      />
      <Check id={destination.id} />
      <Section
        title="Settings"
        aside={
          description && !editing && (
            <button type="button" class="button small" onClick={() => setEditing(true)}>
              Change
            </button>
          )
        }
      >
        {editing && description ? (
          <Edit destination={destination} description={description} done={() => (setEditing(false), refresh())} cancel={() => setEditing(false)} />
        ) : (
          <Settings destination={destination} description={description} />
        )}
      </Section>
      <Switch destination={destination} refresh={refresh} />
    </>
  );
}

function Check({ id }: { id: string }) {
  const [found, setFound] = useState<Finding>();
  const check = useAction(async () => {
    setFound(undefined);
    setFound(await call('POST /destinations/{id}/check', { path: { id } }));
  });
  const tone = found?.ok ? 'done' : 'alert';
  return (
    <Section title="Does it work?">
      <div class="row">
        <button type="button" class="button primary" disabled={check.busy} onClick={() => void check.run()}>
          {check.busy ? 'Checking…' : 'Check the connection'}
        </button>
        <span class="soft small">Looks only; deletes nothing. It runs where the work would run.</span>
      </div>
      <div role="status">
        {found && (
          <div class={found.ok ? 'box' : 'box alert'}>
            <p class={`state tone-${tone} wraps`}>
              <Shape tone={tone} />
              {capital(found.message)}
            </p>
            <Details details={found.details} />
          </div>
        )}
      </div>
      {check.error && <Problem error={check.error} />}
    </Section>
  );
}

function Details({ details }: { details: unknown }) {
  if (typeof details !== 'object' || details === null || Object.keys(details).length === 0) return null;
  return (
    <dl class="facts">
      {Object.entries(details).map(([name, value]) => (
        <>
          <dt>{label(name)}</dt>
          <dd>{shown(value)}</dd>
        </>
      ))}
    </dl>
  );
}

function Settings({ destination, description }: Omit<Props, 'refresh'>) {
  const secrets = description?.fields.filter((field) => field.secret) ?? [];
  const title = (name: string) => description?.fields.find((field) => field.name === name)?.title ?? name;
  return (
    <dl class="facts">
      <dt>Connected</dt>
      <dd>
        <Connected destination={destination} />
      </dd>
      {destination.enabledEarlier?.map(({ from, until }) => (
        <>
          <dt>Earlier</dt>
          <dd>
            <Time at={from} only="day" /> to <Time at={until} only="day" />
          </dd>
        </>
      ))}
      {Object.entries(destination.settings).map(([name, value]) => (
        <>
          <dt>{title(name)}</dt>
          <dd>{shown(value)}</dd>
        </>
      ))}
      {secrets.map(({ title }) => (
        <>
          <dt>{title}</dt>
          <dd class="soft">kept, never shown</dd>
        </>
      ))}
    </dl>
  );
}

function Edit({ destination, description, done, cancel }: { destination: Destination; description: Description; done: () => void; cancel: () => void }) {
  const save = useAction(async (name: string, { settings, secrets }: Typed) => {
    const body = { name, settings, ...(Object.keys(secrets).length > 0 && { secrets }) };
    await call('PATCH /destinations/{id}', { path: { id: destination.id }, body });
    done();
  });
  return (
    <>
      <DestinationForm
        description={description}
        known={destination}
        name={destination.name}
        save={(name, given) => void save.run(name, given)}
        busy={save.busy}
        error={save.error}
        action="Save"
      />
      <div class="row">
        <button type="button" class="quiet" onClick={cancel}>
          Leave it as it is
        </button>
      </div>
    </>
  );
}

function Switch({ destination, refresh }: Omit<Props, 'description'>) {
  const [asked, setAsked] = useState(false);
  const off = Boolean(destination.enabledUntil);
  const change = useAction(async () => {
    if (off) await call('PATCH /destinations/{id}', { path: { id: destination.id }, body: { enabled: true } });
    else await call('DELETE /destinations/{id}', { path: { id: destination.id } });
    setAsked(false);
    refresh();
  });
  return (
    <div class="row">
      {off ? (
        <button type="button" class="button" disabled={change.busy} onClick={() => void change.run()}>
          Connect it again
        </button>
      ) : (
        <button type="button" class="button danger" onClick={() => setAsked(true)}>
          Disconnect…
        </button>
      )}
      {change.error && <Problem error={change.error} />}
      {asked && (
        <Dialog title={`Disconnect ${destination.name}?`} close={() => setAsked(false)}>
          <p>New deletion requests will not reach it any more: what it holds about people stays there. When it was connected is kept.</p>
          {change.error && <Problem error={change.error} />}
          <div class="row">
            <button type="button" class="button danger" disabled={change.busy} onClick={() => void change.run()}>
              Disconnect
            </button>
            <button type="button" class="button" onClick={() => setAsked(false)}>
              Keep it connected
            </button>
          </div>
        </Dialog>
      )}
    </div>
  );
}
