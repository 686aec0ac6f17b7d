import { useSettings } from '../state/settings';
import { en, type ConsoleTexts } from './i18n/en';
import { zh } from './i18n/zh';

/** The console's texts in the reader's language. */
export function useTexts(): ConsoleTexts {
  return useSettings().lang === 'zh' ? zh : en;
}
