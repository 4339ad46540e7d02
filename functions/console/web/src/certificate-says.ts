// What a certificate says, in plain words: the same on the page and on paper.

import { daysBegun, told, type Claims, type Place } from './certificate';
import { DEADLINE_DAYS } from './clock';
import { DATES, dayOf, exact, list, number } from './format';
import type { InLog } from './log';
import { STATUS, TASK, erases, kindOf, suppresses, vendor, type Tone } from './states';
import { few, leftovers, marks, places } from './verdict';
import { words } from './words';
import { words as proof } from './words/proof';

const said = proof.certificate;

export interface Fact {
  name: string;
  value: string;
  /** Said of the value, in a lower voice. */
  note?: string;
  /** An id, in letters of one width. */
  id?: boolean;
}

export function titleOf({ regulation: { regulationType, status } }: Claims): string {
  const { titles } = said;
  const suppressing = suppresses(regulationType);
  const title = erases(regulationType) ? titles[suppressing ? 'deleteSuppress' : 'delete'] : titles[suppressing ? 'suppress' : 'lift'];
  return status === 'FINISHED' ? title : said.incomplete(title);
}

/** Who issued it: a name, then an address and a contact. */
export function issuerOf({ issuer }: Claims): string[] {
  const named = [issuer?.name, issuer?.address, issuer?.contact].filter((one) => one !== undefined && one !== '');
  return named.length > 0 ? (named as string[]) : [said.issuerUnnamed(location.host)];
}

/** Who asked for what, under which law, when, how it ended, and where it is in the log. */
export function facts({ iat, jti, regulation }: Claims, place?: InLog | false): Fact[] {
  const { regulationType, createdAt, finishedAt, part, status, law, dueAt, extension, file = {} } = regulation;
  const kind = words.type[regulationType];
  const received = regulation.receivedAt ?? createdAt;
  const days = dueAt ? daysBegun(received, dueAt) : DEADLINE_DAYS;
  const identifiers = list(Object.keys(regulation.identifiers ?? { [regulation.subjectType]: 1 }).map(kindOf));
  const onFile = Object.entries(said.file).flatMap(([name, what]) => (file[name] ? [`${what}: ${file[name]}`] : []));
  const done = status === 'FINISHED';
  const known: (Fact | false | '' | null | undefined)[] = [
    { name: said.asked, value: `${kind.title}.`, note: `${kind.touches.join('. ')}.` },
    { name: said.for, value: words.request.by(words.common.people(regulation.subjectCount), identifiers) },
    part && { name: words.request.source, value: [part.sourceId, part.collection].filter(Boolean).join(' / '), id: true },
    { name: said.law, value: (law && said.laws[law]) ?? law ?? said.lawUnsaid(DEADLINE_DAYS) },
    onFile.length > 0 && { name: said.onFile, value: onFile.join('; ') },
    { name: said.received, value: exact(received) },
    dueAt && { name: said.due, value: exact(dueAt), ...(extension && { note: said.extended(extension.reason) }) },
    finishedAt && { name: done ? said.ended : said.endedFailed, value: exact(finishedAt) },
    finishedAt && { name: said.used, value: `${said.days(daysBegun(received, finishedAt), days)}${done ? '' : said.daysOpen}.` },
    { name: said.outcome, value: `${STATUS[status].word}.`, note: STATUS[status].means },
    { name: said.issued, value: exact(iat * 1000) },
    { name: said.id, value: jti, id: true },
    place && { name: said.log, value: said.inLog(place.index + 1, place.size) },
  ];
  return known.filter((one) => typeof one === 'object' && one !== null);
}

/** How a request ended at one place. */
export interface PlaceSaid {
  id: string;
  name: string;
  /** The vendor, and what kind of place it is. */
  what: string;
  tone: Tone;
  word: string;
  at: string | undefined;
  since: string | undefined;
  /** Found, removed and left, or what a vendor was sent. */
  counts: { what: string; amount: string }[];
  confirmedBy: string;
  /** What may still be there, and until when. */
  stays: string[];
}

export function placesSaid(claims: Claims): PlaceSaid[] {
  const request = told(claims);
  const steps = places(request);
  return claims.destinations.map((place, at) => ({
    id: place.id,
    name: place.name,
    what: [vendor(place.vendor), words.kind[place.kind].one].filter((one) => one !== place.name).join(' · '),
    tone: TASK[place.status].tone,
    word: TASK[place.status].word,
    at: place.finishedAt,
    since: place.finishedAt && `${words.request.since} ${exact(place.finishedAt)}`,
    counts: marks(steps[at]!).flatMap(({ what, amount }) => (amount ? [{ what, amount }] : [])),
    confirmedBy: confirmedBy(place),
    stays: remaining({ ...claims, destinations: [place] }),
  }));
}

/** In plain words: a search of Lethe's own, a vendor's answer, or nobody. */
function confirmedBy({ kind, name: place, status, vendor: name }: Place): string {
  const { confirms } = said;
  if (status === 'ACCEPTED') return `${confirms.nobody} ${TASK.ACCEPTED.means}`;
  if (status === 'FAILED') return words.left.failed(place);
  if (status !== 'CONFIRMED' && status !== 'NO_DATA_FOUND') return TASK[status].means;
  const who = kind === 'CLOUD' ? confirms.vendor(vendor(name)) : status === 'CONFIRMED' ? confirms.own : confirms.ownNothing;
  return status === 'CONFIRMED' ? who : `${TASK[status].means} ${who}`;
}

/** What may still be there, and until when: of what was found, and of what nobody can read and somebody excepted. */
export function remaining(claims: Claims): string[] {
  if (!erases(claims.regulation.regulationType)) return [];
  const request = told(claims);
  const excepted = places(request).flatMap(({ name, evidence }) =>
    (evidence.verify?.exceptions ?? []).map(({ objects, createdBy, until, reason }) => `${name}: ${said.excepted(objects, createdBy, exact(until), reason)}.`),
  );
  return [...leftovers(request), ...excepted].map(dated);
}

/** The dates in a sentence of the API's, as in the others. */
const dated = (text: string): string => text.split(DATES).map((part) => (!DATES.test(part) ? part : part.includes('T') ? exact(part) : dayOf(part))).join('');

/** Why “accepted” is not “confirmed”, of those who accepted. */
export function acceptedOnly({ destinations }: Claims): string | undefined {
  const accepted = destinations.filter(({ status }) => status === 'ACCEPTED').map(({ name }) => name);
  return accepted.length > 0 ? said.acceptedWhy(few(accepted)) : undefined;
}

export function limitsOf({ regulation: { regulationType, status, attempt } }: Claims): string[] {
  const { limit } = said;
  const deletes = erases(regulationType);
  const failed = status === 'FAILED' || status === 'PARTIAL_SUCCESS';
  return [
    ...(deletes ? [limit.systems, limit.vendors, limit.later] : []),
    ...(suppresses(regulationType) ? [limit.list] : []),
    failed ? limit.retry : limit.recovery,
    `${limit.attempts} ${number(attempt)}.`,
  ];
}

/** Where anyone may verify it: the address says which certificate it is, and what its file hashes to. */
export const verifyAt = (jti: string, hash: string): string => `${location.origin}/console/verify?${new URLSearchParams({ certificate: jti, sha256: hash })}`;
