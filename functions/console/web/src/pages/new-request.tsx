// A new request: who, what, a look at what it will touch, and a confirmation that cannot be clicked by accident.

import { useState } from 'preact/hooks';

import { call, regulate } from '../api/client';
import type { Destination, RegulationType } from '../api/schema';
import { list, number, people } from '../format';
import { useAction, useLive } from '../live';
import { Head, Problem, Section } from '../parts/basics';
import { Text } from '../parts/forms';
import { PeopleField } from '../parts/people-field';
import { Link, go, href } from '../router';
import { TYPE } from '../words';

/** The most people of one request; more are sent as several. */
const MOST = 5_000;
/** From how many people on the reader types what will happen. */
const MANY = 100;

const ORDER: RegulationType[] = ['SUPPRESS_WITH_DELETE', 'DELETE_ONLY', 'SUPPRESS_WITH_DELETE_INTERNAL', 'DELETE_INTERNAL', 'SUPPRESS_ONLY', 'UNSUPPRESS'];

export function NewRequest() {
  const [ids, setIds] = useState<string[]>([]);
  const [type, setType] = useState<RegulationType>('SUPPRESS_WITH_DELETE');
  const [typed, setTyped] = useState('');
  const [wrong, setWrong] = useState<{ ids?: string; typed?: string }>({});
  // One key for each part of one intention: sent twice, it is done once.
  const [key] = useState(() => crypto.randomUUID());
  const send = useAction(() => submit(ids, type, key));
  const phrase = `${TYPE[type].erases ? 'delete' : TYPE[type].suppresses ? 'suppress' : 'lift'} ${ids.length}`;
  const many = ids.length > MANY;

  const ask = (event: Event) => {
    event.preventDefault();
    const next: typeof wrong = {};
    if (ids.length === 0) next.ids = 'Name at least one person.';
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
          {many && (
            <Text
              label={`This is about ${people(ids.length)}. To confirm, type: ${phrase}`}
              value={typed}
              onInput={setTyped}
              wrong={wrong.typed}
            />
          )}
          {send.error && <Problem error={send.error} />}
          <div class="row">
            <button type="submit" class="button primary" disabled={send.busy}>
              {send.busy ? 'Sending…' : `${TYPE[type].title}${ids.length > 0 ? `: ${people(ids.length)}` : ''}`}
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

async function submit(ids: string[], regulationType: RegulationType, key: string): Promise<void> {
  let last = '';
  for (let at = 0; at < ids.length; at += MOST) {
    const subjectIds = ids.slice(at, at + MOST);
    const body = { regulationType, subjectType: 'USER_ID', subjectIds };
    last = await regulate(body, { 'idempotency-key': `${key}-${at}` });
  }
  go(ids.length > MOST ? href('/requests') : href(`/requests/${last}`));
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

const reached = (type: RegulationType, { kind }: Destination): boolean => TYPE[type].erases && (kind !== 'CLOUD' || !type.endsWith('INTERNAL'));

/** Which places it reaches, by name. */
function Reach({ type, people: amount }: { type: RegulationType; people: number }) {
  const live = useLive('destinations', (signal) => call('GET /destinations', { signal }), 0);
  const all = live.data?.destinations.filter((one) => !one.enabledUntil);
  const names = all?.filter((one) => reached(type, one)).map((one) => one.name) ?? [];
  const kind = TYPE[type];
  return (
    <ul class="todo">
      {kind.erases && all && <li class="point">{names.length > 0 ? `It reaches ${list(names)}. What is erased there cannot be brought back.` : 'It reaches no place: connect a destination first.'}</li>}
      {!kind.erases && <li class="point">It erases nothing.</li>}
      {kind.suppresses && <li class="point">Events about them are dropped at once, before anything is erased.</li>}
      {amount > MOST && <li class="point">It is sent as {number(Math.ceil(amount / MOST))} requests of up to {number(MOST)} people each.</li>}
    </ul>
  );
}
