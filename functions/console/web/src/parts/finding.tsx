// What a connection test found: what is wrong, the objects or tables that it is about, and how much there is.

import { useState } from 'preact/hooks';

import { useAccess } from '../access';
import type { Finding, Unreadable } from '../api/schema';
import { bytes, capital, number } from '../format';
import { words } from '../words';
import { Table } from './basics';
import { Except } from './exceptions';
import { Shape } from './state';

const said = words.finding;

interface Unread {
  key: string;
  reason: string;
  detail: string;
}

interface Looked {
  table: string;
  columns: string[];
  error?: string;
}

/** As archives and warehouses give them (`Survey` there); vendors give none. */
interface Details {
  objects?: number;
  versions?: number;
  bytes?: number;
  excluded?: number;
  excepted?: number;
  unreachable?: Unread[];
  tables?: Looked[];
  estimatedBytes?: number;
  remarks?: string[];
}

/** `archive`: which one it is, so that objects of it can be excepted. */
export function Found({ found, archive, excepted }: { found: Finding; archive: string | undefined; excepted: () => void }) {
  const tone = found.ok ? 'done' : 'alert';
  const details = (found.details ?? {}) as Details;
  const { unreachable = [], tables = [], remarks = [] } = details;
  return (
    <div class={found.ok ? 'box' : 'box alert'}>
      <p class={`state tone-${tone} wraps`}>
        <Shape tone={tone} />
        {capital(found.message)}
      </p>
      <Numbers details={details} />
      {remarks.map((remark) => (
        <p key={remark} class="small">
          {capital(remark)}.
        </p>
      ))}
      {unreachable.length > 0 && <Unreachable all={unreachable} archive={archive} excepted={excepted} />}
      {tables.length > 0 && <Tables tables={tables} />}
    </div>
  );
}

function Numbers({ details }: { details: Details }) {
  const told = (['objects', 'versions', 'excluded', 'excepted'] as const).flatMap((name) => (details[name] ? [[said[name], number(details[name])] as const] : []));
  const sizes = (['bytes', 'estimatedBytes'] as const).flatMap((name) => (details[name] ? [[said[name], bytes(details[name])] as const] : []));
  const all = [...told, ...sizes];
  return all.length === 0 ? null : (
    <dl class="facts">
      {all.map(([name, value]) => (
        <>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </>
      ))}
    </dl>
  );
}

const isExceptable = (reason: string): reason is Unreadable => reason in words.exceptions.kinds;

function Unreachable({ all, archive, excepted }: { all: Unread[]; archive: string | undefined; excepted: () => void }) {
  const { admin } = useAccess();
  const [excepting, setExcepting] = useState<Unread>();
  return (
    <>
      <Table caption={said.unreachable}>
        <thead>
          <tr>
            <th scope="col">{said.object}</th>
            <th scope="col">{said.why}</th>
            <th scope="col">
              <span class="hidden">{words.common.action}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {all.map((one) => (
            <tr key={one.key}>
              <th scope="row" class="mono">
                {one.key}
              </th>
              <td class="wraps">{capital(one.detail)}.</td>
              <td class="num">
                {admin && archive && isExceptable(one.reason) && (
                  <button type="button" class="quiet" aria-label={said.exceptOne(one.key)} onClick={() => setExcepting(one)}>
                    {said.except}
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </Table>
      {excepting && archive && <Except archive={archive} keys={excepting.key} kind={excepting.reason as Unreadable} close={() => setExcepting(undefined)} done={excepted} />}
    </>
  );
}

function Tables({ tables }: { tables: Looked[] }) {
  return (
    <Table caption={said.tables}>
      <thead>
        <tr>
          <th scope="col">{said.table}</th>
          <th scope="col">{said.columns}</th>
        </tr>
      </thead>
      <tbody>
        {tables.map((one) => (
          <tr key={one.table}>
            <th scope="row" class="mono">
              {one.table}
            </th>
            <td class="wraps">{one.error ? <strong>{capital(one.error)}.</strong> : one.columns.join(', ')}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}
