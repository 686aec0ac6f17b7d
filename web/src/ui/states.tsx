/* states.tsx - what stands where content is not: on its way, absent, or failed. */
import type { ReactNode } from 'react';
import { ApiError } from '../api/client';
import { errorText } from '../lib/error-text';
import { useSettings } from '../state/settings';
import { Button } from './button';
import { Icon, type IconName } from './icon';

export function Skeleton({ shape = 'line' }: { shape?: 'line' | 'title' | 'picture' | 'block' }) {
  return <span className="skeleton" data-shape={shape} aria-hidden="true" />;
}

interface StateProps {
  icon: IconName;
  title: string;
  text?: string;
  heading?: 1 | 2;
  children?: ReactNode;
}

export function EmptyState({ icon, title, text, heading = 2, children }: StateProps) {
  const Heading = heading === 1 ? 'h1' : 'h2';
  return (
    <div className="state">
      <span className="state-mark">
        <Icon name={icon} />
      </span>
      <Heading>{title}</Heading>
      {text && <p>{text}</p>}
      {children && <div className="state-actions">{children}</div>}
    </div>
  );
}

export function ErrorState(props: { error: unknown; retry: () => void; heading?: 1 | 2 }) {
  const { t } = useSettings();
  const { error } = props;
  return (
    <div role="alert">
      <EmptyState
        icon="alert"
        title={t.errors.title}
        text={errorText(error, t)}
        heading={props.heading}
      >
        <Button onClick={props.retry}>{t.retry}</Button>
        {error instanceof ApiError && error.requestId && (
          <p className="fine">{t.errors.reference(error.requestId)}</p>
        )}
      </EmptyState>
    </div>
  );
}
