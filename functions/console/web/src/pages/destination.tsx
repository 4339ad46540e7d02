// One destination: whether it works, what it is set to, and its way out.

import { useState } from 'preact/hooks';

import { call } from '../api/client';
import type { Description, Destination, Finding } from '../api/schema';
import { shown, type Typed } from '../fields';
import { useAction, useLive } from '../live';
import { Head, Known, Problem, Section, Time } from '../parts/basics';
import { Connected } from '../parts/connected';
import { DestinationForm } from '../parts/destination-form';
import { Exceptions } from '../parts/exceptions';
import { Found } from '../parts/finding';
import { Dialog } from '../parts/forms';
import { Health } from '../parts/health';
import { toast } from '../parts/toast';
import { Link, href } from '../router';
import { vendor } from '../states';
import { words } from '../words';

const said = words.destinations;

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
      <Known live={live} what={words.things.destination}>
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
  const [excepted, setExcepted] = useState(0);
  return (
    <>
      <Head
        title={destination.name}
        lead={`${words.kind[destination.kind].one}: ${vendor(destination.vendor)}. ${description ? (words.confirms[description.confirms] ?? '') : ''}`}
        crumb={<Link to={href('/destinations')}>{said.title}</Link>}
      />
      <Check destination={destination} excepted={() => setExcepted(excepted + 1)} />
      <Section
        title={said.settings}
        aside={
          description && !editing && (
            <button type="button" class="button small" onClick={() => setEditing(true)}>
              {said.change}
            </button>
          )
        }
      >
        {editing && description ? (
          <Edit destination={destination} description={description} done={() => (setEditing(false), refresh())} cancel={() => (setEditing(false), refresh())} />
        ) : (
          <Settings destination={destination} description={description} />
        )}
      </Section>
      {destination.kind === 'ARCHIVE' && <Exceptions key={excepted} archive={destination.id} />}
      <Switch destination={destination} refresh={refresh} />
    </>
  );
}

function Check({ destination: { id, kind }, excepted }: { destination: Destination; excepted: () => void }) {
  const archive = kind === 'ARCHIVE' ? id : undefined;
  const [found, setFound] = useState<Finding>();
  const check = useAction(async () => {
    setFound(undefined);
    setFound(await call('POST /destinations/{id}/check', { path: { id } }));
  });
  return (
    <Section title={said.works}>
      <Health id={id} />
      <div class="row">
        <button type="button" class="button primary" disabled={check.busy} onClick={() => void check.run()}>
          {check.busy ? said.testing : said.check}
        </button>
        <span class="soft small">{said.checkHelp}</span>
      </div>
      <div role="status">{found && <Found found={found} archive={archive} excepted={excepted} />}</div>
      {check.error && <Problem error={check.error} />}
    </Section>
  );
}

function Settings({ destination, description }: Omit<Props, 'refresh'>) {
  const fields = description?.fields ?? [];
  return (
    <dl class="facts">
      <dt>{said.status}</dt>
      <dd>
        <Connected destination={destination} />
      </dd>
      {destination.enabledEarlier?.map(({ from, until }) => (
        <>
          <dt>{said.earlier}</dt>
          <dd>
            <Time at={from} only="day" /> {said.to} <Time at={until} only="day" />
          </dd>
        </>
      ))}
      {fields.map((field) => {
        if (!field.secret && !(field.name in destination.settings)) return null;
        return (
          <>
            <dt>{field.title}</dt>
            {field.secret ? <dd class="soft">{said.keptNeverShown}</dd> : <dd>{shown(destination.settings[field.name])}</dd>}
          </>
        );
      })}
    </dl>
  );
}

function Edit({ destination, description, done, cancel }: { destination: Destination; description: Description; done: () => void; cancel: () => void }) {
  const [finding, setFinding] = useState<Finding>();
  const save = useAction(async (name: string, { settings, secrets }: Typed) => {
    const body = { name, settings, ...(Object.keys(secrets).length > 0 && { secrets }) };
    const path = { id: destination.id };
    setFinding(undefined);
    await call('PATCH /destinations/{id}', { path, body });
    const found = await call('POST /destinations/{id}/check', { path });
    if (!found.ok) return setFinding(found);
    toast(said.saved);
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
        failed={finding && { title: said.testFailedKept, finding }}
        action={words.common.save}
      />
      <div class="row">
        <button type="button" class="quiet" onClick={cancel}>
          {said.keepSettings}
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
    toast(off ? said.reconnected : said.disconnected);
    setAsked(false);
    refresh();
  });
  return (
    <div class="row">
      {off ? (
        <button type="button" class="button" disabled={change.busy} onClick={() => void change.run()}>
          {said.reconnect}
        </button>
      ) : (
        <button type="button" class="button danger" onClick={() => setAsked(true)}>
          {said.disconnect}
        </button>
      )}
      {change.error && <Problem error={change.error} />}
      {asked && (
        <Dialog title={said.disconnectTitle(destination.name)} close={() => setAsked(false)}>
          <p>{said.disconnectHelp}</p>
          {change.error && <Problem error={change.error} />}
          <div class="row">
            <button type="button" class="button danger" disabled={change.busy} onClick={() => void change.run()}>
              {said.disconnectIt}
            </button>
            <button type="button" class="button" onClick={() => setAsked(false)}>
              {said.keepIt}
            </button>
          </div>
        </Dialog>
      )}
    </div>
  );
}
