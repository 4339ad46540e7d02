// Identifiers as people paste and export them.

import type { Whom } from './api/schema';
import { idColumn, parse, type Kind } from './csv';

export interface People {
  ids: string[];
  repeated: number;
}

/** What a reader gave: distinct identifiers of one kind, and whether a column has to be chosen first. */
export interface Given {
  ids: string[];
  kind: Kind;
  unsure: boolean;
}

export const nobody: Given = { ids: [], kind: 'USER_ID', unsure: false };

const FIELDS = { EMAIL: 'email', PHONE: 'phone' } as const;

/** The part of a request's body that says who. */
export const whom = (kind: Kind, ids: string[]) =>
  kind === 'USER_ID' ? { subjectType: kind, subjectIds: ids } : { subjects: ids.map((id) => ({ [FIELDS[kind]]: id })) };

export const suppressed = (kind: Kind, ids: string[]): Whom[] => ids.map((id) => ({ type: kind, id }));

/** Distinct identifiers in the order given; blank ones are left out. */
function distinct(given: string[]): People {
  const filled = given.filter((id) => id.trim());
  const ids = [...new Set(filled)];
  return { ids, repeated: filled.length - ids.length };
}

/** One to a line, or several to a line with commas, semicolons or tabs between. */
export const pasted = (text: string): People => distinct(text.split(/[\n\r,;\t]+/).map((id) => id.trim()));

export interface Sheet {
  name: string;
  rows: string[][];
  /** Not known before the reader chooses it, if no name tells. */
  column: number | undefined;
  header: boolean;
}

/** Files that are taken for tables, by their first bytes. */
const HEADS: [string, number[]][] = [
  ['xlsx', [0x50, 0x4b, 3, 4]],
  ['xls', [0xd0, 0xcf, 0x11, 0xe0]],
  ['pdf', [0x25, 0x50, 0x44, 0x46]],
  ['gzip', [0x1f, 0x8b]],
];

/** The text in a file, in whichever encoding a spreadsheet saved it; or what the file is instead. */
export function decode(bytes: Uint8Array): { text: string } | { refused: string } {
  const begins = (head: number[]) => head.every((byte, place) => bytes[place] === byte);
  const known = HEADS.find(([, head]) => begins(head));
  if (known) return { refused: known[0] };
  if (begins([0xff, 0xfe])) return { text: new TextDecoder('utf-16le').decode(bytes) };
  if (begins([0xfe, 0xff])) return { text: new TextDecoder('utf-16be').decode(bytes) };
  if (bytes.includes(0)) return { refused: 'binary' };
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { text: new TextDecoder('windows-1252').decode(bytes) };
  }
}

/** Why a file is not read: what it is instead of a table. */
export class Refused extends Error {}

export async function read(file: File, kind: Kind): Promise<Sheet> {
  const found = decode(new Uint8Array(await file.arrayBuffer()));
  if ('refused' in found) throw new Refused(found.refused);
  const rows = parse(found.text);
  return { name: file.name, rows, ...idColumn(rows, kind) };
}

export const fromSheet = ({ rows, column, header }: Sheet): People =>
  distinct(column === undefined ? [] : rows.slice(header ? 1 : 0).map((row) => row[column] ?? ''));

export type IdKind = 'email' | 'uuid' | 'number' | 'other';

/** How many identifiers look like what. */
export function kinds(ids: string[]): Record<IdKind, number> {
  const all = { email: 0, uuid: 0, number: 0, other: 0 };
  for (const id of ids) {
    if (/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(id)) all.email += 1;
    else if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) all.uuid += 1;
    else if (/^\d+$/.test(id)) all.number += 1;
    else all.other += 1;
  }
  return all;
}
