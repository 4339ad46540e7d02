// Calls of the public API: typed by its description, with the token, and with errors that people can read.

import { token, signOut } from '../session';
import { words } from '../words';
import type { ErrorEntry, NewRegulation, Operations } from './schema';

export type Operation = keyof Operations;
type Empty = Record<string, never>;
type Part<O extends Operation, Name extends 'path' | 'query' | 'headers'> = Operations[O][Name];

/** What a call sends; fields that the operation does not have may be left out. */
export type Sent<O extends Operation> = { signal?: AbortSignal } & ({} extends Part<O, 'path'> ? { path?: Empty } : { path: Part<O, 'path'> }) & {
    query?: Part<O, 'query'>;
    headers?: Partial<Part<O, 'headers'>> & Record<string, string>;
  } & (Operations[O]['body'] extends undefined ? { body?: undefined } : { body: Operations[O]['body'] });

/** What a call gives: Segment's envelope is taken off. */
export type Given<O extends Operation> = Operations[O]['reply'] extends { data: infer Data } ? Data : Operations[O]['reply'];

/** Why a call failed. `offline`: nothing answered at all. */
export class ApiError extends Error {
  readonly status: number;
  readonly field: string | undefined;

  constructor(status: number, message: string, field?: string) {
    super(message);
    this.status = status;
    this.field = field;
  }

  get offline(): boolean {
    return this.status === 0;
  }
}

/** Calls the API. Nothing that names a person may go into `path` or `query`: URLs end in logs. */
export async function call<O extends Operation>(operation: O, sent?: Sent<O>, as = token()): Promise<Given<O>> {
  const reply = await ask(operation, sent, as);
  const body: unknown = await reply.json().catch(() => undefined);
  if (reply.ok && body !== undefined) return (isObject(body) && 'data' in body ? body.data : body) as Given<O>;
  throw refused(reply.status, body, as);
}

/** All pages of what is given as a table too: CSV, with the names of the columns once. */
export async function table<O extends 'GET /audit' | 'GET /reports/{month}'>(operation: O, sent: Sent<O>): Promise<string> {
  let whole = '';
  let cursor: string | null | undefined;
  do {
    const query = { ...sent.query, ...(cursor && { 'pagination.cursor': cursor }) };
    const reply = await ask(operation, { ...sent, query, headers: { accept: 'text/csv' } });
    if (!reply.ok) throw refused(reply.status, await reply.json().catch(() => undefined));
    const text = await reply.text();
    whole += whole ? text.slice(text.indexOf('\r\n') + 2) : text;
    const next = reply.headers.get('link')?.match(/<[^?>]*\?([^>]*)>; rel="next"/)?.[1];
    cursor = next && new URLSearchParams(next).get('pagination.cursor');
  } while (cursor);
  return whole;
}

async function ask<O extends Operation>(operation: O, sent?: Sent<O>, as = token()): Promise<Response> {
  const [method, template] = operation.split(' ') as [string, string];
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String((sent?.path as Record<string, unknown>)[name])));
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(sent?.query ?? {})) {
    if (value !== undefined && value !== null && value !== '') query.set(name, String(value));
  }
  const search = query.size > 0 ? `?${query}` : '';
  const headers: Record<string, string> = { authorization: `Bearer ${as}`, ...sent?.headers };
  if (sent?.body !== undefined) headers['content-type'] = 'application/json';
  const init = {
    method,
    headers,
    body: sent?.body === undefined ? null : JSON.stringify(sent.body),
    cache: 'no-store',
    credentials: 'omit',
    signal: sent?.signal ?? null,
  } as const;
  try {
    return await fetch(path + search, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, unanswered(operation, 'idempotency-key' in headers));
  }
}

/** What became of a call that nothing answered: a look may be repeated, a change may have arrived or not. */
function unanswered(operation: Operation, once: boolean): string {
  const { unreachable, notSent, noAnswer, noAnswerOnce } = words.problem;
  if (/^GET|search$|lookup$|proof$/.test(operation)) return unreachable;
  if (!navigator.onLine) return notSent;
  return once ? noAnswerOnce : noAnswer;
}

function refused(status: number, body: unknown, as = token()): ApiError {
  if (status === 401 && as === token()) signOut('expired');
  return failure(status, body);
}

/** Makes a regulation and gives its id. */
export async function regulate(body: NewRegulation, headers: Record<string, string> = {}): Promise<string> {
  const made = await call('POST /regulations', { body, headers });
  if ('regulateId' in made) return made.regulateId;
  throw new ApiError(-1, words.problem.dryRunOnly);
}

function failure(status: number, body: unknown): ApiError {
  const entry = isObject(body) && Array.isArray(body.errors) ? (body.errors[0] as ErrorEntry) : undefined;
  if (status === 403) return new ApiError(status, entry?.message ?? words.problem.forbidden);
  const message = entry?.message ?? words.problem.unexplained(status);
  return new ApiError(status, message.charAt(0).toUpperCase() + message.slice(1), entry?.field ?? undefined);
}

/** A message that counts people from 0 in what was sent, as a reader counts them; `from`: how many were sent before. */
const numbered = (message: string, from: number): string => message.replace(/subject(?:Id)?s\[(\d+)\](?:\.\w+)?/gi, (_, place: string) => words.problem.person(from + Number(place) + 1));

/** For a `catch`: the same error, in a reader's words. */
export const renumber = (from: number) => (error: unknown): never => {
  throw error instanceof ApiError ? new ApiError(error.status, numbered(error.message, from), error.field) : error;
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
