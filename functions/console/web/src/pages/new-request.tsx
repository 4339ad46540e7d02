// A new request: who, what, a preview of what it will touch, and a review before anything is deleted for good.

import { useEffect, useMemo, useState } from 'preact/hooks';

import { call, regulate, renumber } from '../api/client';
import type { DryRun, Reach, RegulationType } from '../api/schema';
import { list } from '../format';
import { useAction, useLive } from '../live';
import { Head, Problem, Section } from '../parts/basics';
import { Text } from '../parts/forms';
import { CaseFields, caseOf, noCase, refusedOf, wrongDays, type CaseGiven } from '../parts/case-fields';
import { PeopleField } from '../parts/people-field';
import { nobody, whom, type Given } from '../people';
import { Preview, foundNothing } from '../parts/preview';
import { Review } from '../parts/review';
import { toast } from '../parts/toast';
import { Link, go, href } from '../router';
import { erases, reaches, suppresses } from '../states';
import { words } from '../words';

const said = words.new;

/** The most people of one request; more are sent as several. */
const MOST = 5_000;
/** More than this takes the queue, which does not need this page to stay open. */
const TOO_MANY = 50_000;
/** From how many people on the reader types what will happen. */
const MANY = 100;

/** `DELETE_ARCHIVE_ONLY` is for one source: the API takes it there alone. */
const ORDER: RegulationType[] = ['SUPPRESS_WITH_DELETE', 'DELETE_ONLY', 'SUPPRESS_WITH_DELETE_INTERNAL', 'DELETE_INTERNAL', 'SUPPRESS_ONLY', 'UNSUPPRESS'];

export function NewRequest() {
  const [given, setPeople] = useState<Given>(nobody);
  const { ids, unsure } = given;
  const [file, setFile] = useState<CaseGiven>(noCase);
  const [type, setType] = useState<RegulationType>('SUPPRESS_WITH_DELETE');
  const [typed, setTyped] = useState('');
  const [wrong, setWrong] = useState<{ ids?: string; typed?: string; days?: string }>({});
  const [counted, setCounted] = useState<DryRun>();
  const [reviewing, setReviewing] = useState(false);
  const systems = useReach(type);
  // One key for each part of one intention: sent twice, it is done once. Another person, action or case makes another intention.
  const key = useMemo(() => crypto.randomUUID(), [given, type, file]);
  const [sent, setSent] = useState(0);
  const send = useAction(() => submit(given, type, file, key, setSent));
  const all = Math.ceil(ids.length / MOST);
  const phrase = `${erases(type) ? said.verbs.delete : suppresses(type) ? said.verbs.suppress : said.verbs.lift} ${ids.length}`;
  const many = ids.length > MANY;
  const refused = refusedOf(send.error);
  useEffect(() => {
    if (!refused) return;
    setReviewing(false);
    document.querySelector<HTMLElement>('[aria-invalid]')?.focus();
  }, [send.error]);

  const changed = () => {
    setCounted(undefined);
    send.clear();
  };
  const ask = (event: Event) => {
    event.preventDefault();
    const next: typeof wrong = {};
    if (ids.length === 0) next.ids = unsure ? said.chooseColumn : said.nobody;
    else if (ids.length > TOO_MANY) next.ids = said.tooMany(TOO_MANY);
    if (many && typed.trim().toLowerCase() !== phrase) next.typed = said.typeIt(phrase);
    const days = wrongDays(file);
    if (days) next.days = days;
    setWrong(next);
    if (next.ids || next.typed || next.days) return;
    send.clear();
    if (erases(type)) setReviewing(true);
    else void send.run();
  };
  const busy = all > 1 ? said.sendingPart(Math.min(sent + 1, all), all) : said.sending;
  const failed = send.error && (
    <>
      {!refused && <Problem error={send.error} />}
      {sent > 0 && <p>{said.partly(sent, all)}</p>}
    </>
  );

  return (
    <div class="page">
      <Head title={said.title} crumb={<Link to={href('/requests')}>{words.nav.requests}</Link>} />
      <form class="page" onSubmit={ask} noValidate>
        <Section title={said.who}>
          <PeopleField
            onChange={(given) => {
              setPeople(given);
              changed();
            }}
            wrong={wrong.ids}
          />
        </Section>
        <Section title={said.what}>
          <Choices
            type={type}
            onChange={(chosen) => {
              setType(chosen);
              changed();
            }}
          />
        </Section>
        <Section title={words.case.title}>
          <CaseFields given={file} onChange={(next) => (setFile(next), send.clear())} wrong={{ ...refused, ...(wrong.days && { dueInDays: wrong.days }) }} />
        </Section>
        <Section title={said.before}>
          <Effects type={type} people={ids.length} systems={systems} />
          {erases(type) && ids.length > 0 && <Preview people={ids.length} found={counted} count={async () => setCounted(await rehearse(given, type))} />}
          {many && <Text label={said.confirmLabel(ids.length, phrase)} value={typed} onInput={setTyped} wrong={wrong.typed} />}
          {(!reviewing || refused) && failed}
          <div class="row">
            <button type="submit" class="button primary" disabled={send.busy}>
              {send.busy ? busy : erases(type) ? said.review : said.submit(words.type[type].title, ids.length)}
            </button>
            <Link to={href('/requests')} class="button">
              {words.common.cancel}
            </Link>
          </div>
        </Section>
      </form>
      {reviewing && !refused && (
        <Review
          ids={ids}
          type={type}
          systems={systems}
          counted={counted?.destinations}
          nothing={Boolean(counted && foundNothing(counted.destinations))}
          busy={send.busy ? busy : undefined}
          send={() => void send.run()}
          close={() => setReviewing(false)}
        >
          {failed}
        </Review>
      )}
    </div>
  );
}

/** Up to `MOST` people at a time: what is sent for them. */
function* parts({ ids, kind }: Given, regulationType: RegulationType) {
  for (let at = 0; at < ids.length; at += MOST) {
    yield { at, body: { regulationType, ...whom(kind, ids.slice(at, at + MOST)) } };
  }
}

async function submit(given: Given, type: RegulationType, file: CaseGiven, key: string, told: (sent: number) => void): Promise<void> {
  let last = '';
  told(0);
  for (const { at, body } of parts(given, type)) {
    last = await regulate({ ...body, ...caseOf(file) }, { 'idempotency-key': `${key}-${at}` }).catch(renumber(at));
    told(at / MOST + 1);
  }
  toast(said.sent);
  go(given.ids.length > MOST ? href('/requests') : href(`/requests/${last}`));
}

/** What the parts would do, summed up. A count that is not known of one part is not known of the whole. */
async function rehearse(given: Given, type: RegulationType): Promise<DryRun | undefined> {
  let whole: DryRun | undefined;
  for (const { at, body } of parts(given, type)) {
    const told = await call('POST /regulations', { body, query: { dryRun: true } }).catch(renumber(at));
    if ('dryRun' in told) whole = whole ? added(whole, told) : told;
  }
  return whole;
}

function added(a: DryRun, b: DryRun): DryRun {
  const system = (one: Reach): Reach => {
    const before = a.destinations.find(({ id }) => id === one.id);
    return { ...one, count: !before || before.count === null || one.count === null ? null : before.count + one.count };
  };
  const kinds = (one: Record<string, number> = {}, other: Record<string, number> = {}) =>
    Object.fromEntries([...new Set(Object.keys({ ...one, ...other }))].map((kind) => [kind, (one[kind] ?? 0) + (other[kind] ?? 0)]));
  return {
    ...b,
    destinations: b.destinations.map(system),
    linkedCount: a.linkedCount + b.linkedCount,
    leftOutCount: a.leftOutCount + b.leftOutCount,
    sharedCount: a.sharedCount + b.sharedCount,
    resolved: kinds(a.resolved, b.resolved),
    resolvedShared: kinds(a.resolvedShared, b.resolvedShared),
  };
}

/** The names of the systems that it reaches, once they are known. */
function useReach(type: RegulationType): string[] | undefined {
  const live = useLive('destinations', (signal) => call('GET /destinations', { signal }), 0);
  return live.data?.destinations.filter((one) => !one.enabledUntil && reaches(type, one.kind)).map((one) => one.name);
}

function Choices({ type, onChange }: { type: RegulationType; onChange: (type: RegulationType) => void }) {
  return (
    <fieldset>
      <legend class="hidden">{said.what}</legend>
      <div class="choices">
        {ORDER.map((one) => (
          <label key={one} class="choice">
            <input type="radio" name="type" value={one} checked={one === type} onChange={() => onChange(one)} />
            <strong>{words.type[one].title}</strong>
            <ul>
              {words.type[one].touches.map((text) => (
                <li key={text}>{text}</li>
              ))}
            </ul>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** What it will do, before it is sent. */
function Effects({ type, people, systems }: { type: RegulationType; people: number; systems: string[] | undefined }) {
  return (
    <ul class="todo">
      {erases(type) && systems && <li class="point">{systems.length > 0 ? `${said.reaches(list(systems))} ${said.irreversible}` : said.reachesNothing}</li>}
      {!erases(type) && <li class="point">{said.deletesNothing}</li>}
      {suppresses(type) && <li class="point">{said.dropsFirst}</li>}
      {people > MOST && <li class="point">{said.parts(Math.ceil(people / MOST), MOST)}</li>}
    </ul>
  );
}
