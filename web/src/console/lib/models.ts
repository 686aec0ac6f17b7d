/* models.ts - what a manifest says, read with care: older versions say less, newer ones more. */
import type { Gate, Interval, Manifest, ModelVersion } from '../api';

export type Figures = Record<string, number>;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value);

export function isInterval(value: unknown): value is Interval {
  return isObject(value) && isNumber(value.mean) && isNumber(value.low) && isNumber(value.high);
}

/** Every list that was measured: its name and its figures ("factors": {ndcg, recall, ...}). */
export function measuredLists(manifest: Manifest | null): [string, Figures][] {
  return Object.entries(manifest?.metrics ?? {}).flatMap(([name, value]) => {
    if (!isObject(value) || !isNumber(value.ndcg)) return [];
    const numbers = Object.entries(value).filter((entry): entry is [string, number] =>
      isNumber(entry[1]),
    );
    return [[name, Object.fromEntries(numbers)] as [string, Figures]];
  });
}

/** The list that the version is judged by: the one whose NDCG the interval is of. */
export function judgedList(manifest: Manifest | null): Figures | null {
  const lists = measuredLists(manifest).filter(([name]) => name !== 'popularity');
  const ndcg = manifest?.metrics?.ndcg;
  const judged = isInterval(ndcg)
    ? lists.find(([, figures]) => Math.abs(figures.ndcg! - ndcg.mean) < 1e-4)
    : undefined;
  return (judged ?? lists[0])?.[1] ?? null;
}

export function popularityList(manifest: Manifest | null): Figures | null {
  return measuredLists(manifest).find(([name]) => name === 'popularity')?.[1] ?? null;
}

/** The interval of a metric, where one was measured. */
export function intervalOf(manifest: Manifest | null, metric: string): Interval | null {
  const value = manifest?.metrics?.[metric];
  return isInterval(value) ? value : null;
}

export function gainOverPopularity(manifest: Manifest | null): Interval | null {
  return intervalOf(manifest, 'gain_over_popularity');
}

export function numberMetric(manifest: Manifest | null, name: string): number | null {
  const value = manifest?.metrics?.[name];
  return isNumber(value) ? value : null;
}

export function textMetric(manifest: Manifest | null, name: string): string | null {
  const value = manifest?.metrics?.[name];
  return typeof value === 'string' ? value : null;
}

function isGate(value: unknown): value is Gate {
  return isObject(value) && isInterval(value.difference) && typeof value.passed === 'boolean';
}

export function gatesOf(manifest: Manifest | null): [string, Gate][] {
  return Object.entries(manifest?.gates ?? {}).filter((entry): entry is [string, Gate] =>
    isGate(entry[1]),
  );
}

export interface ParameterRow {
  name: string;
  here: number | null;
  live: number | null;
  differs: boolean;
}

/** Parameters of a version beside those of the live one, the differing ones first. */
export function compareParameters(
  here: Manifest | null,
  live: Manifest | null | undefined,
): ParameterRow[] {
  const ours = here?.parameters ?? {};
  const theirs = live?.parameters ?? {};
  const rows = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])].map((name) => {
    const row = { name, here: ours[name] ?? null, live: live ? (theirs[name] ?? null) : null };
    return { ...row, differs: live ? row.here !== row.live : false };
  });
  return [...rows.filter((row) => row.differs), ...rows.filter((row) => !row.differs)];
}

export function liveVersion(models: ModelVersion[], family: string): ModelVersion | undefined {
  return models.find((model) => model.family === family && model.live);
}

/** Names of the metrics that the versions have, in a fixed order first. */
export function metricNames(models: ModelVersion[]): string[] {
  const order = ['ndcg', 'recall', 'hit', 'mrr', 'coverage', 'gini'];
  const names = new Set(models.flatMap((model) => Object.keys(judgedList(model.manifest) ?? {})));
  return [
    ...order.filter((name) => names.has(name)),
    ...[...names].filter((n) => !order.includes(n)),
  ];
}

export interface Point {
  version: string;
  live: boolean;
  refused: boolean;
  time: number;
  value: number;
  low: number | null;
  high: number | null;
  popularity: number | null;
}

/** A metric of every version of a family that has it, oldest first. */
export function metricSeries(models: ModelVersion[], family: string, metric: string): Point[] {
  return models
    .filter((model) => model.family === family)
    .flatMap((model): Point[] => {
      const value = judgedList(model.manifest)?.[metric];
      const time = new Date(model.manifest?.trained_at ?? model.created_at).getTime();
      if (!isNumber(value) || Number.isNaN(time)) return [];
      const interval = intervalOf(model.manifest, metric);
      return [
        {
          version: model.version,
          live: model.live,
          refused: model.state === 'rejected',
          time,
          value,
          low: interval?.low ?? null,
          high: interval?.high ?? null,
          popularity: popularityList(model.manifest)?.[metric] ?? null,
        },
      ];
    })
    .sort((a, b) => a.time - b.time);
}
