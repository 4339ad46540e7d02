// Where the reader is. Paths hold ids of requests and runs, and filters; never an identifier of a person.

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

const BASE = '/console';

export interface Place {
  path: string[];
  query: URLSearchParams;
}

function here(): Place {
  const path = location.pathname.replace(BASE, '').split('/').filter(Boolean);
  return { path, query: new URLSearchParams(location.search) };
}

export function href(path: string, query?: Record<string, string | undefined>): string {
  const set = Object.entries(query ?? {}).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return BASE + path + (set.length > 0 ? `?${new URLSearchParams(set)}` : '');
}

export function go(url: string, replace = false): void {
  if (replace) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
  dispatchEvent(new PopStateEvent('popstate'));
}

export function usePlace(): Place {
  const [place, setPlace] = useState(here);
  useEffect(() => {
    const moved = () => setPlace(here());
    addEventListener('popstate', moved);
    return () => removeEventListener('popstate', moved);
  }, []);
  return place;
}

/** A link within the page. A modified click goes where the browser takes it. */
export function Link(props: { to: string; class?: string; current?: boolean; label?: string; children: ComponentChildren }) {
  const follow = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(props.to);
  };
  return (
    <a href={props.to} class={props.class} aria-current={props.current ? 'page' : undefined} aria-label={props.label} onClick={follow}>
      {props.children}
    </a>
  );
}
