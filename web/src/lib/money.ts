/* Money is an integer in minor units; how many digits those are is the currency's business. */

export function minorDigits(currency: string): number {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency });
  return format.resolvedOptions().maximumFractionDigits ?? 2;
}

export function toMajor(minor: number, currency: string): number {
  return minor / 10 ** minorDigits(currency);
}

/** Reads what a person typed into a price field; null if it is no amount. */
export function parseMajor(text: string, currency: string): number | null {
  const cleaned = text.normalize('NFKC').trim().replace(/,/g, '');
  if (!/^\d{1,12}(\.\d*)?$/.test(cleaned)) return null;
  return Math.round(Number(cleaned) * 10 ** minorDigits(currency));
}

/** With `short`, whole amounts lose their empty decimals. */
export function formatMoney(minor: number, currency: string, locale: string, short = false) {
  const digits = minorDigits(currency);
  const whole = short && minor % 10 ** digits === 0;
  return new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    currencyDisplay: 'narrowSymbol',
    minimumFractionDigits: whole ? 0 : digits,
    maximumFractionDigits: digits,
  }).format(toMajor(minor, currency));
}

/** The saving in whole percent, 0 when there is none worth naming. */
export function percentOff(price: number | null, listPrice: number | null): number {
  if (price === null || listPrice === null || listPrice <= price) return 0;
  return Math.floor(((listPrice - price) / listPrice) * 100);
}
