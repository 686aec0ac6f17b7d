/* experiments.ts - experiments (docs/experiments.md): as a form holds them, as the server takes them, and what a report
 * says, as facts that the page puts into words. */
import type { ApiError } from '../../api/client';
import type {
  Definition,
  Estimate,
  Experiment,
  ExperimentReport,
  Guardrail,
  MetricName,
  Variant,
} from '../api';
import { parseNumber } from './format';

/* --- the form -------------------------------------------------------------------------------- */

export interface VariantForm {
  name: string;
  weight: string;
  /** Per cent of the lists. */
  explore: string;
  model: string;
  rules: string[];
  /** By name, "home.arrivals"; an empty one is not overridden. */
  weights: Record<string, string>;
}

export interface GuardrailForm {
  metric: MetricName;
  /** Per cent of the control's value. */
  loss: string;
}

export interface ExperimentForm {
  id: string;
  description: string;
  placements: string[];
  layer: string;
  /** Per cent of all shoppers. */
  share: string;
  metric: MetricName;
  currency: string;
  horizon_days: string;
  max_days: string;
  expected_shoppers: string;
  alpha: string;
  guardrails: GuardrailForm[];
  variants: VariantForm[];
}

export const VARIANTS_MAX = 16;
export const GUARDRAILS_MAX = 8;

const text = (value: number | undefined) => (value === undefined ? '' : String(value));
/* 0.07 is 7 per cent, and not 7.000000000000001. */
const percent = (value: number | undefined) =>
  value === undefined ? '' : String(Number((100 * value).toPrecision(12)));

export const newVariant = (name: string): VariantForm => ({
  name,
  weight: '1',
  explore: '',
  model: '',
  rules: [],
  weights: {},
});

function variantForm(variant: Variant): VariantForm {
  const weights = Object.entries(variant.weights ?? {});
  return {
    name: variant.name,
    weight: text(variant.weight ?? 1),
    explore: percent(variant.explore),
    model: variant.model ?? '',
    rules: variant.rules ?? [],
    weights: Object.fromEntries(weights.map(([name, value]) => [name, String(value)])),
  };
}

/** Of an experiment, or of a new one. */
export function formOf(experiment: Experiment | null): ExperimentForm {
  const d: Partial<Definition> = experiment?.definition ?? {};
  return {
    id: experiment?.id ?? '',
    description: d.description ?? '',
    placements: d.placements ?? ['home'],
    layer: d.layer ?? 'main',
    share: percent(d.share ?? 1),
    metric: d.metric ?? 'conversion',
    currency: d.currency ?? '',
    horizon_days: text(d.horizon_days ?? 3),
    max_days: text(d.max_days),
    expected_shoppers: text(d.expected_shoppers ?? 10_000),
    alpha: text(d.alpha ?? 0.05),
    guardrails: (d.guardrails ?? []).map(({ metric, max_loss }) => ({
      metric,
      loss: percent(max_loss),
    })),
    variants: d.variants?.map(variantForm) ?? [newVariant('control'), newVariant('new')],
  };
}

const number = (typed: string) => parseNumber(typed)!;
const part = (typed: string) => Number((number(typed) / 100).toPrecision(12));

function variantOf(form: VariantForm): Variant {
  const weights = Object.entries(form.weights).filter(([, typed]) => typed.trim() !== '');
  return {
    name: form.name.trim(),
    ...(form.weight.trim() && { weight: number(form.weight) }),
    ...(form.explore.trim() && { explore: part(form.explore) }),
    ...(form.model && { model: form.model }),
    ...(form.rules.length && { rules: form.rules }),
    ...(weights.length && {
      weights: Object.fromEntries(weights.map(([name, typed]) => [name, number(typed)])),
    }),
  };
}

/** What is left out has its default. Of a form in which wrongFields finds nothing. */
export function definitionOf(form: ExperimentForm): Definition {
  const optional = (['horizon_days', 'max_days', 'expected_shoppers', 'alpha'] as const).filter(
    (name) => form[name].trim() !== '',
  );
  return {
    placements: form.placements,
    ...(form.layer.trim() && { layer: form.layer.trim() }),
    ...(form.share.trim() && { share: part(form.share) }),
    metric: form.metric,
    ...(form.currency.trim() && { currency: form.currency.trim().toUpperCase() }),
    ...Object.fromEntries(optional.map((name) => [name, number(form[name])])),
    ...(form.guardrails.length && {
      guardrails: form.guardrails.map(({ metric, loss }) => ({ metric, max_loss: part(loss) })),
    }),
    variants: form.variants.map(variantOf),
    ...(form.description.trim() && { description: form.description.trim() }),
  };
}

/* --- mistakes -------------------------------------------------------------------------------- */

/** Where a mistake is: 'share', 'variants.1.explore', 'variants.1.weights.home.near', 'guardrails.0.max_loss'; '': in
 *  no field of its own. */
export type FieldPath = string;

/** Fields that must be numbers and are none; and those that must not be empty. What is within its bounds is the server's
 *  to say. */
export function wrongFields(form: ExperimentForm): Record<FieldPath, 'number' | 'missing'> {
  const wrong: Record<FieldPath, 'number' | 'missing'> = {};
  const check = (path: FieldPath, typed: string, needed = false) => {
    if (typed.trim() === '') {
      if (needed) wrong[path] = 'number';
    } else if (parseNumber(typed) === null) wrong[path] = 'number';
  };
  if (form.id.trim() === '') wrong.id = 'missing';
  if (form.placements.length === 0) wrong.placements = 'missing';
  for (const name of ['share', 'horizon_days', 'max_days', 'expected_shoppers', 'alpha'] as const)
    check(name, form[name]);
  form.guardrails.forEach(({ loss }, i) => check(`guardrails.${i}.max_loss`, loss, true));
  form.variants.forEach((variant, i) => {
    const path = `variants.${i}`;
    if (variant.name.trim() === '') wrong[`${path}.name`] = 'missing';
    check(`${path}.weight`, variant.weight);
    check(`${path}.explore`, variant.explore);
    for (const [name, typed] of Object.entries(variant.weights))
      check(`${path}.weights.${name}`, typed);
  });
  return wrong;
}

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value)).length;

/** The path of what begins at a byte (from 0) of JSON.stringify(value); '' is value itself. */
export function pathAt(value: unknown, byte: number): FieldPath {
  if (typeof value !== 'object' || value === null) return '';
  const list = Array.isArray(value);
  let at = 1; // behind the bracket
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue;
    const begin = at;
    if (!list) at += bytes(key) + 1;
    const end = at + bytes(member);
    if (byte >= begin && byte < end) {
      const inner = byte >= at ? pathAt(member, byte - at) : '';
      return inner === '' ? key : `${key}.${inner}`;
    }
    at = end + 1;
  }
  return '';
}

const FIELDS =
  /^(id|placements|layer|share|metric|currency|horizon_days|expected_shoppers|alpha|max_days|description|guardrails|variants)\b/;

/** At which field the server found a mistake, and what it said. It names the place in the definition, or the field. */
export function mistakeOf(
  error: ApiError,
  definition: Definition,
): { path: FieldPath; message: string } {
  const [, place, rest = ''] = /^(?:definition: )?(?:1:(\d+): )?(.*)$/s.exec(error.message) ?? [];
  const named = definition.variants.findIndex(({ name }) =>
    rest.startsWith(`variants: '${name}' `),
  );
  const byName = named >= 0 ? `variants.${named}` : (FIELDS.exec(rest)?.[1] ?? '');
  const path = place === undefined ? byName : pathAt(definition, Number(place) - 1);
  /* The form has a field for each of these; a mistake deeper inside is theirs. */
  const shown = /^(guardrails\.\d+\.\w+|variants\.\d+\.(?:weights\..*|\w+)|variants\.\d+|\w+)/;
  return { path: shown.exec(path)?.[1] ?? '', message: rest };
}

/* --- what it is ------------------------------------------------------------------------------ */

/** A variant's share of those who take part. */
export function shareOf(definition: Definition, variant: number): number {
  const weight = ({ weight = 1 }: Variant) => weight;
  const total = definition.variants.reduce((sum, one) => sum + weight(one), 0);
  return weight(definition.variants[variant]!) / total;
}

/** Why it ended, or should: as the server writes it, which is English, in parts. */
export type StopReason =
  | { kind: 'ratio'; p: string }
  | { kind: 'guardrail'; metric: string; variant: string; loss: number; control: string }
  | { kind: 'days'; days: number }
  | { kind: 'other'; text: string };

export function stopReason(reason: string): StopReason {
  const ratio = /^sample ratio: .*\(p = ([^)]+)\)$/.exec(reason);
  if (ratio) return { kind: 'ratio', p: ratio[1]! };
  const rail = /^guard-rail: (\w+) of '(.*)' is more than ([\d.e+-]+) % below that of '(.*)'$/.exec(
    reason,
  );
  if (rail) {
    const [, metric, variant, loss, control] = rail;
    return {
      kind: 'guardrail',
      metric: metric!,
      variant: variant!,
      loss: Number(loss),
      control: control!,
    };
  }
  const days = /^max_days: (\d+) have passed$/.exec(reason);
  return days ? { kind: 'days', days: Number(days[1]) } : { kind: 'other', text: reason };
}

/** How often the last place of a placement's list is filled at random, of all shoppers' lists: by what was decided and
 *  what runs. What does not say, does as before it. */
export interface Exploring {
  experiment: Experiment;
  variant: string;
  /** How often, where the variant is served. */
  rate: number;
  /** Of all shoppers, who are served it. */
  shoppers: number;
}

export function exploringIn(experiments: Experiment[], placement: string): Exploring[] {
  const found: Exploring[] = [];
  for (const experiment of experiments) {
    const { definition: d, state, decision } = experiment;
    if (!d.placements.includes(placement) || (state !== 'running' && state !== 'decided')) continue;
    d.variants.forEach((variant, i) => {
      const served = state === 'running' ? (d.share ?? 1) * shareOf(d, i) : 1;
      if (variant.explore === undefined || (state === 'decided' && variant.name !== decision))
        return;
      found.push({ experiment, variant: variant.name, rate: variant.explore, shoppers: served });
    });
  }
  return found;
}

/* --- what it has shown ----------------------------------------------------------------------- */

/** Final shoppers of each variant before which nothing is concluded. */
export const MIN_SHOPPERS = 100;

/** With which confidence each comparison with the control holds, at all moments at once. */
export const confidenceOf = (definition: Definition) =>
  1 - (definition.alpha ?? 0.05) / Math.max(1, definition.variants.length - 1);

/** Nothing that is counted here can be below 0, and no share above 1: an interval that reaches there says no more. */
export function withinBounds(estimate: Estimate, metric: MetricName): Estimate {
  const most = metric === 'conversion' ? 1 : Infinity;
  const clip = (value: number | null) =>
    value === null ? null : Math.min(most, Math.max(0, value));
  return { value: estimate.value, low: clip(estimate.low), high: clip(estimate.high) };
}

export type Verdict = 'ratio' | 'early' | 'none' | 'higher' | 'lower' | 'open';

/** What may be said of a variant beside the control, and no more: an interval that has 0 in it decides nothing, nor does
 *  it say that there is no difference. */
export function verdictOf(report: ExperimentReport, metric: MetricName, variant: number): Verdict {
  const arm = report.variants[variant]!;
  const apart = arm.metrics[metric].difference;
  if (!report.sample_ratio.ok) return 'ratio';
  if (!apart || apart.low === null || apart.high === null) {
    const few = [report.variants[0]!, arm].some(({ final }) => final < MIN_SHOPPERS);
    return few ? 'early' : 'none';
  }
  if (apart.low > 0) return 'higher';
  return apart.high < 0 ? 'lower' : 'open';
}

export type RailState = 'broken' | 'kept' | 'open' | 'early';

/** Broken: all of the interval lies below what may be lost. Kept: all of it lies above. */
export function railState(
  report: ExperimentReport,
  { metric, max_loss }: Guardrail,
  variant: number,
): RailState {
  const control = report.variants[0]!.metrics[metric].value;
  const apart = report.variants[variant]!.metrics[metric].difference;
  if (control === null || !apart || apart.low === null || apart.high === null) return 'early';
  const bound = -max_loss * control;
  if (apart.high < bound) return 'broken';
  return apart.low >= bound ? 'kept' : 'open';
}

/** What needs somebody. */
export type Need = 'ratio' | 'guardrail' | 'days' | 'decide';

export function needsOf(experiment: Experiment, report: ExperimentReport | undefined): Need[] {
  const reason =
    experiment.state === 'running'
      ? (report?.stop ?? '')
      : experiment.state === 'stopped'
        ? (experiment.reason ?? '')
        : '';
  const { kind } = stopReason(reason);
  const found: Need[] = kind === 'other' ? [] : [kind];
  return experiment.state === 'stopped' ? [...found, 'decide'] : found;
}
