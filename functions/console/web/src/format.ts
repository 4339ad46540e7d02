// Numbers, sizes and times as people read them, in the reader's own zone.

const NUMBER = new Intl.NumberFormat('en');
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const UTC_DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });
const MOMENT = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' });
const EXACT = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long' });
const UTC = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC' });

export const DAY_MS = 86_400_000;

export const number = (value: number): string => NUMBER.format(value);

/** `1 person`, `2 people`. */
export function count(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`;
}

export const people = (value: number): string => count(value, 'person', 'people');

export function bytes(value: number): string {
  let amount = value;
  for (const unit of ['bytes', 'KB', 'MB', 'GB', 'TB']) {
    if (amount < 1000 || unit === 'TB') return `${amount < 10 && unit !== 'bytes' ? amount.toFixed(1) : number(Math.round(amount))} ${unit}`;
    amount /= 1000;
  }
  return '';
}

/** `2026-11-25`, whose day is the same everywhere. */
export const dayOf = (at: string): string => UTC_DAY.format(new Date(at));

export const day = (at: string | number | Date): string => DAY.format(new Date(at));
export const moment = (at: string | number | Date): string => MOMENT.format(new Date(at));

/** What a pointer on a date shows: the exact moment here and in UTC. */
export const exact = (at: string | number | Date): string => `${EXACT.format(new Date(at))} (${UTC.format(new Date(at))} UTC)`;

/** How long something took. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return count(seconds, 'second');
  if (seconds < 3_600) return count(Math.round(seconds / 60), 'minute');
  if (seconds < 172_800) return count(Math.round(seconds / 3_600), 'hour');
  return count(Math.round(seconds / 86_400), 'day');
}

/** `three`, from one to nine as words, so that a headline reads as a sentence. */
export function inWords(value: number): string {
  return ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'][value] ?? number(value);
}

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** `a, b and c`. */
export function list(parts: string[]): string {
  return parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

/** `objectsRewritten` → `objects rewritten`. */
export const spaced = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replaceAll('_', ' ').trim();
