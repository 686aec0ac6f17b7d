import type { Lang, Texts } from '../api/types';

/** A text in the shopper's language, or else in whichever there is. */
export function localText(texts: Texts, lang: Lang): string {
  return texts[lang] ?? Object.values(texts).find((text) => text) ?? '';
}
