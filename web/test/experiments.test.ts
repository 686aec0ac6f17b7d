import { describe, expect, it } from 'vitest';
import { ApiError } from '../src/api/client';
import type {
  Attribution,
  Definition,
  Estimate,
  Experiment,
  ExperimentReport,
} from '../src/console/api';
import { en } from '../src/console/i18n/en';
import { concerns } from '../src/console/lib/attention';
import {
  confidenceOf,
  definitionOf,
  exploringIn,
  formOf,
  mistakeOf,
  needsOf,
  pathAt,
  railState,
  shareOf,
  stopReason,
  verdictOf,
  withinBounds,
  wrongFields,
} from '../src/console/lib/experiments';
import { csvOf, readReport, timesOf, writeReport } from '../src/console/lib/reports';
import { experimentUrl, matchConsole, newExperimentUrl } from '../src/console/routes';

const whole: Definition = {
  placements: ['home', 'cart'],
  layer: 'second',
  share: 0.07,
  metric: 'ctr',
  currency: 'EUR',
  horizon_days: 3,
  max_days: 60,
  expected_shoppers: 5000,
  alpha: 0.01,
  guardrails: [{ metric: 'revenue', max_loss: 0.125 }],
  variants: [
    { name: 'control', weight: 3 },
    {
      name: '新的',
      weight: 1,
      explore: 0.29,
      model: '20261101T000000-1',
      rules: ['a', 'b'],
      weights: { 'home.arrivals': 0.8, 'cart.near': 0 },
    },
  ],
  description: 'Does it help?',
};

function experiment(change: Partial<Experiment> = {}): Experiment {
  return {
    id: 'e',
    number: 1,
    state: 'draft',
    definition: whole,
    decision: null,
    reason: null,
    created_at: '2026-11-01T00:00:00Z',
    started_at: null,
    stopped_at: null,
    decided_at: null,
    ...change,
  };
}

describe('a form of an experiment', () => {
  it('gives back the definition that it was made of', () => {
    expect(definitionOf(formOf(experiment()))).toEqual(whole);
  });

  it('of a new one needs a name alone, and has two variants', () => {
    const form = formOf(null);
    expect(wrongFields(form)).toEqual({ id: 'missing' });
    expect(definitionOf(form).variants).toEqual([
      { name: 'control', weight: 1 },
      { name: 'new', weight: 1 },
    ]);
  });

  it('says which fields are no numbers, and which are needed', () => {
    const form = formOf(experiment());
    form.share = 'half';
    form.placements = [];
    form.guardrails[0]!.loss = '';
    form.variants[1]!.name = ' ';
    form.variants[1]!.explore = '1,5';
    form.variants[1]!.weights['home.near'] = 'x';
    form.max_days = '';
    expect(wrongFields(form)).toEqual({
      share: 'number',
      placements: 'missing',
      'guardrails.0.max_loss': 'number',
      'variants.1.name': 'missing',
      'variants.1.explore': 'number',
      'variants.1.weights.home.near': 'number',
    });
  });

  it('leaves out what is empty', () => {
    const form = formOf(experiment());
    form.max_days = form.alpha = form.currency = form.description = form.layer = '';
    form.variants[1]!.weights['cart.near'] = ' ';
    form.variants[1]!.explore = '';
    const definition = definitionOf(form);
    for (const name of ['max_days', 'alpha', 'currency', 'description', 'layer'])
      expect(definition).not.toHaveProperty(name);
    expect(definition.variants[1]).not.toHaveProperty('explore');
    expect(definition.variants[1]!.weights).toEqual({ 'home.arrivals': 0.8 });
  });
});

describe('a mistake that the server found', () => {
  /* Every place in the definition, told by looking for it: a slow oracle. */
  const json = JSON.stringify(whole);
  const byteOf = (needle: string) => new TextEncoder().encode(json.slice(0, json.indexOf(needle)));

  it('is at the field that begins at its byte', () => {
    for (const [needle, path] of [
      ['"share":', 'share'],
      ['0.07', 'share'],
      ['0.125', 'guardrails.0.max_loss'],
      ['"control"', 'variants.0.name'],
      ['"新的"', 'variants.1.name'],
      ['0.29', 'variants.1.explore'],
      ['"model"', 'variants.1.model'],
      ['0.8', 'variants.1.weights.home.arrivals'],
      ['"b"]', 'variants.1.rules.1'],
      ['"Does', 'description'],
    ] as const)
      expect(pathAt(whole, byteOf(needle).length), needle).toBe(path);
    expect(pathAt(whole, 0)).toBe('');
    expect(pathAt(whole, 100_000)).toBe('');
    expect(pathAt(7, 0)).toBe('');
  });

  it('is read from what the server says', () => {
    const told = (message: string) => mistakeOf(new ApiError(400, 'invalid', message), whole);
    const at = byteOf('"cart.near"').length + 1;
    expect(told(`definition: 1:${at}: weights: there is no parameter 'near'`)).toEqual({
      path: 'variants.1.weights.cart.near',
      message: "weights: there is no parameter 'near'",
    });
    expect(told("definition: variants: '新的' overrides placement cart, which is not").path).toBe(
      'variants.1',
    );
    expect(told('definition: placements: at least one is needed').path).toBe('placements');
    expect(told('id is missing').path).toBe('id');
    expect(told('something else').path).toBe('');
    const rule = byteOf('"b"]').length + 1;
    expect(told(`definition: 1:${rule}: there is no rule 'b'`).path).toBe('variants.1.rules');
  });
});

describe('reasons of ending', () => {
  it('are read as the server writes them', () => {
    expect(stopReason('sample ratio: shoppers are not divided as planned (p = 1.2e-05)')).toEqual({
      kind: 'ratio',
      p: '1.2e-05',
    });
    expect(
      stopReason("guard-rail: revenue of 'it's new' is more than 12.5 % below that of 'control'"),
    ).toEqual({
      kind: 'guardrail',
      metric: 'revenue',
      variant: "it's new",
      loss: 12.5,
      control: 'control',
    });
    expect(stopReason('max_days: 60 have passed')).toEqual({ kind: 'days', days: 60 });
    expect(stopReason('we had enough')).toEqual({ kind: 'other', text: 'we had enough' });
  });
});

const none: Estimate = { value: null, low: null, high: null };

/** A report of two variants whose difference in each metric is the interval given. */
function report(
  difference: [number, number] | null,
  more: Partial<ExperimentReport> = {},
  final = 500,
): ExperimentReport {
  const apart = difference
    ? {
        value: (difference[0] + difference[1]) / 2,
        low: difference[0],
        high: difference[1],
        p: 0.5,
      }
    : { ...none, p: 1 };
  const arm = (name: string, beside: boolean) => {
    const of = { value: 0.1, low: 0.05, high: 0.15, ...(beside && { difference: apart }) };
    return { name, shoppers: 600, final, metrics: { ctr: of, conversion: of, revenue: of } };
  };
  return {
    id: 'e',
    from: '',
    to: '',
    horizon_days: 3,
    metric: 'ctr',
    currency: 'CNY',
    mixed: 0,
    sample_ratio: { p: 1, ok: true },
    stop: null,
    variants: [arm('control', false), arm('new', true)],
    ...more,
  };
}

describe('a verdict', () => {
  it('is higher or lower only where the whole interval is', () => {
    expect(verdictOf(report([0.01, 0.2]), 'ctr', 1)).toBe('higher');
    expect(verdictOf(report([-0.2, -0.01]), 'ctr', 1)).toBe('lower');
    for (const open of [
      [-0.01, 0.2],
      [-0.2, 0.01],
      [0, 0.1],
      [-0.1, 0],
      [0, 0],
    ] as [number, number][])
      expect(verdictOf(report(open), 'ctr', 1)).toBe('open');
  });

  it('is none without an interval, and nothing where shoppers are not divided as planned', () => {
    expect(verdictOf(report(null), 'ctr', 1)).toBe('none');
    expect(verdictOf(report(null, {}, 99), 'ctr', 1)).toBe('early');
    const off = { sample_ratio: { p: 1e-9, ok: false } };
    expect(verdictOf(report([0.01, 0.2], off), 'ctr', 1)).toBe('ratio');
  });

  it('has the confidence of its comparison', () => {
    expect(confidenceOf({ ...whole, alpha: undefined })).toBeCloseTo(0.95);
    const three = { ...whole, alpha: 0.04, variants: [...whole.variants, { name: 'third' }] };
    expect(confidenceOf(three)).toBeCloseTo(0.98);
  });

  it('keeps intervals of values within what can be', () => {
    expect(withinBounds({ value: 0.1, low: -0.2, high: 1.3 }, 'conversion')).toEqual({
      value: 0.1,
      low: 0,
      high: 1,
    });
    expect(withinBounds({ value: 5, low: -2, high: 9 }, 'revenue').high).toBe(9);
    expect(withinBounds(none, 'ctr')).toEqual(none);
  });
});

describe('a guard-rail', () => {
  it('is broken below its bound, kept above it, open around it', () => {
    const rail = { metric: 'ctr' as const, max_loss: 0.1 }; // of 0.1: the bound is -0.01
    expect(railState(report([-0.05, -0.011]), rail, 1)).toBe('broken');
    expect(railState(report([-0.009, 0.02]), rail, 1)).toBe('kept');
    expect(railState(report([-0.05, -0.005]), rail, 1)).toBe('open');
    expect(railState(report(null), rail, 1)).toBe('early');
  });
});

describe('what needs somebody', () => {
  const reason = 'max_days: 60 have passed';
  it('is what runs and should end, and what ended and waits for a decision', () => {
    expect(needsOf(experiment({ state: 'running' }), report([0, 1]))).toEqual([]);
    expect(needsOf(experiment({ state: 'running' }), report([0, 1], { stop: reason }))).toEqual([
      'days',
    ]);
    expect(needsOf(experiment({ state: 'stopped', reason }), undefined)).toEqual([
      'days',
      'decide',
    ]);
    expect(needsOf(experiment({ state: 'stopped', reason: 'enough' }), undefined)).toEqual([
      'decide',
    ]);
    expect(needsOf(experiment({ state: 'decided', reason }), undefined)).toEqual([]);
  });

  it('stands on the first page, unless somebody stopped it themselves', () => {
    const ids = (experiments: Experiment[]) =>
      concerns(
        {
          overview: {
            products: 1,
            shoppers: 0,
            events: 0,
            orders: 0,
            last_event_at: null,
            jobs: { queued: 0, running: 0, done: 0, failed: 0, cancelled: 0 },
            quarantine: [],
            quarantine_dropped: 0,
          },
          ready: {
            ready: true,
            store: 'ok',
            writes: { queued: 0, log_bytes: 0, failure: null },
            view: { products: 1, segments: 1, position: 1, model: null },
          },
          models: [],
          jobs: [],
          experiments,
        },
        0,
        en,
        'en',
      ).map(({ id, tone }) => `${tone} ${id}`);
    expect(ids([experiment({ state: 'stopped', reason })])).toContain('warn experiment-e');
    const ratio = 'sample ratio: shoppers are not divided as planned (p = 0)';
    expect(ids([experiment({ state: 'stopped', reason: ratio })])).toContain('bad experiment-e');
    expect(ids([experiment({ state: 'stopped', reason: 'enough' })])).toEqual(['warn model']);
  });
});

describe('exploring', () => {
  it('is told by what runs and what was decided, for whom and how often', () => {
    const running = experiment({ state: 'running' });
    expect(exploringIn([running], 'home')).toEqual([
      { experiment: running, variant: '新的', rate: 0.29, shoppers: 0.07 / 4 },
    ]);
    expect(exploringIn([running], 'similar')).toEqual([]);
    expect(exploringIn([experiment(), experiment({ state: 'stopped' })], 'home')).toEqual([]);
    const decided = (decision: string) => experiment({ state: 'decided', decision });
    expect(exploringIn([decided('新的')], 'home')[0]!.shoppers).toBe(1);
    expect(exploringIn([decided('control')], 'home')).toEqual([]);
  });

  it('of variants without weights is even', () => {
    const two = { ...whole, variants: [{ name: 'a' }, { name: 'b' }] };
    expect(shareOf(two, 0)).toBe(0.5);
    expect(shareOf(whole, 0)).toBe(0.75);
  });
});

describe('a report', () => {
  it('is in the address as it was', () => {
    for (const query of [
      { days: 7, from: '', to: '', by: ['placement' as const], window: 7 },
      { days: 90, from: '', to: '', by: [], window: 30 },
      {
        days: 7,
        from: '2026-10-01',
        to: '2026-10-31',
        by: ['placement' as const, 'variant' as const],
        window: 1,
      },
    ])
      expect(readReport(writeReport(query))).toEqual(query);
    expect(writeReport(readReport(''))).toBe('');
    const odd = readReport('?days=8&window=-1&by=moon,model&from=2026-13-45&to=x');
    expect(odd).toEqual({ days: 7, from: '', to: '', by: ['model'], window: 7 });
  });

  it('counts whole days of whoever looks, and not what is to come', () => {
    const now = Date.parse('2026-11-20T10:00:00Z');
    const query = { days: 7, from: '', to: '', by: [], window: 7 };
    expect(timesOf(query, now)).toEqual({
      from: '2026-11-13T10:00:00.000Z',
      to: '2026-11-20T10:00:00.000Z',
    });
    const own = timesOf({ ...query, from: '2026-11-01', to: '2026-11-02' }, now);
    expect(Date.parse(own.to) - Date.parse(own.from)).toBe(2 * 86_400_000);
    expect(timesOf({ ...query, from: '2026-11-01', to: '2026-12-31' }, now).to).toBe(
      '2026-11-20T10:00:00.000Z',
    );
  });

  it('is a file that a spreadsheet reads, and in which no name is a formula', () => {
    const row = { requests: 3, impressions: 20, clicks: 2, carts: 1, purchases: 1 };
    const report: Attribution = {
      from: '',
      to: '',
      window_days: 7,
      items: [
        {
          ...row,
          experiment: 1,
          variant: 1,
          revenue: [
            { currency: 'CNY', amount: 1250 },
            { currency: 'JPY', amount: 90 },
          ],
          ctr: 0.1,
          conversion: null,
        },
      ],
      unattributed: { purchases: 4, revenue: [{ currency: 'CNY', amount: 100 }] },
    };
    const names = () => ['=HYPERLINK("x")', 'a,b'];
    expect(csvOf(report, ['variant'], names).split('\r\n')).toEqual([
      'experiment,variant,requests,impressions,clicks,carts,purchases,ctr,conversion,revenue_CNY,revenue_JPY',
      '"\'=HYPERLINK(""x"")","a,b",3,20,2,1,1,0.1,,12.5,90',
      'unattributed,,,,,,4,,,1,0',
      '',
    ]);
    expect(csvOf(report, [], () => []).split('\r\n')[0]).toMatch(/^requests,/);
  });
});

describe('addresses of experiments', () => {
  it('are read as they were written', () => {
    for (const id of ['plain', 'a/b', '100 %', '新', 'edit'])
      for (const view of ['results', 'edit', 'preview'] as const)
        expect(matchConsole(experimentUrl(id, view))).toEqual({ name: 'experiment', id, view });
    expect(matchConsole(newExperimentUrl())).toEqual({ name: 'new-experiment' });
    expect(newExperimentUrl('a b')).toBe('/console/new-experiment?like=a%20b');
    for (const wrong of ['/console/experiments/a/b', '/console/experiments/%ff'])
      expect(matchConsole(wrong)).toEqual({ name: 'missing' });
  });
});
