// Verifies certificates for whoever holds them: without a sign-in, and without a network once it is open.

import { useEffect, useState } from 'preact/hooks';

import { facts, issuerOf, placesSaid, remaining, titleOf } from '../certificate-says';
import { told } from '../certificate';
import { Section, Title, useTitle } from '../parts/basics';
import { Shape } from '../parts/state';
import { Waves } from '../parts/waves';
import { Link, href, usePlace } from '../router';
import { kindOf, type Tone } from '../states';
import { verdict } from '../verdict';
import { isOn, keysOf, orderOf, proofOf, recognise, verifyFile, type Given, type Order, type Verified } from '../verifying';
import { words as proof } from '../words/proof';

const said = proof.verify;

interface Checked {
  certificates: Verified[];
  order: Order[];
  people: { name: string; tone: Tone; text: string }[];
}

export function Verify() {
  useTitle(said.title);
  const [given, setGiven] = useState<Given[]>([]);
  const [over, setOver] = useState(false);
  const [checked, setChecked] = useState<Checked>();
  const add = async (files: FileList | null | undefined) => {
    const read = await Promise.all(Array.from(files ?? [], async (file) => recognise(file.name, await file.text())));
    setGiven((before) => [...before.filter((old) => !read.some((one) => one.name === old.name && one.text === old.text)), ...read]);
  };
  useEffect(() => {
    let current = true;
    void checkAll(given).then((all) => current && setChecked(all));
    return () => {
      current = false;
    };
  }, [given]);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void add(event.dataTransfer?.files);
  };
  return (
    <main class="main verify">
      <div class="page">
        <header>
          <div>
            <p class="brand">
              <Link to={href('')} class="brand">
                <Waves />
                Lethe
              </Link>
            </p>
            <Title>{said.title}</Title>
            <p class="lead">{said.lead}</p>
          </div>
        </header>
        <div
          class={over ? 'box drop over' : 'box drop'}
          onDragOver={(event) => {
            event.preventDefault();
            setOver(true);
          }}
          onDragLeave={() => setOver(false)}
          onDrop={drop}
        >
          <div class="field">
            <label for="files">{said.choose}</label>
            <p class="help" id="files-help">
              {said.help}
            </p>
            <input id="files" type="file" multiple aria-describedby="files-help" accept=".jws,.json,.jose,application/json" onChange={(event) => void add(event.currentTarget.files)} />
          </div>
        </div>
        {given.length > 0 && (
          <Section title={said.files}>
            <ul class="points">
              {given.map(({ name, role }, at) => (
                <li key={at}>
                  <span class="mono">{name}</span>: {said.roles[role]}
                </li>
              ))}
            </ul>
            <div class="row">
              <button type="button" class="button small" onClick={() => setGiven([])}>
                {said.clear}
              </button>
            </div>
          </Section>
        )}
        <div role="status" class="stack">
          {given.length > 0 && checked && <Result given={given} {...checked} />}
        </div>
      </div>
    </main>
  );
}

async function checkAll(given: Given[]): Promise<Checked> {
  if (!globalThis.crypto?.subtle) return { certificates: [], order: [], people: [] };
  const keys = keysOf(given);
  const certificates = await Promise.all(given.filter(({ role }) => role === 'certificate').map((one) => verifyFile(one, keys)));
  const people = await Promise.all(given.filter(({ role }) => role === 'proof').map((one) => personOf(one, certificates)));
  return { certificates, order: orderOf(certificates), people };
}

async function personOf(given: Given, certificates: Verified[]): Promise<Checked['people'][number]> {
  const shown = proofOf(given);
  const { name } = given;
  const of = certificates.filter(({ claims }) => claims?.jti === shown.certificate);
  const claims = of.find(({ wrong }) => !wrong)?.claims;
  if (!claims) return { name, tone: 'note', text: of.length > 0 ? said.personBad : said.personOther(shown.certificate) };
  const holds = await isOn(shown, claims).catch(() => false);
  return { name, tone: holds ? 'done' : 'alert', text: holds ? said.personIn(kindOf(shown.kind), shown.id, shown.certificate) : said.personNot };
}

function Result({ given, certificates, order, people }: Checked & { given: Given[] }) {
  const has = (role: string) => given.some((one) => one.role === role);
  if (!globalThis.crypto?.subtle) return <Said tone="note" text={said.noCrypto} />;
  if (!has('certificate')) return <Said tone="note" text={said.certificateMissing} />;
  if (!has('keys')) return <Said tone="note" text={said.keysMissing} />;
  const good = certificates.some(({ wrong }) => !wrong);
  const whole = order.length > 0 && order.every(({ what }) => what === 'orderWhole');
  const shown = people.length > 0 && people.every(({ tone }) => tone === 'done');
  return (
    <>
      {certificates.map((one) => (
        <One key={one.hash} {...one} />
      ))}
      {order.length > 0 && (
        <Section title={said.order}>
          {order.map((one) => (
            <Said key={`${one.what} ${one.n}`} tone={TONES[one.what]} text={inWords(one)} />
          ))}
        </Section>
      )}
      {people.length > 0 && (
        <Section title={said.person}>
          {people.map(({ name, tone, text }) => (
            <Said key={name} tone={tone} text={text} />
          ))}
        </Section>
      )}
      {good && (
        <>
          <Points title={said.proven} all={[...said.provenList, ...(whole ? [said.provenOrder] : []), ...(shown ? [said.provenPerson] : [])]} />
          <Points title={said.unproven} all={[...said.unprovenList, said.unprovenOrder]} />
        </>
      )}
    </>
  );
}

const TONES: Record<Order['what'], Tone> = { orderWhole: 'done', orderOnly: 'note', orderGap: 'note', orderNone: 'note', orderBroken: 'alert', orderTwice: 'alert' };

function inWords({ what, n, of }: Order): string {
  if (what === 'orderNone') return said.orderNone;
  return what === 'orderWhole' || what === 'orderGap' ? said[what](n, of) : said[what](n);
}

function One({ name, hash, kid, claims, wrong }: Verified) {
  const { query } = usePlace();
  const printed = query.get('sha256');
  const isPrinted = claims && printed && query.get('certificate') === claims.jti;
  return (
    <Section title={claims && !wrong ? titleOf(claims) : name} id={`file-${hash}`}>
      <Said tone={wrong ? 'alert' : 'done'} text={wrong ? `${said.not} ${said.reasons[wrong]}` : said.holds} strong />
      {isPrinted && <Said tone={printed === hash ? 'done' : 'alert'} text={printed === hash ? said.asPrinted : said.notAsPrinted} />}
      {claims && !wrong && (
        <>
          <p>{said.signedBy(issuerOf(claims)[0]!, kid!)}</p>
          <p>{said.evidence(claims.evidence.length)}</p>
          <h3>{said.says}</h3>
          <p class="answer">{verdict(told(claims)).answer}</p>
          <dl class="facts">
            {facts(claims).map(({ name, value, note, id }) => (
              <>
                <dt>{name}</dt>
                <dd class={id ? 'mono' : undefined}>
                  {value} {note && <span class="soft">{note}</span>}
                </dd>
              </>
            ))}
            {placesSaid(claims).map(({ id, name, word, since, confirmedBy }) => (
              <>
                <dt key={id}>{name}</dt>
                <dd>
                  {[word, since].filter(Boolean).join(', ')}. <span class="soft">{confirmedBy}</span>
                </dd>
              </>
            ))}
          </dl>
          {remaining(claims).length > 0 && (
            <>
              <h3>{proof.certificate.left}</h3>
              <List all={remaining(claims)} />
            </>
          )}
        </>
      )}
    </Section>
  );
}

function Said({ tone, text, strong }: { tone: Tone; text: string; strong?: boolean }) {
  return (
    <p class={`seal tone-${tone}`}>
      <span class="state">
        <Shape tone={tone} />
      </span>
      {strong ? <strong>{text}</strong> : text}
    </p>
  );
}

function Points({ title, all }: { title: string; all: string[] }) {
  return (
    <Section title={title}>
      <List all={all} />
    </Section>
  );
}

const List = ({ all }: { all: string[] }) => (
  <ul class="points">
    {all.map((text) => (
      <li key={text}>{text}</li>
    ))}
  </ul>
);
