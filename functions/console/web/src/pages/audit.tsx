// The audit trail: who did what, when, and how it ended.

import { useState } from 'preact/hooks';

import { call, table } from '../api/client';
import type { TrailEntry } from '../api/schema';
import { useAction, useLive } from '../live';
import { Empty, Head, Known, Problem, Table, Time } from '../parts/basics';
import { Text, download } from '../parts/forms';
import { Pager } from '../parts/pager';
import { State } from '../parts/state';
import { Link, href, type Place } from '../router';
import { ACTIONS, type Said } from '../words';

const PAGE = 50;

/** The reader's day as moments. */
const from = (day: string): string | undefined => (day ? new Date(`${day}T00:00`).toISOString() : undefined);
const to = (day: string): string | undefined => (day ? new Date(new Date(`${day}T00:00`).getTime() + 86_400_000).toISOString() : undefined);

export function Audit({ place }: { place: Place }) {
  void place;
  const [days, setDays] = useState({ since: '', until: '' });
  const [cursors, setCursors] = useState<string[]>([]);
  const cursor = cursors.at(-1);
  const range = { ...(from(days.since) && { since: from(days.since) }), ...(to(days.until) && { until: to(days.until) }) } as { since?: string; until?: string };
  const live = useLive(`audit ${JSON.stringify([range, cursor])}`, (signal) =>
    call('GET /audit', { query: { ...range, 'pagination.count': PAGE, ...(cursor && { 'pagination.cursor': cursor }) }, signal }),
  );
  const save = useAction(() => exportAll(range));
  const choose = (part: Partial<typeof days>) => {
    setDays({ ...days, ...part });
    setCursors([]);
  };
  return (
    <div class="page">
      <Head title="Audit" lead="Who changed what, and how it ended. Each line is written before the change is made, so that no change is without one.">
        <button type="button" class="button" disabled={save.busy} onClick={() => void save.run()}>
          {save.busy ? 'Exporting…' : 'Export CSV'}
        </button>
      </Head>
      {save.error && <Problem error={save.error} />}
      <div class="filters">
        <Text label="From" type="date" value={days.since} onInput={(since) => choose({ since })} />
        <Text label="To" type="date" value={days.until} onInput={(until) => choose({ until })} />
      </div>
      <Known live={live} what="the audit trail">
        {({ entries, pagination }) =>
          entries.length === 0 ? (
            <Empty>
              <p>{days.since || days.until ? 'Nothing was changed in these days.' : 'Nothing was changed yet.'}</p>
            </Empty>
          ) : (
            <>
              <Trail entries={entries} />
              <Pager cursors={cursors} next={pagination.next} onMove={setCursors} />
            </>
          )
        }
      </Known>
    </div>
  );
}

function Trail({ entries }: { entries: TrailEntry[] }) {
  return (
    <Table caption="Audit trail">
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Who</th>
          <th scope="col">What</th>
          <th scope="col">Outcome</th>
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
              {ACTIONS[entry.action] ?? <code>{entry.action}</code>}
              <What object={entry.object} />
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

const PAGES: Record<string, string> = { reg: '/requests/', run: '/runs/', dst: '/destinations/' };

/** What it was about: a way there, if the page shows such things. */
function What({ object }: { object?: string | null | undefined }) {
  const page = object && PAGES[object.slice(0, 3)];
  return page ? (
    <>
      {' '}
      <Link to={href(page + object)} label={`Look at ${object}`}>
        look
      </Link>
    </>
  ) : null;
}

function outcome({ status }: TrailEntry): Said {
  if (!status) return { tone: 'note', word: 'Broke off', means: 'No answer was given: look whether it was done.' };
  if (status < 300) return { tone: 'done', word: 'Done', means: `HTTP ${status}` };
  return { tone: 'alert', word: 'Refused', means: `HTTP ${status}` };
}

async function exportAll(range: { since?: string; until?: string }): Promise<void> {
  download('audit.csv', 'text/csv', await table('GET /audit', { query: { ...range, 'pagination.count': 1000 } }));
}
