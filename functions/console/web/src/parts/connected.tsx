// Since when a destination is connected, or no longer is.

import type { Destination } from '../api/schema';
import { words } from '../words';
import { Time } from './basics';
import { Shape } from './state';

export function Connected({ destination: { enabledFrom, enabledUntil } }: { destination: Destination }) {
  const tone = enabledUntil ? 'waiting' : 'done';
  return (
    <span class={`state tone-${tone}`}>
      <Shape tone={tone} />
      <span>
        {enabledUntil ? words.destinations.notSince : words.destinations.since} <Time at={enabledUntil ?? enabledFrom} only="day" />
      </span>
    </span>
  );
}
