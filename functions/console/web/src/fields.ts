// Settings of a system as people type them, and as the API takes them.

import type { Description, Field } from './api/schema';
import { capital } from './format';
import { words } from './words';

type Form = 'list' | 'json' | 'number';

function formOf({ form: { type } }: Field): Form | undefined {
  return type === 'list' || type === 'json' || type === 'number' ? type : undefined;
}

export const isLong = ({ form: { type } }: Field): boolean => type === 'json' || type === 'longText';

export const hint = (field: Field): string => ({ list: ` ${words.destinations.listHint}`, json: ` ${words.destinations.jsonHint}`, number: '' })[formOf(field) ?? 'number'];

export const shown = (value: unknown): string =>
  value === undefined || value === null ? '' : typeof value === 'string' ? value : Array.isArray(value) && value.every((one) => typeof one === 'string') ? value.join(', ') : JSON.stringify(value);

export interface Typed {
  settings: Record<string, unknown>;
  secrets: Record<string, string>;
}

/** What was typed, as the API takes it. What is empty is left out; where `before` had it, it is taken away. */
export function typed({ fields }: Pick<Description, 'fields'>, texts: Record<string, string>, before: Record<string, unknown> = {}): Typed {
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

function value(field: Field, text: string): unknown {
  switch (formOf(field)) {
    case 'number': return asNumber(text);
    case 'list': return text.split(/[,\n]/).map((one) => one.trim()).filter(Boolean);
    case 'json': return asJson(text);
    default: return text;
  }
}

/** With a comma where people write one. */
const asNumber = (text: string): number => Number(text.replace(',', '.'));

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export type Fault = 'missing' | 'number' | 'json' | 'secret';

/**
 * What is wrong, by field. `before`: the settings that are stored. Stored secrets may be left empty, unless a setting
 * changes that says where they are sent.
 */
export function faults({ fields }: Pick<Description, 'fields'>, texts: Record<string, string>, before?: Record<string, unknown>): Record<string, Fault> {
  const found: Record<string, Fault> = {};
  const kept = before && !fields.some((field) => field.directsSecrets && (texts[field.name]?.trim() ?? '') !== shown(before[field.name]));
  for (const field of fields) {
    const text = texts[field.name]?.trim() ?? '';
    const form = formOf(field);
    if (!text) {
      if (field.required && !(field.secret && kept)) found[field.name] = field.secret && before ? 'secret' : 'missing';
    } else if (form === 'number' && Number.isNaN(asNumber(text))) found[field.name] = 'number';
    else if (form === 'json' && asJson(text) === undefined) found[field.name] = 'json';
  }
  return found;
}

/** What a message of the API says, beside the field that it names: without the name, which is the API's. */
export const beside = (message: string): string => capital(message.replace(/^(?:(?:settings|secrets|file)\.\w+|settings:|receivedAt|law|dueInDays|reason):?\s+/i, ''));

/** The field that a message of the API is about: `settings.region must be …`, ``missing field `schemas` ``. */
export function fieldOf({ fields }: Pick<Description, 'fields'>, message: string): Field | undefined {
  const name = message.match(/(?:settings|secrets)\.(\w+)/i)?.[1] ?? message.match(/`(\w+)`/)?.[1];
  return fields.find((field) => field.name === name);
}
