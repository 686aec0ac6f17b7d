/* times.ts - times in the zone of whoever looks, which the frame names. */
import { useMemo } from 'react';
import { useSettings } from '../../state/settings';
import { formatAgo, formatDuration } from '../lib/format';

export const zoneName = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

export function useTimes() {
  const { locale } = useSettings();
  return useMemo(() => {
    const moment = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });
    const day = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' });
    const time = new Intl.DateTimeFormat(locale, { timeStyle: 'medium' });
    return {
      at: (iso: string) => moment.format(new Date(iso)),
      day: (iso: string | number) => day.format(new Date(iso)),
      clock: (ms: number) => time.format(new Date(ms)),
      ago: (iso: string) => formatAgo(iso, Date.now(), locale),
      span: (from: string | null, to: string | null) =>
        from === null
          ? '–'
          : formatDuration(
              (to === null ? Date.now() : new Date(to).getTime()) - new Date(from).getTime(),
              locale,
            ),
    };
  }, [locale]);
}
