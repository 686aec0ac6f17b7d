import type { ButtonHTMLAttributes, ReactNode } from 'react';
import { Link } from './link';

type Look = 'primary' | 'plain' | 'quiet' | 'danger';

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: Look;
  busy?: boolean;
}

/** A busy button stays focusable and says so, but does nothing. */
export function Button({ look = 'plain', busy = false, className = '', ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      className={`button ${className}`}
      data-look={look}
      aria-busy={busy || undefined}
      aria-disabled={busy || undefined}
      onClick={busy ? (event) => event.preventDefault() : rest.onClick}
    />
  );
}

export function ButtonLink(props: { to: string; look?: Look; children: ReactNode }) {
  return (
    <Link to={props.to} className="button" data-look={props.look ?? 'plain'}>
      {props.children}
    </Link>
  );
}

/** A square button whose only content is an icon; the label is its name. */
export function IconButton({ label, ...rest }: Omit<ButtonProps, 'look'> & { label: string }) {
  return (
    <button
      type="button"
      title={label}
      {...rest}
      className={`icon-button ${rest.className ?? ''}`}
      aria-label={label}
    />
  );
}
