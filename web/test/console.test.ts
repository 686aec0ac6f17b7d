import { describe, expect, it } from 'vitest';
import { ApiError } from '../src/api/client';
import {
  createAdminApi,
  refusalOf,
  type Job,
  type ModelVersion,
  type Overview,
} from '../src/console/api';
import { en } from '../src/console/i18n/en';
import { zh } from '../src/console/i18n/zh';
import { concerns } from '../src/console/lib/attention';
import { formatAgo, formatDuration, parseNumber } from '../src/console/lib/format';
import {
  compareParameters,
  gatesOf,
  judgedList,
  measuredLists,
  metricSeries,
} from '../src/console/lib/models';
import { LIMITS, previewQuery, readPreview, writePreview } from '../src/console/lib/preview';
import { ACTIONS, formOf, inputOf, wrongNumbers } from '../src/console/lib/rules';
import { linear, niceTicks } from '../src/console/lib/scale';
import { checkImport, importOptions } from '../src/console/lib/uploads';
import { verdictText } from '../src/console/lib/verdict';
import { matchConsole, modelUrl, PAGES, pageUrl } from '../src/console/routes';

describe('the texts', () => {
  /* Every leaf, functions with arguments that show where they go. */
  function leaves(value: unknown, path: string): [string, string][] {
    if (typeof value === 'string') return [[path, value]];
    if (typeof value === 'function') {
      const many = Array.from({ length: value.length }, (_, i) => `<${i}>`);
      return [
        [path, path.endsWith('refusedBy') ? String(value('<0>', ['<1>'])) : String(value(...many))],
      ];
    }
    return Object.entries(value as object).flatMap(([key, inner]) =>
      leaves(inner, path ? `${path}.${key}` : key),
    );
  }
  const english = new Map(leaves(en, ''));
  const chinese = new Map(leaves(zh, ''));

  it('are the same in both languages, none empty', () => {
    expect([...chinese.keys()].sort()).toEqual([...english.keys()].sort());
    for (const [path, text] of [...english, ...chinese]) expect(text.trim(), path).not.toBe('');
  });

  it('say as much in one as in the other', () => {
    const given = (text: string | undefined) => (text?.match(/<\d>/g) ?? []).sort().join();
    const counted = /jobs\.progress|sending/; // numbers with a unit
    for (const [path, text] of english) {
      if (!counted.test(path)) expect(given(chinese.get(path)), path).toBe(given(text));
    }
  });

  it('are Chinese in Chinese', () => {
    const same = [...english].filter(([path, text]) => chinese.get(path) === text).map(([p]) => p);
    const names = /^models\.metrics\.(ndcg|mrr)$|mappings\.|scopeNames\.|jobs\.progress$/;
    expect(same.filter((path) => !names.test(path))).toEqual([]);
  });
});

describe('routes of the console', () => {
  it('are read back as they were written, whatever is in them', () => {
    for (const name of PAGES) expect(matchConsole(pageUrl(name))).toEqual({ name });
    expect(matchConsole('/console/')).toEqual({ name: 'overview' });
    for (const version of ['20261128T090500-1', 'a/b', '水', '%2e%2e', 'a b?c#d']) {
      expect(matchConsole(modelUrl('recommend', version))).toEqual({
        name: 'model',
        family: 'recommend',
        version,
      });
    }
  });

  it('are missing otherwise', () => {
    for (const path of [
      '/console/overview',
      '/console/x',
      '/console/models/a',
      '/console/keys/1',
      '/console/models/a/%zz',
      '/',
    ]) {
      expect(matchConsole(path), path).toEqual({ name: 'missing' });
    }
  });
});

const interval = { mean: 0.02, low: 0.01, high: 0.03 };
const gate = (passed: boolean) => ({
  shoppers: 40,
  split: '2026-11-01T00:00:00Z',
  candidate: 0.1,
  other: 0.2,
  difference: passed ? interval : { mean: -0.02, low: -0.03, high: -0.01 },
  passed,
});

function version(no: number, more: Partial<ModelVersion> = {}): ModelVersion {
  return {
    family: 'recommend',
    version: `v${no}`,
    state: 'passed',
    live: false,
    previous: null,
    created_at: `2026-11-0${no}T00:00:00Z`,
    manifest: {
      parameters: { dim: 64, alpha: 2 },
      metrics: {
        k: 10,
        users: 40,
        factors: { ndcg: 0.1, recall: 0.2 },
        list: { ndcg: 0.12, recall: 0.25 },
        popularity: { ndcg: 0.05, recall: 0.1 },
        ndcg: { mean: 0.12, low: 0.1, high: 0.14 },
      },
      gates: { live_version: null, popularity: gate(true) },
    },
    ...more,
  };
}

describe('what a manifest says', () => {
  it('is judged by the list whose interval it has', () => {
    expect(measuredLists(version(1).manifest).map(([name]) => name)).toEqual([
      'factors',
      'list',
      'popularity',
    ]);
    expect(judgedList(version(1).manifest)?.recall).toBe(0.25);
  });

  it('survives versions that say less, or other things', () => {
    for (const manifest of [
      null,
      {},
      { metrics: { ndcg: 'x', factors: null, list: [1] } },
      { gates: { popularity: 7 } },
    ]) {
      expect(judgedList(manifest as never)).toBeNull();
      expect(gatesOf(manifest as never)).toEqual([]);
      expect(verdictText(manifest as never, en, 'en')).toBe('–');
    }
    expect(metricSeries([version(1, { manifest: null })], 'recommend', 'ndcg')).toEqual([]);
  });

  it('is drawn oldest first, with its interval where there is one', () => {
    const series = metricSeries(
      [version(2, { live: true }), version(1), version(3, { state: 'rejected' })],
      'recommend',
      'ndcg',
    );
    expect(series.map((p) => [p.version, p.live, p.refused])).toEqual([
      ['v1', false, false],
      ['v2', true, false],
      ['v3', false, true],
    ]);
    expect(series[0]).toMatchObject({ value: 0.12, low: 0.1, high: 0.14, popularity: 0.05 });
    expect(metricSeries([version(1)], 'recommend', 'recall')[0]).toMatchObject({
      value: 0.25,
      low: null,
    });
  });

  it('names the gates that refused it, in either language', () => {
    const refused = {
      ...version(1).manifest!,
      gates: { popularity: gate(true), live_model: gate(false) },
    };
    expect(verdictText(refused, en, 'en')).toBe(
      'NDCG@10 0.1200, popularity 0.0500; refused: Against the model that served -0.0200 [-0.0300, -0.0100]',
    );
    expect(verdictText(refused, zh, 'zh-CN')).toContain('未通过：对比当时的线上模型');
  });

  it('differs from the live one where a parameter does, or is missing', () => {
    const rows = compareParameters(
      { parameters: { dim: 32, alpha: 2, new: 1 } },
      { parameters: { dim: 64, alpha: 2 } },
    );
    expect(rows.filter((row) => row.differs).map((row) => row.name)).toEqual(['dim', 'new']);
    expect(rows.at(-1)).toEqual({ name: 'alpha', here: 2, live: 2, differs: false });
    expect(compareParameters({ parameters: { dim: 1 } }, undefined)).toEqual([
      { name: 'dim', here: 1, live: null, differs: false },
    ]);
  });
});

describe('what needs attention', () => {
  const now = Date.parse('2026-11-09T00:00:00Z');
  const overview: Overview = {
    products: 10,
    shoppers: 1,
    events: 1,
    orders: 0,
    last_event_at: null,
    jobs: { queued: 0, running: 0, done: 0, failed: 0, cancelled: 0 },
    quarantine: [],
    quarantine_dropped: 0,
  };
  const ready = (model: string | null, store: 'ok' | 'failing' = 'ok') => ({
    ready: true,
    store,
    writes: {
      queued: 0,
      log_bytes: 0,
      failure: store === 'ok' ? null : { code: 'no_space', at: '' },
    },
    view: { products: 10, segments: 1, position: 1, model },
  });
  const job = (id: number, kind: string, state: Job['state'], day: number): Job => ({
    id,
    kind,
    state,
    arguments: null,
    progress: 1,
    message: 'why',
    result: null,
    created_at: `2026-11-0${day}T00:00:00Z`,
    started_at: null,
    finished_at: `2026-11-0${day}T00:00:00Z`,
  });
  const ids = (seen: Partial<Parameters<typeof concerns>[0]>) =>
    concerns(
      {
        overview,
        ready: ready('v1'),
        models: [version(1, { live: true })],
        jobs: [],
        experiments: [],
        ...seen,
      },
      now,
      en,
      'en',
    ).map(({ id }) => id);

  it('is nothing in a shop that is well', () => {
    expect(ids({})).toEqual([]);
  });

  it('is a store that fails, no products, no model, a model that is not the one published', () => {
    expect(ids({ ready: ready('v1', 'failing') })).toEqual(['store']);
    expect(ids({ overview: { ...overview, products: 0 }, models: [] })).toEqual(['products']);
    expect(ids({ models: [] })).toEqual(['model']);
    expect(ids({ ready: ready('v0') })).toEqual(['served']);
  });

  it('is the newest version when a gate refused it, and no older one', () => {
    const refused = version(2, { state: 'rejected' });
    expect(ids({ models: [version(1, { live: true }), refused] })).toEqual(['gate-v2']);
    expect(ids({ models: [version(3), refused, version(1, { live: true })] })).toEqual([]);
    expect(ids({ models: [{ ...refused, live: true }], ready: ready('v2') })).toEqual([]);
  });

  it('is the last job of its kind when that failed within a week', () => {
    const jobs = [
      job(4, 'train', 'failed', 8),
      job(3, 'import', 'done', 7),
      job(2, 'import', 'failed', 6),
      job(1, 'compact', 'failed', 1),
    ];
    expect(ids({ jobs })).toEqual(['job-4']);
    expect(ids({ jobs: [job(5, 'train', 'running', 9), ...jobs] })).toEqual(['job-4']);
  });

  it('is what waits in quarantine, by kind, and what found no room', () => {
    const quarantine = [
      { kind: 'events', reason: 'a', rows: 2 },
      { kind: 'events', reason: 'b', rows: 3 },
    ];
    const [first, second] = concerns(
      {
        overview: { ...overview, quarantine, quarantine_dropped: 1 },
        ready: ready('v1'),
        models: [version(1, { live: true })],
        jobs: [],
        experiments: [],
      },
      now,
      en,
      'en',
    );
    expect(first).toMatchObject({
      title: '5 rows of events in quarantine',
      to: '/console/quarantine?kind=events',
    });
    expect(second!.id).toBe('dropped');
  });
});

describe('previews', () => {
  it('are in the address as they were', () => {
    const all = {
      placement: 'cart' as const,
      shopper: 'a b&c',
      products: ['x,y', '水'],
      filter: 'price < 5 & "a"',
      hideSeen: true,
      limit: LIMITS[3]!,
      lang: 'zh',
    };
    expect(readPreview(writePreview(all))).toEqual(all);
    expect(writePreview(readPreview(''))).toBe('');
    expect(readPreview('?placement=attic&limit=7&product=')).toEqual(readPreview(''));
  });

  it('wait for the product that the placement is about', () => {
    expect(previewQuery(readPreview('?placement=similar'), 'en')).toBeNull();
    expect(previewQuery(readPreview('?placement=similar&product=a&product=b'), 'en')).toMatchObject(
      { product_id: 'a', product_ids: undefined },
    );
    expect(previewQuery(readPreview('?placement=cart&product=a&product=b'), 'en')).toMatchObject({
      product_ids: ['a', 'b'],
    });
    expect(previewQuery(readPreview('?product=a'), undefined)).toEqual({
      placement: 'home',
      limit: 12,
    });
  });
});

describe('numbers', () => {
  it('are read as people write them, and nothing else is', () => {
    for (const [text, value] of [
      ['12', 12],
      [' 1.5 ', 1.5],
      ['１２', 12],
      ['-3', -3],
      ['1e-3', 0.001],
      ['.5', 0.5],
    ] as const) {
      expect(parseNumber(text), text).toBe(value);
    }
    for (const text of ['', 'x', '1,5', '0x10', '1e999', 'NaN', '1 2', '--1'])
      expect(parseNumber(text), text).toBeNull();
  });

  it('of time are told in the unit that fits', () => {
    expect(formatDuration(80, 'en-GB')).toBe('80 ms');
    expect(formatDuration(2500, 'en-GB')).toBe('2.5 secs');
    expect(formatDuration(3_725_000, 'en-GB')).toBe('1 hr 2 mins');
    const now = Date.parse('2026-11-09T12:00:00Z');
    expect(formatAgo('2026-11-09T11:58:00Z', now, 'en')).toBe('2 minutes ago');
    expect(formatAgo('2026-11-08T12:00:00Z', now, 'en')).toBe('yesterday');
    expect(formatAgo('2026-11-09T12:00:00Z', now, 'zh-CN')).toBe('现在');
  });
});

describe('axes', () => {
  it('hold every value between round numbers, for any bounds', () => {
    let seed = 7;
    const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
    for (let i = 0; i < 2000; i++) {
      const scale = 10 ** (random() * 12 - 6);
      const low = (random() - 0.5) * scale;
      const high = low + random() * scale;
      const ticks = niceTicks(low, high);
      expect(ticks[0]).toBeLessThanOrEqual(low + Math.abs(low) * 1e-6 + scale * 1e-8);
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(high - Math.abs(high) * 1e-6 - scale * 1e-8);
      expect(ticks.length).toBeGreaterThan(1);
      expect(ticks.length).toBeLessThan(9);
    }
    expect(niceTicks(0, 0.12)).toEqual([0, 0.05, 0.1, 0.15]);
    expect(niceTicks(0, 0)).toHaveLength(niceTicks(-0.5, 0.5).length);
  });

  it('put the middle in the middle', () => {
    expect(linear([0, 10], [100, 200])(5)).toBe(150);
    expect(linear([3, 3], [0, 10])(3)).toBe(5);
  });
});

describe('an upload', () => {
  const form = {
    kind: 'products' as const,
    mapping: '',
    own: '',
    currency: '',
    full: true,
    force: false,
    dryRun: true,
  };
  const file = new File(['id\n'], 'a.csv');

  it('is checked before it is sent', () => {
    expect(checkImport(form, null)).toEqual({ file: 'missing' });
    expect(checkImport(form, new File([], 'a'))).toEqual({ file: 'empty' });
    expect(checkImport({ ...form, mapping: 'own', own: '../x' }, file)).toEqual({ own: 'invalid' });
    expect(checkImport({ ...form, currency: 'euro' }, file)).toEqual({ currency: 'invalid' });
    expect(checkImport({ ...form, mapping: 'own', own: 'feed-1', currency: 'eur' }, file)).toEqual(
      {},
    );
  });

  it('asks for what was chosen, and for a whole catalogue only of products', () => {
    expect(importOptions({ ...form, currency: 'eur' }, 'a.csv')).toMatchObject({
      full: true,
      dry_run: true,
      currency: 'EUR',
      mapping: undefined,
      force: undefined,
    });
    expect(importOptions({ ...form, kind: 'orders' }, 'a.csv').full).toBeUndefined();
    expect(importOptions({ ...form, mapping: 'own', own: ' mine ' }, 'a').mapping).toBe('mine');
  });
});

describe('a key', () => {
  it('is refused for what it is, not for what else may go wrong', () => {
    expect(refusalOf(new ApiError(401, 'unauthenticated', ''))).toBe('unknown');
    expect(refusalOf(new ApiError(403, 'denied', ''))).toBe('scope');
    for (const error of [
      new ApiError(503, 'busy', ''),
      new ApiError(0, 'offline', ''),
      new Error('x'),
      null,
    ]) {
      expect(refusalOf(error)).toBeNull();
    }
  });

  it('goes in a header alone', async () => {
    const asked: [string, RequestInit][] = [];
    const before = globalThis.fetch;
    globalThis.fetch = ((url: string, init: RequestInit) => {
      asked.push([url, init]);
      return Promise.resolve(new Response('{"items":[]}'));
    }) as typeof fetch;
    try {
      const api = createAdminApi('ak_secret', () => {});
      await api.models();
      await api.publish('a/b', 'v', true, 'once');
    } finally {
      globalThis.fetch = before;
    }
    expect(asked.map(([url]) => url)).toEqual(['/v1/models', '/v1/models/a%2Fb/publish']);
    for (const [, init] of asked)
      expect(init.headers).toMatchObject({ Authorization: 'Bearer ak_secret' });
    expect(asked[1]![1].headers).toMatchObject({ 'Idempotency-Key': 'once' });
    expect(asked[1]![1].body).toBe('{"version":"v","force":true}');
  });
});

describe('a rule', () => {
  const rule = {
    id: 'spring',
    name: 'Spring sale',
    enabled: false,
    priority: 7,
    placements: ['home', 'cart'],
    schedule: {
      from: '2026-03-01T00:00:00Z',
      until: '2026-04-01T00:00:00Z',
      days: ['fri', 'sat'],
      hours: { from: '18:00', until: '23:00' },
    },
    audience: { shoppers: 'known', filter: 'attributes.tier = "gold"' },
    products: 'category = "Garden"',
    action: { type: 'cap' as const, count: 3, by: 'supplier_id' },
  };

  it('goes through its form as it was', () => {
    expect({ id: rule.id, ...inputOf(formOf(rule)) }).toEqual(rule);
  });

  it('leaves out what restricts nothing, and numbers that its action has not', () => {
    expect(inputOf({ ...formOf(null), action: 'hide' })).toEqual({
      name: '',
      enabled: true,
      priority: 100,
      action: { type: 'hide' },
    });
    for (const type of ACTIONS) {
      const sent = inputOf(formOf({ ...rule, action: { type } })).action;
      expect(
        Object.values(sent).every((value) => value !== undefined && value !== ''),
        type,
      ).toBe(true);
    }
  });

  it('names the numbers that are none, of those that count', () => {
    const form = {
      ...formOf(null),
      action: 'boost' as const,
      factor: 'x',
      position: 'y',
      priority: ' ',
    };
    expect(wrongNumbers(form)).toEqual(['priority', 'factor']);
    expect(wrongNumbers({ ...form, action: 'hide', priority: '5' })).toEqual([]);
  });
});
