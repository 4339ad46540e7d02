// What a dry run found, and what it could not read.

import { useState } from 'preact/hooks';

import { useAccess } from '../access';
import { call } from '../api/client';
import type { Run } from '../api/schema';
import { capital, number } from '../format';
import { useLive } from '../live';
import { words } from '../words';
import { Known, Section, Table } from './basics';
import { Except } from './exceptions';

const said = words.runs;

interface Residual {
  archive: string;
  key: string;
  detail: string;
}

interface DryReport {
  subjects?: Record<string, number>;
  objects?: { key: string; lines: Record<string, number> }[];
  residuals?: Residual[];
}

export function Report({ run: { id, regulations } }: { run: Run }) {
  const live = useLive(`report ${id}`, (signal) => call('GET /purge-runs/{id}/report', { path: { id }, signal }), 0);
  return (
    <Section title={said.report}>
      <Known live={live} what={words.things.report}>
        {({ report }) => <Found report={report as DryReport} waiting={regulations} />}
      </Known>
    </Section>
  );
}

function Found({ report: { subjects = {}, objects = [], residuals = [] }, waiting }: { report: DryReport; waiting: number }) {
  const lines = Object.values(subjects).reduce((sum, one) => sum + one, 0);
  const met = Object.values(subjects).filter(Boolean).length;
  return (
    <>
      {lines > 0 ? (
        <p>{said.reportSum(lines, met, Object.keys(subjects).length, objects.length)}</p>
      ) : (
        <p class={waiting > 0 ? 'box alert' : undefined}>{waiting > 0 ? said.reportNothing : said.nobodyWaits}</p>
      )}
      {residuals.length > 0 && <Residuals all={residuals} />}
      {objects.length > 0 && (
        <details>
          <summary>{said.objectsTable}</summary>
          <Table caption={said.objectsTable}>
            <thead>
              <tr>
                <th scope="col">{said.object}</th>
                <th scope="col" class="num">
                  {said.lines}
                </th>
              </tr>
            </thead>
            <tbody>
              {objects.slice(0, 200).map(({ key, lines: of }) => (
                <tr key={key}>
                  <th scope="row" class="mono">
                    {key}
                  </th>
                  <td class="num">{number(Object.values(of).reduce((sum, one) => sum + one, 0))}</td>
                </tr>
              ))}
            </tbody>
          </Table>
        </details>
      )}
    </>
  );
}

/** What could not be read: an administrator may except it, so that it fails no request. */
function Residuals({ all }: { all: Residual[] }) {
  const { admin } = useAccess();
  const [excepting, setExcepting] = useState<Residual>();
  return (
    <>
      <p>{said.unread(all.length)}</p>
      <Table caption={words.finding.unreachable}>
        <thead>
          <tr>
            <th scope="col">{said.object}</th>
            <th scope="col">{words.finding.why}</th>
            <th scope="col">
              <span class="hidden">{words.common.action}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {all.map((one) => (
            <tr key={one.archive + one.key}>
              <th scope="row" class="mono">
                {one.key}
              </th>
              <td class="wraps">{capital(one.detail)}.</td>
              <td class="num">
                {admin && (
                  <button type="button" class="quiet" aria-label={words.finding.exceptOne(one.key)} onClick={() => setExcepting(one)}>
                    {words.finding.except}
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </Table>
      {excepting && <Except archive={excepting.archive} keys={excepting.key} close={() => setExcepting(undefined)} />}
    </>
  );
}
