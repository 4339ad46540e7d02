// Identifiers as people paste and export them.

import { idColumn, parse } from './csv';

export interface People {
  ids: string[];
  repeated: number;
}

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
  column: number;
  header: boolean;
}

export async function read(file: File): Promise<Sheet> {
  const rows = parse(await file.text());
  return { name: file.name, rows, ...idColumn(rows) };
}

export const fromSheet = ({ rows, column, header }: Sheet): People =>
  distinct(rows.slice(header ? 1 : 0).map((row) => row[column] ?? ''));
