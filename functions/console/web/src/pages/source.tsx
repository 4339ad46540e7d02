// One source: its write keys, the systems that its events go to, and another tracking API behind it.

import { useState } from 'preact/hooks';

import { useAccess } from '../access';
import { call } from '../api/client';
import type { Connection, Destination, NewConnection, Source } from '../api/schema';
import { useAction, useLive } from '../live';
import { Head, Known, Problem, Section, Table, Time } from '../parts/basics';
import { Confirm } from '../parts/confirm';
import { Select } from '../parts/forms';
import { Secret } from '../parts/secret';
import { toast } from '../parts/toast';
import { Upstream } from '../parts/upstream';
import { Link, href } from '../router';
import { words } from '../words';

const said = words.sources;

export function OneSource({ id }: { id: string }) {
  const live = useLive(
    `source ${id}`,
    async (signal) => {
      const [{ source }, { destinations }] = await Promise.all([call('GET /sources/{id}', { path: { id }, signal }), call('GET /destinations', { signal })]);
      return { source, destinations };
    },
    0,
  );
  return (
    <div class="page">
      <Known live={live} what={words.things.source}>
        {({ source, destinations }) => <Shown source={source} destinations={destinations} refresh={live.refresh} />}
      </Known>
    </div>
  );
}

interface Props {
  source: Source;
  refresh: () => void;
}

function Shown({ source, destinations, refresh }: Props & { destinations: Destination[] }) {
  const { admin, suppressions } = useAccess();
  const [leaving, setLeaving] = useState(false);
  const gone = source.deletedAt;
  const remove = async () => {
    await call('DELETE /sources/{id}', { path: { id: source.id } });
    toast(said.wasDeleted);
    refresh();
  };
  return (
    <>
      <Head title={source.name} lead={gone && said.deletedLead} crumb={<Link to={href('/sources')}>{words.nav.sources}</Link>} />
      <dl class="facts">
        <dt>{said.id}</dt>
        <dd class="mono">{source.id}</dd>
        <dt>{said.created}</dt>
        <dd>
          <Time at={source.createdAt} only="day" />
        </dd>
        {gone && (
          <>
            <dt>{said.deletedOn}</dt>
            <dd>
              <Time at={gone} only="day" />
            </dd>
          </>
        )}
        {suppressions && (
          <>
            <dt>{words.nav.suppressions}</dt>
            <dd>
              <Link to={href('/suppressions', { source: source.id })}>{said.suppressedHere}</Link>
            </dd>
          </>
        )}
      </dl>
      {!gone && <Keys source={source} refresh={refresh} />}
      <Connections source={source} destinations={destinations} refresh={refresh} />
      {!gone && <Trust source={source} refresh={refresh} />}
      {(admin || source.upstream) && !gone && <Upstream source={source} refresh={refresh} />}
      {!gone && (
        <div class="row">
          <button type="button" class="button danger" onClick={() => setLeaving(true)}>
            {said.delete}
          </button>
        </div>
      )}
      {leaving && (
        <Confirm title={said.deleteTitle(source.name)} action={said.deleteIt} act={remove} close={() => setLeaving(false)}>
          {said.deleteHelp}
        </Confirm>
      )}
    </>
  );
}

function Keys({ source, refresh }: Props) {
  const [key, setKey] = useState<string>();
  const [removing, setRemoving] = useState<string>();
  const path = { id: source.id };
  const add = useAction(async () => setKey((await call('POST /sources/{id}/write-keys', { path })).writeKey));
  const remove = async (writeKeyId: string) => {
    await call('DELETE /sources/{id}/write-keys/{writeKeyId}', { path: { ...path, writeKeyId } });
    toast(said.keyRevoked);
    refresh();
  };
  const seen = () => {
    setKey(undefined);
    refresh();
  };
  return (
    <Section
      title={said.keys}
      aside={
        <button type="button" class="button small" disabled={add.busy} onClick={() => void add.run()}>
          {said.addKey}
        </button>
      }
    >
      <p class="help">{said.keysHelp}</p>
      {add.error && <Problem error={add.error} />}
      <Table caption={said.keys}>
        <thead>
          <tr>
            <th scope="col">{said.keyId}</th>
            <th scope="col">{said.created}</th>
            <th scope="col">
              <span class="hidden">{words.common.action}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {source.writeKeys.map((one) => (
            <tr key={one.id}>
              <th scope="row" class="mono">
                {one.id}
              </th>
              <td>
                <Time at={one.createdAt} only="day" />
              </td>
              <td class="num">
                <button type="button" class="quiet" aria-label={said.revokeOne(one.id)} onClick={() => setRemoving(one.id)}>
                  {said.revoke}
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </Table>
      {key && <Secret title={said.keyTitle(source.name)} secret={key} help={said.keyHelp} close={seen} />}
      {removing && (
        <Confirm title={said.revokeTitle} action={said.revokeIt} act={() => remove(removing)} close={() => setRemoving(undefined)}>
          {said.revokeHelp}
        </Confirm>
      )}
    </Section>
  );
}

/** All connections are sent each time; one that ends is kept with its end, since it says who received what. */
function Connections({ source, destinations, refresh }: Props & { destinations: Destination[] }) {
  const [chosen, setChosen] = useState('');
  const change = useAction(async (connections: NewConnection[], done: string) => {
    await call('PATCH /sources/{id}', { path: { id: source.id }, body: { connections } });
    toast(done);
    setChosen('');
    refresh();
  });
  const name = (id: string) => destinations.find((one) => one.id === id)?.name ?? id;
  const open = source.connections.filter(({ until }) => !until);
  const others = destinations.filter((one) => !one.enabledUntil && !open.some(({ destinationId }) => destinationId === one.id));
  const end = (ended: Connection) => source.connections.map((one) => (one === ended ? { ...one, until: new Date().toISOString() } : one));
  return (
    <Section title={said.connections}>
      <p class="help">{said.connectionsHelp}</p>
      {change.error && <Problem error={change.error} />}
      {source.connections.length > 0 && (
        <Table caption={said.connections}>
          <thead>
            <tr>
              <th scope="col">{said.system}</th>
              <th scope="col">{said.from}</th>
              <th scope="col">{said.until}</th>
            </tr>
          </thead>
          <tbody>
            {source.connections.map((one) => (
              <tr key={one.destinationId + one.from}>
                <th scope="row">{name(one.destinationId)}</th>
                <td>
                  <Time at={one.from} only="day" />
                </td>
                <td>
                  {one.until ? (
                    <Time at={one.until} only="day" />
                  ) : (
                    !source.deletedAt && (
                      <button type="button" class="quiet" aria-label={said.endOne(name(one.destinationId))} disabled={change.busy} onClick={() => void change.run(end(one), said.ended)}>
                        {said.end}
                      </button>
                    )
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
      {!source.deletedAt && others.length > 0 && (
        <div class="filters">
          <Select label={said.addSystem} value={chosen} options={[['', words.common.choose], ...others.map((one): [string, string] => [one.id, one.name])]} onChange={setChosen} />
          <button type="button" class="button" disabled={!chosen || change.busy} onClick={() => void change.run([...source.connections, { destinationId: chosen }], said.added)}>
            {said.add}
          </button>
        </div>
      )}
    </Section>
  );
}

function Trust({ source, refresh }: Props) {
  const change = useAction(async (trustedToLink: boolean) => {
    await call('PATCH /sources/{id}', { path: { id: source.id }, body: { trustedToLink } });
    refresh();
  });
  return (
    <Section title={said.trust}>
      <label class="row">
        <input type="checkbox" checked={source.trustedToLink} disabled={change.busy} onChange={(event) => void change.run(event.currentTarget.checked)} />
        {said.trusted}
      </label>
      <p class="help">{said.trustHelp}</p>
      {change.error && <Problem error={change.error} />}
    </Section>
  );
}
