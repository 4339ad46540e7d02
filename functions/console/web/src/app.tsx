// The frame around every page: who is signed in, where one is, whether Lethe answers.

import { useEffect, useState } from 'preact/hooks';

import { AccessContext, may, useAccess, useLookedUpAccess } from './access';
import { useAway } from './live';
import { PAGES } from './pages';
import { NotFound } from './pages/not-found';
import { SignIn } from './pages/sign-in';
import { Time } from './parts/basics';
import { Keys } from './parts/keys';
import { fetchLater, later } from './parts/later';
import { Shape } from './parts/state';
import { Toast } from './parts/toast';
import { Waves } from './parts/waves';
import { Link, go, href, usePlace, type Place } from './router';
import { onSession, signOut, token, type Ended } from './session';
import { applyTheme, theme, type Theme } from './theme';
import { words } from './words';
import { LANGUAGES, chooseLanguage, language, type Language } from './words/locale';

const said = words.app;

/** For everybody, with or without a token. */
const Verify = later(async () => (await import('./pages/verify')).Verify);

export function App() {
  const { path } = usePlace();
  const [session, setSession] = useState<{ signedIn: boolean; ended?: Ended | undefined }>({ signedIn: Boolean(token()) });
  useEffect(() => onSession((ended) => setSession({ signedIn: Boolean(token()), ended })), []);
  if (path[0] === 'verify') return <Verify />;
  return session.signedIn ? <Frame /> : <SignIn ended={session.ended} />;
}

function Frame() {
  const place = usePlace();
  const access = useLookedUpAccess();
  useEffect(() => scrollTo(0, 0), [place.path.join('/')]);
  useEffect(fetchLater, []);
  // Who may not see the overview begins with what they may see; whoever sees nothing may make a request.
  useEffect(() => {
    if (!access || access.requests || place.path.length > 0) return;
    const first = PAGES.find(({ area }) => access[area]);
    go(href(first ? `/${first.path}` : NEW), true);
  }, [access, place]);
  if (!access) return null;
  const goals = [...PAGES.filter(({ area }) => access[area]), { name: words.requests.new, path: NEW.slice(1) }].map(({ name, path }) => ({ name, path: path && `/${path}` }));
  return (
    <AccessContext.Provider value={access}>
      <div class="frame">
        <a class="skip" href="#main" onClick={toMain}>
          {said.skip}
        </a>
        <Side place={place} />
        <main class="main" id="main" tabIndex={-1}>
          <Away />
          <Page place={place} />
        </main>
        <Toast />
        <Keys goals={goals} />
      </div>
    </AccessContext.Provider>
  );
}

const NEW = '/requests/new';

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
  const access = useAccess();
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
            {said.menu}
          </button>
        </div>
        <nav class="nav" id="nav" aria-label={said.pages}>
          {PAGES.filter(({ area }) => access[area]).map(({ path, name }) => (
            <Link key={path} to={href(path && `/${path}`)} current={path === (place.path[0] ?? '')}>
              {name}
            </Link>
          ))}
          {!access.requests && (
            <Link to={href(NEW)} current={place.path[1] === 'new'}>
              {words.requests.new}
            </Link>
          )}
        </nav>
        <div class="foot">
          {access.me && (
            <p>
              {said.token(access.me.name)}
              {access.me.expiresAt && (
                <>
                  {said.tokenUntil} <Time at={access.me.expiresAt} only="day" />
                </>
              )}
            </p>
          )}
          <p>{said.signedInAs(may(access))}</p>
          <p class="keys">{words.keys.hint}</p>
          <ThemeChoice />
          <LanguageChoice />
          <button type="button" class="button small" onClick={() => signOut('asked')}>
            {said.signOut}
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
      <span>{said.theme}</span>
      <select class="input button small" value={chosen} onChange={(event) => choose(event.currentTarget.value as Theme)}>
        {(Object.entries(said.themes) as [Theme, string][]).map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

export function LanguageChoice() {
  return (
    <label class="row">
      <span>{said.language}</span>
      <select class="input button small" value={language} onChange={(event) => chooseLanguage(event.currentTarget.value as Language)}>
        {Object.entries(LANGUAGES).map(([value, name]) => (
          <option key={value} value={value} lang={value}>
            {name}
          </option>
        ))}
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
          {said.away(Date.now() - away.since)}
        </p>
      )}
    </div>
  );
}
