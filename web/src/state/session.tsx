/* session.tsx - the shop, the shopper, and the two ways to the server: the API and the events. */
import {
  createContext,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useState,
  type ReactNode,
} from 'react';
import { ApiError, createApi, getDemoToken, type Api } from '../api/client';
import type { DemoShopper, EventDetails, EventType, Shop } from '../api/types';
import { EventQueue } from '../events/queue';
import { createTransport } from '../events/transport';
import { anonymousId } from '../lib/ids';
import { forgetAll, isBoolean, readStored, store } from '../lib/storage';
import { useNotices } from './notices';
import { loadIdentity, saveIdentity, sessionId, whoIs, type Identity } from './identity';
import { useSettings } from './settings';

interface Session {
  shop: Shop;
  api: Api;
  identity: Identity;
  /** A guest's own choice; a signed-in shopper's is kept by the server. */
  guestPersonalise: boolean;
  setGuestPersonalise: (on: boolean) => void;
  track: (type: EventType, details: EventDetails) => void;
  /** Waits, but not for long, until the server knows what just happened here. */
  settle: () => Promise<void>;
  /** Null is a new guest. */
  switchTo: (shopper: DemoShopper | null) => Promise<void>;
  /** Forgets everything that this browser knows about its shopper. */
  forget: () => void;
}

const SETTLE_MS = 400;
const URGENT: EventType[] = ['view', 'add_to_cart', 'remove_from_cart', 'purchase', 'search'];
const Context = createContext<Session | null>(null);

/** A guest who is somebody else already stays that; signing in goes on without this past. */
function ignoreConflict(error: unknown): void {
  if (!(error instanceof ApiError && error.status === 409)) throw error;
}

export function SessionProvider({ shop, children }: { shop: Shop; children: ReactNode }) {
  const { lang, t } = useSettings();
  const textLang = shop.languages.includes(lang) ? lang : undefined;
  const { toast } = useNotices();
  const [identity, setIdentityState] = useState(loadIdentity);
  const [guestPersonalise, setGuestPersonaliseState] = useState(
    () => readStored('personalise', isBoolean) ?? true,
  );
  const [queue] = useState(() => new EventQueue(createTransport(shop.public_key)));
  const key = shop.public_key;

  const setIdentity = useCallback((next: Identity) => {
    saveIdentity(next);
    setIdentityState(next);
  }, []);

  const setGuestPersonalise = useCallback((on: boolean) => {
    store('personalise', on ? null : false);
    setGuestPersonaliseState(on);
  }, []);

  useEffect(() => {
    const leave = () => queue.leave();
    const hide = () => document.visibilityState === 'hidden' && queue.leave();
    addEventListener('pagehide', leave);
    document.addEventListener('visibilitychange', hide);
    return () => {
      removeEventListener('pagehide', leave);
      document.removeEventListener('visibilitychange', hide);
    };
  }, [queue]);

  const { shopper } = identity;
  const renewToken = useCallback(async () => {
    if (!shopper) return null;
    try {
      if (!shop.demo) throw new Error('only the shop itself can sign this shopper in');
      const fresh = await getDemoToken(shopper.userId);
      const renewed = { ...shopper, token: fresh.token, expiresAt: fresh.expires_at };
      setIdentity({ ...loadIdentity(), shopper: renewed });
      return fresh.token;
    } catch {
      setIdentity({ anonymousId: anonymousId(), shopper: null });
      toast(t.shopper.expired, { tone: 'bad' });
      return null;
    }
  }, [shopper, shop.demo, setIdentity, toast, t]);

  const api = useMemo(
    () =>
      createApi({
        key,
        lang: textLang,
        who: whoIs(identity),
        personalise: guestPersonalise,
        renewToken,
      }),
    [key, textLang, identity, guestPersonalise, renewToken],
  );

  const track = useCallback<Session['track']>(
    (type, details) => {
      if (shop.read_only || (!identity.shopper && !guestPersonalise)) return;
      const self = identity.shopper
        ? { user_id: identity.shopper.userId }
        : { anonymous_id: identity.anonymousId };
      queue.add(
        { type, ...details, ...self, session_id: sessionId() },
        identity.shopper?.token,
        URGENT.includes(type),
      );
    },
    [queue, identity, guestPersonalise, shop.read_only],
  );

  const settle = useCallback(
    () =>
      Promise.race([queue.flush(), new Promise<void>((resolve) => setTimeout(resolve, SETTLE_MS))]),
    [queue],
  );

  const switchTo = useCallback<Session['switchTo']>(
    async (next) => {
      void queue.flush();
      if (!next) {
        setIdentity({ anonymousId: anonymousId(), shopper: null });
        return;
      }
      const { token, expires_at } = await getDemoToken(next.id);
      const changed: Identity = {
        anonymousId: identity.anonymousId,
        shopper: { userId: next.id, token, expiresAt: expires_at, name: next.name },
      };
      const wasGuest = identity.shopper === null;
      if (wasGuest && guestPersonalise && !shop.read_only) {
        /* Only a guest's past belongs to who signs in now, not that of the shopper before. Joining
         * brings the cart along. */
        const own = createApi({
          key,
          lang: textLang,
          who: whoIs(changed),
          personalise: true,
        });
        await settle();
        await own.join(next.id, identity.anonymousId).catch(ignoreConflict);
        changed.anonymousId = anonymousId();
      }
      setIdentity(changed);
    },
    [queue, setIdentity, identity, guestPersonalise, shop.read_only, key, textLang, settle],
  );

  const forget = useCallback(() => {
    queue.clear();
    const kept = { lang, theme: document.documentElement.dataset.theme ?? null };
    forgetAll();
    store('lang', kept.lang);
    store('theme', kept.theme);
    setGuestPersonaliseState(true);
    setIdentity({ anonymousId: anonymousId(), shopper: null });
  }, [queue, lang, setIdentity]);

  const value = useMemo<Session>(
    () => ({
      shop,
      api,
      identity,
      guestPersonalise,
      setGuestPersonalise,
      track,
      settle,
      switchTo,
      forget,
    }),
    [shop, api, identity, guestPersonalise, setGuestPersonalise, track, settle, switchTo, forget],
  );
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useSession(): Session {
  const value = useContext(Context);
  if (!value) throw new Error('useSession outside of SessionProvider');
  return value;
}
