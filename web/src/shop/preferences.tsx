import { useSyncExternalStore } from 'react';
import type { Lang } from '../api/types';
import { THEMES, useSettings, type Theme } from '../state/settings';
import { IconButton } from '../ui/button';
import { Select } from '../ui/forms';
import { Icon } from '../ui/icon';

const darkQuery = matchMedia('(prefers-color-scheme: dark)');

/** Whether the page is dark right now, by choice or by the system. */
export function useDarkNow(): boolean {
  const { theme } = useSettings();
  const system = useSyncExternalStore(
    (changed) => {
      darkQuery.addEventListener('change', changed);
      return () => darkQuery.removeEventListener('change', changed);
    },
    () => darkQuery.matches,
  );
  return theme === 'system' ? system : theme === 'dark';
}

export function LanguageSelect() {
  const { t, lang, setLang } = useSettings();
  return (
    <Select
      label={t.language.label}
      value={lang}
      onChange={(event) => setLang(event.target.value as Lang)}
    >
      <option value="en" lang="en">
        English
      </option>
      <option value="zh" lang="zh-Hans">
        中文
      </option>
    </Select>
  );
}

export function ThemeSelect() {
  const { t, theme, setTheme } = useSettings();
  return (
    <Select
      label={t.theme.label}
      value={theme}
      onChange={(event) => setTheme(event.target.value as Theme)}
    >
      {THEMES.map((name) => (
        <option key={name} value={name}>
          {t.theme[name]}
        </option>
      ))}
    </Select>
  );
}

export function ThemeButton() {
  const { t, setTheme } = useSettings();
  const dark = useDarkNow();
  return (
    <IconButton
      className="wide-only"
      label={dark ? t.theme.toggleToLight : t.theme.toggleToDark}
      onClick={() => setTheme(dark ? 'light' : 'dark')}
    >
      <Icon name={dark ? 'sun' : 'moon'} />
    </IconButton>
  );
}

export function LanguageButton() {
  const { t, lang, setLang } = useSettings();
  const other = lang === 'zh' ? 'en' : 'zh';
  return (
    <button
      type="button"
      className="language-button wide-only"
      lang={other === 'zh' ? 'zh-Hans' : 'en'}
      onClick={() => setLang(other)}
    >
      {t.language.short}
    </button>
  );
}
