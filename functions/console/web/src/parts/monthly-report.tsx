// The figures that California's rules ask for, of a month or of a year, as a file.

import { useState } from 'preact/hooks';

import { table } from '../api/client';
import { monthOf } from '../format';
import { useAction } from '../live';
import { words } from '../words';
import { Problem, Section } from './basics';
import { Select, download } from './forms';

const said = words.overview;

/** The last twelve months, and the years that they are in; the last month that is over comes first. */
function periods(now = new Date()): [string, string][] {
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()];
  const months = Array.from({ length: 12 }, (_, back) => new Date(Date.UTC(year, month - back)).toISOString().slice(0, 7));
  const [current, ...over] = months.map((one): [string, string] => [one, monthOf(one)]);
  const years = [year, year - 1].map((one): [string, string] => [`${one}`, `${one}`]);
  return [...over, current!, ...years];
}

export function MonthlyReport() {
  const [all] = useState(() => periods());
  const [month, setMonth] = useState(all[0]![0]);
  const save = useAction(async () => download(`lethe-report-${month}.csv`, 'text/csv', await table('GET /reports/{month}', { path: { month } })));
  return (
    <Section title={said.report}>
      <p class="help">{said.reportHelp}</p>
      <div class="filters">
        <Select label={said.reportPeriod} value={month} options={all} onChange={setMonth} />
      </div>
      <div class="row">
        <button type="button" class="button" disabled={save.busy} onClick={() => void save.run()}>
          {save.busy ? words.common.exporting : said.reportSave}
        </button>
      </div>
      {save.error && <Problem error={save.error} />}
    </Section>
  );
}
