// What the API is about to say, and its description does not yet. Once schema.d.ts has an operation, this no longer compiles:
// then the operations here go, and the types come from there.

import type { RegulationType } from './schema';

/** When the person asked, by when the law wants an answer, what is on file about it, and who withdrew it. */
export interface Case {
  receivedAt?: string | null;
  law?: Law | null;
  dueInDays?: number | null;
  dueAt?: string | null;
  extension?: Extension | null;
  file?: CaseFile;
  cancelledBy?: string | null;
  cancelledAt?: string | null;
}

export type Law = 'GDPR' | 'CCPA' | 'OTHER';

export interface CaseFile {
  requester?: string | null;
  reference?: string | null;
  legalBasis?: string | null;
  channel?: string | null;
  verification?: string | null;
}

export interface Extension {
  at: string;
  by: string;
  reason: string;
  dueAt: string;
}

/** The caller, as its token says. */
export interface Me {
  caller: string;
  name: string;
  scopes: string[];
  expiresAt?: string | null;
}

/** Figures of the requests that were accepted in a period. */
export interface Figures {
  received: number;
  finished: number;
  acceptedOnly: number;
  /** Of those that have ended, how many tell nothing of their people. */
  unknown: number;
  /** Whether all of the period are counted; if not, since when they are. */
  complete: boolean;
  countedSince?: string | null;
  people: { erased: number; unclear: number };
  byType: Partial<Record<RegulationType, number>>;
  daysToHonour: { median: number | null; mean: number | null; longest: number | null };
  /** Days in UTC. */
  perDay: { day: string; received: number; finished: number; acceptedOnly: number }[];
}

type Plain = { query: {}; headers: {} };

declare module './schema' {
  interface Operations {
    'POST /regulations/{id}/extension': Plain & { path: { id: string }; body: { reason: string }; reply: { data: { extension: Extension } } };
    'GET /me': Plain & { path: {}; body: undefined; reply: { data: Me } };
    'GET /figures': { path: {}; query: { since?: string; until?: string }; headers: {}; body: undefined; reply: { data: Figures } };
  }
}
