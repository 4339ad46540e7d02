// What every list has: a way out as CSV, and an order that the reader chooses.

import { useState } from 'preact/hooks';

import { write } from '../csv';
import { useAction } from '../live';
import { words } from '../words';
import { locale } from '../words/locale';
import { Problem } from './basics';
import { download } from './forms';

export function Export({ name, rows }: { name: string; rows: () => string[][] | Promise<string[][]> }) {
  const save = useAction(async () => download(`${name}.csv`, 'text/csv', write(await rows())));
  return (
    <>
      <button type="button" class="button" disabled={save.busy} onClick={() => void save.run()}>
        {save.busy ? words.common.exporting : words.common.exportCsv}
      </button>
      {save.error && <Problem error={save.error} />}
    </>
  );
}

const { compare } = new Intl.Collator(locale, { numeric: true });

/** The rows in the order of a column, and the heads that choose it: upwards, downwards, then as they came. */
export function useSorted<T>(rows: T[], values: Record<string, (row: T) => string | number>) {
  const [order, setOrder] = useState<{ by: string; down: boolean }>();
  const value = order && values[order.by];
  const sign = order?.down ? -1 : 1;
  const next = (by: string) => (order?.by !== by ? { by, down: false } : order.down ? undefined : { by, down: true });
  const head = (by: string, text: string, kind?: string) => (
    <th scope="col" class={kind} aria-sort={order?.by !== by ? undefined : order.down ? 'descending' : 'ascending'}>
      <button type="button" class="sort" onClick={() => setOrder(next(by))}>
        {text}
      </button>
    </th>
  );
  return { rows: value ? [...rows].sort((a, b) => sign * compare(String(value(a)), String(value(b)))) : rows, head };
}
