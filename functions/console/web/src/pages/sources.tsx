// Sources: where events come in, and the way to make one.

import { useState } from 'preact/hooks';

import { call } from '../api/client';
import type { Source } from '../api/schema';
import { useAction, useLive } from '../live';
import { Empty, Head, Known, Problem, Table, Time } from '../parts/basics';
import { Dialog, Text } from '../parts/forms';
import { Export, useSorted } from '../parts/list';
import { Secret } from '../parts/secret';
import { Link, go, href, type Place } from '../router';
import { words } from '../words';
import { OneSource } from './source';

const said = words.sources;

export function Sources({ place }: { place: Place }) {
  const id = place.path[1];
  return id ? <OneSource id={id} /> : <List />;
}

function List() {
  const [making, setMaking] = useState(false);
  const live = useLive('sources', (signal) => call('GET /sources', { signal }), 30_000);
  const rows = (live.data?.sources ?? []).map((one) => [one.id, one.name, one.createdAt, one.deletedAt ?? '', String(one.writeKeys.length), one.upstream?.url ?? '']);
  return (
    <div class="page">
      <Head title={words.nav.sources} lead={said.lead}>
        <Export name="sources" rows={() => [[said.id, said.name, said.created, said.deletedOn, said.keys, said.forwarding], ...rows]} />
        <button type="button" class="button primary" onClick={() => setMaking(true)}>
          {said.make}
        </button>
      </Head>
      <Known live={live} what={words.things.sources}>
        {({ sources }) =>
          sources.length === 0 ? (
            <Empty>
              <p>{said.none}</p>
            </Empty>
          ) : (
            <SourceTable sources={sources} />
          )
        }
      </Known>
      {making && <Make close={() => setMaking(false)} />}
    </div>
  );
}

const VALUES = { name: (one: Source) => one.name, id: (one: Source) => one.id, created: (one: Source) => one.createdAt, forwarding: (one: Source) => one.upstream?.url ?? '' };

function SourceTable({ sources }: { sources: Source[] }) {
  const { rows, head } = useSorted(sources, VALUES);
  return (
    <Table caption={words.nav.sources} cards>
      <thead>
        <tr>
          {head('name', said.name)}
          {head('id', said.id)}
          {head('created', said.created, 'wide')}
          {head('forwarding', said.forwarding)}
        </tr>
      </thead>
      <tbody>
        {rows.map((one) => (
          <tr key={one.id}>
            <th scope="row">
              <Link to={href(`/sources/${one.id}`)}>{one.name}</Link>
            </th>
            <td class="mono">{one.id}</td>
            <td class="wide">
              <Time at={one.createdAt} only="day" />
            </td>
            <td>{one.deletedAt ? said.deleted : (one.upstream?.url ?? words.common.none)}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

function Make({ close }: { close: () => void }) {
  const [name, setName] = useState('');
  const [id, setId] = useState('');
  const [wrong, setWrong] = useState<string>();
  const [made, setMade] = useState<{ id: string; key: string }>();
  const make = useAction(async () => {
    const { source, writeKey } = await call('POST /sources', { body: { name: name.trim(), ...(id.trim() && { id: id.trim() }) } });
    setMade({ id: source.id, key: writeKey });
  });
  const submit = (event: Event) => {
    event.preventDefault();
    setWrong(name.trim() ? undefined : words.common.required);
    if (name.trim()) void make.run();
  };
  const open = () => {
    close();
    go(href(`/sources/${made?.id}`));
  };
  if (made) return <Secret title={said.keyTitle(name)} secret={made.key} help={said.keyHelp} close={open} />;
  const about = (field: string) => (make.error?.field === field ? make.error.message : undefined);
  return (
    <Dialog title={said.make} close={close} filled={Boolean(name || id)}>
      <form onSubmit={submit} noValidate>
        <Text label={said.name} help={said.nameHelp} value={name} onInput={setName} wrong={wrong ?? about('name')} />
        <Text label={said.id + words.common.optional} help={said.idHelp} value={id} onInput={setId} wrong={about('id')} />
        {make.error && !about('name') && !about('id') && <Problem error={make.error} />}
        <div class="row">
          <button type="submit" class="button primary" disabled={make.busy}>
            {said.make}
          </button>
          <button type="button" class="button" onClick={close}>
            {words.common.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
