// Fields, choices and dialogs.

import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';

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

export function Select<T extends string>(props: { label: string; value: T; options: [T, string][]; onChange: (value: T) => void; help?: ComponentChildren }) {
  return (
    <Field label={props.label} help={props.help}>
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

/** A question above the page. Escape closes it; the focus goes back to where it was. */
export function Dialog({ title, close, children }: { title: string; close: () => void; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const from = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (from instanceof HTMLElement && from.isConnected) from.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={close}>
      <div class="stack">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

/** Gives the reader a file. The blob's address dies with the page. */
export function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
