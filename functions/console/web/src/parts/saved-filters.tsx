// Filters that the reader gave a name, kept in this browser. No filter holds an identifier of a person.

import { useState } from 'preact/hooks';

import { Link, href } from '../router';
import { words } from '../words';
import { Dialog, Text } from './forms';

const said = words.filters;

type Query = Record<string, string>;

interface Saved {
  name: string;
  query: Query;
}

const key = (page: string): string => `lethe-filters-${page}`;

function load(page: string): Saved[] {
  try {
    return JSON.parse(localStorage.getItem(key(page)) ?? '[]') as Saved[];
  } catch {
    return [];
  }
}

/** `page`: the path of the list; `query`: how it is filtered now. */
export function SavedFilters({ page, query }: { page: string; query: Query }) {
  const [all, setAll] = useState(() => load(page));
  const [naming, setNaming] = useState(false);
  const keep = (next: Saved[]) => {
    localStorage.setItem(key(page), JSON.stringify(next));
    setAll(next);
  };
  const filtered = Object.values(query).some(Boolean);
  if (all.length === 0 && !filtered) return null;
  return (
    <div class="row">
      {all.map((one) => (
        <span key={one.name} class="chip">
          <Link to={href(page, one.query)}>{one.name}</Link>
          <button type="button" class="quiet" aria-label={said.remove(one.name)} onClick={() => keep(all.filter((other) => other !== one))}>
            ×
          </button>
        </span>
      ))}
      {filtered && (
        <>
          <button type="button" class="quiet" onClick={() => setNaming(true)}>
            {said.save}
          </button>
          <Link to={href(page)}>{said.clear}</Link>
        </>
      )}
      {naming && <Name close={() => setNaming(false)} save={(name) => keep([...all.filter((one) => one.name !== name), { name, query }])} />}
    </div>
  );
}

function Name({ close, save }: { close: () => void; save: (name: string) => void }) {
  const [name, setName] = useState('');
  const submit = (event: Event) => {
    event.preventDefault();
    if (!name.trim()) return;
    save(name.trim());
    close();
  };
  return (
    <Dialog title={said.saveTitle} close={close}>
      <form onSubmit={submit}>
        <Text label={said.name} help={said.help} value={name} onInput={setName} required />
        <div class="row">
          <button type="submit" class="button primary">
            {words.common.save}
          </button>
          <button type="button" class="button" onClick={close}>
            {words.common.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
