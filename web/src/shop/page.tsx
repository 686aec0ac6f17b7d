/* page.tsx - what every page does when it comes up. */
import { useEffect, useRef } from 'react';
import { useLocation } from '../lib/router';
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
