import { useEffect, useState } from 'react';
import { SORTS, type Sort } from '../api/types';
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
import { CardSkeletons, Shelf } from '../shop/shelf';
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
      <Shelf
        title={t.rows.trending}
        text={t.rows.trendingText}
        query={{ placement: 'trending' }}
        optional
      />
    </>
  );
}

/** `category` is set on a department's own page. */
export function SearchPage({ category }: { category?: string }) {
  const { t } = useSettings();
  const { shop, track } = useSession();
  const { announce } = useNotices();
  const { search } = useLocation();
  const categories = useCategories();
  const [filtersOpen, setFiltersOpen] = useState(false);

  const inDepartment = category !== undefined;
  const parsed = parseSearch(search);
  const state = inDepartment ? { ...parsed, category } : parsed;
  const go = (next: SearchState) => navigate(urlOf(next, inDepartment));
  const change = (part: Partial<SearchState>) => go({ ...state, page: 1, ...part });

  const found = useFound(state);
  const attributes = useAttributeFacets(state, found.loading ? null : found.data);
  const results = found.data;
  const total = results?.total ?? 0;

  const title = inDepartment
    ? categories.label(category)
    : state.q
      ? t.search.title(state.q)
      : t.search.everything;
  usePageTitle(title);

  const requestId = found.loading ? undefined : results?.request_id;
  useEffect(() => {
    if (!requestId) return;
    announce(t.search.results(total));
    if (state.q) track('search', { query: state.q, request_id: requestId });
    // Once for each answer, whatever else changes meanwhile.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [requestId]);

  const reset = () =>
    go({ ...EMPTY_SEARCH, q: state.q, sort: state.sort, category: category ?? '' });
  const chips = useFilterChips(state, { ...results?.facets, ...attributes }, change, inDepartment);
  const narrowed = activeFacets(state).length > (inDepartment ? 1 : 0);
  const facets = (
    <Facets
      state={state}
      facets={{ ...results?.facets, ...attributes }}
      currency={shop.currency}
      change={change}
    />
  );
  const from = (state.page - 1) * PAGE_SIZE;
  const subdepartments = inDepartment ? childrenOf(categories.data ?? [], category) : [];

  return (
    <div className="search-page">
      <div className="search-head">
        <div className="search-title">
          {inDepartment && <Crumbs path={category} />}
          <h1>{title}</h1>
          <p className="quiet" aria-hidden={found.loading}>
            {results && total > 0
              ? t.search.range(from + 1, Math.min(from + PAGE_SIZE, total), total)
              : '\u00a0'}
          </p>
          {subdepartments.length > 0 && (
            <ul className="pills" aria-label={t.departments}>
              {subdepartments.map(({ path, label }) => (
                <li key={path}>
                  <Link to={categoryUrl(path)} className="pill">
                    {label}
                  </Link>
                </li>
              ))}
            </ul>
          )}
        </div>
        <div className="search-tools">
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
        {facets}
      </aside>

      <div className="search-results">
        <Chips chips={chips} clear={reset} />
        <h2 className="sr-only">{t.search.products}</h2>

        {found.error !== null ? (
          <ErrorState error={found.error} retry={found.reload} />
        ) : results && total === 0 && !found.loading ? (
          <NothingFound state={state} reset={narrowed ? reset : null} />
        ) : results && results.items.length === 0 && !found.loading ? (
          <EmptyState icon="search" title={t.search.tooFar}>
            <Button onClick={() => change({})}>{t.search.firstPage}</Button>
          </EmptyState>
        ) : (
          <ul
            className="grid"
            aria-busy={found.loading}
            data-stale={found.loading ? '' : undefined}
          >
            {results === null ? (
              <CardSkeletons count={12} />
            ) : (
              results.items.map((card, i) => (
                <li key={card.id}>
                  <ProductCard
                    card={card}
                    titlePieces={card.highlights?.title}
                    origin={{ requestId: results.request_id, position: from + i + 1 }}
                    eager={i < 4}
                  />
                </li>
              ))
            )}
          </ul>
        )}
        {results && (
          <Pagination
            page={state.page}
            pages={results.pages}
            url={(page) => urlOf({ ...state, page }, inDepartment)}
          />
        )}
      </div>

      <Drawer
        open={filtersOpen}
        onClose={() => setFiltersOpen(false)}
        title={t.filters.title}
        footer={
          <Button look="primary" onClick={() => setFiltersOpen(false)}>
            {t.filters.done(total)}
          </Button>
        }
      >
        {facets}
      </Drawer>
    </div>
  );
}
