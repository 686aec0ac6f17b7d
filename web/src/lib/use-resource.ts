/* use-resource.ts - what a page shows of something that is fetched. */
import { useCallback, useEffect, useState } from 'react';
import { isAbort } from '../api/client';
import { useLocation } from './router';

export interface Resource<T> {
  /** The newest answer; while a changed key loads, still the one before if `keep` is set. */
  data: T | null;
  error: unknown;
  loading: boolean;
  reload: () => void;
}

interface Answer<T> {
  key: string;
  data: T | null;
  error: unknown;
}

const MAX_REMEMBERED = 40;
const remembered = new Map<string, unknown>();

function remember(key: string, data: unknown): void {
  remembered.delete(key);
  remembered.set(key, data);
  if (remembered.size > MAX_REMEMBERED) remembered.delete(remembered.keys().next().value!);
}

/** Fetches whatever `key` names, again whenever it changes; null fetches nothing. Going back in
 *  the history shows a page as it was left, without asking again. */
export function useResource<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  keep = false,
): Resource<T> {
  const { how } = useLocation();
  const recalled =
    key !== null && how === 'pop' ? (remembered.get(key) as T | undefined) : undefined;
  const [answer, setAnswer] = useState<Answer<T> | null>(
    recalled === undefined ? null : { key: key!, data: recalled, error: null },
  );
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    if (key === null) return;
    if (recalled !== undefined && attempt === 0) {
      setAnswer({ key, data: recalled, error: null });
      return;
    }
    const abort = new AbortController();
    load(abort.signal).then(
      (data) => {
        if (abort.signal.aborted) return;
        remember(key, data);
        setAnswer({ key, data, error: null });
      },
      (error: unknown) => {
        if (!abort.signal.aborted && !isAbort(error)) setAnswer({ key, data: null, error });
      },
    );
    return () => abort.abort();
    // The key names everything that `load` depends on.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key, attempt]);

  const reload = useCallback(() => {
    setAnswer((old) => (old && old.error !== null ? null : old));
    setAttempt((n) => n + 1);
  }, []);

  const current = answer !== null && answer.key === key;
  return {
    data: current || keep ? (answer?.data ?? null) : null,
    error: current ? answer.error : null,
    loading: key !== null && !current,
    reload,
  };
}
