// Where somebody is kept out, since when and why.

import type { SuppressionFound } from '../api/schema';
import { Link, href } from '../router';
import { Time } from './basics';
import { Shape } from './state';

/** `remove`: takes the person off the list of the whole workspace. */
export function KeptOut({ suppressions, remove }: { suppressions: SuppressionFound[]; remove?: () => void }) {
  if (suppressions.length === 0) return <p role="status">No: new events about them are collected.</p>;
  return (
    <ul class="todo">
      {suppressions.map((one) => (
        <li key={one.sourceId ?? ''} class="tone-done">
          <Shape tone="done" />
          <p role="status">
            Yes, {one.sourceId ? `at the source ${one.sourceId}` : 'everywhere'}, since <Time at={one.suppressedAt} />
            {one.byLink && ', because this identifier belongs to somebody who is kept out'}
            {one.reason && `: “${one.reason}”`}. {one.regulationId && <Link to={href(`/requests/${one.regulationId}`)}>Look at the request</Link>}{' '}
            {remove && !one.sourceId && !one.byLink && (
              <button type="button" class="quiet" onClick={remove}>
                Remove
              </button>
            )}
          </p>
        </li>
      ))}
    </ul>
  );
}
