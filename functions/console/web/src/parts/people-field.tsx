// Who it is about: pasted, or from a CSV file. Shows what was understood before anything is sent.

import { useRef, useState } from 'preact/hooks';

import { count, number, people } from '../format';
import { fromSheet, pasted, read, type People, type Sheet } from '../people';
import { Field, Select } from './forms';

export function PeopleField({ onChange, wrong }: { onChange: (ids: string[]) => void; wrong?: string | undefined }) {
  const [text, setText] = useState('');
  const [sheet, setSheet] = useState<Sheet>();
  const [over, setOver] = useState(false);
  const [unread, setUnread] = useState<string>();
  const input = useRef<HTMLInputElement>(null);
  const given = sheet ? fromSheet(sheet) : pasted(text);

  const type = (value: string) => {
    setText(value);
    onChange(pasted(value).ids);
  };
  const look = (next: Sheet | undefined) => {
    setSheet(next);
    onChange(next ? fromSheet(next).ids : pasted(text).ids);
  };
  const take = async (file: File | undefined) => {
    if (!file) return;
    setUnread(undefined);
    try {
      look(await read(file));
    } catch {
      setUnread('This file cannot be read. Save it as CSV and try again.');
    }
  };

  return (
    <div class="stack">
      {sheet ? (
        <>
          <SheetBox sheet={sheet} onChange={look} />
          {wrong && (
            <p class="wrong" role="alert">
              {wrong}
            </p>
          )}
        </>
      ) : (
        <Field label="User ids" help="One to a line, exactly as your systems know them. An e-mail address works only where it is the user id." wrong={wrong}>
          {(attributes) => (
            <textarea
              {...attributes}
              class="input"
              value={text}
              spellcheck={false}
              autocapitalize="off"
              autocomplete="off"
              onInput={(event) => type(event.currentTarget.value)}
            />
          )}
        </Field>
      )}
      {!sheet && (
        <div
          class={over ? 'box drop over' : 'box drop'}
          onDragOver={(event) => {
            event.preventDefault();
            setOver(true);
          }}
          onDragLeave={() => setOver(false)}
          onDrop={(event) => {
            event.preventDefault();
            setOver(false);
            void take(event.dataTransfer?.files[0]);
          }}
        >
          <div class="row">
            <button type="button" class="button" onClick={() => input.current?.click()}>
              Choose a CSV file
            </button>
            <span class="soft">or drop one here. It is read in this browser only.</span>
          </div>
          <input
            ref={input}
            class="hidden"
            type="file"
            accept=".csv,.txt,.tsv,text/csv,text/plain"
            aria-label="CSV file"
            tabIndex={-1}
            onChange={(event) => void take(event.currentTarget.files?.[0])}
          />
          {unread && (
            <p class="wrong" role="alert">
              {unread}
            </p>
          )}
        </div>
      )}
      <p role="status">{summary(given)}</p>
    </div>
  );
}

function summary({ ids, repeated }: People): string {
  if (ids.length === 0) return 'Nobody named yet.';
  return people(ids.length) + (repeated > 0 ? `; ${number(repeated)} named more than once, counted once` : '') + '.';
}

function SheetBox({ sheet, onChange }: { sheet: Sheet; onChange: (sheet: Sheet | undefined) => void }) {
  const first = sheet.rows[0] ?? [];
  const sample = fromSheet(sheet).ids.slice(0, 3);
  return (
    <div class="box">
      <div class="row apart">
        <span>
          <strong>{sheet.name}</strong> <span class="soft">{count(sheet.rows.length, 'row')}</span>
        </span>
        <button type="button" class="quiet" onClick={() => onChange(undefined)}>
          Remove the file
        </button>
      </div>
      {first.length > 1 && (
        <Select
          label="Column with the user ids"
          value={String(sheet.column)}
          options={first.map((cell, place): [string, string] => [String(place), sheet.header && cell ? cell : `Column ${place + 1}`])}
          onChange={(column) => onChange({ ...sheet, column: Number(column) })}
        />
      )}
      <label class="row">
        <input type="checkbox" checked={sheet.header} onChange={(event) => onChange({ ...sheet, header: event.currentTarget.checked })} />
        The first row names the columns
      </label>
      {sample.length > 0 && (
        <p class="soft small">
          Begins with {sample.map((id, place) => [place > 0 && ', ', <code key={id}>{id}</code>])}
        </p>
      )}
    </div>
  );
}
