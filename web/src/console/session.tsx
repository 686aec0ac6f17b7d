/* session.tsx - the admin key, for as long as this tab is open, and the API that it opens.
 *
 * The key is kept in memory and in sessionStorage, which ends with the tab: never in localStorage, in a
 * cookie or in an address. Whoever could run a script on this origin could read it, which the content
 * security policy of the console's document forbids to anything but the console itself. */
import {
  createContext,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useState,
  type ReactNode,
} from 'react';
import type { Shop } from '../api/types';
import { createAdminApi, type AdminApi } from './api';

const NAME = 'aisle.console.key';

/** Why there is no session. */
export type Ended = 'refused' | 'left' | null;

function storedKey(): string | null {
  try {
    return sessionStorage.getItem(NAME);
  } catch {
    return null;
  }
}

function storeKey(key: string | null): void {
  try {
    if (key === null) sessionStorage.removeItem(NAME);
    else sessionStorage.setItem(NAME, key);
  } catch {
    /* Storage may be forbidden: the key then lives until the page is loaded anew. */
  }
}

export interface KeyState {
  key: string | null;
  ended: Ended;
  begin: (key: string) => void;
  end: (why: Ended) => void;
}

export function useKey(): KeyState {
  const [key, setKey] = useState(storedKey);
  const [ended, setEnded] = useState<Ended>(null);
  const begin = useCallback((next: string) => {
    storeKey(next);
    setEnded(null);
    setKey(next);
  }, []);
  const end = useCallback((why: Ended) => {
    storeKey(null);
    setEnded(why);
    setKey(null);
  }, []);
  return useMemo(() => ({ key, ended, begin, end }), [key, ended, begin, end]);
}

interface Console {
  shop: Shop;
  api: AdminApi;
  logOut: () => void;
}

const Context = createContext<Console | null>(null);

export function ConsoleProvider(props: {
  shop: Shop;
  sessionKey: string;
  end: (why: Ended) => void;
  children: ReactNode;
}) {
  const { shop, sessionKey, end, children } = props;
  const api = useMemo(() => createAdminApi(sessionKey, () => end('refused')), [sessionKey, end]);
  const value = useMemo(() => ({ shop, api, logOut: () => end('left') }), [shop, api, end]);
  /* A page that the browser keeps for its back button has the key in memory: it must ask again. */
  useEffect(() => {
    const restored = (event: PageTransitionEvent) =>
      event.persisted && storedKey() === null && end('left');
    addEventListener('pageshow', restored);
    return () => removeEventListener('pageshow', restored);
  }, [end]);
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useConsole(): Console {
  const value = useContext(Context);
  if (!value) throw new Error('useConsole outside of ConsoleProvider');
  return value;
}
