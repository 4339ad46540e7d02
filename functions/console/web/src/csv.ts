// CSV (RFC 4180), as people's exports have it: commas, semicolons or tabs, quotes, any line ends, a mark in front.

/**
 * Rows of cells; rows without any text are left out. What is quoted is kept as it is, to the space. The apostrophe that
 * tells a spreadsheet that a cell is no formula is taken away.
 */
export function parse(text: string): string[][] {
  const clean = text.replace(/^\uFEFF/, '');
  const separator = separatorOf(clean);
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  let wasQuoted = false;
  const endCell = () => {
    row.push((wasQuoted ? cell : cell.trim()).replace(/^'(?='*[=+\-@\t\r])/, ''));
    cell = '';
    wasQuoted = false;
  };
  const endRow = () => {
    endCell();
    if (row.some((text) => text.trim())) rows.push(row);
    row = [];
  };
  for (let at = 0; at < clean.length; at += 1) {
    const letter = clean[at] as string;
    if (quoted) {
      if (letter !== '"') cell += letter;
      else if (clean[at + 1] === '"') cell += clean[(at += 1)];
      else quoted = false;
    } else if (letter === '"' && cell.trim() === '') {
      cell = '';
      quoted = true;
      wasQuoted = true;
    } else if (letter === separator) endCell();
    else if (letter === '\n') endRow();
    else if (letter !== '\r') cell += letter;
  }
  endRow();
  return rows;
}

function separatorOf(text: string): string {
  const line = text.slice(0, text.search(/[\r\n]|$/)).replace(/"[^"]*"/g, '');
  const counted = [',', ';', '\t'].map((one) => [line.split(one).length, one] as const);
  return counted.reduce((best, one) => (one[0] > best[0] ? one : best))[1];
}

const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9äöüß]/g, '');

/** Kinds of identifiers that a list may hold. */
export type Kind = 'USER_ID' | 'EMAIL' | 'PHONE';

/** Names that exports give to the column that Lethe wants, the surest first. */
const WANTED: Record<Kind, string[]> = {
  USER_ID: [
    'userid', 'subjectid', 'customerid', 'externalid', 'identifier', 'id', 'clientid', 'memberid', 'accountid', 'kundennummer', 'kundennr', 'kundenid', 'benutzerid', 'nutzerid',
    'mitgliedsnummer',
  ],
  EMAIL: ['email', 'emailaddress', 'emailadresse', 'mail'],
  PHONE: ['phone', 'phonenumber', 'telefon', 'telefonnummer', 'mobile', 'mobilephone', 'mobiltelefon', 'handy', 'handynummer'],
};
/** Names of other columns: what stands under them may be anything, but they are a header. */
const OTHERS = [
  'anonymousid', 'name', 'firstname', 'lastname', 'vorname', 'nachname', 'plan', 'created', 'createdat', 'date', 'datum', 'user', 'username', 'benutzer', 'nutzer', 'customer', 'kunde', 'kunden', 'users', 'customers', 'ids',
];

/** Which column holds the identifiers (none, if that is not sure), and whether the first row is a header. */
export function idColumn(rows: string[][], kind: Kind = 'USER_ID'): { column: number | undefined; header: boolean } {
  const first = rows[0] ?? [];
  const names = first.map(plain);
  const named = WANTED[kind].map((name) => names.indexOf(name)).find((place) => place >= 0);
  const known = [...Object.values(WANTED).flat(), ...OTHERS];
  const header = named !== undefined || names.some((name) => known.includes(name)) || isUnlike(rows);
  return { column: named ?? (first.length === 1 ? 0 : undefined), header };
}

/** Whether some column holds digits or addresses in every row but the first. */
function isUnlike([first = [], ...rest]: string[][]): boolean {
  const isData = (cell: string | undefined) => /[\d@]/.test(cell ?? '');
  return rest.length > 0 && first.every((cell) => !isData(cell)) && first.some((_, place) => rest.every((row) => isData(row[place])));
}

export function write(rows: string[][]): string {
  // A cell that a spreadsheet would take for a formula is told to be text.
  const quote = (cell: string) => {
    const safe = /^'*[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return rows.map((row) => row.map(quote).join(',')).join('\r\n') + '\r\n';
}
