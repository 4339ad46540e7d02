// The last look before anything is deleted for good: whom, where, and how much.

import type { ComponentChildren } from 'preact';

import type { Reach, RegulationType } from '../api/schema';
import { list } from '../format';
import { words } from '../words';
import { Dialog } from './forms';
import { amount } from './preview';

const said = words.new;

/** How many identifiers are shown. */
const SHOWN = 10;

interface Props {
  ids: string[];
  type: RegulationType;
  systems: string[] | undefined;
  counted: Reach[] | undefined;
  /** Whether the preview found nothing. */
  nothing: boolean;
  /** What is being sent. */
  busy: string | undefined;
  send: () => void;
  close: () => void;
  children: ComponentChildren;
}

export function Review({ ids, type, systems, counted, nothing, busy, send, close, children }: Props) {
  return (
    <Dialog title={said.reviewTitle(ids.length)} close={close}>
      <dl class="facts">
        <dt>{said.reviewAction}</dt>
        <dd>{words.type[type].title}</dd>
        <dt>{said.reviewPeople}</dt>
        <dd>
          {ids.slice(0, SHOWN).map((id) => (
            <code key={id} class="id">
              {id}
            </code>
          ))}
          {ids.length > SHOWN && words.common.more(ids.length - SHOWN)}
        </dd>
        <dt>{said.reviewSystems}</dt>
        <dd>{systems && systems.length > 0 ? list(systems) : said.reachesNothing}</dd>
        <dt>{said.reviewFound}</dt>
        <dd>{counted ? list(counted.map((one) => `${one.name}: ${amount(one)}`)) : said.notPreviewed}</dd>
      </dl>
      {nothing && <p class="box alert">{said.foundNothing(ids.length)}</p>}
      <p>
        <strong>{said.irreversible}</strong>
      </p>
      {children}
      <div class="row">
        <button type="button" class="button destroy" disabled={busy !== undefined} onClick={send}>
          {busy ?? said.confirmDelete(ids.length)}
        </button>
        <button type="button" class="button" onClick={close}>
          {words.common.cancel}
        </button>
      </div>
    </Dialog>
  );
}
