// The suppression list: whose events are dropped at the door.

import { useState } from 'preact/hooks';

import { useAccess } from '../access';
import { call, renumber } from '../api/client';
import type { Whom } from '../api/schema';
import { useAction, useLive } from '../live';
import { Empty, Head, Known, Problem, Section, Table } from '../parts/basics';
import { Dialog, Select, Text } from '../parts/forms';
import { Export } from '../parts/list';
import { Pager } from '../parts/pager';
import { PeopleField } from '../parts/people-field';
import { nobody, suppressed, type Given } from '../people';
import { PersonSearch } from '../parts/person-search';
import { Suppressed } from '../parts/suppressed';
import { toast } from '../parts/toast';
import { go, href, type Place } from '../router';
import { kindOf } from '../states';
import { words } from '../words';

const said = words.suppressions;

const PAGE = 50;

export function Suppressions({ place }: { place: Place }) {
  const source = place.query.get('source') ?? '';
  const at = source ? { sourceId: source } : {};
  const [cursors, setCursors] = useState<string[]>([]);
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Removing>();
  const [who, setWho] = useState<Whom>();
  const cursor = cursors.at(-1);
  const live = useLive(`suppressions ${source} ${cursor}`, (signal) =>
    call('GET /suppressions', { query: { ...at, 'pagination.count': PAGE, 'pagination.cursor': cursor }, signal }),
  );
  const changed = () => {
    setWho(undefined);
    live.refresh();
  };
  return (
    <div class="page">
      <Head title={said.title} lead={said.lead}>
        <Export name="suppression-list" rows={() => everything(at)} />
        <button type="button" class="button primary" onClick={() => setAdding(true)}>
          {said.add}
        </button>
      </Head>
      <div class="stack">
        <PersonSearch onSearch={setWho} />
        <SourceChoice chosen={source} onChange={(source) => (setCursors([]), go(href('/suppressions', { source }), true))} />
      </div>
      {who && <Found key={JSON.stringify(who)} who={who} remove={(source) => setRemoving({ who, at: source })} />}
      <Known live={live} what={words.things.suppressions}>
        {({ suppressed, pagination }) => {
          const rows = suppressed.flatMap(({ subjectType, subjectIds }) => subjectIds.map((id): Whom => ({ type: subjectType, id })));
          return rows.length === 0 && !cursor ? (
            <Empty>
              <p>{said.nobody}</p>
            </Empty>
          ) : (
            <>
              <Table caption={said.table} cards>
                <thead>
                  <tr>
                    <th scope="col">{said.identifier}</th>
                    <th scope="col">{said.kind}</th>
                    <th scope="col">
                      <span class="hidden">{words.common.action}</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {rows.map((one) => (
                    <tr key={one.type + one.id}>
                      <th scope="row">{one.id}</th>
                      <td>{kindOf(one.type)}</td>
                      <td class="num">
                        <button type="button" class="quiet" aria-label={said.liftOne(one.id)} onClick={() => setRemoving({ who: one, at: source })}>
                          {said.lift}
                        </button>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </Table>
              <Pager cursors={cursors} next={pagination.next} onMove={setCursors} />
            </>
          );
        }}
      </Known>
      {adding && <Add source={source} close={() => setAdding(false)} done={changed} />}
      {removing && <Remove {...removing} close={() => setRemoving(undefined)} done={changed} />}
    </div>
  );
}

/** All of the list, of the workspace or of one source. */
async function everything(at: { sourceId?: string }): Promise<string[][]> {
  const kinds = ['USER_ID', 'ANONYMOUS_ID', 'EMAIL', 'PHONE'];
  const rows = [['userId', 'anonymousId', 'emailSha256', 'phoneSha256']];
  let cursor: string | null | undefined;
  do {
    const page = await call('GET /suppressions', { query: { ...at, 'pagination.count': 1000, ...(cursor && { 'pagination.cursor': cursor }) } });
    for (const { subjectType, subjectIds } of page.suppressed) rows.push(...subjectIds.map((id) => kinds.map((kind) => (kind === subjectType ? id : ''))));
    cursor = page.pagination.next;
  } while (cursor);
  return rows;
}

/** Shown where there are sources: most lists are of the whole workspace alone. */
function SourceChoice({ chosen, onChange }: { chosen: string; onChange: (source: string) => void }) {
  const { requests } = useAccess();
  const live = useLive('sources', (signal) => (requests ? call('GET /sources', { signal }) : Promise.resolve({ sources: [] })), 0);
  const sources = live.data?.sources ?? [];
  if (sources.length === 0 && !chosen) return null;
  const named = sources.map((one): [string, string] => [one.id, one.name]);
  return (
    <div class="filters">
      <Select label={said.where} value={chosen} options={[['', said.everywhere], ...named]} onChange={onChange} />
    </div>
  );
}

interface Removing {
  who: Whom;
  /** The source at which it is lifted; empty: in the whole workspace. */
  at: string;
}

/** Where one person is suppressed, since when and why. */
function Found({ who, remove }: { who: Whom; remove: (source: string) => void }) {
  const live = useLive(`suppressions of ${JSON.stringify(who)}`, (signal) => call('POST /suppressions/search', { body: { subject: who }, signal }));
  return (
    <Section title={said.is(who.id)}>
      <Known live={live} what={words.things.found}>
        {({ suppressions }) => <Suppressed suppressions={suppressions} remove={remove} />}
      </Known>
    </Section>
  );
}

const MOST = 5_000;

/** Why, as the list keeps it. */
function Reason({ value, onInput }: { value: string; onInput: (value: string) => void }) {
  return <Text label={said.reason} help={said.reasonHelp} value={value} onInput={onInput} />;
}

const reasoned = (reason: string): { reason?: string } => (reason.trim() ? { reason: reason.trim() } : {});

function Add({ source, close, done }: { source: string; close: () => void; done: () => void }) {
  const [{ ids, kind, unsure }, setPeople] = useState<Given>(nobody);
  const [reason, setReason] = useState('');
  const [wrong, setWrong] = useState<string>();
  const add = useAction(async () => {
    for (let at = 0; at < ids.length; at += MOST) {
      const subjects = suppressed(kind, ids.slice(at, at + MOST));
      await call('POST /suppressions', { body: { subjects, ...reasoned(reason), ...(source && { sourceId: source }) } }).catch(renumber(at));
    }
    toast(said.added(ids.length));
    done();
    close();
  });
  const submit = (event: Event) => {
    event.preventDefault();
    if (ids.length === 0) setWrong(unsure ? words.new.chooseColumn : words.new.nobody);
    else void add.run();
  };
  return (
    <Dialog title={said.addTitle} close={close} filled={ids.length > 0 || unsure || reason !== ''}>
      <form onSubmit={submit} noValidate>
        <PeopleField onChange={setPeople} wrong={wrong} />
        <Reason value={reason} onInput={setReason} />
        <p class="help">{source ? said.addAt(source) : said.addHelp}</p>
        {add.error && <Problem error={add.error} />}
        <div class="row">
          <button type="submit" class="button primary" disabled={add.busy}>
            {add.busy ? said.adding : said.addThem(ids.length)}
          </button>
          <button type="button" class="button" onClick={close}>
            {words.common.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Remove({ who, at, close, done }: Removing & { close: () => void; done: () => void }) {
  const [reason, setReason] = useState('');
  const remove = useAction(async () => {
    await call('POST /suppressions/lift', { body: { subjects: [who], ...reasoned(reason), ...(at && { sourceId: at }) } });
    toast(said.lifted);
    done();
    close();
  });
  return (
    <Dialog title={said.liftTitle} close={close} filled={reason !== ''}>
      <p>
        <strong class="who">{who.id}</strong> {at ? said.liftAt(at) : said.liftLead}
      </p>
      <Reason value={reason} onInput={setReason} />
      {remove.error && <Problem error={remove.error} />}
      <div class="row">
        <button type="button" class="button danger" disabled={remove.busy} onClick={() => void remove.run()}>
          {remove.busy ? said.lifting : said.liftIt}
        </button>
        <button type="button" class="button" onClick={close}>
          {said.keep}
        </button>
      </div>
    </Dialog>
  );
}
