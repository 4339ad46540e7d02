// How something stands: a tone beside the API's word. Each tone has a shape of its own, so that no state is told by
// colour alone.

import type { BatchStatus, Kind, Phase, RegulationEntry, RegulationType, Status, TaskStatus } from './api/schema';
import { words } from './words';

export type Tone = 'done' | 'busy' | 'waiting' | 'alert' | 'note';

export interface Said {
  tone: Tone;
  word: string;
  /** What it means, for who wonders. */
  means: string;
}

function said<Name extends string>(tones: Record<Name, Tone>, texts: Record<Name, Omit<Said, 'tone'>>): Record<Name, Said> {
  const all = (Object.keys(tones) as Name[]).map((name) => [name, { tone: tones[name], ...texts[name] }]);
  return Object.fromEntries(all) as Record<Name, Said>;
}

/** A kind of identifier; a custom one has the name that the company gave it. */
export const kindOf = (type: string): string => {
  const [, of, algorithm] = /^(.+)_(SHA256|MD5)$/.exec(type) ?? [];
  if (of) return `${kindOf(of)} (${algorithm === 'MD5' ? 'MD5' : 'SHA-256'})`;
  return (words.subject as Record<string, string>)[type] ?? type;
};

export const STATUS = said<Status>(
  { INITIALIZED: 'waiting', RUNNING: 'busy', FINISHED: 'done', PARTIAL_SUCCESS: 'alert', FAILED: 'alert', INVALID: 'note', NOT_SUPPORTED: 'alert' },
  words.status,
);

export const TASK = said<TaskStatus>(
  {
    QUEUED: 'waiting', RUNNING: 'busy', FORWARDED: 'busy', ACCEPTED: 'note', CONFIRMED: 'done', NO_DATA_FOUND: 'done', NOT_SUPPORTED: 'alert', NO_IDENTIFIER: 'alert', NO_ACTION: 'done', FAILED: 'alert',
  },
  words.task,
);

export const BATCH = said<BatchStatus>({ RUNNING: 'busy', ACCEPTED: 'done', DUPLICATE: 'note', REFUSED: 'alert' }, words.batchStatus);

export const PHASE = said<Phase>(
  { queued: 'waiting', find: 'busy', guard: 'alert', forget: 'busy', verify: 'busy', closed: 'done', aborted: 'note' },
  words.phase,
);

/** Where each kind of request erases (nowhere, if it only changes the suppression list), and whether it suppresses. */
const DOES: Record<RegulationType, { reaches: Kind[]; suppresses: boolean }> = {
  SUPPRESS_WITH_DELETE: { reaches: ['ARCHIVE', 'WAREHOUSE', 'CLOUD'], suppresses: true },
  DELETE_ONLY: { reaches: ['ARCHIVE', 'WAREHOUSE', 'CLOUD'], suppresses: false },
  SUPPRESS_WITH_DELETE_INTERNAL: { reaches: ['ARCHIVE', 'WAREHOUSE'], suppresses: true },
  DELETE_INTERNAL: { reaches: ['ARCHIVE', 'WAREHOUSE'], suppresses: false },
  DELETE_ARCHIVE_ONLY: { reaches: ['ARCHIVE'], suppresses: false },
  SUPPRESS_ONLY: { reaches: [], suppresses: true },
  UNSUPPRESS: { reaches: [], suppresses: false },
};

export const reaches = (type: RegulationType, kind: Kind): boolean => DOES[type].reaches.includes(kind);

export const suppresses = (type: RegulationType): boolean => DOES[type].suppresses;

/** Whether it erases anything that is stored. */
export const erases = (type: RegulationType): boolean => DOES[type].reaches.length > 0;

/** How a request in a list stands: one that ended says what came of its people. */
export function standing({ status, regulationType, subjectCount, outcome }: RegulationEntry): Said {
  if (status !== 'FINISHED' || !outcome || !erases(regulationType)) return STATUS[status];
  if (outcome.notFound === subjectCount) return { tone: 'note', ...words.nobodyFound };
  return outcome.accepted > 0 ? TASK.ACCEPTED : STATUS.FINISHED;
}

/** Names that are not their id with capitals. The catalogue has them too, but few pages ask for it. */
const VENDORS: Record<string, string> = {
  s3: 'Amazon S3',
  manual: words.manual,
  redshift: 'Amazon Redshift',
  bigquery: 'Google BigQuery',
  customerio: 'Customer.io',
  hubspot: 'HubSpot',
  appsflyer: 'AppsFlyer',
  clevertap: 'CleverTap',
  onesignal: 'OneSignal',
  posthog: 'PostHog',
  sendgrid: 'SendGrid',
};

/** A vendor as it writes itself. */
export const vendor = (name: string): string => VENDORS[name] ?? name.replace(/[_-]/g, ' ').replace(/(^| )\w/g, (letter) => letter.toUpperCase());
