/* live.ts - what a page shows of something that changes while one looks at it. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { isAbort } from '../../api/client';

export interface Live<T> {
  /** The newest answer to this key. */
  data: T | null;
  /** Why the newest try failed; with data beside it, that is how things stood at `at`. */
  error: unknown;
  /** When data was told, ms since 1970. */
  at: number;
  reload: () => void;
}

interface State<T> {
  key: string;
  data: T | null;
  error: unknown;
  at: number;
}

/** Fetches what `key` names, at once when it changes and again `everyMs` after each answer (0: never),
 *  not while the page is hidden. `everyMs` may depend on the answer. */
export function useLive<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  everyMs: number | ((data: T | null) => number),
): Live<T> {
  const [state, setState] = useState<State<T> | null>(null);
  const [attempt, setAttempt] = useState(0);
  const latest = useRef({ load, everyMs });
  latest.current = { load, everyMs };

  useEffect(() => {
    if (key === null) return;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let asking = false;
    let known: T | null = null;

    const later = () => {
      const { everyMs: every } = latest.current;
      const pause = typeof every === 'function' ? every(known) : every;
      if (pause > 0 && !abort.signal.aborted) timer = setTimeout(ask, pause);
    };
    const ask = () => {
      if (asking || document.visibilityState === 'hidden') return;
      asking = true;
      latest.current
        .load(abort.signal)
        .then(
          (data) => {
            known = data;
            if (!abort.signal.aborted) setState({ key, data, error: null, at: Date.now() });
          },
          (error: unknown) => {
            if (abort.signal.aborted || isAbort(error)) return;
            setState((old) => ({
              key,
              data: old?.key === key ? old.data : null,
              error,
              at: old?.key === key ? old.at : 0,
            }));
          },
        )
        .finally(() => {
          asking = false;
          later();
        });
    };
    const shown = () => {
      if (document.visibilityState !== 'visible') return;
      clearTimeout(timer);
      ask();
    };
    ask();
    document.addEventListener('visibilitychange', shown);
    return () => {
      abort.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', shown);
    };
  }, [key, attempt]);

  const reload = useCallback(() => setAttempt((n) => n + 1), []);
  const current = state !== null && state.key === key ? state : null;
  return {
    data: current?.data ?? null,
    error: current?.error ?? null,
    at: current?.at ?? 0,
    reload,
  };
}
