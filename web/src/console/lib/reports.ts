/* reports.ts - what lists led to: which time is asked for, kept in the address, and the table as a file. */
import { BY, type Attribution, type AttributionRow, type By } from '../api';
import { toMajor } from '../../lib/money';

export const PERIODS = [1, 7, 28, 90] as const;
export const WINDOWS = [1, 3, 7, 14, 30] as const;
const DAY_MS = 86_400_000;

export interface ReportQuery {
  /** Days back from now, unless both dates are there. */
  days: number;
  from: string;
  to: string;
  by: By[];
  window: number;
}

const isDate = (value: string | null) =>
  value !== null && /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value));

export function readReport(search: string): ReportQuery {
  const params = new URLSearchParams(search);
  const days = Number(params.get('days'));
  const window = Number(params.get('window'));
  const from = params.get('from');
  const to = params.get('to');
  const dated = isDate(from) && isDate(to);
  const by = params.get('by');
  return {
    days: PERIODS.some((n) => n === days) ? days : 7,
    from: dated ? from! : '',
    to: dated ? to! : '',
    by: by === null ? ['placement'] : BY.filter((name) => by.split(',').includes(name)),
    window: WINDOWS.some((n) => n === window) ? window : 7,
  };
}

/** The shortest search that readReport reads the same from. */
export function writeReport(query: ReportQuery): string {
  const params = new URLSearchParams();
  if (query.from && query.to) {
    params.set('from', query.from);
    params.set('to', query.to);
  } else if (query.days !== 7) params.set('days', String(query.days));
  if (query.by.join() !== 'placement') params.set('by', query.by.join());
  if (query.window !== 7) params.set('window', String(query.window));
  const text = params.toString();
  return text && `?${text}`;
}

/** Days are those of whoever looks; the last one is counted in, but not what is still to come. */
export function timesOf(query: ReportQuery, now: number): { from: string; to: string } {
  const iso = (ms: number) => new Date(ms).toISOString();
  if (!query.from || !query.to) return { from: iso(now - query.days * DAY_MS), to: iso(now) };
  const end = new Date(`${query.to}T00:00:00`);
  end.setDate(end.getDate() + 1);
  return {
    from: iso(new Date(`${query.from}T00:00:00`).getTime()),
    to: iso(Math.min(now, end.getTime())),
  };
}

const FIGURES = [
  'requests',
  'impressions',
  'clicks',
  'carts',
  'purchases',
  'ctr',
  'conversion',
] as const;

/* A spreadsheet takes what begins so for a formula. */
const cell = (value: string | number | null | undefined): string => {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

/** RFC 4180, with one column of revenue for each currency, in major units. */
export function csvOf(report: Attribution, by: By[], name: (row: AttributionRow) => string[]) {
  const currencies = [
    ...new Set(
      [...report.items, report.unattributed].flatMap(({ revenue }) =>
        revenue.map(({ currency }) => currency),
      ),
    ),
  ].sort();
  const revenue = (of: AttributionRow['revenue']) =>
    currencies.map((currency) => {
      const found = of.find((one) => one.currency === currency);
      return found ? toMajor(found.amount, currency) : 0;
    });
  const names = by.flatMap((one) => (one === 'variant' ? ['experiment', 'variant'] : [one]));
  const lines: (string | number | null)[][] = [
    [...names, ...FIGURES, ...currencies.map((currency) => `revenue_${currency}`)],
    ...report.items.map((row) => [
      ...name(row),
      ...FIGURES.map((figure) => row[figure]),
      ...revenue(row.revenue),
    ]),
    [
      ...names.map((_, i) => (i === 0 ? 'unattributed' : '')),
      ...FIGURES.map((figure) => (figure === 'purchases' ? report.unattributed.purchases : '')),
      ...revenue(report.unattributed.revenue),
    ],
  ];
  return lines.map((line) => line.map(cell).join(',') + '\r\n').join('');
}
