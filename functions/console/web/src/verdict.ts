// What a request's state means to a person: is this person gone, from where, since when, what is left, and who must
// still act? Pure, from what the API says.

import type { DestinationStatus, RegulationShown, SubjectFound } from './api/schema';
import { due, isOverdue } from './clock';
import { capital, day, list } from './format';
import { PHASE, erases, type Tone } from './states';
import { words } from './words';

export interface Verdict {
  tone: Tone;
  answer: string;
}

/** What is asked of a request, or of a certificate of it. */
export type Told = Pick<RegulationShown, 'overallStatus' | 'regulationType' | 'subjectCount' | 'outcome'> & {
  streamStatus: { id: string; destinationStatus: DestinationStatus[] }[];
};

export const places = (regulation: Told): DestinationStatus[] =>
  regulation.streamStatus.flatMap((stream) => stream.destinationStatus);

export const isOpen = (status: string): boolean => status === 'INITIALIZED' || status === 'RUNNING';

/** Taken back before anything was done. */
export const isCancelled = ({ overallStatus }: Told): boolean => overallStatus === 'INVALID';

/** Names in a sentence: the first of many. */
export const few = (names: string[]): string => (names.length > 6 ? `${names.slice(0, 5).join(', ')} ${words.common.more(names.length - 5)}` : list(names));

const named = (some: DestinationStatus[]): string => few(some.map((place) => place.name));

/** The question that a request puts. */
export function question({ regulationType, subjectCount }: Told): string {
  const said = words.request;
  if (erases(regulationType)) return said.gone(subjectCount);
  return regulationType === 'UNSUPPRESS' ? said.lifted : said.suppressed(subjectCount);
}

/** The answer to it, in a sentence. */
export function verdict(regulation: Told): Verdict {
  const said = words.verdict;
  const { subjectCount: n } = regulation;
  const missing = regulation.outcome?.notFound ?? 0;
  const open = isOpen(regulation.overallStatus);
  if (isCancelled(regulation)) return { tone: 'note', answer: said.cancelled };
  if (!erases(regulation.regulationType)) {
    if (open) return { tone: 'busy', answer: said.listPending };
    return { tone: 'done', answer: regulation.regulationType === 'UNSUPPRESS' ? said.lifted(n) : said.suppressed(n) };
  }
  const where = places(regulation);
  const of = (...statuses: string[]) => where.filter((place) => statuses.includes(place.taskStatus));
  const [stuck, accepted, found] = [of('FAILED', 'NOT_SUPPORTED', 'NO_IDENTIFIER'), of('ACCEPTED'), of('CONFIRMED')];
  const gone = of('CONFIRMED', 'NO_DATA_FOUND', 'NO_ACTION');
  if (open) return { tone: 'busy', answer: said.pending(gone.length + accepted.length, where.length) };
  if (where.length === 0) return { tone: 'alert', answer: said.nowhere };
  if (stuck.length > 0) return { tone: 'alert', answer: said.stuck(gone.length, where.length, named(stuck)) };
  if (missing === n || (found.length === 0 && accepted.length === 0)) return { tone: 'note', answer: said.notFound(n) };
  if (found.length === 0) return { tone: 'note', answer: said.onlyAccepted(named(accepted)) };
  const still = (missing > 0 ? said.someNotFound(missing) : '') + (where.some((place) => residuals(place).length > 0) ? said.copies : '');
  const all = (which: (n: number) => string) => (gone.length === 1 ? named(gone) : which(gone.length));
  if (accepted.length > 0) return { tone: 'note', answer: said.goneAccepted(all(said.allConfirming), named(accepted)) + still };
  return { tone: 'done', answer: said.gone(all(said.all)) + still };
}

/** Whether one person is gone: by their requests, the newest first, and by what came in since. */
export function personVerdict(regulations: RegulationShown[], { sources }: Pick<SubjectFound, 'sources'>): Verdict & { from?: RegulationShown } {
  const said = words.verdict;
  if (regulations.length === 0) return { tone: 'note', answer: said.nobodyAsked };
  const from = regulations.find((one) => erases(one.regulationType) && !isCancelled(one));
  if (!from) return { tone: 'alert', answer: said.neverDeleted };
  // Days are what is known of when somebody was seen: one after the day on which it ended.
  const ended = from.finishedAt?.slice(0, 10);
  const back = sources.filter(({ last }) => ended && last > ended);
  if (back.length > 0) return { tone: 'alert', answer: said.cameBack(list(back.map(({ sourceId }) => sourceId))), from };
  return { ...verdict(from), from };
}

export interface Todo {
  tone: Tone;
  who: string;
  what: string;
  act?: 'retry';
  /** The purge run that it waits for. */
  run?: string;
}

/** Who must still act, the most urgent first. Nobody: an empty list. */
export function todos(regulation: RegulationShown, now = Date.now()): Todo[] {
  if (isCancelled(regulation)) return [];
  const all = places(regulation).flatMap(todo);
  const urgency: Tone[] = ['alert', 'busy', 'waiting', 'note', 'done'];
  all.sort((a, b) => urgency.indexOf(a.tone) - urgency.indexOf(b.tone));
  const late = erases(regulation.regulationType) && isOverdue({ ...regulation, status: regulation.overallStatus }, now);
  if (late) all.unshift({ tone: 'alert', who: words.todo.justYou, what: words.todo.late(day(due(regulation))) });
  return all;
}

/** Vendors are sent a request; in archives and warehouses Lethe deletes by itself. */
const isVendor = ({ vendor }: DestinationStatus): boolean => !['s3', 'postgres', 'redshift', 'bigquery', 'snowflake'].includes(vendor);

/** Whether nothing has been deleted there so far, as far as is known. */
const isPending = ({ taskStatus }: DestinationStatus): boolean => ['QUEUED', 'RUNNING', 'FORWARDED'].includes(taskStatus);

function todo(place: DestinationStatus): Todo[] {
  const said = words.todo;
  const { name, purgeRun: run } = place;
  const message = place.errString ? sentence(place.errString) : '';
  switch (place.taskStatus) {
    case 'FAILED': return [{ tone: 'alert', who: said.you(name), what: message || said.fix, act: 'retry' }];
    case 'NO_IDENTIFIER':
    case 'NOT_SUPPORTED': return [{ tone: 'alert', who: said.you(name), what: message || said.askThem }];
    case 'ACCEPTED': return [{ tone: 'note', who: name, what: said.accepted(name) }];
    case 'FORWARDED': return [{ tone: 'busy', who: name, what: `${said.forwarded} ${message}`.trim() }];
    case 'QUEUED':
    case 'RUNNING': {
      if (run?.phase === 'guard') return [{ tone: 'alert', who: said.you(name), what: said.approve(run.question ?? ''), run: run.id }];
      const running = run && said.inRun(PHASE[run.phase].word, run.progress.objects, run.objects);
      const waiting = place.taskStatus === 'RUNNING' ? said.busy : place.vendor === 's3' ? said.awaitsRun : said.queued;
      return [{ tone: 'busy', who: said.lethe(name), what: running ?? (message || waiting), ...(run && { run: run.id }) }];
    }
    default: return [];
  }
}

const sentence = (text: string): string => capital(text) + (/[.!?]$/.test(text) ? '' : '.');

/** Warehouses say it when they have removed, archives after a second look. */
const residuals = ({ evidence }: DestinationStatus): [string, number][] => {
  const all = Object.assign({}, ...Object.values(evidence).map((step) => step.residuals ?? {})) as Record<string, number>;
  return Object.entries(all);
};

/** An archive's reason is a word of ours; a warehouse says in its own words what it keeps, and until when. */
function keeps(reason: string, amount: number): string {
  const said = words.left;
  const why = said.why[reason];
  if (why) return (reason === 'unreadableLinesThatNameASubject' ? said.lines : said.objects)(amount, why);
  if (reason.startsWith('rows ')) return said.rows(amount, reason.slice('rows'.length));
  return reason.includes(' ') ? reason : said.other(amount);
}

/** What is left, as far as is known: sentences. */
export function leftovers(regulation: Told): string[] {
  if (isCancelled(regulation)) return [];
  const pending = places(regulation).filter(isPending);
  const open = pending.length > 0 ? [words.left.pending(named(pending))] : [];
  const known = places(regulation).flatMap((place) => {
    const kept = residuals(place).map(([reason, amount]) => reason === 'noIdentifier' ? words.left.unasked(place.name) : `${place.name}: ${keeps(reason, amount)}.`);
    if (kept.length > 0) return kept;
    if (place.taskStatus === 'FAILED') return [words.left.failed(place.name)];
    if (place.taskStatus === 'NOT_SUPPORTED') return [words.left.manual(place.name)];
    if (place.taskStatus === 'NO_IDENTIFIER') return [words.left.unasked(place.name)];
    if (place.taskStatus === 'ACCEPTED') return [words.left.accepted(place.name)];
    return [];
  });
  return [...open, ...known];
}

export interface Mark {
  what: string;
  amount: string | undefined;
}

/** The steps at a place, with what each counted: found, removed, left. */
export function marks(place: DestinationStatus): Mark[] {
  const said = words.counts;
  const { find, forget, verify, forward } = place.evidence;
  if (forward) return [{ what: said.sent, amount: amount(forward.counts) }];
  if (isVendor(place)) return [];
  return [
    { what: said.found, amount: find && amount(find.counts) },
    { what: said.removed, amount: find && verify ? removed(find.counts, verify.counts) : forget && amount(forget.counts) },
    { what: said.remaining, amount: verify && left(verify.counts) },
  ];
}

const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((all, one) => all + one, 0);

const isTables = (counts: Record<string, number>): boolean => Object.keys(counts).length > 0 && Object.keys(counts).every((name) => name.includes('.'));

function removed(before: Record<string, number>, after: Record<string, number>): string {
  if (isTables(before)) return words.counts.rows(sum(before) - sum(after));
  return words.counts.lines((before.lines ?? 0) - (after.lines ?? 0));
}

function left(counts: Record<string, number>): string {
  return sum(counts) === 0 ? words.counts.nothing : amount(counts);
}

/** Counts in a few words: rows by table are summed up. What has no name for people is left to the certificate's file. */
export function amount(counts: Record<string, number>): string {
  const said = words.counts;
  if (isTables(counts)) {
    const tables = Object.values(counts).filter((rows) => rows > 0).length;
    return tables === 0 ? said.nothing : said.inTables(sum(counts), tables);
  }
  const told = Object.entries(counts).flatMap(([name, value]) => (value > 0 && said.named[name] ? [said.named[name](value)] : []));
  return told.join(', ') || said.nothing;
}

/** Rows per table, the most first; none for places without tables. */
export function tables(place: DestinationStatus): [string, number][] {
  const counts = place.evidence.find?.counts ?? {};
  return isTables(counts) ? Object.entries(counts).filter(([, rows]) => rows > 0).sort((a, b) => b[1] - a[1]) : [];
}
