// The appendices of a certificate on paper: each place in detail, the evidence, and the people by pseudonym.

import { told, type Claims, type Link } from '../certificate';
import { placesSaid } from '../certificate-says';
import { bytes, number, utc } from '../format';
import { amount, places, tables } from '../verdict';
import { words } from '../words';
import { words as proof } from '../words/proof';
import { SOFT, type Block, type Line, type Paper, type Style } from './paper';

const said = proof.certificate;

const PLAIN: Style = { size: 9 };
const SMALL: Style = { size: 8, colour: SOFT };

/** More would make a book of it; the file has all. */
export const SHOWN = 1_000;

export function detail(paper: Paper, claims: Claims): Block[] {
  const steps = places(told(claims));
  const all = placesSaid(claims).flatMap((place, at) => {
    const row = (name: string, value: string): Line[][] => [[{ text: name, style: { ...PLAIN, colour: SOFT } }], [{ text: value, style: PLAIN }]];
    const tabled = tables(steps[at]!).map(([name, rows]) => `${name} ${number(rows)}`);
    const looked = Object.assign({}, ...Object.values(steps[at]!.evidence).map((step) => step.lookedAt ?? {})) as Record<string, number>;
    const told = Object.entries(looked).flatMap(([name, value]) => (words.counts.looked[name] ? [`${words.counts.looked[name]}: ${name === 'bytes' ? bytes(value) : number(value)}`] : []));
    return [
      paper.heading(3, place.name),
      ...paper.table(undefined, [
        ...(place.what ? [row(said.system, place.what)] : []),
        row(said.outcome, [place.word, place.since].filter(Boolean).join(', ')),
        row(said.confirmed, place.confirmedBy),
        ...place.counts.map(({ what, amount }) => row(what, amount)),
        ...(tabled.length > 0 ? [row(said.tables, tabled.join(', '))] : []),
        ...(told.length > 0 ? [row(said.looked, told.join(', '))] : []),
        row(said.stays, place.stays.join(' ') || said.staysNothing),
      ], [1, 4.6]),
    ];
  });
  return [paper.heading(2, said.detail), ...(all.length > 0 ? all : [paper.text('P', said.detailNone, PLAIN)])];
}

export function evidence(paper: Paper, claims: Claims): Block[] {
  const where = (id: string | null | undefined) => (id ? (claims.destinations.find((place) => place.id === id)?.name ?? words.common.none) : said.list);
  const counted = ({ step, counts }: Link) => (step === 'verify' ? words.counts.left(amount(counts)) : amount(counts));
  const style: Style = { size: 8 };
  const rows = claims.evidence.map((link) =>
    [said.steps[link.step] ?? link.step, where(link.destinationId), utc(link.at), counted(link), `${link.hash.slice(0, 16)}…`].map((text) => [{ text, style }]),
  );
  return [
    paper.heading(2, said.evidence),
    paper.text('P', said.evidenceHelp, SMALL, { gap: 2, keep: true }),
    ...paper.table([said.step, said.system, said.when, said.counted, said.hash], rows, [1.2, 1.8, 1.9, 2.2, 1.5], 8),
  ];
}

export function pseudonyms(paper: Paper, claims: Claims): Block[] {
  const groups = (['subjects', 'linkedSubjects', 'resolvedSubjects', 'leftOut'] as const).filter((name) => claims[name]?.length);
  return [
    paper.heading(2, said.subjects),
    paper.text('P', said.subjectsHelp, SMALL, { gap: 2, keep: true }),
    ...groups.flatMap((name) => {
      const all = claims[name] ?? [];
      const shown = [...all.slice(0, SHOWN), ...(all.length > SHOWN ? [said.moreSubjects(all.length - SHOWN)] : [])];
      return [paper.heading(3, `${said.groups[name]} (${number(all.length)})`), ...paper.points(shown, { size: 7.5 })];
    }),
  ];
}
