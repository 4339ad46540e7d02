// Fields, choices and dialogs.

import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';

import { words } from '../words';

interface FieldProps {
  label: string;
  help?: ComponentChildren;
  wrong?: string | undefined;
  children: (attributes: { id: string; 'aria-describedby': string | undefined; 'aria-invalid': boolean | undefined }) => ComponentChildren;
}

export function Field({ label, help, wrong, children }: FieldProps) {
  const id = useId();
  const notes = [help && `${id}-help`, wrong && `${id}-wrong`].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {help && (
        <p class="help" id={`${id}-help`}>
          {help}
        </p>
      )}
      {children({ id, 'aria-describedby': notes || undefined, 'aria-invalid': wrong ? true : undefined })}
      {wrong && (
        <p class="wrong" id={`${id}-wrong`}>
          {wrong}
        </p>
      )}
    </div>
  );
}

/** A line of text. */
export function Text(props: {
  label: string;
  value: string;
  onInput: (value: string) => void;
  help?: ComponentChildren;
  wrong?: string | undefined;
  type?: 'text' | 'password' | 'search' | 'date';
  required?: boolean;
  placeholder?: string;
}) {
  return (
    <Field label={props.label} help={props.help} wrong={props.wrong}>
      {(attributes) => (
        <input
          {...attributes}
          class="input"
          type={(props.type ?? 'text') as 'text'}
          value={props.value}
          required={props.required}
          placeholder={props.placeholder}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          onInput={(event) => props.onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

export function Select<T extends string>(props: { label: string; value: T; options: [T, string][]; onChange: (value: T) => void; help?: ComponentChildren; wrong?: string | undefined }) {
  return (
    <Field label={props.label} help={props.help} wrong={props.wrong}>
      {(attributes) => (
        <select {...attributes} class="input" value={props.value} onChange={(event) => props.onChange(event.currentTarget.value as T)}>
          {props.options.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** A question above the page. Escape closes it, but asks first if something was typed; the focus goes back to where it was. */
export function Dialog({ title, close, filled = false, children }: { title: string; close: () => void; filled?: boolean; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [leaving, setLeaving] = useState(false);
  const id = useId();
  useEffect(() => {
    const from = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (from instanceof HTMLElement && from.isConnected) from.focus();
    };
  }, []);
  const stay = (event: Event) => {
    if (!filled) return;
    event.preventDefault();
    setLeaving(true);
  };
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={close} onCancel={stay} onKeyDown={(event) => event.key === 'Escape' && stay(event)}>
      <div class="stack">
        <h2 id={id}>{title}</h2>
        {children}
        {leaving && (
          <div class="box alert" role="alert">
            <p>{words.common.discard}</p>
            <div class="row">
              <button type="button" class="button danger" onClick={close}>
                {words.common.discardYes}
              </button>
              <button type="button" class="button" onClick={() => setLeaving(false)}>
                {words.common.discardNo}
              </button>
            </div>
          </div>
        )}
      </div>
    </dialog>
  );
}

/** Gives the reader a file. The blob's address dies with the page. */
export function download(name: string, type: string, content: string | Blob): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
