// Deletion requests, the newest first.

import { useState } from 'preact/hooks';

import { call } from '../api/client';
import type { RegulationEntry, RegulationSearch, RegulationType, Status, Whom } from '../api/schema';
import { due, received } from '../clock';
import { range } from '../format';
import { useLive } from '../live';
import { Select, Text } from '../parts/forms';
import { Empty, Head, Known } from '../parts/basics';
import { Export } from '../parts/list';
import { PersonSearch } from '../parts/person-search';
import { Pager } from '../parts/pager';
import { RequestTable } from '../parts/request-table';
import { SavedFilters } from '../parts/saved-filters';
import { Link, go, href, type Place } from '../router';
import { standing } from '../states';
import { words } from '../words';

const said = words.requests;

const PAGE = 50;

const FILTERS = ['status', 'type', 'system', 'since', 'until'] as const;

export function RequestList({ place }: { place: Place }) {
  const filters = Object.fromEntries(FILTERS.map((name) => [name, place.query.get(name) ?? ''])) as Record<(typeof FILTERS)[number], string>;
  const { status, type, system } = filters;
  const [cursors, setCursors] = useState<string[]>([]);
  const [who, setWho] = useState<Whom>();
  const cursor = cursors.at(-1);
  // A search goes in the body: an identifier may not stand in an address.
  const wanted: RegulationSearch = {
    ...(status && { status: status as Status }),
    ...(type && { regulationTypes: [type as RegulationType] }),
    ...(system && { destination: { id: system } }),
    ...range(filters),
    ...(who && { subject: who }),
  };
  const live = useLive(`requests ${JSON.stringify(wanted)} ${cursor}`, (signal) =>
    call('POST /regulations/search', { body: { ...wanted, pagination: { count: PAGE, ...(cursor && { cursor }) } }, signal }),
  );
  const systems = useLive('destinations', (signal) => call('GET /destinations', { signal }), 0).data?.destinations ?? [];
  const filtered = Object.values(filters).some(Boolean);
  const filter = (chosen: Partial<typeof filters>) => {
    setCursors([]);
    go(href('/requests', { ...filters, ...chosen }), true);
  };
  return (
    <div class="page">
      <Head title={words.nav.requests} lead={said.lead}>
        <Export name="requests" rows={() => everything(wanted)} />
        <Link to={href('/requests/new')} class="button primary">
          {said.new}
        </Link>
      </Head>
      <div class="stack">
        <PersonSearch
          onSearch={(wanted) => {
            setCursors([]);
            setWho(wanted);
          }}
        />
        <div class="filters">
          <Select label={said.status} value={status} options={[['', words.common.any], ...named(words.status, ({ word }) => word)]} onChange={(chosen) => filter({ status: chosen })} />
          <Select label={said.action} value={type} options={[['', said.anyAction], ...named(words.type, ({ short }) => short)]} onChange={(chosen) => filter({ type: chosen })} />
          <Select label={said.system} value={system} options={[['', words.common.any], ...systems.map((one): [string, string] => [one.id, one.name])]} onChange={(chosen) => filter({ system: chosen })} />
          <Text label={said.from} type="date" value={filters.since} onInput={(since) => filter({ since })} />
          <Text label={said.to} type="date" value={filters.until} onInput={(until) => filter({ until })} />
        </div>
        <SavedFilters page="/requests" query={filters} />
      </div>
      <Known live={live} what={words.things.requests}>
        {({ regulations, pagination }) =>
          regulations.length === 0 && !cursor && (filtered || who) ? (
            <Empty>
              <p>{who ? said.noneLikeThisPerson : said.noneLikeThis}</p>
              {who && <p class="soft">{said.searchHelp}</p>}
            </Empty>
          ) : regulations.length === 0 && !cursor ? (
            <Empty>
              <p>{said.none}</p>
              <Link to={href('/requests/new')} class="button">
                {said.new}
              </Link>
            </Empty>
          ) : (
            <>
              <RequestTable caption={words.nav.requests} regulations={regulations} refresh={live.refresh} />
              <Pager cursors={cursors} next={pagination.next} onMove={setCursors} />
            </>
          )
        }
      </Known>
    </div>
  );
}

function named<Name extends string, Word>(all: Record<Name, Word>, word: (one: Word) => string): [Name, string][] {
  return (Object.entries(all) as [Name, Word][]).map(([name, one]) => [name, word(one)]);
}

/** All that match, as a table for a spreadsheet. */
async function everything(wanted: RegulationSearch): Promise<string[][]> {
  const rows = [[said.id, said.received, said.dueOn, said.ended, said.action, said.status, said.people, said.identifiers]];
  let cursor: string | null | undefined;
  do {
    const page = await call('POST /regulations/search', { body: { ...wanted, pagination: { count: 1_000, ...(cursor && { cursor }) } } });
    rows.push(...page.regulations.map(row));
    cursor = page.pagination.next;
  } while (cursor);
  return rows;
}

const row = (one: RegulationEntry): string[] => [
  one.id, received(one), new Date(due(one)).toISOString(), one.finishedAt ?? '', words.type[one.regulationType].short, standing(one).word, String(one.subjectCount), one.subjects.join(' '),
];
