/* page.tsx - what every page of the console is made of. */
import { useEffect, useRef, type ReactNode } from 'react';
import { useLocation } from '../../lib/router';
import { localText } from '../../lib/texts';
import { useNotices } from '../../state/notices';
import { useSettings } from '../../state/settings';
import { ErrorState, Skeleton } from '../../ui/states';
import type { Live } from '../lib/live';
import { useConsole } from '../session';
import { useTexts } from '../texts';
import { useTimes } from './times';

/** The heading of a page, which also names the window. */
export function Page(props: {
  title: string;
  text?: string;
  actions?: ReactNode;
  children: ReactNode;
}) {
  const { lang } = useSettings();
  const { shop } = useConsole();
  const { announce } = useNotices();
  const { how } = useLocation();
  const c = useTexts();
  const said = useRef<string | null>(null);
  const name = localText(shop.name, lang) || 'Aisle';
  useEffect(() => {
    document.title = `${props.title} · ${name} ${c.title}`;
    if (how !== 'load' && said.current !== props.title) announce(props.title);
    said.current = props.title;
  }, [props.title, name, c.title, how, announce]);
  return (
    <>
      <div className="page-head">
        <div>
          <h1>{props.title}</h1>
          {props.text && <p>{props.text}</p>}
        </div>
        {props.actions && <div className="page-actions">{props.actions}</div>}
      </div>
      {props.children}
    </>
  );
}

export function Panel(props: {
  title?: string;
  text?: string;
  actions?: ReactNode;
  className?: string;
  children: ReactNode;
}) {
  return (
    <section className={`panel ${props.className ?? ''}`}>
      {props.title && (
        <div className="panel-head">
          <div>
            <h2>{props.title}</h2>
            {props.text && <p>{props.text}</p>}
          </div>
          {props.actions}
        </div>
      )}
      {props.children}
    </section>
  );
}

/** Shows what is live: on its way, failed, or there and perhaps old. */
export function Shown<T>(props: { live: Live<T>; children: (data: T) => ReactNode }) {
  const { live, children } = props;
  const c = useTexts();
  const { clock } = useTimes();
  if (live.data === null) {
    if (live.error !== null) return <ErrorState error={live.error} retry={live.reload} />;
    return (
      <div aria-busy="true" className="loading">
        <Skeleton shape="title" />
        <Skeleton shape="block" />
      </div>
    );
  }
  return (
    <>
      {live.error !== null && (
        <p className="stale" role="status">
          {c.stale(clock(live.at))}
        </p>
      )}
      {children(live.data)}
    </>
  );
}

/** Nothing there yet: a quiet line in place of a table. */
export function Nothing(props: { title: string; text?: string; children?: ReactNode }) {
  return (
    <div className="nothing">
      <p className="nothing-title">{props.title}</p>
      {props.text && <p>{props.text}</p>}
      {props.children}
    </div>
  );
}

/** A table that scrolls in itself where it is wider than the screen. On a narrow one a `stacked` one has its cells
 *  below each other, each with its data-label. */
export function Table(props: { label: string; stacked?: boolean; children: ReactNode }) {
  return (
    <div
      className="table"
      data-stacked={props.stacked || undefined}
      role="region"
      aria-label={props.label}
      // A box that scrolls must be reachable by the keyboard.
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
    >
      <table>{props.children}</table>
    </div>
  );
}

/** Names and values, as a list of definitions. */
export function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export type Tone = 'good' | 'bad' | 'warn' | 'plain' | 'busy';

export function Status({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span className="status" data-tone={tone}>
      {children}
    </span>
  );
}
