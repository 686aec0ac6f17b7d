import type { ConsoleTexts } from '../i18n/en';

const COUNT = '.candidates';

/** What people call a weight, or how many candidates a source gives. */
export function weightLabel(c: ConsoleTexts, name: string): string {
  if (name.endsWith(COUNT))
    return c.explain.candidatesOf(weightLabel(c, name.slice(0, -COUNT.length)));
  return c.explain.sources[name] ?? name;
}

/** Digits behind the point: a count has none. */
export function weightDigits(name: string): number {
  return name.endsWith(COUNT) ? 0 : 3;
}
