/* cart.tsx - the shopper's cart as the server keeps it; every change is made there first. */
import {
  createContext,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  type ReactNode,
} from 'react';
import { ApiError, isAbort } from '../api/client';
import type { Card, Cart, CartLine, LineRequest } from '../api/types';
import { errorText } from '../lib/error-text';
import { navigate, type Origin } from '../lib/router';
import { useNotices } from './notices';
import { useSession } from './session';
import { useSettings } from './settings';

export const MAX_QUANTITY = 99;

type Priced = Pick<Card, 'id' | 'title' | 'price' | 'currency'>;

interface CartState {
  cart: Cart | null;
  error: unknown;
  /** Products in the cart, quantities counted. */
  count: number;
  reload: () => void;
  add: (product: Priced, quantity?: number, origin?: Origin) => Promise<boolean>;
  setQuantity: (line: CartLine, quantity: number) => Promise<boolean>;
  remove: (line: CartLine) => Promise<boolean>;
}

const Context = createContext<CartState | null>(null);

export function toLines(cart: Cart): LineRequest[] {
  return cart.lines.map(({ product, quantity }) => ({ product_id: product.id, quantity }));
}

/** The lines with one product's quantity changed by a function; nothing left removes its line. */
export function withQuantity(
  lines: LineRequest[],
  productId: string,
  change: (quantity: number) => number,
): LineRequest[] {
  const old = lines.find((line) => line.product_id === productId)?.quantity ?? 0;
  const quantity = Math.min(MAX_QUANTITY, Math.max(0, change(old)));
  if (old > 0 && quantity > 0) {
    return lines.map((line) => (line.product_id === productId ? { ...line, quantity } : line));
  }
  const others = lines.filter((line) => line.product_id !== productId);
  return quantity > 0 ? [...others, { product_id: productId, quantity }] : others;
}

export function CartProvider({ children }: { children: ReactNode }) {
  const { t } = useSettings();
  const { api, track } = useSession();
  const { toast } = useNotices();
  const [cart, setCart] = useState<Cart | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [attempt, setAttempt] = useState(0);
  /* Changes wait for each other, and each starts from what the one before left. */
  const latest = useRef<Cart | null>(null);
  const turn = useRef<Promise<unknown>>(Promise.resolve());

  const show = useCallback((next: Cart | null) => {
    latest.current = next;
    setCart(next);
  }, []);

  useEffect(() => {
    const abort = new AbortController();
    setError(null);
    api.cart(abort.signal).then(show, (problem: unknown) => {
      if (!abort.signal.aborted && !isAbort(problem)) setError(problem);
    });
    return () => abort.abort();
  }, [api, attempt, show]);

  const change = useCallback(
    async (edit: (lines: LineRequest[]) => LineRequest[]): Promise<boolean> => {
      const put = async () => {
        const base = latest.current ?? (await api.cart());
        show(await api.putCart(edit(toLines(base)), base.version));
      };
      const run = async () => {
        try {
          await put();
        } catch (problem) {
          if (!(problem instanceof ApiError && problem.status === 409)) throw problem;
          latest.current = await api.cart();
          await put();
        }
      };
      const mine = turn.current.then(run);
      turn.current = mine.catch(() => undefined);
      try {
        await mine;
        return true;
      } catch (problem) {
        toast(`${t.cart.failed}: ${errorText(problem, t)}`, { tone: 'bad' });
        return false;
      }
    },
    [api, show, toast, t],
  );

  const add = useCallback<CartState['add']>(
    async (product, quantity = 1, origin = {}) => {
      const done = await change((lines) => withQuantity(lines, product.id, (n) => n + quantity));
      if (!done) return false;
      track('add_to_cart', {
        product_id: product.id,
        quantity,
        ...(product.price === null ? {} : { value: product.price, currency: product.currency }),
        request_id: origin.requestId,
        position: origin.position,
      });
      toast(t.cart.added(product.title), {
        action: { label: t.cart.view, run: () => navigate('/cart') },
      });
      return true;
    },
    [change, track, toast, t],
  );

  const setQuantity = useCallback<CartState['setQuantity']>(
    async (line, quantity) => {
      const { id } = line.product;
      const done = await change((lines) => withQuantity(lines, id, () => quantity));
      const more = quantity - line.quantity;
      if (done && more !== 0) {
        track(more > 0 ? 'add_to_cart' : 'remove_from_cart', {
          product_id: id,
          quantity: Math.abs(more),
        });
      }
      return done;
    },
    [change, track],
  );

  const remove = useCallback<CartState['remove']>(
    async (line) => {
      const { product, quantity } = line;
      const done = await change((lines) => withQuantity(lines, product.id, () => 0));
      if (!done) return false;
      track('remove_from_cart', { product_id: product.id, quantity });
      toast(t.cart.removed(product.title), {
        action: {
          label: t.cart.undo,
          run: () => void change((lines) => withQuantity(lines, product.id, () => quantity)),
        },
      });
      return true;
    },
    [change, track, toast, t],
  );

  const reload = useCallback(() => setAttempt((n) => n + 1), []);

  const value = useMemo<CartState>(
    () => ({
      cart,
      error,
      count: cart?.lines.reduce((sum, line) => sum + line.quantity, 0) ?? 0,
      reload,
      add,
      setQuantity,
      remove,
    }),
    [cart, error, reload, add, setQuantity, remove],
  );
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useCart(): CartState {
  const value = useContext(Context);
  if (!value) throw new Error('useCart outside of CartProvider');
  return value;
}
