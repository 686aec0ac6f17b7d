import type { AnchorHTMLAttributes, MouseEvent } from 'react';
import { navigate, type Origin } from '../lib/router';

interface LinkProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  to: string;
  origin?: Origin;
  replace?: boolean;
  [data: `data-${string}`]: string | undefined;
}

/** A real link that stays inside the page, unless the shopper asks for a new tab or window. */
export function Link({ to, origin, replace, onClick, children, ...rest }: LinkProps) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    const modified = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
    if (event.defaultPrevented || event.button !== 0 || modified) return;
    event.preventDefault();
    navigate(to, { origin, replace });
  };
  return (
    <a {...rest} href={to} onClick={follow}>
      {children}
    </a>
  );
}
