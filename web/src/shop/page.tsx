/* page.tsx - what every page does when it comes up. */
import { useEffect, useRef } from 'react';
import { savedScroll, useLocation } from '../lib/router';
import { localText } from '../lib/texts';
import { useNotices } from '../state/notices';
import { useSession } from '../state/session';
import { useSettings } from '../state/settings';

/** Names the page in the window's title and, after a change of page, to screen readers. */
export function usePageTitle(title: string | null | undefined): void {
  const { lang } = useSettings();
  const { shop } = useSession();
  const { announce } = useNotices();
  const { how } = useLocation();
  const last = useRef<string | null>(null);
  const shopName = localText(shop.name, lang) || 'Aisle';
  useEffect(() => {
    if (!title) return;
    document.title = `${title} · ${shopName}`;
    if (how !== 'load' && last.current !== title) announce(title);
    last.current = title;
  }, [title, shopName, how, announce]);
}

/** A new page starts at its top with the focus on its content; going back returns to the place. */
export function usePageChange(main: React.RefObject<HTMLElement | null>): void {
  const { pathname, key, how } = useLocation();
  const shown = useRef(pathname);
  useEffect(() => {
    if (how === 'pop') {
      requestAnimationFrame(() => window.scrollTo(0, savedScroll(key)));
    } else if (how === 'push') {
      window.scrollTo(0, 0);
    }
    if (shown.current !== pathname) {
      shown.current = pathname;
      main.current?.focus({ preventScroll: true });
    }
  }, [pathname, key, how, main]);
}
