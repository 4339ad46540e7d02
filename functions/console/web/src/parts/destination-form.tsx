// The form of a system, made of the catalogue's fields. Secrets go in and never come out. What the API refuses is said
// beside the field that it names.

import { useState } from 'preact/hooks';

import type { ApiError } from '../api/client';
import type { Description, Destination, Field as Setting, Finding } from '../api/schema';
import { beside, faults, fieldOf, hint, isLong, shown, typed, type Fault, type Typed } from '../fields';
import { capital, list } from '../format';
import { words } from '../words';
import { Problem } from './basics';
import { Field, Select, Text } from './forms';

const said = words.destinations;
const FAULTS: Record<Fault, string> = { missing: words.common.required, secret: said.secretAgain, number: said.badNumber, json: said.badJson };

interface Props {
  description: Description;
  known?: Destination | undefined;
  name: string;
  save: (name: string, given: Typed) => void;
  busy: boolean;
  error: ApiError | undefined;
  /** What was typed has changed since. */
  edited?: () => void;
  /** What the test found, if it failed. */
  failed?: { title: string; finding: Finding } | undefined;
  action: string;
}

export function DestinationForm({ description, known, name: proposed, save, busy, error, edited, failed, action }: Props) {
  const [name, setName] = useState(proposed);
  const [texts, setTexts] = useState<Record<string, string>>(() => initial(description, known));
  const [tried, setTried] = useState(false);
  const found = faults(description, texts, known?.settings);
  const refused = error && fieldOf(description, `${error.field} ${error.message}`);
  const submit = (event: Event) => {
    event.preventDefault();
    setTried(true);
    const wrong = description.fields.findIndex((field) => found[field.name]);
    if (name.trim() && wrong < 0) save(name.trim(), typed(description, texts, known?.settings));
    else (event.currentTarget as HTMLFormElement).querySelectorAll<HTMLElement>('.input')[name.trim() ? wrong + 1 : 0]?.focus();
  };
  const wrongIn = (field: Setting): string | undefined => {
    const fault = found[field.name];
    return tried && fault ? FAULTS[fault] : error && refused === field ? beside(error.message) : undefined;
  };
  return (
    <form class="stack narrow" onSubmit={submit} onInput={edited} noValidate>
      <Text label={said.name} help={said.nameHelp} value={name} onInput={setName} wrong={tried && !name.trim() ? said.nameMissing : undefined} />
      {description.fields.map((field) => (
        <Input
          key={field.name}
          field={field}
          kept={Boolean(known)}
          value={texts[field.name] ?? ''}
          onInput={(text) => setTexts({ ...texts, [field.name]: text })}
          wrong={wrongIn(field)}
        />
      ))}
      {error && !refused && <Problem error={error} />}
      {failed && (
        <div class="box alert" role="alert">
          <p>
            <strong>{failed.title}</strong> {capital(failed.finding.message)}
          </p>
        </div>
      )}
      <div class="row">
        <button type="submit" class="button primary" disabled={busy}>
          {busy ? said.testing : action}
        </button>
      </div>
    </form>
  );
}

const initial = (description: Description, known: Destination | undefined): Record<string, string> =>
  Object.fromEntries(description.fields.filter((field) => !field.secret).map(({ name }) => [name, shown(known?.settings[name])]));

interface InputProps {
  field: Setting;
  kept: boolean;
  value: string;
  onInput: (text: string) => void;
  wrong: string | undefined;
}

function Input({ field, kept, value, onInput, wrong }: InputProps) {
  const title = field.title + (field.required ? '' : words.common.optional);
  const help = `${field.help}.${hint(field)}`;
  const { form } = field;
  if (form.type === 'choice' || form.type === 'region') {
    const options = form.values.map((one): [string, string] => (typeof one === 'string' ? [one, one] : [one.name, `${one.name}: ${one.host}`]));
    return <Select label={title} help={help} value={value} options={[['', words.common.choose], ...options]} onChange={onInput} wrong={wrong} />;
  }
  const about = field.secret ? `${help} ${kept ? said.keptSecret : said.neverShown}` : help;
  if (isLong(field)) {
    return (
      <Field label={title} help={about} wrong={wrong}>
        {(attributes) => <textarea {...attributes} class="input" rows={4} spellcheck={false} value={value} onInput={(event) => onInput(event.currentTarget.value)} />}
      </Field>
    );
  }
  if (field.secret) return <Text label={title} help={about} type="password" value={value} onInput={onInput} wrong={wrong} placeholder={kept ? said.kept : ''} />;
  const hosts = form.type === 'host' ? ` ${said.suchAs(list(form.values))}` : '';
  return <Text label={title} help={about + hosts} value={value} onInput={onInput} wrong={wrong} />;
}
