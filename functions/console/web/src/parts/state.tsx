// How something stands: a shape, a word, and what it means for who points at it.

import type { Said, Tone } from '../states';

const SHAPES: Record<Tone, preact.ComponentChildren> = {
  // A filled circle with a tick.
  done: (
    <>
      <circle cx="8" cy="8" r="8" fill="currentColor" />
      <path d="m4.5 8.2 2.4 2.4 4.700-4.900" fill="none" stroke="var(--paper)" stroke-width="1.700" stroke-linecap="round" stroke-linejoin="round" />
    </>
  ),
  // A ring with a piece that goes round.
  busy: (
    <>
      <circle cx="8" cy="8" r="6.800" fill="none" stroke="currentColor" stroke-opacity=".28" stroke-width="2.200" />
      <path class="spin" d="M8 1.200A6.800 6.800 0 0 1 14.800 8" fill="none" stroke="currentColor" stroke-width="2.200" stroke-linecap="round" />
    </>
  ),
  // A dashed ring.
  waiting: <circle cx="8" cy="8" r="6.800" fill="none" stroke="currentColor" stroke-width="1.800" stroke-dasharray="2.600 2.740" />,
  // A triangle with a mark.
  alert: (
    <>
      <path d="M8 1.300 15.300 14.500H.7z" fill="currentColor" stroke="currentColor" stroke-width="1.200" stroke-linejoin="round" />
      <path d="M8 6v3.700M8 12.100v.1" stroke="var(--paper)" stroke-width="1.700" stroke-linecap="round" />
    </>
  ),
  // A half-filled circle: half an answer.
  note: (
    <>
      <circle cx="8" cy="8" r="7" fill="none" stroke="currentColor" stroke-width="1.800" />
      <path d="M8 1a7 7 0 0 1 0 14z" fill="currentColor" />
    </>
  ),
};

export function Shape({ tone }: { tone: Tone }) {
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true">
      {SHAPES[tone]}
    </svg>
  );
}

export function State({ said }: { said: Said }) {
  return (
    <span class={`state tone-${said.tone}`} title={said.means}>
      <Shape tone={said.tone} />
      {said.word}
    </span>
  );
}
