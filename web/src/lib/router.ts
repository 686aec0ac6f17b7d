/* router.ts - routes as data over the History API. */
import { useSyncExternalStore } from 'react';

export type Route =
  | { name: 'home' }
  | { name: 'search' }
  | { name: 'category'; path: string }
  | { name: 'product'; id: string }
  | { name: 'cart' }
  | { name: 'checkout' }
  | { name: 'orders' }
  | { name: 'order'; id: string }
  | { name: 'account' }
  | { name: 'missing' };

function decode(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

export function matchRoute(pathname: string): Route {
  const parts = pathname.split('/').filter(Boolean);
  const [head, tail] = parts;
  if (head === undefined) return { name: 'home' };
  if (parts.length === 1) {
    const pages = ['search', 'cart', 'checkout', 'orders', 'account'] as const;
    const page = pages.find((name) => name === head);
    return page ? { name: page } : { name: 'missing' };
  }
  const value = parts.length === 2 ? decode(tail!) : null;
  if (value === null) return { name: 'missing' };
  if (head === 'product') return { name: 'product', id: value };
  if (head === 'orders') return { name: 'order', id: value };
  if (head === 'c') return { name: 'category', path: value };
  return { name: 'missing' };
}

export const productUrl = (id: string) => `/product/${encodeURIComponent(id)}`;
export const orderUrl = (id: string) => `/orders/${encodeURIComponent(id)}`;
export const categoryUrl = (path: string) => `/c/${encodeURIComponent(path)}`;

/** How the shopper came to a page: the list and place that led there, kept over reloads. */
export interface Origin {
  requestId?: string;
  position?: number;
  placed?: boolean;
}

export interface Location {
  pathname: string;
  search: string;
  origin: Origin;
  /** One entry of the browser's history. */
  key: string;
  /** `pop`: by the back and forward buttons, so the page should look as it was left. */
  how: 'load' | 'push' | 'replace' | 'pop';
}

let sequence = 0;

function readLocation(how: Location['how']): Location {
  const state = (history.state ?? {}) as { key?: string; origin?: Origin };
  return {
    pathname: location.pathname,
    search: location.search,
    origin: state.origin ?? {},
    key: state.key ?? 'first',
    how,
  };
}

let current: Location | null = null;
const listeners = new Set<() => void>();
const scrolls = new Map<string, number>();

function publish(how: Location['how']): void {
  current = readLocation(how);
  for (const listener of listeners) listener();
}

function snapshot(): Location {
  return (current ??= readLocation('load'));
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function navigate(to: string, options: { replace?: boolean; origin?: Origin } = {}): void {
  scrolls.set(snapshot().key, window.scrollY);
  const key = options.replace ? snapshot().key : `${Date.now().toString(36)}-${++sequence}`;
  const state = { key, origin: options.origin };
  if (options.replace) history.replaceState(state, '', to);
  else history.pushState(state, '', to);
  publish(options.replace ? 'replace' : 'push');
}

/** Where the page of a history entry was scrolled to when it was left. */
export function savedScroll(key: string): number {
  return scrolls.get(key) ?? 0;
}

export function useLocation(): Location {
  return useSyncExternalStore(subscribe, snapshot);
}

export function startRouter(): void {
  history.scrollRestoration = 'manual';
  let leaving = snapshot().key;
  addEventListener('scroll', () => scrolls.set(leaving, window.scrollY), { passive: true });
  listeners.add(() => (leaving = snapshot().key));
  addEventListener('popstate', () => publish('pop'));
}
