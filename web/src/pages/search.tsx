import { useEffect, useState } from 'react';
import { SORTS, type SearchResults, type Sort } from '../api/types';
import { categoryUrl, navigate, useLocation } from '../lib/router';
import {
  activeFacets,
  EMPTY_SEARCH,
  formatSearch,
  parseSearch,
  type SearchState,
} from '../lib/search-state';
import { PAGE_SIZE, useAttributeFacets, useFound } from '../shop/found';
import { useFilterChips } from '../shop/filter-chips';
import { Facets } from '../shop/facets';
import { Crumbs } from '../shop/crumbs';
import { usePageTitle } from '../shop/page';
import { ProductCard } from '../shop/product-card';
import { CardSkeletons, Rows } from '../shop/shelf';
import { childrenOf, useCategories } from '../state/categories';
import { useNotices } from '../state/notices';
import { useSession } from '../state/session';
import { useSettings } from '../state/settings';
import { Button, ButtonLink } from '../ui/button';
import { Chips } from '../ui/chips';
import { Drawer } from '../ui/drawer';
import { Select } from '../ui/forms';
import { Icon } from '../ui/icon';
import { Link } from '../ui/link';
import { Pagination } from '../ui/pagination';
import { EmptyState, ErrorState } from '../ui/states';

/** The address of a state: a department has a page of its own, everything else is a search. */
function urlOf(state: SearchState, inDepartment: boolean): string {
  return inDepartment && state.category
    ? categoryUrl(state.category) + formatSearch({ ...state, category: '' })
    : `/search${formatSearch(state)}`;
}

function NothingFound({ state, reset }: { state: SearchState; reset: (() => void) | null }) {
  const { t } = useSettings();
  return (
    <>
      <EmptyState icon="search" title={t.search.noneTitle(state.q)} text={t.search.noneText}>
        {reset && <Button onClick={reset}>{t.search.noneFilters}</Button>}
        <ButtonLink to="/search">{t.search.noneAll}</ButtonLink>
      </EmptyState>
      <Rows query={{ page: 'search' }} />
    </>
  );
}

function Heading(props: { title: string; category?: string; results: SearchResults | null }) {
  const { t } = useSettings();
  const categories = useCategories();
  const { title, category, results } = props;
  const from = firstPlace(results);
  const shown = results?.items.length ?? 0;
  const parts = category === undefined ? [] : childrenOf(categories.data ?? [], category);
  return (
    <div className="search-title">
      {category !== undefined && <Crumbs path={category} />}
      <h1>{title}</h1>
      <p className="quiet">
        {shown > 0 ? t.search.range(from, from + shown - 1, results!.total) : '\u00a0'}
      </p>
      {parts.length > 0 && (
        <ul className="pills" aria-label={t.departments}>
          {parts.map(({ path, label }) => (
            <li key={path}>
              <Link to={categoryUrl(path)} className="pill">
                {label}
              </Link>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** Where the list begins in the whole, from 1. */
function firstPlace(results: SearchResults | null): number {
  return results ? (results.page - 1) * PAGE_SIZE + 1 : 1;
}

function Grid({ results, loading }: { results: SearchResults | null; loading: boolean }) {
  const first = firstPlace(results);
  return (
    <ul className="grid" aria-busy={loading} data-stale={loading ? '' : undefined}>
      {results === null ? (
        <CardSkeletons count={12} />
      ) : (
        results.items.map((card, i) => (
          <li key={card.id}>
            <ProductCard
              card={card}
              titlePieces={card.highlights?.title}
              origin={{ requestId: results.request_id, position: first + i }}
              eager={i < 4}
            />
          </li>
        ))
      )}
    </ul>
  );
}

const FEW_RESULTS = 6;

/** Under few results what is like them, under a department's first page the best of it. */
function Beside({ results, category }: { results: SearchResults; category?: string }) {
  const { items, page, total } = results;
  if (total <= FEW_RESULTS) {
    return <Rows query={{ page: 'search', product_ids: items.map(({ id }) => id) }} />;
  }
  if (category === undefined || page > 1) return null;
  const filter = `category = ${JSON.stringify(category)}`;
  const exclude = items.map(({ id }) => id);
  return <Rows query={{ page: 'category', filter, exclude, rows: 1 }} />;
}

/** Tells the screen reader and the shop, once for each answer. */
function useReport(q: string, results: SearchResults | null): void {
  const { t } = useSettings();
  const { track } = useSession();
  const { announce } = useNotices();
  const { how } = useLocation();
  const requestId = results?.request_id;
  useEffect(() => {
    // Whoever comes back to an answer has not searched again.
    if (!results || how === 'pop') return;
    announce(t.search.results(results.total));
    if (q) track('search', { query: q, request_id: requestId });
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [requestId]);
}

/** `category` is set on a department's own page. */
export function SearchPage({ category }: { category?: string }) {
  const { t } = useSettings();
  const { shop } = useSession();
  const { search } = useLocation();
  const { label } = useCategories();
  const [filtersOpen, setFiltersOpen] = useState(false);

  const inDepartment = category !== undefined;
  const parsed = parseSearch(search);
  const state = inDepartment ? { ...parsed, category } : parsed;
  const go = (next: SearchState) => navigate(urlOf(next, inDepartment));
  const change = (part: Partial<SearchState>) => go({ ...state, page: 1, ...part });
  const reset = () =>
    go({ ...EMPTY_SEARCH, q: state.q, sort: state.sort, category: category ?? '' });

  const found = useFound(state);
  const results = found.data;
  const current = found.loading ? null : results;
  const facets = { ...results?.facets, ...useAttributeFacets(state, current) };
  const chips = useFilterChips(state, facets, change, inDepartment);
  const narrowed = activeFacets(state).length > (inDepartment ? 1 : 0);
  useReport(state.q, current);

  const everything = state.q ? t.search.title(state.q) : t.search.everything;
  const title = inDepartment ? label(category) : everything;
  usePageTitle(title);

  const list = () => {
    if (found.error !== null) return <ErrorState error={found.error} retry={found.reload} />;
    if (current?.total === 0) {
      return <NothingFound state={state} reset={narrowed ? reset : null} />;
    }
    if (current?.items.length === 0) {
      return (
        <EmptyState icon="search" title={t.search.tooFar}>
          <Button onClick={() => change({})}>{t.search.firstPage}</Button>
        </EmptyState>
      );
    }
    return (
      <>
        <Grid results={results} loading={found.loading} />
        {current && <Beside results={current} category={category} />}
      </>
    );
  };
  const panel = <Facets state={state} facets={facets} currency={shop.currency} change={change} />;

  return (
    <div className="search-page">
      <div className="search-head">
        <Heading title={title} category={category} results={results} />
        <div className="search-tools" hidden={current?.total === 0 && !narrowed}>
          <Button className="narrow-only" onClick={() => setFiltersOpen(true)}>
            <Icon name="filter" />
            {t.filters.show(chips.length)}
          </Button>
          <Select
            inline
            label={t.sort.label}
            value={state.sort}
            onChange={(event) => change({ sort: event.target.value as Sort })}
          >
            {SORTS.map((sort) => (
              <option key={sort} value={sort}>
                {t.sort[sort]}
              </option>
            ))}
          </Select>
        </div>
      </div>

      <aside className="search-facets wide-only" aria-label={t.filters.title}>
        {panel}
      </aside>

      <div className="search-results">
        <Chips chips={chips} clear={reset} />
        <h2 className="sr-only">{t.search.products}</h2>
        {list()}
        <Pagination
          page={state.page}
          pages={results?.pages ?? 0}
          url={(page) => urlOf({ ...state, page }, inDepartment)}
        />
      </div>

      <Drawer
        open={filtersOpen}
        onClose={() => setFiltersOpen(false)}
        title={t.filters.title}
        footer={
          <Button look="primary" onClick={() => setFiltersOpen(false)}>
            {t.filters.done(results?.total ?? 0)}
          </Button>
        }
      >
        {panel}
      </Drawer>
    </div>
  );
}
