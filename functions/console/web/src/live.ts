// Data that stays fresh: asked for again while the tab is seen, sooner after the reader did something, more
// rarely while nothing answers. What was known stays on the screen meanwhile.

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

import { ApiError } from './api/client';

export interface Live<T> {
  data: T | undefined;
  error: ApiError | undefined;
  /** When `data` arrived. */
  at: number | undefined;
  /** Asks again now. */
  refresh: () => void;
}

/** Whether the last call of any kind found nobody; the frame shows it. */
let away: { since: number } | undefined;
const watchers = new Set<() => void>();

function note(reachable: boolean): void {
  if (reachable === !away) return;
  away = reachable ? undefined : { since: Date.now() };
  for (const watcher of watchers) watcher();
}

export function useAway(): { since: number } | undefined {
  const [, redraw] = useState(0);
  useEffect(() => {
    const watcher = () => redraw((n) => n + 1);
    watchers.add(watcher);
    return () => void watchers.delete(watcher);
  }, []);
  return away;
}

/**
 * Asks with `ask` at once, whenever `key` changes, and every `every` milliseconds (a function may look at what
 * is known; 0: never again).
 */
export function useLive<T>(key: string, ask: (signal: AbortSignal) => Promise<T>, every: number | ((data: T) => number) = 10_000): Live<T> {
  const [state, setState] = useState<Omit<Live<T>, 'refresh'> & { key: string }>({ key, data: undefined, error: undefined, at: undefined });
  const [round, setRound] = useState(0);
  const current = useRef({ ask, every });
  current.current = { ask, every };

  useEffect(() => {
    const stop = new AbortController();
    let timer: number | undefined;
    let failures = 0;
    const again = (wait: number) => {
      clearTimeout(timer);
      if (wait > 0 && !stop.signal.aborted) timer = setTimeout(() => (document.hidden ? again(wait) : void run()), wait);
    };
    const run = async () => {
      try {
        const data = await current.current.ask(stop.signal);
        if (stop.signal.aborted) return;
        failures = 0;
        note(true);
        setState({ key, data, error: undefined, at: Date.now() });
        const { every } = current.current;
        again(typeof every === 'function' ? every(data) : every);
      } catch (error) {
        if (stop.signal.aborted) return;
        const told = error instanceof ApiError ? error : new ApiError(-1, String(error));
        note(!told.offline);
        setState((known) => ({ ...(known.key === key ? known : { data: undefined, at: undefined }), key, error: told }));
        failures += 1;
        // What the caller did wrong stays wrong; everything else may pass.
        if (told.status <= 0 || told.status === 429 || told.status >= 500) again(Math.min(30_000, 1_000 * 2 ** failures));
      }
    };
    void run();
    const seen = () => {
      if (!document.hidden && current.current.every !== 0) void run();
    };
    document.addEventListener('visibilitychange', seen);
    addEventListener('online', seen);
    return () => {
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', seen);
      removeEventListener('online', seen);
    };
  }, [key, round]);

  const refresh = useCallback(() => setRound((n) => n + 1), []);
  const known = state.key === key ? state : { data: undefined, error: undefined, at: undefined };
  return { data: known.data, error: known.error, at: known.at, refresh };
}

/** Something that the reader asks for: whether it is under way, and what went wrong. */
export function useAction<A extends unknown[]>(act: (...given: A) => Promise<void>) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const run = async (...given: A) => {
    setBusy(true);
    setError(undefined);
    try {
      await act(...given);
    } catch (failed) {
      setError(failed instanceof ApiError ? failed : new ApiError(-1, String(failed)));
    } finally {
      setBusy(false);
    }
  };
  return { run, busy, error, clear: () => setError(undefined) };
}
