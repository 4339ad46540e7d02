// Numbers, sizes and times as people read them: in the reader's language and zone.

import { locale } from './words/locale';

const dates = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, options);
const DAY_PARTS = { day: 'numeric', month: 'short', year: 'numeric' } as const;
const NUMBER = new Intl.NumberFormat(locale);
const DAY = dates(DAY_PARTS);
const UTC_DAY = dates({ ...DAY_PARTS, timeZone: 'UTC' });
const MOMENT = dates({ ...DAY_PARTS, hour: '2-digit', minute: '2-digit' });
const EXACT = dates({ dateStyle: 'medium', timeStyle: 'long' });
const UTC = dates({ dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC' });
const AND = new Intl.ListFormat(locale, { type: 'conjunction' });

export const DAY_MS = 86_400_000;

export const number = (value: number): string => NUMBER.format(value);

export const percent = (share: number): string => new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 }).format(share);

/** `1 row`, `2 rows`. */
export const count = (value: number, one: string, many = `${one}s`): string => `${number(value)} ${value === 1 ? one : many}`;

const inUnit = (value: number, unit: string, unitDisplay: 'long' | 'short' = 'long'): string =>
  new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay, maximumFractionDigits: value < 10 && unit !== 'byte' ? 1 : 0 }).format(value);

export function bytes(value: number): string {
  let amount = value;
  for (const unit of ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte']) {
    if (amount < 1000 || unit === 'terabyte') return inUnit(amount, unit, unit === 'byte' ? 'long' : 'short');
    amount /= 1000;
  }
  return '';
}

/** `2026-11-25`, whose day is the same everywhere. */
export const dayOf = (at: string): string => UTC_DAY.format(new Date(at));

export const day = (at: string | number | Date): string => DAY.format(new Date(at));
export const moment = (at: string | number | Date): string => MOMENT.format(new Date(at));

/** `2026-11`, in UTC. */
export const monthOf = (month: string): string => dates({ month: 'long', year: 'numeric', timeZone: 'UTC' }).format(new Date(month));

/** In UTC, without saying so. */
export const utc = (at: string | number | Date): string => UTC.format(new Date(at));

/** What a pointer on a date shows: the exact moment here and in UTC. */
export const exact = (at: string | number | Date): string => `${EXACT.format(new Date(at))} (${utc(at)} UTC)`;

/** The reader's days, as inputs give them, as moments: from the beginning of one to the end of the other. */
export function range({ since, until }: { since: string; until: string }): { since?: string; until?: string } {
  const at = (day: string, days: number) => {
    const moment = new Date(`${day}T00:00`);
    moment.setDate(moment.getDate() + days);
    return moment.toISOString();
  };
  return { ...(since && { since: at(since, 0) }), ...(until && { until: at(until, 1) }) };
}

/** Splits a sentence of the API's at the days and moments in it. */
export const DATES = /(\d{4}-\d\d-\d\d(?:T[\d:.]+Z)?)/;

/** How long something took. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return inUnit(seconds, 'second');
  if (seconds < 3_600) return inUnit(Math.round(seconds / 60), 'minute');
  if (seconds < 172_800) return inUnit(Math.round(seconds / 3_600), 'hour');
  return inUnit(Math.round(seconds / 86_400), 'day');
}

/** Days up to a deadline; within two days, hours. */
export const daysUp = (ms: number): string => (ms < 2 * DAY_MS ? duration(ms) : inUnit(Math.ceil(ms / DAY_MS), 'day'));

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** `a, b and c`. */
export const list = (parts: string[]): string => AND.format(parts);
