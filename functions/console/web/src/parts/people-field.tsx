// Who it is about: pasted, or from a CSV file. Shows what was understood before anything is sent.

import { useRef, useState } from 'preact/hooks';

import { idColumn, type Kind } from '../csv';
import { list } from '../format';
import { Refused, fromSheet, kinds, pasted, read, type Given, type IdKind, type People, type Sheet } from '../people';
import { words } from '../words';
import { Table } from './basics';
import { Field, Select } from './forms';

const said = words.peopleField;

const KINDS: Kind[] = ['USER_ID', 'EMAIL', 'PHONE'];

export function PeopleField({ onChange, wrong }: { onChange: (given: Given) => void; wrong?: string | undefined }) {
  const [kind, setKind] = useState<Kind>('USER_ID');
  const [text, setText] = useState('');
  const [sheet, setSheet] = useState<Sheet>();
  const [over, setOver] = useState(false);
  const [unread, setUnread] = useState<string>();
  const input = useRef<HTMLInputElement>(null);
  const given = sheet ? fromSheet(sheet) : pasted(text);

  const type = (value: string) => {
    setText(value);
    onChange({ ids: pasted(value).ids, kind, unsure: false });
  };
  const look = (next: Sheet | undefined, of: Kind = kind) => {
    setSheet(next);
    onChange({ ids: (next ? fromSheet(next) : pasted(text)).ids, kind: of, unsure: Boolean(next && next.column === undefined) });
  };
  const choose = (of: Kind) => {
    setKind(of);
    look(sheet && { ...sheet, ...idColumn(sheet.rows, of) }, of);
  };
  const take = async (file: File | undefined) => {
    if (!file) return;
    setUnread(undefined);
    try {
      look(await read(file, kind));
    } catch (error) {
      setUnread((error instanceof Refused && said.refused[error.message]) || said.unreadable);
    }
  };

  return (
    <div class="stack">
      <Select label={said.kind} value={kind} options={KINDS.map((one) => [one, said.kindsOfIds[one]])} onChange={(chosen) => choose(chosen as Kind)} />
      {sheet ? (
        <>
          <SheetBox sheet={sheet} kind={kind} onChange={(next) => look(next)} />
          {wrong && (
            <p class="wrong" role="alert">
              {wrong}
            </p>
          )}
        </>
      ) : (
        <Field label={said.kindsOfIds[kind]} help={said.help[kind]} wrong={wrong}>
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
              {said.choose}
            </button>
            <span class="soft">{said.orDrop}</span>
          </div>
          <input
            ref={input}
            class="hidden"
            type="file"
            accept=".csv,.txt,.tsv,.xlsx,text/csv,text/plain"
            aria-label={said.file}
            tabIndex={-1}
            onChange={(event) => {
              void take(event.currentTarget.files?.[0]);
              event.currentTarget.value = '';
            }}
          />
          {unread && (
            <p class="wrong" role="alert">
              {unread}
            </p>
          )}
        </div>
      )}
      <Summary given={given} kind={kind} />
    </div>
  );
}

function Summary({ given: { ids, repeated }, kind }: { given: People; kind: Kind }) {
  const counted = kinds(ids);
  const looks = (Object.keys(counted) as IdKind[]).filter((kind) => counted[kind] > 0).map((kind) => said.kinds[kind](counted[kind]));
  return (
    <div role="status">
      <p>{ids.length === 0 ? said.nobody : said.summary(ids.length, repeated)}</p>
      {(looks.length > 1 || counted.other < ids.length) && (
        <p class="soft small">
          {said.looksLike(list(looks))} {counted.email > 0 && kind !== 'EMAIL' && said.emailWarning}
        </p>
      )}
    </div>
  );
}

const SEEN = 5;

function SheetBox({ sheet, kind, onChange }: { sheet: Sheet; kind: Kind; onChange: (sheet: Sheet | undefined) => void }) {
  const { rows, column, header } = sheet;
  const [first = []] = rows;
  const named = first.map((cell, place) => (header && cell ? cell : said.columnN(place + 1)));
  const choice: [string, string][] = named.map((name, place) => [String(place), name]);
  return (
    <div class="box">
      <div class="row apart">
        <span>
          <strong>{sheet.name}</strong> <span class="soft">{said.rows(rows.length - (header ? 1 : 0))}</span>
        </span>
        <button type="button" class="quiet" onClick={() => onChange(undefined)}>
          {said.removeFile}
        </button>
      </div>
      {first.length > 1 && (
        <Select
          label={said.column[kind]}
          help={column === undefined ? said.unsure[kind] : undefined}
          value={column === undefined ? '' : String(column)}
          options={column === undefined ? [['', said.chooseColumn], ...choice] : choice}
          onChange={(chosen) => onChange({ ...sheet, column: Number(chosen) })}
        />
      )}
      <label class="row">
        <input type="checkbox" checked={header} onChange={(event) => onChange({ ...sheet, header: event.currentTarget.checked })} />
        {said.header}
      </label>
      <Table caption={said.preview}>
        <thead>
          <tr>
            {named.map((name, place) => (
              <th key={place} scope="col" class={place === column ? 'chosen' : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(header ? 1 : 0, SEEN + (header ? 1 : 0)).map((row, line) => (
            <tr key={line}>
              {first.map((_, place) => (
                <td key={place} class={place === column ? 'chosen' : 'soft'}>
                  {place === column ? <code>{row[place]}</code> : row[place]}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </Table>
    </div>
  );
}
