// Small pieces that most pages use.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

import type { ApiError } from '../api/client';
import { clock, due, type Timed } from '../clock';
import { DATES, DAY_MS, day, dayOf, daysUp, duration, exact, moment } from '../format';
import type { Live } from '../live';
import { words } from '../words';

/** A date in the reader's zone; a pointer on it shows the exact moment, in UTC too. */
export function Time({ at, only }: { at: string; only?: 'day' }) {
  return (
    <time dateTime={at} title={exact(at)}>
      {only ? day(at) : moment(at)}
    </time>
  );
}

/** A day as the API counts it, in UTC: it has no hour to be told in another zone. A pointer on it shows when it begins here. */
export function Day({ at }: { at: string }) {
  return (
    <time dateTime={at} title={words.common.dayInUtc(exact(at))}>
      {dayOf(at)}
    </time>
  );
}

/** A sentence of the API's: the dates in it as on the rest of the page. */
export function Dated({ text }: { text: string }) {
  return <>{text.split(DATES).map((part) => (!DATES.test(part) ? part : part.includes('T') ? <Time at={part} /> : <Day at={part} />))}</>;
}

/** How much of the month is left, by how much it is over, or how soon it was done. */
export function Deadline({ of }: { of: Timed }) {
  const at = clock(of);
  const said = words.clock;
  if (at.state === 'cancelled') return <span class="soft">{said.cancelled}</span>;
  if (at.state === 'done') return <span title={said.finished(exact(of.finishedAt ?? ''))}>{said.done(at.ms)}</span>;
  const isLate = at.state === 'overdue' || at.ms <= 7 * DAY_MS;
  return (
    <span class={isLate ? 'tone-alert' : undefined} title={said.due(exact(due(of)))}>
      {deadline(of)}
    </span>
  );
}

/** As text. */
export function deadline(of: Timed): string {
  const at = clock(of);
  const said = words.clock;
  switch (at.state) {
    case 'cancelled': return said.cancelled;
    case 'done': return said.done(at.ms);
    case 'left': return said.left(daysUp(at.ms));
    case 'overdue': return said.overdue(duration(at.ms));
  }
}

/** The head of a page. The heading takes the focus when the page opens, so that a screen reader says where one is. */
export function Head(props: { title: string; lead?: ComponentChildren; crumb?: ComponentChildren; children?: ComponentChildren }) {
  useTitle(props.title);
  return (
    <header>
      <div>
        {props.crumb && <p class="crumb screen">{props.crumb}</p>}
        <Title>{props.title}</Title>
        {props.lead && <p class="lead">{props.lead}</p>}
      </div>
      {props.children && <div class="row screen">{props.children}</div>}
    </header>
  );
}

export function Title({ children, class: name }: { children: ComponentChildren; class?: string | undefined }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <h1 ref={heading} tabIndex={-1} class={name}>
      {children}
    </h1>
  );
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} – Lethe`;
  }, [title]);
}

export function Section(props: { title: string; aside?: ComponentChildren; children: ComponentChildren; id?: string }) {
  const id = props.id ?? props.title.toLowerCase().replace(/\W+/g, '-');
  return (
    <section class="section" aria-labelledby={id}>
      <header>
        <h2 id={id}>{props.title}</h2>
        {props.aside}
      </header>
      {props.children}
    </section>
  );
}

export function Problem({ error, retry }: { error: ApiError; retry?: () => void }) {
  return (
    <div class="problem" role="alert">
      <span>{error.message}</span>
      {retry && (
        <button type="button" class="quiet" onClick={retry}>
          {words.common.retry}
        </button>
      )}
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <div class="loading" role="status">
      <span class="hidden">{words.app.loading(what)}</span>
      {[1, 2, 3, 4, 5].map((line) => (
        <span key={line} aria-hidden="true" />
      ))}
    </div>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <div class="empty">{children}</div>;
}

/** What is known of something live: loading, an error, or the thing itself, with an error above it if it is old. */
export function Known<T>({ live, what, children }: { live: Live<T>; what: string; children: (data: T) => ComponentChildren }) {
  if (live.data === undefined) {
    return live.error ? <Problem error={live.error} retry={live.refresh} /> : <Loading what={what} />;
  }
  return (
    <>
      {live.error && !live.error.offline && <Problem error={live.error} retry={live.refresh} />}
      {children(live.data)}
    </>
  );
}

/** A table that scrolls by itself where the screen is too narrow for it; with `cards`, each row is a card on a phone. */
export function Table({ caption, cards, children }: { caption: string; cards?: boolean; children: ComponentChildren }) {
  return (
    <div class={cards ? 'scroll cards' : 'scroll'} tabIndex={0} role="group" aria-label={caption}>
      <table>
        <caption class="hidden">{caption}</caption>
        {children}
      </table>
    </div>
  );
}
