/* verdict.ts - what a training came to, in one line of the reader's language. */
import type { Manifest } from '../api';
import type { ConsoleTexts } from '../i18n/en';
import { formatSigned } from './format';
import { gatesOf, judgedList, numberMetric, popularityList } from './models';

/** Of a manifest, or of the result of a training, which has the same members. */
export function verdictText(manifest: Manifest | null, c: ConsoleTexts, locale: string): string {
  const figures = judgedList(manifest);
  if (figures?.ndcg === undefined) return manifest?.verdict ? c.models.unmeasured : '–';
  const digits = (value: number | undefined) =>
    value === undefined
      ? ''
      : value.toLocaleString(locale, { minimumFractionDigits: 4, maximumFractionDigits: 4 });
  const k = numberMetric(manifest, 'k');
  const outcome = c.models.outcome(
    k ? `@${k}` : '',
    digits(figures.ndcg),
    digits(popularityList(manifest)?.ndcg),
  );
  const failed = gatesOf(manifest).flatMap(([name, gate]) => {
    if (gate.passed) return [];
    const { mean, low, high } = gate.difference;
    const [m, l, h] = [mean, low, high].map((value) => formatSigned(value, locale));
    return [`${c.model.gate[name] ?? name} ${m} [${l}, ${h}]`];
  });
  return failed.length ? c.models.refusedBy(outcome, failed) : outcome;
}
