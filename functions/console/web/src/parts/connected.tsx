// Since when a destination is connected, or no longer is.

import type { Destination } from '../api/schema';
import { Time } from './basics';
import { Shape } from './state';

export function Connected({ destination: { enabledFrom, enabledUntil } }: { destination: Destination }) {
  const tone = enabledUntil ? 'waiting' : 'done';
  return (
    <span class={`state tone-${tone}`}>
      <Shape tone={tone} />
      <span>{enabledUntil ? <>not since <Time at={enabledUntil} only="day" /></> : <>since <Time at={enabledFrom} only="day" /></>}</span>
    </span>
  );
}
