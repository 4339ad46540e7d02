// Which other identifiers are theirs, and what is done about those: the same words before a request and after.

import type { Whom } from '../api/schema';
import { list, number } from '../format';
import { kindOf } from '../states';
import { words } from '../words';

const said = words.request;

export interface Others {
  linkedCount: number;
  leftOutCount: number;
  sharedCount: number;
  resolved?: Record<string, number>;
  resolvedShared?: Record<string, number>;
}

export const hasOthers = ({ linkedCount, leftOutCount, sharedCount, resolved, resolvedShared }: Others): boolean =>
  linkedCount + leftOutCount + sharedCount + Object.keys({ ...resolved, ...resolvedShared }).length > 0;

/** How many of each kind. */
const byKind = (counts: Record<string, number>): string => list(Object.entries(counts).map(([kind, n]) => `${number(n)} × ${kindOf(kind)}`));

const named = (some: Whom[]): string => list(some.map((one) => `${one.id} (${kindOf(one.type)})`));

/** `lifted`: a suppression is lifted. `linked` and `leftOut` are known while a request keeps its identifiers. */
export function Linked({ of, lifted, linked = [], leftOut = [] }: { of: Others; lifted: boolean; linked?: Whom[]; leftOut?: Whom[] }) {
  const { linkedCount, leftOutCount, sharedCount, resolved = {}, resolvedShared = {} } = of;
  return (
    <ul class="todo">
      {linkedCount > 0 && <li class="point">{said.linkedSame(linkedCount, lifted, named(linked))}</li>}
      {leftOutCount > 0 && <li class="point">{said.leftOut(leftOutCount, named(leftOut))}</li>}
      {sharedCount > 0 && <li class="point">{said.shared(sharedCount)}</li>}
      {Object.keys(resolved).length > 0 && <li class="point">{said.resolved(byKind(resolved))}</li>}
      {Object.keys(resolvedShared).length > 0 && <li class="point">{said.resolvedShared(byKind(resolvedShared))}</li>}
    </ul>
  );
}
