/* found.ts - the answer to a search with the counts of its facets.
 *
 * A facet that is in use counts what else could be chosen in it, so its counts come from a second
 * query without its own restriction. Categories are different: one goes down into them, so what
 * counts is what lies below. */
import type { Api } from '../api/client';
import type { AttributeValue, FacetValue, PriceFacet, SearchResults } from '../api/types';
import { activeFacets, toFilter, type SearchState } from '../lib/search-state';
import { useResource, type Resource } from '../lib/use-resource';
import { useSession } from '../state/session';

export const PAGE_SIZE = 24;
const BASE_FACETS = ['brand', 'category', 'price', 'in_stock'];
const MAX_ATTRIBUTES = 4;
const SAMPLED = 12;

export type FacetMap = { [name: string]: FacetValue[] | PriceFacet | undefined };

async function countFacet(api: Api, state: SearchState, facet: string, signal: AbortSignal) {
  const { facets } = await api.search(
    { q: state.q, filter: toFilter(state, facet), facets: [facet], limit: 0 },
    signal,
  );
  return [facet, facets?.[facet]] as const;
}

async function countFacets(api: Api, state: SearchState, names: string[], signal: AbortSignal) {
  return Object.fromEntries(
    await Promise.all(names.map((facet) => countFacet(api, state, facet, signal))),
  );
}

async function load(api: Api, state: SearchState, signal: AbortSignal): Promise<SearchResults> {
  const { q, sort, page } = state;
  const [results, counts] = await Promise.all([
    api.search(
      { q, filter: toFilter(state), facets: BASE_FACETS, sort, page, limit: PAGE_SIZE },
      signal,
    ),
    countFacets(
      api,
      state,
      activeFacets(state).filter((name) => name !== 'category' && BASE_FACETS.includes(name)),
      signal,
    ),
  ]);
  return { ...results, facets: { ...results.facets, ...counts } };
}

export function useFound(state: SearchState): Resource<SearchResults> {
  const { api } = useSession();
  return useResource(
    `found/${api.scope}/${JSON.stringify(state)}`,
    (signal) => load(api, state, signal),
    true,
  );
}

/** Attributes with words as values, those that most of the products have first. */
export function commonAttributes(products: { attributes: Record<string, AttributeValue> }[]) {
  const counts = new Map<string, number>();
  for (const { attributes } of products) {
    for (const [name, value] of Object.entries(attributes ?? {})) {
      const words = Array.isArray(value) ? value : [value];
      if (words.some((word) => typeof word === 'string')) {
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
    }
  }
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([name]) => name);
}

/** Facets for the attributes that the first products found have. */
export function useAttributeFacets(state: SearchState, results: SearchResults | null): FacetMap {
  const { api } = useSession();
  const ids = results?.items.slice(0, SAMPLED).map((card) => card.id) ?? [];
  const key =
    ids.length > 0 ? `attributes/${api.scope}/${JSON.stringify({ ...state, page: 1 })}` : null;
  const facets = useResource<FacetMap>(
    key,
    async (signal) => {
      const active = Object.keys(state.attributes);
      const sample = await api.products(ids, signal);
      const names = [...new Set([...active, ...commonAttributes(sample.items)])]
        .slice(0, Math.max(MAX_ATTRIBUTES, active.length))
        .map((name) => `attributes.${name}`);
      return countFacets(api, state, names, signal);
    },
    true,
  );
  return facets.data ?? {};
}
