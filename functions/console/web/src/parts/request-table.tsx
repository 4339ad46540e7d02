// A table of requests. Those that failed somewhere can be chosen and retried together.

import { useState } from 'preact/hooks';

import { ApiError, call } from '../api/client';
import type { RegulationEntry } from '../api/schema';
import { due, received } from '../clock';
import { useAction } from '../live';
import { Link, href } from '../router';
import { standing } from '../states';
import { words } from '../words';
import { Deadline, Problem, Table, Time } from './basics';
import { useSorted } from './list';
import { State } from './state';
import { toast } from './toast';

const said = words.requests;

const failed = ({ status }: RegulationEntry): boolean => status === 'FAILED' || status === 'PARTIAL_SUCCESS';

/** When it is due, if it still is. */
const urgency = (one: RegulationEntry): number => (one.status === 'FINISHED' || one.status === 'INVALID' ? Infinity : due(one));

const VALUES = {
  received: (one: RegulationEntry) => received(one),
  people: (one: RegulationEntry) => one.subjects[0] ?? one.subjectCount,
  action: (one: RegulationEntry) => words.type[one.regulationType].short,
  status: (one: RegulationEntry) => standing(one).word,
  deadline: urgency,
};

/** `refresh`: what has been retried is asked for again. Without it, nothing can be chosen. */
export function RequestTable({ caption, regulations, refresh }: { caption: string; regulations: RegulationEntry[]; refresh?: () => void }) {
  const [chosen, setChosen] = useState<string[]>([]);
  const { rows, head } = useSorted(regulations, VALUES);
  const failures = regulations.filter(failed).map(({ id }) => id);
  // One alone is retried on its own page.
  const able = refresh && failures.length > 1 ? failures : [];
  const choose = (id: string, on: boolean) => setChosen(on ? [...chosen, id] : chosen.filter((one) => one !== id));
  return (
    <div class="stack">
      {refresh && able.length > 0 && (
        <Retry able={able} chosen={chosen.filter((id) => able.includes(id))} choose={setChosen} refresh={refresh} />
      )}
      <Table caption={caption} cards>
        <thead>
          <tr>
            {head('received', said.received)}
            {head('people', said.people)}
            {head('action', said.action, 'wide')}
            {head('status', said.status)}
            {head('deadline', said.deadline)}
          </tr>
        </thead>
        <tbody>
          {rows.map((regulation) => (
            <tr key={regulation.id}>
              <th scope="row">
                {able.includes(regulation.id) && (
                  <input
                    type="checkbox"
                    class="pick"
                    aria-label={said.choose(regulation.id)}
                    checked={chosen.includes(regulation.id)}
                    onChange={(event) => choose(regulation.id, event.currentTarget.checked)}
                  />
                )}
                <Link to={href(`/requests/${regulation.id}`)}>
                  <Time at={received(regulation)} />
                </Link>
              </th>
              <td>
                <Whom regulation={regulation} />
              </td>
              <td class="wide">{words.type[regulation.regulationType].short}</td>
              <td>
                <State said={standing(regulation)} />
              </td>
              <td>
                <Deadline of={regulation} />
              </td>
            </tr>
          ))}
        </tbody>
      </Table>
    </div>
  );
}

function Retry({ able, chosen, choose, refresh }: { able: string[]; chosen: string[]; choose: (ids: string[]) => void; refresh: () => void }) {
  const retry = useAction(async () => {
    const refused: string[] = [];
    for (const id of chosen) {
      await call('POST /regulations/{id}/retry', { path: { id } }).catch((error: unknown) => {
        // What one request is refused for says nothing of the next; with nobody there, the next need not be tried.
        if (!(error instanceof ApiError) || error.offline) throw error;
        refused.push(error.message);
      });
    }
    choose([]);
    refresh();
    if (refused.length > 0) throw new ApiError(-1, said.notRetried(refused.length, chosen.length, refused[0] ?? ''));
    toast(said.retried(chosen.length));
  });
  return (
    <>
      <div class="row">
        <label class="row">
          <input type="checkbox" class="pick" checked={chosen.length === able.length} onChange={(event) => choose(event.currentTarget.checked ? able : [])} />
          {said.chooseAll(able.length)}
        </label>
        <button type="button" class="button small" disabled={chosen.length === 0 || retry.busy} onClick={() => void retry.run()}>
          {said.retry(chosen.length)}
        </button>
      </div>
      {retry.error && <Problem error={retry.error} />}
    </>
  );
}

/** Identifiers while they are kept; then only how many. */
function Whom({ regulation }: { regulation: RegulationEntry }) {
  const [first, second] = regulation.subjects;
  if (!first) return <span title={said.dropped}>{words.common.people(regulation.subjectCount)}</span>;
  const more = regulation.subjectCount - (second ? 2 : 1);
  return (
    <span class="who">
      {first}
      {second && `, ${second}`}
      {more > 0 && <span class="soft"> {words.common.more(more)}</span>}
    </span>
  );
}
