// Settings of a destination as people type them, and as the API takes them.

import type { Description, Field } from './api/schema';

export const isLong = ({ form }: Field): boolean => form.type === 'json' || form.type === 'longText';

export const hint = ({ form }: Field): string => (form.type === 'list' ? ' Several with commas between.' : form.type === 'json' ? ' As JSON.' : '');

/** What a check found, by its name in the API: `bytesBilled` → `Bytes billed`. */
export function label(name: string): string {
  const words = name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export const shown = (value: unknown): string =>
  value === undefined || value === null ? '' : typeof value === 'string' ? value : Array.isArray(value) && value.every((one) => typeof one === 'string') ? value.join(', ') : JSON.stringify(value);

export interface Typed {
  settings: Record<string, unknown>;
  secrets: Record<string, string>;
}

/** What was typed, as the API takes it. What is empty is left out; where `before` had it, it is taken away. */
export function typed({ fields }: Description, texts: Record<string, string>, before: Record<string, unknown> = {}): Typed {
  const given: Typed = { settings: {}, secrets: {} };
  for (const field of fields) {
    const text = texts[field.name]?.trim() ?? '';
    if (field.secret) {
      if (text) given.secrets[field.name] = text;
    } else if (text) given.settings[field.name] = value(field, text);
    else if (field.name in before) given.settings[field.name] = null;
  }
  return given;
}

function value({ form }: Field, text: string): unknown {
  switch (form.type) {
    case 'number': return Number.isNaN(Number(text)) ? text : Number(text);
    case 'list': return text.split(',').map((one) => one.trim()).filter(Boolean);
    case 'json':
      try {
        return JSON.parse(text);
      } catch {
        return text;
      }
    default: return text;
  }
}
