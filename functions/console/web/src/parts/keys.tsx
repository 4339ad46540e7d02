// Two keys for whoever lives here: `/` leads to the search for a person, Ctrl-K (or ⌘K) to any page or id.

import { useEffect, useState } from 'preact/hooks';

import { go, href } from '../router';
import { words } from '../words';
import { Dialog, Text } from './forms';

const said = words.keys;

export interface Goal {
  name: string;
  path: string;
}

/** Where things of each kind are shown, by the beginning of their ids. */
const KINDS: Record<string, string> = { reg: '/requests/', run: '/runs/', dst: '/destinations/', bat: '/batches/' };

const isTyping = (target: EventTarget | null): boolean => target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);

function search(): void {
  const field = () => document.querySelector<HTMLInputElement>('main input[type=search]');
  if (!field()) go(href('/people'));
  setTimeout(() => field()?.focus(), field() ? 0 : 100);
}

export function Keys({ goals }: { goals: Goal[] }) {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (document.querySelector('dialog[open]')) return;
      if (event.key === 'k' && (event.ctrlKey || event.metaKey)) setOpen(true);
      else if (event.key === '/' && !isTyping(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey) search();
      else return;
      event.preventDefault();
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  }, []);
  return open ? <Palette goals={goals} close={() => setOpen(false)} /> : null;
}

function Palette({ goals, close }: { goals: Goal[]; close: () => void }) {
  const [text, setText] = useState('');
  const wanted = text.trim().toLowerCase();
  const kind = KINDS[/^([a-z]{3})_[0-9a-f]{32}$/.exec(wanted)?.[1] ?? ''];
  const found = kind ? [{ name: said.openOne(wanted), path: kind + wanted }] : goals.filter(({ name }) => name.toLowerCase().includes(wanted));
  const to = (goal: Goal | undefined) => {
    if (!goal) return;
    close();
    go(href(goal.path));
  };
  // The arrows move through the field and the list, as they do in a menu.
  const move = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const stops = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>('input, button')];
    stops[(stops.indexOf(document.activeElement as HTMLElement) + by + stops.length) % stops.length]?.focus();
  };
  const submit = (event: Event) => {
    event.preventDefault();
    to(found[0]);
  };
  return (
    <Dialog title={said.title} close={close}>
      <form onSubmit={submit} onKeyDown={move}>
        <Text label={said.label} help={said.help} value={text} onInput={setText} />
        {found.length > 0 ? (
          <ul class="goals">
            {found.map((goal) => (
              <li key={goal.path}>
                <button type="button" class="quiet" onClick={() => to(goal)}>
                  {goal.name}
                </button>
              </li>
            ))}
          </ul>
        ) : (
          <p role="status">{said.none}</p>
        )}
      </form>
    </Dialog>
  );
}
