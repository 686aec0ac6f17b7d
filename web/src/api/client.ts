/* client.ts - HTTP to the shop's own server: keys, tokens, time limits and errors in one place. */
import type {
  Cart,
  Category,
  DemoShopper,
  Lang,
  LineRequest,
  Order,
  Address,
  Page,
  Product,
  RecommendationQuery,
  Recommendations,
  RecommendedRows,
  RowsQuery,
  SearchQuery,
  SearchResults,
  Shop,
  ShopperToken,
} from './types';

const TIMEOUT_MS = 15_000;

/** An answer that is no success. `code` is the server's, or `offline` when there was no answer. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly requestId?: string,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/** Who is asking: a guest by the id that this browser keeps, or a shopper with a token. */
export type Who =
  { kind: 'guest'; anonymousId: string } | { kind: 'shopper'; userId: string; token: string };

type Params = Record<string, string | number | boolean | string[] | undefined>;

interface Call {
  params?: Params;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** How long an answer may take; TIMEOUT_MS. */
  timeoutMs?: number;
}

export function queryString(params: Params): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    const text = Array.isArray(value) ? value.join(',') : value;
    if (text !== undefined && text !== '') search.set(name, String(text));
  }
  const text = search.toString();
  return text && `?${text}`;
}

async function readError(response: Response): Promise<ApiError> {
  const body = await response.json().catch(() => null);
  const error = body?.error ?? {};
  return new ApiError(
    response.status,
    error.code ?? 'internal',
    error.message ?? response.statusText,
    error.request_id,
  );
}

/** One request and its answer, or an ApiError. */
export async function call<T>(method: string, path: string, options: Call = {}): Promise<T> {
  const { params = {}, body, headers = {}, signal, timeoutMs = TIMEOUT_MS } = options;
  const limit = new AbortController();
  const giveUp = () => limit.abort(signal?.reason);
  const timer = setTimeout(() => limit.abort(new ApiError(0, 'offline', 'timeout')), timeoutMs);
  if (signal?.aborted) giveUp();
  signal?.addEventListener('abort', giveUp);
  try {
    const response = await fetch(path + queryString(params), {
      method,
      headers: body === undefined ? headers : { ...headers, 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: limit.signal,
    });
    if (!response.ok) throw await readError(response);
    return (response.status === 204 ? undefined : await response.json()) as T;
  } catch (error) {
    if (error instanceof ApiError || signal?.aborted) throw error;
    throw new ApiError(0, 'offline', error instanceof Error ? error.message : 'no answer');
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  }
}

/** True for the error of a request that the page itself gave up. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/* What needs neither key nor shopper. */
export const getShop = (signal?: AbortSignal) => call<Shop>('GET', '/v1/shop', { signal });

export const getDemoShoppers = (limit: number, signal?: AbortSignal) =>
  call<Page<DemoShopper>>('GET', '/v1/demo/users', { params: { limit }, signal });

export const getDemoToken = (userId: string) =>
  call<ShopperToken>('POST', '/v1/demo/token', { body: { user_id: userId } });

export interface ApiOptions {
  key: string;
  /** Of texts; undefined where the shop has none in the reader's language: then its own. */
  lang: Lang | undefined;
  who: Who;
  /** False for a guest who opted out: lists are then asked for without naming anybody. */
  personalise: boolean;
  /** Called once when a token is refused; answers with a fresh one, or null to give up. */
  renewToken?: () => Promise<string | null>;
}

export type Api = ReturnType<typeof createApi>;

/** The API as one shopper in one language sees it. Immutable: a change of either makes a new one. */
export function createApi({ key, lang, who, personalise, renewToken }: ApiOptions) {
  const self: Params =
    who.kind === 'shopper' ? { user_id: who.userId } : { anonymous_id: who.anonymousId };
  const audience: Params = who.kind === 'guest' && !personalise ? {} : self;
  let token = who.kind === 'shopper' ? who.token : null;

  async function send<T>(method: string, path: string, options: Call = {}): Promise<T> {
    const attempt = () =>
      call<T>(method, path, {
        ...options,
        headers: {
          ...options.headers,
          Authorization: `Bearer ${key}`,
          ...(token ? { 'X-Shopper-Token': token } : {}),
        },
      });
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401 && token && renewToken)) throw error;
      const fresh = await renewToken();
      if (!fresh) throw error;
      token = fresh;
      return attempt();
    }
  }

  const id = encodeURIComponent;
  return {
    /** Names the audience of cached answers. */
    scope: `${lang}/${who.kind === 'shopper' ? who.userId : who.anonymousId}/${personalise}`,

    categories: (signal?: AbortSignal) =>
      send<{ items: Category[] }>('GET', '/v1/categories', { params: { lang }, signal }),

    product: (productId: string, signal?: AbortSignal) =>
      send<Product>('GET', `/v1/products/${id(productId)}`, { params: { lang }, signal }),

    products: (ids: string[], signal?: AbortSignal) =>
      send<Page<Product>>('GET', '/v1/products', { params: { ids }, signal }),

    recommendations: (query: RecommendationQuery, signal?: AbortSignal) =>
      send<Recommendations>('GET', '/v1/recommendations', {
        params: { ...query, ...audience, lang },
        signal,
      }),

    rows: (query: RowsQuery, signal?: AbortSignal) =>
      send<RecommendedRows>('GET', '/v1/recommendations/rows', {
        params: { ...query, ...audience, lang },
        signal,
      }),

    search: (query: SearchQuery, signal?: AbortSignal) =>
      send<SearchResults>('GET', '/v1/search', {
        params: { out_of_stock: true, ...query, ...audience, lang },
        signal,
      }),

    cart: (signal?: AbortSignal) =>
      send<Cart>('GET', '/v1/carts', { params: { ...self, lang }, signal }),

    putCart: (lines: LineRequest[], version?: number) =>
      send<Cart>('PUT', '/v1/carts', { params: { ...self, lang }, body: { lines, version } }),

    placeOrder: (order: { lines: LineRequest[]; address: Address; method: string }, once: string) =>
      send<Order>('POST', '/v1/orders', {
        params: { lang },
        body: {
          ...self,
          lines: order.lines,
          address: order.address,
          payment: { method: order.method },
        },
        headers: { 'Idempotency-Key': once },
      }),

    orders: (cursor?: string, signal?: AbortSignal) =>
      send<Page<Order>>('GET', '/v1/orders', {
        params: { ...self, cursor, limit: 20 },
        signal,
      }),

    order: (orderId: string, signal?: AbortSignal) =>
      send<Order>('GET', `/v1/orders/${id(orderId)}`, { params: { ...self, lang }, signal }),

    join: (userId: string, anonymousId: string) =>
      send<void>('POST', `/v1/users/${id(userId)}/joins`, { body: { anonymous_id: anonymousId } }),

    shopper: (userId: string, signal?: AbortSignal) =>
      send<{ personalise?: boolean }>('GET', `/v1/users/${id(userId)}`, { signal }),

    setPersonalise: (userId: string, on: boolean) =>
      send<unknown>('PATCH', `/v1/users/${id(userId)}`, { body: { personalise: on } }),

    deleteShopper: (userId: string) => send<void>('DELETE', `/v1/users/${id(userId)}`),
  };
}
