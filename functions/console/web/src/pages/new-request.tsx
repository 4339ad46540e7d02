// A new request: who, what, a look at what it will touch, and a confirmation that cannot be clicked by accident.

import { useMemo, useState } from 'preact/hooks';

import { call, regulate } from '../api/client';
import type { Destination, Reach as Counted, RegulationType } from '../api/schema';
import { count, list, number, people } from '../format';
import { useAction, useLive } from '../live';
import { Head, Problem, Section, Table } from '../parts/basics';
import { Text } from '../parts/forms';
import { PeopleField } from '../parts/people-field';
import { Link, go, href } from '../router';
import { TYPE, erases } from '../words';

/** The most people of one request; more are sent as several. */
const MOST = 5_000;
/** More than this takes the queue, which does not need this page to stay open. */
const TOO_MANY = 50_000;
/** From how many people on the reader types what will happen. */
const MANY = 100;

/** `DELETE_ARCHIVE_ONLY` is for one source: the API takes it there alone. */
const ORDER: RegulationType[] = ['SUPPRESS_WITH_DELETE', 'DELETE_ONLY', 'SUPPRESS_WITH_DELETE_INTERNAL', 'DELETE_INTERNAL', 'SUPPRESS_ONLY', 'UNSUPPRESS'];

export function NewRequest() {
  const [ids, setIds] = useState<string[]>([]);
  const [type, setType] = useState<RegulationType>('SUPPRESS_WITH_DELETE');
  const [typed, setTyped] = useState('');
  const [wrong, setWrong] = useState<{ ids?: string; typed?: string }>({});
  // One key for each part of one intention: sent twice, it is done once. Who and what make another intention.
  const key = useMemo(() => crypto.randomUUID(), [ids, type]);
  const [sent, setSent] = useState(0);
  const send = useAction(() => submit(ids, type, key, setSent));
  const all = Math.ceil(ids.length / MOST);
  const phrase = `${erases(type) ? 'delete' : TYPE[type].suppresses ? 'suppress' : 'lift'} ${ids.length}`;
  const many = ids.length > MANY;

  const ask = (event: Event) => {
    event.preventDefault();
    const next: typeof wrong = {};
    if (ids.length === 0) next.ids = 'Name at least one person.';
    else if (ids.length > TOO_MANY) next.ids = `More than ${people(TOO_MANY)} at once are a batch: ask whoever runs Lethe to send the file to the queue. It then shows under Batches.`;
    if (many && typed.trim().toLowerCase() !== phrase) next.typed = `Type “${phrase}”.`;
    setWrong(next);
    if (!next.ids && !next.typed) void send.run();
  };

  return (
    <div class="page">
      <Head title="New request" crumb={<Link to={href('/requests')}>Deletion requests</Link>} />
      <form class="page" onSubmit={ask} noValidate>
        <Section title="Who is it about?">
          <PeopleField onChange={setIds} wrong={wrong.ids} />
        </Section>
        <Section title="What should happen?">
          <Choices type={type} onChange={setType} />
        </Section>
        <Section title="Before it is sent">
          <Reach type={type} people={ids.length} />
          {erases(type) && ids.length > 0 && <Count key={`${type} ${ids.join('\n')}`} type={type} ids={ids} />}
          {many && (
            <Text
              label={`This is about ${people(ids.length)}. To confirm, type: ${phrase}`}
              value={typed}
              onInput={setTyped}
              wrong={wrong.typed}
            />
          )}
          {send.error && <Problem error={send.error} />}
          {send.error && sent > 0 && (
            <p class="point">
              {number(sent)} of {number(all)} requests are made. Send it again as it is: these are not made twice.
            </p>
          )}
          <div class="row">
            <button type="submit" class="button primary" disabled={send.busy}>
              {send.busy ? (all > 1 ? `Sending ${number(Math.min(sent + 1, all))} of ${number(all)}…` : 'Sending…') : `${TYPE[type].title}${ids.length > 0 ? `: ${people(ids.length)}` : ''}`}
            </button>
            <Link to={href('/requests')} class="button">
              Cancel
            </Link>
          </div>
        </Section>
      </form>
    </div>
  );
}

/** Up to `MOST` people at a time: what is sent for them. */
function* parts(ids: string[], regulationType: RegulationType) {
  for (let at = 0; at < ids.length; at += MOST) {
    yield { at, body: { regulationType, subjectType: 'USER_ID' as const, subjectIds: ids.slice(at, at + MOST) } };
  }
}

async function submit(ids: string[], type: RegulationType, key: string, told: (sent: number) => void): Promise<void> {
  let last = '';
  told(0);
  for (const { at, body } of parts(ids, type)) {
    last = await regulate(body, { 'idempotency-key': `${key}-${at}` });
    told(at / MOST + 1);
  }
  go(ids.length > MOST ? href('/requests') : href(`/requests/${last}`));
}

/** Every destination's count, summed up over the parts; not said of one part, it is not said of the whole. */
async function rehearse(ids: string[], type: RegulationType): Promise<Counted[]> {
  const all = new Map<string, Counted>();
  for (const { body } of parts(ids, type)) {
    const told = await call('POST /regulations', { body, query: { dryRun: true } });
    for (const one of 'dryRun' in told ? told.destinations : []) {
      const before = all.get(one.id);
      const sum = before && (before.count === null || one.count === null ? null : before.count + one.count);
      all.set(one.id, before ? { ...one, count: sum ?? null } : one);
    }
  }
  return [...all.values()];
}

/** What would be found now, counted where it lies. The reader asks for it: in warehouses it costs money. */
function Count({ type, ids }: { type: RegulationType; ids: string[] }) {
  const [found, setFound] = useState<Counted[]>();
  const ask = useAction(async () => setFound(await rehearse(ids, type)));
  return (
    <div class="stack">
      <div class="row">
        <button type="button" class="button" disabled={ask.busy} onClick={() => void ask.run()}>
          {ask.busy ? 'Counting…' : found ? 'Count again' : 'Count first'}
        </button>
        <span class="soft small">Looks how much there is. Nothing is changed; it may take half a minute.</span>
      </div>
      {ask.error && <Problem error={ask.error} />}
      <div role="status">{found && <Counts found={found} />}</div>
    </div>
  );
}

function Counts({ found }: { found: Counted[] }) {
  return (
    <Table caption="What would be found">
      <thead>
        <tr>
          <th scope="col">Place</th>
          <th scope="col" class="num">
            Now there
          </th>
          <th scope="col">To know</th>
        </tr>
      </thead>
      <tbody>
        {found.map((one) => (
          <tr key={one.id}>
            <th scope="row">{one.name}</th>
            <td class="num">{one.count === null ? 'not known' : count(one.count, one.kind === 'ARCHIVE' ? 'line' : 'row')}</td>
            <td class="small">{one.reason}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

function Choices({ type, onChange }: { type: RegulationType; onChange: (type: RegulationType) => void }) {
  return (
    <fieldset>
      <legend class="hidden">What should happen?</legend>
      <div class="choices">
        {ORDER.map((one) => (
          <label key={one} class="choice">
            <input type="radio" name="type" value={one} checked={one === type} onChange={() => onChange(one)} />
            <strong>{TYPE[one].title}</strong>
            <ul>
              {TYPE[one].touches.map((text) => (
                <li key={text}>{text}</li>
              ))}
            </ul>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

const reached = (type: RegulationType, { kind }: Destination): boolean => TYPE[type].reaches.includes(kind);

/** Which places it reaches, by name. */
function Reach({ type, people: amount }: { type: RegulationType; people: number }) {
  const live = useLive('destinations', (signal) => call('GET /destinations', { signal }), 0);
  const all = live.data?.destinations.filter((one) => !one.enabledUntil);
  const names = all?.filter((one) => reached(type, one)).map((one) => one.name) ?? [];
  const kind = TYPE[type];
  return (
    <ul class="todo">
      {erases(type) && all && <li class="point">{names.length > 0 ? `It reaches ${list(names)}. What is erased there cannot be brought back.` : 'It reaches no place: connect a destination first.'}</li>}
      {!erases(type) && <li class="point">It erases nothing.</li>}
      {kind.suppresses && <li class="point">Events about them are dropped at once, before anything is erased.</li>}
      {amount > MOST && <li class="point">It is sent as {number(Math.ceil(amount / MOST))} requests of up to {number(MOST)} people each.</li>}
    </ul>
  );
}
