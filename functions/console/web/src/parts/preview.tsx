// What a request would find now, counted where it lies. The reader asks for it: in warehouses it costs money.

import type { DryRun, Reach } from '../api/schema';
import { capital } from '../format';
import { useAction } from '../live';
import { words } from '../words';
import { Problem, Table } from './basics';
import { Linked, hasOthers } from './linked';

const said = words.new;

export const amount = ({ count, kind }: Reach): string =>
  count === null ? said.unknown : (kind === 'ARCHIVE' ? words.counts.lines : words.counts.rows)(count);

/** Whether every system that could count found none; one that cannot count does not speak against it. */
export const foundNothing = (found: Reach[]): boolean => found.some((one) => one.count !== null) && found.every((one) => !one.count);

export function Preview({ people, found, count }: { people: number; found: DryRun | undefined; count: () => Promise<void> }) {
  const ask = useAction(count);
  return (
    <div class="stack">
      <div class="row">
        <button type="button" class="button" disabled={ask.busy} onClick={() => void ask.run()}>
          {ask.busy ? said.counting : found ? said.previewAgain : said.preview}
        </button>
        <span class="soft small">{said.previewHelp}</span>
      </div>
      {ask.error && <Problem error={ask.error} />}
      <div class="stack" role="status">
        {found && (
          <>
            {foundNothing(found.destinations) && <p class="box alert">{said.foundNothing(people)}</p>}
            <Counts found={found.destinations} />
            {hasOthers(found) && <Linked of={found} lifted={false} />}
          </>
        )}
      </div>
    </div>
  );
}

function Counts({ found }: { found: Reach[] }) {
  return (
    <Table caption={said.foundTable}>
      <thead>
        <tr>
          <th scope="col">{said.system}</th>
          <th scope="col" class="num">
            {said.found}
          </th>
          <th scope="col">{said.note}</th>
        </tr>
      </thead>
      <tbody>
        {found.map((one) => (
          <tr key={one.id}>
            <th scope="row">{one.name}</th>
            <td class="num">{amount(one)}</td>
            <td class="small">{one.reason && `${capital(one.reason)}.`}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}
