// What a request's state means to a person: is this person gone, from where, since when, what is left, and who must
// still act? Pure, from what the API says.

import type { DestinationStatus, RegulationShown } from './api/schema';
import { capital, count, inWords, list, number, people, spaced } from './format';
import { erases, residual, type Tone } from './words';

export interface Verdict {
  tone: Tone;
  answer: string;
}

export const places = (regulation: RegulationShown): DestinationStatus[] =>
  regulation.streamStatus.flatMap((stream) => stream.destinationStatus);

export const isOpen = (status: string): boolean => status === 'INITIALIZED' || status === 'RUNNING';

/** `Braze`, `both places`, `all three places`. */
const all = (some: DestinationStatus[], which = 'places'): string =>
  some.length === 1 ? named(some) : some.length === 2 ? `both ${which}` : `all ${inWords(some.length)} ${which}`;

const named = (some: DestinationStatus[]): string => list(some.map((place) => place.name));

/** The answer to the first question, in a sentence. */
export function verdict(regulation: RegulationShown): Verdict {
  const one = regulation.subjectCount === 1;
  const open = isOpen(regulation.overallStatus);
  if (regulation.overallStatus === 'INVALID') return { tone: 'alert', answer: 'No. The request cannot be carried out as it was put.' };
  if (!erases(regulation.regulationType)) {
    if (open) return { tone: 'busy', answer: 'Not yet: the suppression list is about to change.' };
    if (regulation.regulationType === 'UNSUPPRESS') {
      return { tone: 'done', answer: `Yes: events about ${one ? 'this person' : 'these people'} are collected again.` };
    }
    return { tone: 'done', answer: `Yes: new events about ${one ? 'this person' : 'these people'} are dropped. Nothing stored was erased.` };
  }
  const where = places(regulation);
  const of = (...statuses: string[]) => where.filter((place) => statuses.includes(place.taskStatus));
  const [failed, unsupported, accepted] = [of('FAILED'), of('NOT_SUPPORTED'), of('ACCEPTED')];
  const found = of('CONFIRMED');
  const gone = of('CONFIRMED', 'NO_DATA_FOUND', 'NO_ACTION');
  if (open) return { tone: 'busy', answer: `Not yet. ${capital(share(gone.length + accepted.length, where.length))} done.` };
  if (where.length === 0) return { tone: 'alert', answer: 'Nothing was deleted: no place is connected.' };
  const stuck = [...failed, ...unsupported];
  if (stuck.length > 0) {
    const rest = gone.length > 0 ? `Gone from ${share(gone.length, where.length, false)}` : 'No';
    return { tone: 'alert', answer: `${rest}; ${named(stuck)} ${stuck.length === 1 ? 'needs' : 'need'} a hand.` };
  }
  if (found.length === 0 && accepted.length === 0) {
    return { tone: 'note', answer: `Nothing was found anywhere. Check that the ${one ? 'identifier is' : 'identifiers are'} right.` };
  }
  if (found.length === 0) {
    return { tone: 'note', answer: `No place that can tell held anything; ${named(accepted)} accepted the request.` };
  }
  const still = where.some((place) => residuals(place).length > 0) ? ' Copies are kept for a while: see what is left.' : '';
  if (accepted.length > 0) {
    return { tone: 'done', answer: `Yes, gone from ${all(gone, 'places that can confirm it')}; ${named(accepted)} accepted the request.${still}` };
  }
  return { tone: 'done', answer: `Yes, gone from ${all(where)}.${still}` };
}

function share(some: number, whole: number, verb = true): string {
  const text = `${inWords(some)} of ${inWords(whole)} ${whole === 1 ? 'place' : 'places'}`;
  return verb ? `${text} ${some === 1 ? 'is' : 'are'}` : text;
}

export interface Todo {
  tone: Tone;
  who: string;
  what: string;
  act?: 'retry';
}

/** Who must still act, the most urgent first. Nobody: an empty list. */
export function todos(regulation: RegulationShown): Todo[] {
  const all: Todo[] = [];
  for (const place of places(regulation)) {
    const message = place.errString ? sentence(place.errString) : '';
    switch (place.taskStatus) {
      case 'FAILED':
        all.push({ tone: 'alert', who: `You, at ${place.name}`, what: `${message} Put it right, then try again.`, act: 'retry' });
        break;
      case 'NOT_SUPPORTED':
        all.push({ tone: 'alert', who: `You, towards ${place.name}`, what: message || 'It has no way to delete: ask them in writing.' });
        break;
      case 'ACCEPTED':
        all.push({ tone: 'note', who: place.name, what: 'They took the request and delete by their own deadline. They tell nothing further: ask them if you need it confirmed.' });
        break;
      case 'FORWARDED':
        all.push({ tone: 'busy', who: place.name, what: `They were asked and are not done. Lethe asks again by itself. ${message}` });
        break;
      case 'QUEUED':
      case 'RUNNING':
        all.push({ tone: 'busy', who: `Lethe, at ${place.name}`, what: message || 'Under way; nothing for you to do.' });
        break;
    }
  }
  const urgency: Tone[] = ['alert', 'busy', 'waiting', 'note', 'done'];
  return all.sort((a, b) => urgency.indexOf(a.tone) - urgency.indexOf(b.tone));
}

const sentence = (text: string): string => capital(text) + (/[.!?]$/.test(text) ? '' : '.');

/** Warehouses say it when they have removed, archives after a second look. */
const residuals = ({ evidence }: DestinationStatus): [string, number][] => {
  const all = Object.assign({}, ...Object.values(evidence).map((step) => step.residuals ?? {})) as Record<string, number>;
  return Object.entries(all);
};

/** An archive's reason is a word of ours; a warehouse says in its own words what it keeps, and until when. */
function keeps(reason: string, amount: number): string {
  const known = residual(reason);
  if (!known) return reason.startsWith('rows ') ? `${count(amount, 'row')}${reason.slice('rows'.length)}` : spaced(reason);
  return `${count(amount, reason === 'unreadableLinesThatNameASubject' ? 'line' : 'object')} that ${known}`;
}

/** What is left, as far as is known: sentences. */
export function leftovers(regulation: RegulationShown): string[] {
  return places(regulation).flatMap((place) => {
    const kept = residuals(place).map(([reason, amount]) => `${place.name}: ${keeps(reason, amount)}.`);
    if (kept.length > 0) return kept;
    if (place.taskStatus === 'FAILED') return [`${place.name}: whatever it held is still there, as far as is known.`];
    if (place.taskStatus === 'NOT_SUPPORTED') return [`${place.name}: whatever it holds stays until they delete it.`];
    if (place.taskStatus === 'ACCEPTED') return [`${place.name}: what it holds, until its own deadline.`];
    return [];
  });
}

export interface Mark {
  what: string;
  amount: string | undefined;
}

/** The steps at a place, with what each counted: found, removed, left. */
export function marks(place: DestinationStatus): Mark[] {
  const { find, forget, verify, forward } = place.evidence;
  if (forward) return [{ what: 'Told', amount: amount(forward.counts) }];
  return [
    { what: 'Found', amount: find && amount(find.counts) },
    { what: 'Removed', amount: find && verify ? removed(find.counts, verify.counts) : forget && amount(forget.counts) },
    { what: 'Left', amount: verify && left(verify.counts) },
  ];
}

const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((all, one) => all + one, 0);

const isTables = (counts: Record<string, number>): boolean => Object.keys(counts).length > 0 && Object.keys(counts).every((name) => name.includes('.'));

function removed(before: Record<string, number>, after: Record<string, number>): string {
  if (isTables(before)) return count(sum(before) - sum(after), 'row');
  return count((before.lines ?? 0) - (after.lines ?? 0), 'line');
}

function left(counts: Record<string, number>): string {
  return sum(counts) === 0 ? 'nothing' : amount(counts);
}

/** Counts in a few words: rows by table are summed up. */
export function amount(counts: Record<string, number>): string {
  if (isTables(counts)) {
    const tables = Object.values(counts).filter((rows) => rows > 0).length;
    return tables === 0 ? 'nothing' : `${count(sum(counts), 'row')} in ${count(tables, 'table')}`;
  }
  const said = Object.entries(counts).filter(([, value]) => value > 0);
  if (said.length === 0) return 'nothing';
  return said.map(([name, value]) => told(name, value)).join(', ');
}

function told(name: string, value: number): string {
  switch (name) {
    case 'accepted': return `${people(value)} accepted`;
    case 'confirmed': return `${people(value)} confirmed`;
    case 'noDataFound': return `${people(value)} unknown there`;
    case 'objectsRewritten': return `${count(value, 'object')} rewritten`;
    case 'versionsDeleted': return `${count(value, 'version')} deleted`;
    case 'lines':
    case 'objects':
    case 'versions': return count(value, name.slice(0, -1));
    default: return `${number(value)} ${spaced(name)}`;
  }
}

/** Rows per table, the most first; none for places without tables. */
export function tables(place: DestinationStatus): [string, number][] {
  const counts = place.evidence.find?.counts ?? {};
  return isTables(counts) ? Object.entries(counts).filter(([, rows]) => rows > 0).sort((a, b) => b[1] - a[1]) : [];
}
