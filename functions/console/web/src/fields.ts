// Settings of a destination as people type them, and as the API takes them.

import type { Description, Field } from './api/schema';

/** Settings that are not text: the catalogue does not say so. */
const FORMS: Record<string, 'number' | 'list' | 'json'> = { port: 'number', maxShare: 'number', schemas: 'list', rules: 'json' };

export const isLong = ({ name }: Field): boolean => FORMS[name] === 'json' || /certificate|privateKey|serviceAccount/i.test(name);

export const hint = ({ name }: Field): string => (FORMS[name] === 'list' ? ' Several with commas between.' : FORMS[name] === 'json' ? ' As JSON.' : '');

/** `apiKey` → `API key`. */
export function label(name: string): string {
  const words = name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return (words.charAt(0).toUpperCase() + words.slice(1)).replace(/\b(api|id|url|tls|ca)\b/gi, (word) => word.toUpperCase());
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

function value({ name }: Field, text: string): unknown {
  switch (FORMS[name]) {
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
