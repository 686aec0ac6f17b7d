/* api.ts - the HTTP API (docs/http-api.md) as whoever runs the shop uses it, with an admin key. */
import { ApiError, call, queryString } from '../api/client';
import type { Card, Page, Placement, Recommendations, SearchResults } from '../api/types';

export interface Interval {
  mean: number;
  low: number;
  high: number;
}

export interface Gate {
  shoppers: number;
  split: string;
  candidate: number;
  other: number;
  difference: Interval;
  passed: boolean;
}

export interface Manifest {
  trained_at?: string;
  parameters?: Record<string, number>;
  data?: { acts?: number; products?: number; shoppers?: number; from?: string; to?: string };
  metrics?: Record<string, unknown>;
  gates?: Record<string, unknown>;
  passed?: boolean;
  verdict?: string;
  files?: Record<string, { bytes: number; xxh3: string }>;
}

export interface ModelVersion {
  family: string;
  version: string;
  state: 'trained' | 'passed' | 'rejected';
  live: boolean;
  previous: string | null;
  created_at: string;
  published_at?: string | null;
  manifest: Manifest | null;
}

export type JobState = 'queued' | 'running' | 'done' | 'failed' | 'cancelled';

export interface Job {
  id: number;
  kind: string;
  arguments: Record<string, unknown> | null;
  state: JobState;
  progress: number;
  message: string;
  result: Record<string, unknown> | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
}

export interface QuarantineCount {
  kind: string;
  reason: string;
  rows: number;
}

export interface Overview {
  products: number;
  shoppers: number;
  events: number;
  orders: number;
  last_event_at: string | null;
  jobs: Record<JobState, number>;
  quarantine: QuarantineCount[];
  quarantine_dropped: number;
}

export interface QuarantineRow {
  id: number;
  kind: string;
  source: string;
  line: number;
  column: number;
  reason: string;
  message: string;
  raw: string;
  raw_cut: boolean;
  at: string;
}

export interface Ready {
  ready: boolean;
  store: 'ok' | 'failing';
  writes: { queued: number; log_bytes: number; failure: { code: string; at: string } | null };
  view: { products: number; segments: number; position: number; model: string | null };
}

export type Scope = 'public' | 'server' | 'admin';
export const SCOPES: Scope[] = ['public', 'server', 'admin'];

export interface Key {
  id: number;
  scope: Scope;
  name: string;
  hint: string;
  created_at: string;
  revoked_at: string | null;
}

export interface Shopper {
  id: string;
  personalise: boolean;
}

export const IMPORT_KINDS = ['products', 'users', 'events', 'orders', 'interactions'] as const;
export type ImportKind = (typeof IMPORT_KINDS)[number];

export interface ImportOptions {
  kind: ImportKind;
  name?: string;
  mapping?: string;
  currency?: string;
  full?: boolean;
  force?: boolean;
  dry_run?: boolean;
}

export interface PreviewQuery {
  placement: Placement;
  user_id?: string;
  product_id?: string;
  product_ids?: string[];
  filter?: string;
  hide_seen?: boolean;
  limit?: number;
  lang?: string;
}

export type RuleAction = 'pin' | 'boost' | 'bury' | 'hide' | 'require' | 'cap';

export interface RuleInput {
  name?: string;
  enabled?: boolean;
  priority?: number;
  placements?: string[] | null;
  schedule?: {
    from?: string | null;
    until?: string | null;
    days?: string[];
    hours?: { from: string; until: string };
  } | null;
  audience?: { shoppers?: string; filter?: string } | null;
  products?: string | null;
  action: { type: RuleAction; position?: number; factor?: number; count?: number; by?: string };
}

export interface Rule extends RuleInput {
  id: string;
  name: string;
  enabled: boolean;
  priority: number;
  error?: string;
}

export interface RuleWarning {
  code: string;
  rule_id?: string;
  text: string;
}

export interface ExplainedProduct {
  id: string;
  title: string;
  shown: boolean;
  position: number | null;
  total: number;
  factor: number;
  score: number;
  sources: {
    source: string;
    part: number;
    scale: number;
    of_total: number;
    because: { reason: string; product_id?: string; part: number }[];
  }[];
  rules: { id: string; action: RuleAction; factor?: number; position?: number }[];
  why_not: {
    code: string;
    clause?: string;
    rule_id?: string;
    product_id?: string;
    last_score?: number;
  } | null;
}

export interface Explanation {
  rules: { id: string; name: string; action: RuleAction; in_force: boolean; why_not?: string }[];
  products: ExplainedProduct[];
}

export const METRICS = ['ctr', 'conversion', 'revenue'] as const;
export type MetricName = (typeof METRICS)[number];

export interface Variant {
  name: string;
  weight?: number;
  weights?: Record<string, number>;
  explore?: number;
  model?: string;
  rules?: string[];
}

export interface Guardrail {
  metric: MetricName;
  max_loss: number;
}

export interface Definition {
  description?: string;
  placements: string[];
  layer?: string;
  share?: number;
  metric?: MetricName;
  currency?: string;
  horizon_days?: number;
  expected_shoppers?: number;
  alpha?: number;
  max_days?: number;
  guardrails?: Guardrail[];
  variants: Variant[];
}

export interface Experiment {
  id: string;
  number: number;
  state: 'draft' | 'running' | 'stopped' | 'decided';
  definition: Definition;
  decision: string | null;
  reason: string | null;
  created_at: string | null;
  started_at: string | null;
  stopped_at: string | null;
  decided_at: string | null;
}

/** Of a metric or a difference; the ends are null before an interval is safe, the value where there is none. */
export interface Estimate {
  value: number | null;
  low: number | null;
  high: number | null;
}

export interface VariantReport {
  name: string;
  shoppers: number;
  final: number;
  metrics: Record<MetricName, Estimate & { difference?: Estimate & { p: number } }>;
}

export interface ExperimentReport {
  id: string;
  from: string;
  to: string;
  horizon_days: number;
  metric: MetricName;
  currency: string | null;
  mixed: number;
  sample_ratio: { p: number; ok: boolean };
  stop: string | null;
  variants: VariantReport[];
}

export interface Revenue {
  currency: string;
  amount: number;
}

export const BY = ['placement', 'model', 'variant'] as const;
export type By = (typeof BY)[number];

/** A row has what the report was asked by. */
export interface AttributionRow {
  placement?: string | null;
  model?: string | null;
  experiment?: number | null;
  variant?: number | null;
  requests: number;
  impressions: number;
  clicks: number;
  carts: number;
  purchases: number;
  revenue: Revenue[];
  ctr: number | null;
  conversion: number | null;
}

export interface Attribution {
  from: string;
  to: string;
  window_days: number;
  items: AttributionRow[];
  unattributed: { purchases: number; revenue: Revenue[] };
}

export interface Setting {
  section: string;
  name: string;
  value: string;
  default: string;
  origin: 'default' | 'file' | 'environment' | 'flag';
  where: string;
}

/** Of sources, by placement. */
export type Weights = Record<string, Record<string, number>>;

export interface Settings {
  settings: Setting[];
  weights: Weights;
  default_weights: Weights;
}

/** Why a key is not taken any more. */
export type Refusal = 'unknown' | 'scope';

export function refusalOf(error: unknown): Refusal | null {
  if (!(error instanceof ApiError)) return null;
  if (error.status === 401) return 'unknown';
  return error.status === 403 && error.code === 'denied' ? 'scope' : null;
}

/** Sends a file as the body; XMLHttpRequest, because fetch does not tell how much has gone. */
function upload<T>(
  path: string,
  key: string,
  file: File,
  progress: (share: number) => void,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', path);
    request.setRequestHeader('Authorization', `Bearer ${key}`);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.upload.onprogress = ({ loaded, total }) => progress(total ? loaded / total : 0);
    request.onerror = () => reject(new ApiError(0, 'offline', 'no answer'));
    request.onabort = () => reject(new DOMException('given up', 'AbortError'));
    request.onload = () => {
      let body: { error?: { code?: string; message?: string; request_id?: string } } | null = null;
      try {
        body = JSON.parse(request.responseText);
      } catch {
        /* no JSON: the status alone speaks */
      }
      if (request.status >= 200 && request.status < 300) return resolve(body as T);
      const { code = 'internal', message = request.statusText, request_id } = body?.error ?? {};
      reject(new ApiError(request.status, code, message, request_id));
    };
    signal.addEventListener('abort', () => request.abort());
    request.send(file);
  });
}

/* A report walks every event of its time. */
const REPORT_MS = 300_000;

/** `once` of a write is its Idempotency-Key: the same for every try of one intention. */
export type AdminApi = ReturnType<typeof createAdminApi>;

/** Every call with one key. `refused` is told when the server does not know the key any more. What a known key
 *  may not do is an error like others. */
export function createAdminApi(key: string, refused: () => void) {
  async function told<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (refusalOf(error) === 'unknown') refused();
      throw error;
    }
  }
  const send = <T>(method: string, path: string, options: Parameters<typeof call>[2] = {}) =>
    told(
      call<T>(method, path, {
        ...options,
        headers: { ...options.headers, Authorization: `Bearer ${key}` },
      }),
    );
  const id = (part: string | number) => encodeURIComponent(part);
  const keyed = (once: string) => ({ 'Idempotency-Key': once });

  return {
    /** How the key begins, as lists of keys tell it. */
    begins: (hint: string) => hint !== '' && key.startsWith(hint),

    overview: (signal?: AbortSignal) => send<Overview>('GET', '/v1/overview', { signal }),
    ready: (signal?: AbortSignal) => send<Ready>('GET', '/readyz', { signal }),

    models: (signal?: AbortSignal) =>
      send<{ items: ModelVersion[] }>('GET', '/v1/models', { signal }),
    publish: (family: string, version: string, force: boolean, once: string) =>
      send<unknown>('POST', `/v1/models/${id(family)}/publish`, {
        body: force ? { version, force } : { version },
        headers: keyed(once),
      }),
    rollback: (family: string, once: string) =>
      send<unknown>('POST', `/v1/models/${id(family)}/rollback`, {
        body: {},
        headers: keyed(once),
      }),

    jobs: (cursor?: string, signal?: AbortSignal) =>
      send<Page<Job>>('GET', '/v1/jobs', { params: { cursor, limit: 100 }, signal }),
    job: (no: number, signal?: AbortSignal) => send<Job>('GET', `/v1/jobs/${no}`, { signal }),
    start: (
      kind: 'train' | 'compact' | 'watch',
      once: string,
      parameters?: Record<string, number>,
    ) =>
      send<{ id: number }>('POST', '/v1/jobs', {
        body: parameters && Object.keys(parameters).length ? { kind, parameters } : { kind },
        headers: keyed(once),
      }),
    cancel: (no: number) => send<void>('DELETE', `/v1/jobs/${no}`),

    importFile: (
      file: File,
      options: ImportOptions,
      progress: (share: number) => void,
      signal: AbortSignal,
    ) =>
      told(
        upload<{ id: number }>(
          `/v1/imports${queryString({ ...options })}`,
          key,
          file,
          progress,
          signal,
        ),
      ),

    /** All of them, in the order in which they count. */
    rules: async (signal?: AbortSignal) => {
      const rules: Rule[] = [];
      let cursor: string | undefined;
      do {
        const page: Page<Rule> = await send('GET', '/v1/rules', {
          params: { cursor, limit: 200 },
          signal,
        });
        rules.push(...page.items);
        cursor = page.next_cursor;
      } while (cursor && rules.length < 10_000);
      return rules;
    },
    /** A new one without an id. */
    saveRule: (ruleId: string | null, rule: RuleInput, once: string) =>
      ruleId === null
        ? send<Rule & { warnings: RuleWarning[] }>('POST', '/v1/rules', {
            body: rule,
            headers: keyed(once),
          })
        : send<Rule & { warnings: RuleWarning[] }>('PUT', `/v1/rules/${id(ruleId)}`, {
            body: rule,
            headers: keyed(once),
          }),
    enableRule: (ruleId: string, enabled: boolean, once: string) =>
      send<Rule>('PATCH', `/v1/rules/${id(ruleId)}`, { body: { enabled }, headers: keyed(once) }),
    removeRule: (ruleId: string) => send<void>('DELETE', `/v1/rules/${id(ruleId)}`),
    /** The list of a preview, and why each product is in it; of others too, where some are asked for. */
    explain: (query: PreviewQuery, products: string[], signal?: AbortSignal) =>
      send<Explanation>('POST', '/v1/recommendations/explain', {
        body: products.length ? { ...query, explain: products } : query,
        signal,
      }),

    experiments: async (signal?: AbortSignal) => {
      const { items } = await send<{ items: Experiment[] }>('GET', '/v1/experiments', { signal });
      return items;
    },
    experiment: (experimentId: string, signal?: AbortSignal) =>
      send<Experiment>('GET', `/v1/experiments/${id(experimentId)}`, { signal }),
    createExperiment: (experimentId: string, definition: Definition, once: string) =>
      send<Experiment>('POST', '/v1/experiments', {
        body: { id: experimentId, definition },
        headers: keyed(once),
      }),
    changeExperiment: (
      experimentId: string,
      change:
        | { definition: Definition }
        | { state: 'running' }
        | { state: 'stopped'; reason?: string }
        | { state: 'decided'; decision: string; reason?: string },
      once: string,
    ) =>
      send<Experiment>('PATCH', `/v1/experiments/${id(experimentId)}`, {
        body: change,
        headers: keyed(once),
      }),
    removeExperiment: (experimentId: string, once: string) =>
      send<void>('DELETE', `/v1/experiments/${id(experimentId)}`, { headers: keyed(once) }),
    experimentReport: (experimentId: string, signal?: AbortSignal) =>
      send<ExperimentReport>('GET', `/v1/experiments/${id(experimentId)}/report`, {
        signal,
        timeoutMs: REPORT_MS,
      }),
    /** The list of a preview as a variant has it. */
    previewVariant: (
      query: PreviewQuery,
      experiment: string,
      variant: string,
      signal?: AbortSignal,
    ) =>
      send<Recommendations>('POST', '/v1/recommendations/explain', {
        body: { ...query, experiment, variant },
        signal,
      }),
    attribution: (
      query: { from: string; to: string; by: By[]; window_days: number },
      signal?: AbortSignal,
    ) =>
      send<Attribution>('GET', '/v1/reports/attribution', {
        params: { ...query },
        signal,
        timeoutMs: REPORT_MS,
      }),
    settings: (signal?: AbortSignal) => send<Settings>('GET', '/v1/settings', { signal }),

    quarantine: (
      query: { kind?: string; reason?: string; cursor?: string },
      signal?: AbortSignal,
    ) =>
      send<Page<QuarantineRow>>('GET', '/v1/quarantine', {
        params: { ...query, limit: 50 },
        signal,
      }),
    dismiss: (no: number) => send<void>('DELETE', `/v1/quarantine/${no}`),

    keys: (signal?: AbortSignal) => send<{ items: Key[] }>('GET', '/v1/keys', { signal }),
    createKey: (scope: Scope, name: string) =>
      send<Key & { key: string }>('POST', '/v1/keys', { body: { scope, name } }),
    revokeKey: (no: number) => send<void>('DELETE', `/v1/keys/${no}`),

    shoppers: (prefix: string, signal?: AbortSignal) =>
      send<Page<Shopper>>('GET', '/v1/users', { params: { prefix, limit: 20 }, signal }),
    shopper: (userId: string, signal?: AbortSignal) =>
      send<Shopper>('GET', `/v1/users/${id(userId)}`, { signal }),
    search: (q: string, lang: string | undefined, signal?: AbortSignal) =>
      send<SearchResults>('GET', '/v1/search', {
        params: { q, lang, limit: 8, out_of_stock: true },
        signal,
      }),
    cards: async (ids: string[], signal?: AbortSignal) => {
      const { items } = await send<Page<Card & { images?: string[] }>>('GET', '/v1/products', {
        params: { ids },
        signal,
      });
      return items;
    },
    preview: (query: PreviewQuery, signal?: AbortSignal) =>
      send<Recommendations & { models: Record<string, string> }>('GET', '/v1/recommendations', {
        params: { ...query },
        signal,
      }),
  };
}
