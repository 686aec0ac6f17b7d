/* format.ts - durations, sizes and numbers of metrics as people read them. */

/** "3 hrs 5 mins", "42 secs", "80 ms". */
export function formatDuration(ms: number, locale: string): string {
  const unit = (value: number, name: string, digits = 0) =>
    new Intl.NumberFormat(locale, {
      style: 'unit',
      unit: name,
      unitDisplay: 'short',
      maximumFractionDigits: digits,
    }).format(value);
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 1) return unit(Math.round(Math.max(0, ms)), 'millisecond');
  if (seconds < 10) return unit(seconds, 'second', 1);
  if (seconds < 60) return unit(Math.floor(seconds), 'second');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${unit(minutes, 'minute')} ${unit(Math.floor(seconds % 60), 'second')}`;
  return `${unit(Math.floor(minutes / 60), 'hour')} ${unit(minutes % 60, 'minute')}`;
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 365 * 86400],
  ['month', 30 * 86400],
  ['day', 86400],
  ['hour', 3600],
  ['minute', 60],
];

/** "2 hours ago", "yesterday", "now". */
export function formatAgo(iso: string, now: number, locale: string): string {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  const format = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  }
  return format.format(0, 'second');
}

export function formatBytes(bytes: number, locale: string): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
  let at = 0;
  let value = bytes;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at++;
  }
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: units[at]!,
    unitDisplay: 'short',
    maximumFractionDigits: value < 10 && at > 0 ? 1 : 0,
  }).format(value);
}

/** With a sign, so that a gain is told from a loss without colour. */
export function formatSigned(value: number, locale: string, digits = 4): string {
  return new Intl.NumberFormat(locale, {
    signDisplay: 'exceptZero',
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(value);
}

/** Of a parameter: as many digits as it has. */
export const formatNumber = (value: number, locale: string) =>
  value.toLocaleString(locale, { maximumSignificantDigits: 8 });

/** Reads what a person typed; null if it is no number. Full-width digits are digits. */
export function parseNumber(text: string): number | null {
  const plain = text.normalize('NFKC').trim();
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain)) return null;
  const value = Number(plain);
  return Number.isFinite(value) ? value : null;
}
