// The API's words in plain English. One place, so that the page says the same thing everywhere.

import type { BatchStatus, Kind as PlaceKind, Phase, RegulationType, Scope, Status, SubjectType, TaskStatus } from './api/schema';

/** How something stands. Each tone has a shape of its own, so that no state is told by colour alone. */
export type Tone = 'done' | 'busy' | 'waiting' | 'alert' | 'note';

export interface Said {
  tone: Tone;
  word: string;
  /** What it means, for who wonders. */
  means: string;
}

export const STATUS: Record<Status, Said> = {
  INITIALIZED: { tone: 'waiting', word: 'Queued', means: 'The request is stored and starts by itself.' },
  RUNNING: { tone: 'busy', word: 'Under way', means: 'At least one place is not done yet.' },
  FINISHED: { tone: 'done', word: 'Finished', means: 'Everything that can be done is done.' },
  PARTIAL_SUCCESS: { tone: 'alert', word: 'Needs a hand', means: 'Done in some places, failed in others.' },
  FAILED: { tone: 'alert', word: 'Failed', means: 'It worked nowhere.' },
  INVALID: { tone: 'alert', word: 'Not valid', means: 'The request cannot be carried out as it was put.' },
  NOT_SUPPORTED: { tone: 'alert', word: 'Cannot be done here', means: 'No place in scope offers a way to delete.' },
};

export const TASK: Record<TaskStatus, Said> = {
  QUEUED: { tone: 'waiting', word: 'Waiting', means: 'Not begun. Archives wait for the next purge run.' },
  RUNNING: { tone: 'busy', word: 'Under way', means: 'Lethe is at work there.' },
  FORWARDED: { tone: 'busy', word: 'Sent', means: 'The vendor was asked and is not done. Sent is not deleted.' },
  ACCEPTED: { tone: 'note', word: 'Accepted', means: 'The vendor took the request and tells nothing further. Its own deadline applies.' },
  CONFIRMED: { tone: 'done', word: 'Confirmed gone', means: 'A second look, or the vendor, says that nothing is left.' },
  NO_DATA_FOUND: { tone: 'done', word: 'Nothing was there', means: 'This place held nothing under these identifiers.' },
  NOT_SUPPORTED: { tone: 'alert', word: 'No way to delete', means: 'This place has no deletion API: somebody has to ask them.' },
  NO_ACTION: { tone: 'done', word: 'Nothing to do', means: 'This place is not touched by this kind of request.' },
  FAILED: { tone: 'alert', word: 'Failed', means: 'It did not work; the message says what to do.' },
};

export interface Kind {
  /** As a choice: what the reader wants. */
  title: string;
  /** As a noun, in lists. */
  short: string;
  /** What it touches, and what not. */
  touches: string[];
  /** The kinds of places where it erases; none: it erases nothing. */
  reaches: PlaceKind[];
  suppresses: boolean;
}

export const TYPE: Record<RegulationType, Kind> = {
  SUPPRESS_WITH_DELETE: {
    title: 'Delete everywhere and keep them out',
    short: 'Delete and suppress',
    touches: [
      'Erased from archives, warehouses and vendors',
      'New events about them are dropped from now on',
    ],
    reaches: ['ARCHIVE', 'WAREHOUSE', 'CLOUD'],
    suppresses: true,
  },
  DELETE_ONLY: {
    title: 'Delete everywhere, let them come back',
    short: 'Delete',
    touches: ['Erased from archives, warehouses and vendors', 'New events about them are still collected'],
    reaches: ['ARCHIVE', 'WAREHOUSE', 'CLOUD'],
    suppresses: false,
  },
  SUPPRESS_WITH_DELETE_INTERNAL: {
    title: 'Delete from our own stores and keep them out',
    short: 'Delete internally and suppress',
    touches: ['Erased from archives and warehouses', 'Vendors are not told', 'New events about them are dropped from now on'],
    reaches: ['ARCHIVE', 'WAREHOUSE'],
    suppresses: true,
  },
  DELETE_INTERNAL: {
    title: 'Delete from our own stores only',
    short: 'Delete internally',
    touches: ['Erased from archives and warehouses', 'Vendors are not told', 'New events about them are still collected'],
    reaches: ['ARCHIVE', 'WAREHOUSE'],
    suppresses: false,
  },
  DELETE_ARCHIVE_ONLY: {
    title: 'Delete from archives only',
    short: 'Delete from archives',
    touches: ['Erased from archives', 'Warehouses and vendors are not touched', 'New events about them are still collected'],
    reaches: ['ARCHIVE'],
    suppresses: false,
  },
  SUPPRESS_ONLY: {
    title: 'Only keep them out',
    short: 'Suppress',
    touches: ['Nothing that is stored is erased', 'New events about them are dropped from now on'],
    reaches: [],
    suppresses: true,
  },
  UNSUPPRESS: {
    title: 'Let them in again',
    short: 'Lift suppression',
    touches: ['They leave the suppression list', 'New events about them are collected again'],
    reaches: [],
    suppresses: false,
  },
};

/** Whether it erases anything that is stored. */
export const erases = (type: RegulationType): boolean => TYPE[type].reaches.length > 0;

export const BATCH: Record<BatchStatus, Said> = {
  RUNNING: { tone: 'busy', word: 'Being read', means: 'Its requests are being made.' },
  ACCEPTED: { tone: 'done', word: 'Taken', means: 'All of its requests are made.' },
  DUPLICATE: { tone: 'note', word: 'Came before', means: 'The same people came in for the same within a day.' },
  REFUSED: { tone: 'alert', word: 'Refused', means: 'It has to be put right and sent again.' },
};

export const SUBJECT: Record<SubjectType, string> = { USER_ID: 'User id', ANONYMOUS_ID: 'Anonymous id', OBJECT_ID: 'Object id' };

export const PHASE: Record<Phase, Said> = {
  queued: { tone: 'waiting', word: 'Starting', means: 'The run is about to begin.' },
  find: { tone: 'busy', word: 'Finding', means: 'Reads what could hold somebody of this run. Nothing is changed yet.' },
  guard: { tone: 'alert', word: 'Waits for you', means: 'It would remove more than it may without a person saying so.' },
  forget: { tone: 'busy', word: 'Removing', means: 'Rewrites what was hit, without those people.' },
  verify: { tone: 'busy', word: 'Checking', means: 'Reads again what was rewritten.' },
  closed: { tone: 'done', word: 'Finished', means: 'Every request of this run has its answer.' },
  aborted: { tone: 'note', word: 'Stopped', means: 'Its requests wait for the next run.' },
};

export const KIND: Record<PlaceKind, { one: string; many: string }> = {
  ARCHIVE: { one: 'Archive', many: 'Archives' },
  WAREHOUSE: { one: 'Warehouse', many: 'Warehouses' },
  CLOUD: { one: 'Vendor', many: 'Vendors' },
};

/** Why something is left, and what to do about it. */
const RESIDUALS: Record<string, string> = {
  corrupt: 'break the rules of their own format: repair or remove them, then retry',
  unsupported: 'are of no format that Lethe reads: look at them, then remove them or move them out of scope',
  locked: 'are under Object Lock: they can be rewritten when the lock ends',
  cold: 'lie in cold storage: restore them, then retry',
  denied: 'may not be read or written by Lethe: grant access, then retry',
  unreachable: 'could not be reached: retry',
  contended: 'were written to again meanwhile: retry',
  unprocessed: 'were not reached in time: retry',
  unreadableLinesThatNameASubject: 'cannot be read but name somebody: look at them',
};

export const residual = (reason: string): string | undefined => RESIDUALS[reason];

/** The best that a place can say about a deletion. */
export const CONFIRMS: Partial<Record<TaskStatus, string>> = {
  CONFIRMED: 'Tells when somebody is gone.',
  ACCEPTED: 'Takes the request; does not tell when it is done.',
  FORWARDED: 'Is told; answers nothing further.',
  NOT_SUPPORTED: 'Has no way to delete: named, so that somebody can be asked.',
};

/** What a token may do. `short` is for lists. */
export const SCOPE: Record<Scope, { title: string; short: string }> = {
  'regulations:create': { title: 'Make deletion requests', short: 'make requests' },
  'regulations:read': { title: 'See requests, certificates, runs and destinations', short: 'see requests' },
  'suppressions:read': { title: 'See the suppression list', short: 'see suppressions' },
  'suppressions:write': { title: 'Change the suppression list', short: 'change suppressions' },
  'destinations:write': { title: 'Connect and change destinations and sources', short: 'change destinations' },
  'audit:read': { title: 'See the audit trail', short: 'see the audit trail' },
  admin: { title: 'Everything, tokens and purge runs included', short: 'everything' },
};

/** Instead of scopes. */
export const ONE_REQUEST = { title: 'Only one request about one person, for that person', short: 'one request, about one person' };

/** What was asked of the API, as the audit trail names it. */
export const ACTIONS: Record<string, string> = {
  'POST /regulations': 'Made a request',
  'POST /regulations/{id}/retry': 'Tried a request again',
  'DELETE /regulations/{id}': 'Cancelled a request',
  'POST /suppressions': 'Kept people out',
  'POST /suppressions/lift': 'Let people in again',
  'POST /purge-runs': 'Started a purge run',
  'POST /purge-runs/{id}/confirm': 'Let a purge run go on',
  'POST /purge-runs/{id}/stop': 'Stopped a purge run',
  'POST /destinations': 'Connected a destination',
  'PATCH /destinations/{id}': 'Changed a destination',
  'DELETE /destinations/{id}': 'Disconnected a destination',
  'POST /destinations/{id}/check': 'Checked a destination',
  'POST /sources': 'Made a source',
  'PATCH /sources/{id}': 'Changed a source',
  'DELETE /sources/{id}': 'Removed a source',
  'POST /sources/{id}/write-keys': 'Made a write key',
  'DELETE /sources/{id}/write-keys/{writeKeyId}': 'Revoked a write key',
  'POST /tokens': 'Made a token',
  'DELETE /tokens/{id}': 'Revoked a token',
};
