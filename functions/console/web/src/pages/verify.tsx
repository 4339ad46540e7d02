// Verifies certificates for whoever holds them: without a sign-in, and without a network once it is open.

import { useEffect, useState } from 'preact/hooks';

import { facts, issuerOf, placesSaid, remaining, titleOf } from '../certificate-says';
import { told } from '../certificate';
import { checkGrowth, notHere, readLog, standing, type Log, type LogWrong } from '../log';
import { Section, Title, useTitle } from '../parts/basics';
import { Shape } from '../parts/state';
import { Waves } from '../parts/waves';
import { Link, href, usePlace } from '../router';
import { kindOf, type Tone } from '../states';
import { few, verdict } from '../verdict';
import { contentOf, isOn, keysOf, logsOf, proofOf, recognise, verifyFile, type Given, type Verified } from '../verifying';
import { words as proof } from '../words/proof';

const said = proof.verify;

interface Line {
  tone: Tone;
  text: string;
}

interface Checked {
  certificates: Verified[];
  log: Log | undefined;
  growth: Line[];
  people: Line[];
}

export function Verify() {
  useTitle(said.title);
  const [given, setGiven] = useState<Given[]>([]);
  const [over, setOver] = useState(false);
  const [checked, setChecked] = useState<Checked>();
  const [busy, setBusy] = useState(false);
  const add = async (files: FileList | null | undefined) => {
    const read = await Promise.all(Array.from(files ?? [], async (file) => recognise(file.name, await file.text())));
    setGiven((before) => [...before.filter((old) => !read.some((one) => one.name === old.name && one.text === old.text)), ...read]);
  };
  useEffect(() => {
    let current = true;
    setBusy(true);
    void checkAll(given).then((all) => {
      if (!current) return;
      setChecked(all);
      setBusy(false);
    });
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
              {busy && <span class="soft">{said.checking}</span>}
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
  if (!globalThis.crypto?.subtle) return { certificates: [], log: undefined, growth: [], people: [] };
  const keys = keysOf(given);
  const of = (role: string) => given.filter((one) => one.role === role);
  const certificates = await Promise.all(of('certificate').map((one) => verifyFile(one, keys)));
  const parts = logsOf(given);
  const log = parts.length > 0 ? await readLog(parts, keys) : undefined;
  const growth = await Promise.all(of('growth').map((one) => grown(one, keys)));
  const people = await Promise.all(of('proof').map((one) => personOf(one, certificates)));
  return { certificates, log, growth, people };
}

async function grown(given: Given, keys: ReturnType<typeof keysOf>): Promise<Line> {
  const found = await checkGrowth(contentOf(given), keys);
  if (typeof found === 'object') return { tone: 'done', text: said.grew(found.before, found.after) };
  return { tone: 'alert', text: found === 'root' ? said.grewNot : `${said.not} ${whyNot(found)}` };
}

async function personOf(given: Given, certificates: Verified[]): Promise<Line> {
  const shown = proofOf(given);
  const of = certificates.filter(({ claims }) => claims?.jti === shown.certificate);
  const claims = of.find(({ wrong }) => !wrong)?.claims;
  if (!claims) return { tone: 'note', text: of.length > 0 ? said.personBad : said.personOther(shown.certificate) };
  const holds = await isOn(shown, claims).catch(() => false);
  return { tone: holds ? 'done' : 'alert', text: holds ? said.personIn(kindOf(shown.kind), shown.id, shown.certificate) : said.personNot };
}

/** Why a log does not hold, or a head of it. */
function whyNot(wrong: LogWrong, at = 0, size = 0): string {
  const { logReasons: why } = said;
  if (wrong === 'entry') return why.entry(at + 1, size);
  if (wrong === 'root') return why.root(at);
  return wrong === 'noHead' || wrong === 'noKey' || wrong === 'form' ? why[wrong] : wrong === 'badKey' ? said.reasons.badKey! : why.head;
}

/** What the log says of itself and of the certificates that hold. */
function logSays(log: Log, good: Verified[]): Line[] {
  if (log.wrong) return [{ tone: 'alert', text: `${said.not} ${whyNot(log.wrong, log.at, log.size)}` }];
  const held = new Map(good.map(({ leaf, claims }) => [leaf, claims!.jti]));
  const found = [...held].map(([leaf, jti]) => ({ jti, stands: standing(log, leaf, jti) }));
  const within = found.filter(({ stands }) => stands === 'in').length;
  const missing = notHere(log, new Set(held.keys()));
  return [
    { tone: 'done', text: said.logHolds(log.size) },
    ...(within > 0 ? [{ tone: 'done' as const, text: said.inLog(within) }] : []),
    ...found.flatMap(({ jti, stands }) => (stands === 'in' ? [] : [{ tone: 'alert' as const, text: said[stands](jti) }])),
    missing.length > 0 ? { tone: 'note', text: said.notHere(missing.length, few(missing.sort())) } : { tone: 'done', text: said.allHere(log.size) },
  ];
}

function Result({ given, certificates, log, growth, people }: Checked & { given: Given[] }) {
  const has = (...roles: string[]) => given.some(({ role }) => roles.includes(role));
  if (!globalThis.crypto?.subtle) return <Said tone="note" text={said.noCrypto} />;
  if (!has('certificate', 'log', 'growth')) return <Said tone="note" text={said.certificateMissing} />;
  if (!has('keys')) return <Said tone="note" text={said.keysMissing} />;
  const good = certificates.filter(({ wrong }) => !wrong);
  const lines = log ? logSays(log, good) : [];
  const [whole, logged] = [lines.every(({ tone }) => tone === 'done'), lines.every(({ tone }) => tone !== 'alert')];
  const shown = people.length > 0 && people.every(({ tone }) => tone === 'done');
  const proven = [...said.provenList, ...(log && logged ? [said.provenLog] : []), ...(log && whole ? [said.provenAll] : []), ...(shown ? [said.provenPerson] : [])];
  return (
    <>
      {certificates.map((one, at) => (
        <One key={`${one.hash} ${one.name}`} at={at} several={certificates.length > 1} {...one} />
      ))}
      <Lines title={said.log} all={[...lines, ...growth]} />
      <Lines title={said.person} all={people} />
      {good.length > 0 && (
        <>
          <Points title={said.proven} all={proven} />
          <Points title={said.unproven} all={[...said.unprovenList, log ? said.unprovenLater : said.unprovenOthers]} />
        </>
      )}
    </>
  );
}

function One({ at, several, name, hash, kid, claims, place, wrong }: Verified & { at: number; several: boolean }) {
  const { query } = usePlace();
  const printed = query.get('sha256');
  const isPrinted = claims && printed && query.get('certificate') === claims.jti;
  return (
    <Section title={claims && !wrong ? (several ? `${name}: ${titleOf(claims)}` : titleOf(claims)) : name} id={`file-${at}`}>
      <Said tone={wrong ? 'alert' : 'done'} text={wrong ? `${said.not} ${said.reasons[wrong]}` : said.holds} strong />
      {isPrinted && <Said tone={printed === hash ? 'done' : 'alert'} text={printed === hash ? said.asPrinted : said.notAsPrinted} />}
      {claims && !wrong && (
        <>
          <p>{said.signedBy(issuerOf(claims)[0]!, kid!)}</p>
          <p>{said.evidence(claims.evidence.length)}</p>
          {place && <p>{said.receipt(place.index + 1, place.size)}</p>}
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

function Lines({ title, all }: { title: string; all: Line[] }) {
  if (all.length === 0) return null;
  return (
    <Section title={title}>
      {all.map((line) => (
        <Said key={line.text} {...line} />
      ))}
    </Section>
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
