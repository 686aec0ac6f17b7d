/* shelf.tsx - rows of recommendations: one, or those of a page. */
import { useEffect, useId, useRef, useState, type ReactNode } from 'react';
import type {
  RecommendationQuery,
  Recommendations,
  RecommendedCard,
  RecommendedRows,
  RowsQuery,
} from '../api/types';
import { useResource, type Resource } from '../lib/use-resource';
import { useSession } from '../state/session';
import { useSettings } from '../state/settings';
import { IconButton } from '../ui/button';
import { Icon } from '../ui/icon';
import { ErrorState, Skeleton } from '../ui/states';
import { ProductCard } from './product-card';

export const SHELF_SIZE = 14;

/** The answer for a placement, asked for once the server knows what just happened here. */
export function useRecommendations(query: RecommendationQuery | null): Resource<Recommendations> {
  const { api, settle } = useSession();
  return useResource(query && `shelf/${api.scope}/${JSON.stringify(query)}`, async (signal) => {
    await settle();
    return api.recommendations(query!, signal);
  });
}

/** The rows of a page, which repeat no product, asked for likewise. */
export function useRows(query: RowsQuery | null): Resource<RecommendedRows> {
  const { api, settle } = useSession();
  return useResource(query && `rows/${api.scope}/${JSON.stringify(query)}`, async (signal) => {
    await settle();
    return api.rows(query!, signal);
  });
}

export function CardSkeletons({ count }: { count: number }) {
  return Array.from({ length: count }, (_, i) => (
    <li key={i} className="card" aria-hidden="true">
      <div className="card-picture">
        <Skeleton shape="picture" />
      </div>
      <div className="card-text">
        <Skeleton />
        <Skeleton shape="title" />
      </div>
    </li>
  ));
}

/** Which ways a row can still be scrolled. */
function useScrollEdges(dependency: unknown) {
  const ref = useRef<HTMLUListElement>(null);
  const [edges, setEdges] = useState({ left: false, right: false });
  useEffect(() => {
    const list = ref.current;
    if (!list) return;
    const measure = () =>
      setEdges({
        left: list.scrollLeft > 4,
        right: list.scrollLeft + list.clientWidth < list.scrollWidth - 4,
      });
    measure();
    list.addEventListener('scroll', measure, { passive: true });
    const sizes = new ResizeObserver(measure);
    sizes.observe(list);
    return () => {
      list.removeEventListener('scroll', measure);
      sizes.disconnect();
    };
  }, [dependency]);
  const turn = (direction: 1 | -1) =>
    ref.current?.scrollBy({ left: direction * ref.current.clientWidth * 0.85 });
  return { ref, edges, turn };
}

interface RowProps {
  title: ReactNode;
  text?: string;
  items: RecommendedCard[] | null;
  requestId?: string;
  /** How many of the list are shown elsewhere, before these. */
  offset?: number;
  error?: unknown;
  retry: () => void;
  /** Between the title and the row. */
  controls?: (row: ReactNode) => ReactNode;
}

/** The row itself, in whatever state its list is. */
export function Row({ title, text, items, requestId, offset = 0, ...rest }: RowProps) {
  const { t } = useSettings();
  const titleId = useId();
  const { ref, edges, turn } = useScrollEdges(items);

  const body = rest.error ? (
    <ErrorState error={rest.error} retry={rest.retry} />
  ) : items?.length === 0 ? (
    <p className="quiet">{t.rows.none}</p>
  ) : (
    <ul className="shelf-list" ref={ref} aria-busy={items === null}>
      {items === null ? (
        <CardSkeletons count={6} />
      ) : (
        items.map((card, i) => (
          <li key={card.id}>
            <ProductCard
              card={card}
              reason={card.reason?.text === title ? undefined : card.reason}
              origin={{ requestId, position: offset + i + 1 }}
            />
          </li>
        ))
      )}
    </ul>
  );

  return (
    <section className="shelf" aria-labelledby={titleId}>
      <header className="shelf-head">
        <div>
          <h2 id={titleId}>{title}</h2>
          {text && <p>{text}</p>}
        </div>
        <div className="shelf-turn" hidden={!edges.left && !edges.right}>
          <IconButton label={t.rows.previous} disabled={!edges.left} onClick={() => turn(-1)}>
            <Icon name="left" />
          </IconButton>
          <IconButton label={t.rows.next} disabled={!edges.right} onClick={() => turn(1)}>
            <Icon name="right" />
          </IconButton>
        </div>
      </header>
      {rest.controls ? rest.controls(body) : body}
    </section>
  );
}

interface ShelfProps {
  title: ReactNode;
  text?: string;
  query: RecommendationQuery;
  /** Rows that only add something vanish when they are empty or fail. */
  optional?: boolean;
  controls?: RowProps['controls'];
}

export function Shelf({ title, text, query, optional = false, controls }: ShelfProps) {
  const list = useRecommendations({ limit: SHELF_SIZE, ...query });
  if (optional && (list.error !== null || list.data?.items.length === 0)) return null;
  return (
    <Row
      title={title}
      text={text}
      items={list.data?.items ?? null}
      requestId={list.data?.request_id}
      error={list.error}
      retry={list.reload}
      controls={controls}
    />
  );
}

/** All rows of a page in their order. They only add something: without any there is nothing. */
export function Rows({ query }: { query: RowsQuery }) {
  const list = useRows({ limit: SHELF_SIZE, ...query });
  if (list.error !== null) return null;
  if (!list.data)
    return <Row title={<Skeleton shape="title" />} items={null} retry={list.reload} />;
  const { rows, request_id: requestId } = list.data;
  return rows.map(({ code, title, items }, i) => (
    <Row
      key={`${code}/${i}`}
      title={title}
      items={items}
      requestId={requestId}
      retry={list.reload}
    />
  ));
}
