// A certificate as a PDF for people: one page that answers what a regulator asks, then the appendices. What is signed is the
// file, which is attached to it. Made in the browser, of the certificate alone.

import { toBlob } from 'pdfkit/output';
import { encode } from 'uqr';
import bold from '@expo-google-fonts/source-sans-3/600SemiBold/SourceSans3_600SemiBold.ttf?url';
import regular from '@expo-google-fonts/source-sans-3/400Regular/SourceSans3_400Regular.ttf?url';

import type { Jwk } from '../api/schema';
import { sha256, told, type Checked, type Claims } from '../certificate';
import { acceptedOnly, facts, issuerOf, limitsOf, placesSaid, remaining, titleOf, verifyAt, type Fact, type PlaceSaid } from '../certificate-says';
import { utc } from '../format';
import { erases } from '../states';
import { question, verdict } from '../verdict';
import { words } from '../words';
import { language, locale } from '../words/locale';
import { words as proof } from '../words/proof';
import { detail, evidence, pseudonyms } from './appendices';
import { Paper, SOFT, type Block, type Line, type Size, type Style } from './paper';

const said = proof.certificate;

const PLAIN: Style = { size: 8.5 };
const SMALL: Style = { size: 7.5, colour: SOFT };
/** So many of what remains stand on the first page; all stand in appendix A. */
const POINTS = 4;

export async function certificatePdf(jws: string, keys: Jwk[], { claims, kid, signature, chain, place }: Checked): Promise<Blob> {
  const title = titleOf(claims);
  const at = new Date(claims.iat * 1000);
  const fonts = await Promise.all([regular, bold].map(async (url) => (await fetch(url)).arrayBuffer()));
  const paper = new Paper(paperSize(locale), { title, author: issuerOf(claims)[0]!, lang: language, at }, { regular: fonts[0]!, bold: fonts[1]! });
  attach(paper, `${claims.jti}.jws`, 'application/jose', jws, said.verifyFile, at);
  attach(paper, 'lethe-keys.json', 'application/json', JSON.stringify({ keys }, null, 2), said.verifyKeys, at);

  const holds = signature === undefined ? said.notChecked : signature && chain ? said.valid : said.invalid;
  const head = [...issuer(paper, claims), paper.heading(1, title), ...answer(paper, claims), ...known(paper, facts(claims, place))];
  const tail = [...stays(paper, claims), ...limits(paper, claims), ...verifying(paper, claims, kid, await sha256(jws), said.sealedPdf(holds))];
  paper.flow([...head, ...where(paper, claims, paper.room - paper.heightOf(head) - paper.heightOf(tail)), ...tail]);

  for (const [at, appendix] of [detail, evidence, pseudonyms].entries()) {
    paper.section(at === 0);
    paper.flow(appendix(paper, claims));
  }
  if (paper.lacking) paper.flow([paper.text('P', said.unreadable, SMALL, { gap: 8 })]);
  const blob = toBlob(paper.doc);
  paper.end(`${said.id} ${claims.jti}`, (page, of) => `${said.page} ${page} / ${of}`);
  return blob;
}

/** Letter where people write on it. */
const paperSize = (tag: string): Size => (/-(US|CA|MX|PH|CL|CO|VE)\b/.test(tag) ? 'LETTER' : 'A4');

function attach(paper: Paper, name: string, type: string, text: string, description: string, at: Date): void {
  paper.doc.file(new TextEncoder().encode(text), { name, type, description, creationDate: at, modifiedDate: at, relationship: 'Source' });
}

function issuer(paper: Paper, claims: Claims): Block[] {
  const [name, ...rest] = issuerOf(claims);
  const lines = [paper.text('P', `${said.issuer}: ${name}`, { ...PLAIN, bold: true })];
  return rest.length > 0 ? [...lines, paper.text('P', rest.join(' · '), SMALL)] : lines;
}

function answer(paper: Paper, claims: Claims): Block[] {
  const request = told(claims);
  return [paper.text('P', question(request), { ...PLAIN, colour: SOFT }, { gap: 4, keep: true }), paper.text('P', verdict(request).answer, { size: 11, bold: true }, { gap: 1 })];
}

function known(paper: Paper, all: Fact[]): Block[] {
  const rows = all.map(({ name, value, note }) => [[{ text: name, style: { ...PLAIN, colour: SOFT } }], [{ text: note ? `${value} ${note}` : value, style: PLAIN }]]);
  const [first, ...rest] = paper.table(undefined, rows, [1, 4.6]);
  return [{ ...first!, gap: 8 }, ...rest];
}

/** Where, and who confirms it: as many as fit, those first that did not confirm. */
function where(paper: Paper, claims: Claims, room: number): Block[] {
  if (!erases(claims.regulation.regulationType)) return [];
  const heading = paper.heading(2, said.systems);
  const rank = ({ tone }: PlaceSaid) => ['alert', 'busy', 'waiting', 'note', 'done'].indexOf(tone);
  const all = placesSaid(claims).sort((a, b) => rank(a) - rank(b));
  if (all.length === 0) return [heading, paper.text('P', said.detailNone, PLAIN)];
  const table = (shown: PlaceSaid[]) => paper.table([said.system, words.counts.found, words.counts.removed, words.counts.remaining, said.outcome], shown.map(row), [2, 1.4, 1.2, 1.1, 4.7]);
  const more = (shown: number) => (shown === all.length ? [] : [paper.text('P', said.moreSystems(all.length - shown, all.length, tally(all.slice(shown))), PLAIN, { gap: 3 })]);
  let shown = all.length;
  const rows = table(all);
  while (shown > 1 && paper.heightOf([heading, ...rows.slice(0, shown + 1), ...more(shown)]) > room) shown--;
  return [heading, ...(shown === all.length ? rows : table(all.slice(0, shown))), ...more(shown)];
}

function row({ name, what, word, at, counts, confirmedBy }: PlaceSaid): Line[][] {
  const count = (of: string): Line[] => [{ text: counts.find((one) => one.what === of)?.amount ?? words.counts.unknown, style: PLAIN }];
  return [
    [{ text: name, style: { ...PLAIN, bold: true } }, ...(what ? [{ text: what, style: SMALL }] : [])],
    ...[words.counts.found, words.counts.removed, words.counts.remaining].map(count),
    [{ text: at ? `${word}, ${words.request.since} ${utc(at)} UTC` : word, style: { ...PLAIN, bold: true } }, { text: confirmedBy, style: SMALL }],
  ];
}

/** `40 × Deletion confirmed, 3 × Failed`. */
function tally(all: PlaceSaid[]): string {
  const words = [...new Set(all.map(({ word }) => word))];
  return words.map((word) => said.tally(all.filter((one) => one.word === word).length, word)).join(', ');
}

function stays(paper: Paper, claims: Claims): Block[] {
  if (!erases(claims.regulation.regulationType)) return [paper.text('P', said.nowhere, PLAIN, { gap: 8 })];
  const left = remaining(claims);
  const shown = left.length > POINTS ? [...left.slice(0, POINTS), said.morePoints(left.length - POINTS)] : left;
  const accepted = acceptedOnly(claims);
  return [
    paper.heading(2, said.left),
    ...(left.length === 0 ? [paper.text('P', said.leftNothing, PLAIN)] : paper.points(shown, PLAIN)),
    ...(accepted ? [paper.heading(2, said.accepted), paper.text('P', accepted, PLAIN)] : []),
  ];
}

const limits = (paper: Paper, claims: Claims): Block[] => [paper.heading(2, said.limits), ...paper.points(limitsOf(claims), { size: 8 })];

function verifying(paper: Paper, { jti }: Claims, kid: string, hash: string, sealed: string): Block[] {
  const QR = 84;
  const address = verifyAt(jti, hash);
  const beside = (text: string, style = SMALL) => paper.text('P', text, style, { gap: 1.5, x: QR + 12 });
  return [
    paper.heading(2, said.verify),
    paper.figure(encode(address, { ecc: 'M', border: 0 }).data, QR, said.verifyQr, [
      beside(sealed, { size: 8, bold: true }),
      beside(`${said.verifyFile} ${jti}.jws. ${said.verifyAttached}`),
      beside(`${said.verifyPage} ${location.origin}/console/verify`),
      beside(`${said.verifyHow} make verify CERT=${jti}.jws KEYS=lethe-keys.json`),
      beside(`${said.verifyKeys} ${location.origin}/.well-known/jwks.json`),
      beside(`${said.verifyKey} ${kid}`),
      beside(`${said.verifyHash} ${hash}`),
    ]),
  ];
}
