// One system of a request: how it stands there, and what was found, deleted and left.

import type { DestinationStatus } from '../api/schema';
import { capital, number } from '../format';
import { Link, href } from '../router';
import { TASK, vendor } from '../states';
import { marks, tables } from '../verdict';
import { words } from '../words';
import { Dated, Table, Time } from './basics';
import { State } from './state';

const said = words.request;

const SETTLED = ['CONFIRMED', 'NO_DATA_FOUND', 'ACCEPTED'];

/** Where a message is a hint; elsewhere it says what is to be done, and stands among that. */
const HINTS = ['CONFIRMED', 'NO_DATA_FOUND', 'NO_ACTION', 'ACCEPTED'];

export function Place({ place }: { place: DestinationStatus }) {
  const steps = marks(place);
  const rows = tables(place);
  const looked = { ...place.evidence.find?.lookedAt, ...place.evidence.forget?.counts };
  return (
    <li class="place">
      <div>
        <h3>
          <Link to={href(`/destinations/${place.id}`)}>{place.name}</Link>
        </h3>
        {vendor(place.vendor) !== place.name && <p>{vendor(place.vendor)}</p>}
        {place.purgeRun && <Link to={href(`/runs/${place.purgeRun.id}`)}>{said.run}</Link>}
      </div>
      <div>
        <State said={TASK[place.taskStatus]} />
        <p class="soft small">{place.finishedAt ? <>{SETTLED.includes(place.taskStatus) && `${said.since} `}<Time at={place.finishedAt} /></> : TASK[place.taskStatus].means}</p>
      </div>
      {steps.length > 0 && (
        <ol class="rail" aria-label={said.timeline(place.name)}>
          {steps.map(({ what, amount }) => (
            <li key={what}>
              <span class="what">{what}</span>
              <span class={amount ? 'number' : 'none'}>{amount ?? (place.finishedAt ? words.counts.unknown : words.counts.notYet)}</span>
            </li>
          ))}
        </ol>
      )}
      {HINTS.includes(place.taskStatus) && place.errString && (
        <p class="said">
          <Dated text={`${capital(place.errString)}.`} />
        </p>
      )}
      {(rows.length > 0 || Object.keys(looked).length > 0) && (
        <details>
          <summary>{said.details(place.name)}</summary>
          {rows.length > 0 ? <Rows name={place.name} rows={rows} /> : <Looked counts={looked} />}
        </details>
      )}
    </li>
  );
}

function Rows({ name, rows }: { name: string; rows: [string, number][] }) {
  return (
    <Table caption={said.rowsTable(name)}>
      <thead>
        <tr>
          <th scope="col">{said.table}</th>
          <th scope="col" class="num">
            {said.rowsDeleted}
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([table, count]) => (
          <tr key={table}>
            <th scope="row" class="mono">
              {table}
            </th>
            <td class="num">{number(count)}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

function Looked({ counts }: { counts: Record<string, number> }) {
  const { looked } = words.counts;
  const names = Object.keys(looked).filter((name) => name in counts);
  return (
    <dl class="facts">
      {names.map((name) => (
        <>
          <dt>{looked[name]}</dt>
          <dd class="number">{number(counts[name] ?? 0)}</dd>
        </>
      ))}
    </dl>
  );
}
