// Where somebody is suppressed, since when and why.

import type { SuppressionFound } from '../api/schema';
import { Link, href } from '../router';
import { words } from '../words';
import { Time } from './basics';
import { Shape } from './state';

/** `remove`: takes the person off the list of a source, or of the whole workspace (''). */
export function Suppressed({ suppressions, remove }: { suppressions: SuppressionFound[]; remove?: (source: string) => void }) {
  if (suppressions.length === 0) return <p role="status">{words.person.notSuppressed}</p>;
  return (
    <ul class="todo">
      {suppressions.map((one) => (
        <li key={one.sourceId ?? ''} class="tone-done">
          <Shape tone="done" />
          <p role="status">
            {words.person.suppressedAt(one.sourceId ?? undefined)}, {words.person.since} <Time at={one.suppressedAt} />
            {one.byLink && words.person.byLink}
            {one.reason && `: “${one.reason}”`}. {one.regulationId && <Link to={href(`/requests/${one.regulationId}`)}>{words.person.openRequest}</Link>}{' '}
            {remove && !one.byLink && (
              <button type="button" class="quiet" onClick={() => remove(one.sourceId ?? '')}>
                {words.suppressions.lift}
              </button>
            )}
          </p>
        </li>
      ))}
    </ul>
  );
}
