// The frame around every page: who is signed in, where one is, whether Lethe answers.

import { useEffect, useState } from 'preact/hooks';

import { duration } from './format';
import { useAway } from './live';
import { PAGES } from './pages';
import { NotFound } from './pages/not-found';
import { SignIn } from './pages/sign-in';
import { Shape } from './parts/state';
import { Waves } from './parts/waves';
import { Link, href, usePlace, type Place } from './router';
import { onSession, signOut, token, type Ended } from './session';
import { applyTheme, theme, type Theme } from './theme';

export function App() {
  const [session, setSession] = useState<{ signedIn: boolean; ended?: Ended | undefined }>({ signedIn: Boolean(token()) });
  useEffect(() => onSession((ended) => setSession({ signedIn: Boolean(token()), ended })), []);
  return session.signedIn ? <Frame /> : <SignIn ended={session.ended} />;
}

function Frame() {
  const place = usePlace();
  useEffect(() => scrollTo(0, 0), [place.path.join('/')]);
  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={toMain}>
        Skip to the page
      </a>
      <Side place={place} />
      <main class="main" id="main" tabIndex={-1}>
        <Away />
        <Page place={place} />
      </main>
    </div>
  );
}

/** Without a fragment in the address, which belongs to the router. */
function toMain(event: Event) {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

function Page({ place }: { place: Place }) {
  const page = PAGES.find(({ path }) => path === (place.path[0] ?? ''));
  const Found = page?.page ?? NotFound;
  return <Found key={place.path.join('/')} place={place} />;
}

function Side({ place }: { place: Place }) {
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [place]);
  return (
    <header class={open ? 'side open' : 'side'}>
      <div class="inner">
        <div class="top">
          <Link to={href('')} class="brand">
            <Waves />
            Lethe
          </Link>
          <button type="button" class="button small menu" aria-expanded={open} aria-controls="nav" onClick={() => setOpen(!open)}>
            Menu
          </button>
        </div>
        <nav class="nav" id="nav" aria-label="Pages">
          {PAGES.map(({ path, name }) => (
            <Link key={path} to={href(path && `/${path}`)} current={path === (place.path[0] ?? '')}>
              {name}
            </Link>
          ))}
        </nav>
        <div class="foot">
          <ThemeChoice />
          <button type="button" class="button small" onClick={() => signOut('asked')}>
            Sign out
          </button>
        </div>
      </div>
    </header>
  );
}

function ThemeChoice() {
  const [chosen, setChosen] = useState(theme);
  const choose = (value: Theme) => {
    applyTheme(value);
    setChosen(value);
  };
  return (
    <label class="row">
      <span>Colours</span>
      <select class="input button small" value={chosen} onChange={(event) => choose(event.currentTarget.value as Theme)}>
        <option value="system">As the system</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </label>
  );
}

function Away() {
  const away = useAway();
  const [, tick] = useState(0);
  useEffect(() => {
    if (!away) return;
    const timer = setInterval(() => tick((n) => n + 1), 5_000);
    return () => clearInterval(timer);
  }, [away]);
  return (
    <div role="status">
      {away && (
        <p class="away tone-alert">
          <span class="state">
            <Shape tone="alert" />
          </span>
          Lethe has not answered for {duration(Date.now() - away.since)}. What you see may be old; this page tries again by itself.
        </p>
      )}
    </div>
  );
}
