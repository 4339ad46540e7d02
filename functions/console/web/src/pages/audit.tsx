// The audit trail: who did what, when, and how it ended. What is looked for stands in the address.

import { useState } from 'preact/hooks';

import { useAccess } from '../access';
import { call, table } from '../api/client';
import type { LogEntry, Trail as Found, TrailEntry } from '../api/schema';
import { range } from '../format';
import { useAction, useLive } from '../live';
import { Empty, Head, Known, Problem, Table, Time } from '../parts/basics';
import { Select, Text, download } from '../parts/forms';
import { Pager } from '../parts/pager';
import { SavedFilters } from '../parts/saved-filters';
import { State } from '../parts/state';
import { toast } from '../parts/toast';
import { Link, go, href, type Place } from '../router';
import type { Said } from '../states';
import { words } from '../words';

const said = words.audit;
const PAGE = 50;
/** How far it is looked for what several actions have one word for: the API filters by one. */
const [AT_ONCE, MOST_PAGES] = [1_000, 10];

const FILTERS = ['since', 'until', 'caller', 'action', 'object'] as const;
type Filters = Record<(typeof FILTERS)[number], string>;

/** Filters that are no action of the API's own. */
const PREVIEW = 'preview';
const DRY_RUN = 'dryRun';
/** Made in several ways, which the trail names differently. */
const MAKING = 'POST /regulations';

/** What the API is asked for; what it cannot pick is picked here. */
function asked({ caller, action, object, ...days }: Filters) {
  const one = action === DRY_RUN ? 'POST /purge-runs' : action === PREVIEW || action === MAKING ? '' : action;
  return { ...range(days), ...(caller && { caller }), ...(object && { object }), ...(one && { action: one }) };
}

const isPicked = (wanted: string): boolean => wanted === PREVIEW || wanted === DRY_RUN || wanted === MAKING || wanted === 'POST /purge-runs';

function matches(entry: Entry, { action: wanted }: Filters): boolean {
  return !isPicked(wanted) || kind(entry) === wanted;
}

interface Searched extends Found {
  /** Whether older entries were not looked at. */
  cut: boolean;
}

type Entry = TrailEntry & { dryRun?: boolean };

async function search(filters: Filters, cursor: string | undefined, signal: AbortSignal): Promise<Searched> {
  const narrow = isPicked(filters.action);
  const count = narrow ? AT_ONCE : PAGE;
  const entries: TrailEntry[] = [];
  let next = cursor;
  for (let pages = 0; pages < (narrow ? MOST_PAGES : 1); pages += 1) {
    const found = await call('GET /audit', { query: { ...asked(filters), 'pagination.count': count, ...(next && { 'pagination.cursor': next }) }, signal });
    entries.push(...found.entries.filter((entry) => matches(entry, filters)));
    next = found.pagination.next ?? undefined;
    if (!next || entries.length >= PAGE) break;
  }
  return { entries, pagination: { current: cursor ?? '', next: next ?? null }, cut: narrow && Boolean(next) && entries.length < PAGE };
}

/** The log of all certificates in one piece, as the newest head commits to it. */
async function wholeLog() {
  const entries: LogEntry[] = [];
  for (;;) {
    const { size, head, next, entries: some } = await call('GET /log/entries', { query: { from: entries.length } });
    entries.push(...some);
    // What is being appended is not signed yet.
    if (!next) return { size, head, entries: entries.slice(0, size) };
  }
}

export function Audit({ place }: { place: Place }) {
  const filters = Object.fromEntries(FILTERS.map((name) => [name, place.query.get(name) ?? ''])) as Filters;
  const [cursors, setCursors] = useState<string[]>([]);
  const cursor = cursors.at(-1);
  const live = useLive(`audit ${JSON.stringify([filters, cursor])}`, (signal) => search(filters, cursor, signal), 30_000);
  const dry = useDryRuns();
  const save = useAction(async () => download('audit.csv', 'text/csv', await table('GET /audit', { query: { ...asked(filters), 'pagination.count': 1000 } })));
  const { requests } = useAccess();
  const log = useAction(async () => {
    const whole = await wholeLog();
    if (whole.head) download(`lethe-log-${whole.size}.json`, 'application/json', JSON.stringify(whole, null, 1));
    else toast(said.noLog);
  });
  const choose = (part: Partial<Filters>) => {
    setCursors([]);
    go(href('/audit', { ...filters, ...part }), true);
  };
  const seen = live.data?.entries ?? [];
  const people = new Map([...(filters.caller ? [[filters.caller, filters.caller] as const] : []), ...seen.map(({ caller, callerName }) => [caller, callerName] as const)]);
  const actions: [string, string][] = [[PREVIEW, said.preview], [DRY_RUN, said.dryRun], ...Object.entries(said.actions)];
  return (
    <div class="page">
      <Head title={words.nav.audit} lead={said.lead}>
        {requests && (
          <button type="button" class="button" disabled={log.busy} onClick={() => void log.run()}>
            {log.busy ? said.savingLog : said.saveLog}
          </button>
        )}
        <button type="button" class="button" disabled={save.busy} onClick={() => void save.run()}>
          {save.busy ? words.common.exporting : words.common.exportCsv}
        </button>
      </Head>
      {save.error && <Problem error={save.error} />}
      {log.error && <Problem error={log.error} />}
      <div class="stack">
        <div class="filters">
          <Text label={said.from} type="date" value={filters.since} onInput={(since) => choose({ since })} />
          <Text label={said.to} type="date" value={filters.until} onInput={(until) => choose({ until })} />
          <Select label={said.who} value={filters.caller} options={[['', said.anybody], ...people]} onChange={(caller) => choose({ caller })} />
          <Select label={said.what} value={filters.action} options={[['', words.common.any], ...actions]} onChange={(action) => choose({ action })} />
          <Text label={said.request} value={filters.object} onInput={(object) => choose({ object: object.trim() })} />
        </div>
        <SavedFilters page="/audit" query={filters} />
      </div>
      <Known live={live} what={words.things.audit}>
        {({ entries, pagination, cut }) => (
          <>
            {entries.length > 0 ? (
              <Trail entries={entries} dry={dry} />
            ) : (
              <Empty>
                <p>{Object.values(filters).some(Boolean) ? said.noneLikeThis : said.none}</p>
              </Empty>
            )}
            {cut && <p class="help">{said.notAll}</p>}
            <Pager cursors={cursors} next={pagination.next} onMove={setCursors} />
          </>
        )}
      </Known>
    </div>
  );
}

/** The trail did not always tell a dry run from another: the runs do. */
function useDryRuns(): Set<string> {
  const { requests } = useAccess();
  const live = useLive('dry runs', (signal) => (requests ? call('GET /purge-runs', { signal }) : Promise.resolve({ purgeRuns: [] })), 0);
  return new Set(live.data?.purgeRuns.filter((run) => run.dryRun).map((run) => run.id));
}

/** What was done: a filter's value. */
function kind({ action, status, object, dryRun }: Entry, dry?: Set<string>): string {
  if (action.startsWith('batch')) return action;
  const [method = '', path = ''] = action.split(' ');
  const plain = `${method} ${path.replace('/v1beta/workspaces/{slug}', '').replace(/\/(cloud)?sources\/\{id\}$/, (tail) => (path.includes('/regulations/') ? '' : tail))}`;
  // A preview makes nothing that the trail could name.
  if (plain === MAKING && (dryRun || (status && status < 300 && !object))) return PREVIEW;
  if (plain === 'POST /purge-runs' && (dryRun || (object && dry?.has(object)))) return DRY_RUN;
  return plain;
}

/** The same in words; a path never reaches a person. */
function action(entry: Entry, dry: Set<string>): string {
  const what = kind(entry, dry);
  if (what === PREVIEW) return said.preview;
  if (what === DRY_RUN) return said.dryRun;
  return said.actions[what] ?? said.other[what.split(' ')[0]!] ?? said.brokeOff;
}

function Trail({ entries, dry }: { entries: TrailEntry[]; dry: Set<string> }) {
  return (
    <Table caption={words.nav.audit} cards>
      <thead>
        <tr>
          <th scope="col">{said.when}</th>
          <th scope="col">{said.who}</th>
          <th scope="col">{said.what}</th>
          <th scope="col">{said.outcome}</th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <tr key={entry.id}>
            <th scope="row">
              <Time at={entry.at} />
            </th>
            <td>{entry.callerName}</td>
            <td>
              {action(entry, dry)} <ToObject object={entry.object} />
            </td>
            <td>
              <State said={outcome(entry)} />
              {entry.reason && <p class="soft small">{entry.reason}</p>}
            </td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

const PAGES: Record<string, string> = { reg: '/requests/', run: '/runs/', dst: '/destinations/', bat: '/batches/' };

/** What it was about: a way there, if the page shows such things. */
function ToObject({ object }: { object?: string | null | undefined }) {
  const page = object && PAGES[object.slice(0, 3)];
  return page ? (
    <Link to={href(page + object)} label={said.openOne(object)}>
      {said.open}
    </Link>
  ) : null;
}

function outcome({ status }: TrailEntry): Said {
  if (!status) return { tone: 'note', word: said.brokeOff, means: said.brokeOffMeans };
  if (status < 300) return { tone: 'done', word: said.ok, means: `HTTP ${status}` };
  return { tone: 'alert', word: said.refused, means: `HTTP ${status}` };
}
