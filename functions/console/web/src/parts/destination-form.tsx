// The form of a destination, made of the catalogue's fields. Secrets go in and never come out.

import { useState } from 'preact/hooks';

import type { ApiError } from '../api/client';
import type { Description, Destination, Field as Setting } from '../api/schema';
import { hint, isLong, shown, typed, type Typed } from '../fields';
import { Problem } from './basics';
import { Field, Select, Text } from './forms';

interface Props {
  description: Description;
  known?: Destination | undefined;
  name: string;
  save: (name: string, given: Typed) => void;
  busy: boolean;
  error: ApiError | undefined;
  action: string;
}

export function DestinationForm({ description, known, name: proposed, save, busy, error, action }: Props) {
  const [name, setName] = useState(proposed);
  const [texts, setTexts] = useState<Record<string, string>>(() => initial(description, known));
  const [tried, setTried] = useState(false);
  const missing = (field: Setting) => field.required && !texts[field.name]?.trim() && !(field.secret && known);
  const submit = (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (name.trim() && !description.fields.some(missing)) save(name.trim(), typed(description, texts, known?.settings));
  };
  return (
    <form class="stack narrow" onSubmit={submit} noValidate>
      <Text label="Name" help="What people here call it." value={name} onInput={setName} wrong={tried && !name.trim() ? 'Give it a name.' : undefined} />
      {description.fields.map((field) => (
        <Input
          key={field.name}
          field={field}
          kept={Boolean(known)}
          value={texts[field.name] ?? ''}
          onInput={(text) => setTexts({ ...texts, [field.name]: text })}
          wrong={tried && missing(field) ? 'This is needed.' : undefined}
        />
      ))}
      {error && <Problem error={error} />}
      <div class="row">
        <button type="submit" class="button primary" disabled={busy}>
          {busy ? 'Saving…' : action}
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
  const title = field.title + (field.required ? '' : ' (may be left out)');
  const help = `${field.help}.${hint(field)}`;
  const { form } = field;
  if (form.type === 'choice' || form.type === 'region') {
    const options = form.values.map((one): [string, string] => (typeof one === 'string' ? [one, one] : [one.name, `${one.name}: ${one.host}`]));
    return <Select label={title} help={help} value={value} options={[['', 'Choose…'], ...options]} onChange={onInput} />;
  }
  if (field.secret && !isLong(field)) {
    const about = kept ? `${help} It is kept and never shown: type a new one to replace it.` : `${help} It is never shown again.`;
    return <Text label={title} help={about} type="password" value={value} onInput={onInput} wrong={wrong} placeholder={kept ? 'kept' : ''} />;
  }
  if (isLong(field)) {
    const about = !field.secret ? help : kept ? `${help} It is kept and never shown: put in a new one to replace it.` : `${help} It is never shown again.`;
    return (
      <Field label={title} help={about} wrong={wrong}>
        {(attributes) => <textarea {...attributes} class="input" rows={4} spellcheck={false} placeholder={field.secret && kept ? 'kept' : ''} value={value} onInput={(event) => onInput(event.currentTarget.value)} />}
      </Field>
    );
  }
  const host = form.type === 'host' ? ` Such as ${form.values.join(' or ')}.` : '';
  return <Text label={title} help={help + host} value={value} onInput={onInput} wrong={wrong} />;
}
