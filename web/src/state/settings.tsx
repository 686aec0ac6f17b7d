/* settings.tsx - language and appearance: kept in this browser, applied to the document. */
import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from 'react';
import type { Lang } from '../api/types';
import { en, type Messages } from '../i18n/en';
import { zh } from '../i18n/zh';
import { formatMoney } from '../lib/money';
import { readStored, store } from '../lib/storage';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const CATALOGUES: Record<Lang, Messages> = { en, zh };
const LOCALES: Record<Lang, string> = { en: 'en-GB', zh: 'zh-CN' };

interface Settings {
  lang: Lang;
  setLang: (lang: Lang) => void;
  theme: Theme;
  setTheme: (theme: Theme) => void;
  locale: string;
  t: Messages;
  money: (minor: number, currency: string, short?: boolean) => string;
  date: (iso: string, withTime?: boolean) => string;
  number: (value: number, digits?: number) => string;
}

const isLang = (value: unknown): value is Lang => value === 'en' || value === 'zh';
const isTheme = (value: unknown): value is Theme => THEMES.some((theme) => theme === value);

function browserLang(): Lang {
  return navigator.languages.some((tag) => tag.toLowerCase().startsWith('zh')) ? 'zh' : 'en';
}

function formatDate(iso: string, locale: string, withTime: boolean): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const style: Intl.DateTimeFormatOptions = withTime
    ? { dateStyle: 'long', timeStyle: 'short' }
    : { dateStyle: 'long' };
  return new Intl.DateTimeFormat(locale, style).format(date);
}

const Context = createContext<Settings | null>(null);

export function SettingsProvider({ children }: { children: ReactNode }) {
  const [lang, setLang] = useState<Lang>(() => readStored('lang', isLang) ?? browserLang());
  const [theme, setTheme] = useState<Theme>(() => readStored('theme', isTheme) ?? 'system');

  useEffect(() => {
    document.documentElement.lang = lang === 'zh' ? 'zh-Hans' : 'en';
    store('lang', lang);
  }, [lang]);

  useEffect(() => {
    const root = document.documentElement;
    if (theme === 'system') delete root.dataset.theme;
    else root.dataset.theme = theme;
    store('theme', theme === 'system' ? null : theme);
  }, [theme]);

  const value = useMemo<Settings>(() => {
    const locale = LOCALES[lang];
    return {
      lang,
      setLang,
      theme,
      setTheme,
      locale,
      t: CATALOGUES[lang],
      money: (minor, currency, short) => formatMoney(minor, currency, locale, short),
      date: (iso, withTime = false) => formatDate(iso, locale, withTime),
      number: (value, digits = 0) =>
        value.toLocaleString(locale, {
          minimumFractionDigits: digits,
          maximumFractionDigits: digits,
        }),
    };
  }, [lang, theme]);

  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useSettings(): Settings {
  const value = useContext(Context);
  if (!value) throw new Error('useSettings outside of SettingsProvider');
  return value;
}
