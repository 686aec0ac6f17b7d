import { useEffect, useRef, type RefObject } from 'react';
import { savedScroll, useLocation } from './router';

/** A new page starts at its top with the focus on its content; going back returns to the place. */
export function usePageChange(main: RefObject<HTMLElement | null>): void {
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
