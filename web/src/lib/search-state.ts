/* search-state.ts - what the shopper asked for, as an address and as a filter of the API. */
import { SORTS, type Sort } from '../api/types';

export interface SearchState {
  q: string;
  /** A category path, or '' for all. */
  category: string;
  brands: string[];
  attributes: Record<string, string[]>;
  /** Minor units of the shop's currency. */
  minPrice: number | null;
  maxPrice: number | null;
  inStock: boolean;
  sort: Sort;
  page: number;
}

export const EMPTY_SEARCH: SearchState = {
  q: '',
  category: '',
  brands: [],
  attributes: {},
  minPrice: null,
  maxPrice: null,
  inStock: false,
  sort: 'relevance',
  page: 1,
};

const ATTRIBUTE = /^attr\.([\p{L}\p{N}_-]{1,64})$/u;
const MAX_TERMS = 20;
const MAX_QUERY = 256;

function wholeNumber(text: string | null): number | null {
  return text !== null && /^\d{1,12}$/.test(text) ? Number(text) : null;
}

function unique(values: string[]): string[] {
  return [...new Set(values.filter(Boolean))].slice(0, MAX_TERMS);
}

/** Reads an address; what it does not understand is as if it were not there. */
export function parseSearch(search: string): SearchState {
  const params = new URLSearchParams(search);
  const attributes: Record<string, string[]> = {};
  for (const name of new Set(params.keys())) {
    const attribute = ATTRIBUTE.exec(name)?.[1];
    if (attribute) attributes[attribute] = unique(params.getAll(name));
  }
  return {
    q: (params.get('q') ?? '').slice(0, MAX_QUERY),
    category: params.get('category') ?? '',
    brands: unique(params.getAll('brand')),
    attributes,
    minPrice: wholeNumber(params.get('min')),
    maxPrice: wholeNumber(params.get('max')),
    inStock: params.get('stock') === '1',
    sort: SORTS.find((sort) => sort === params.get('sort')) ?? 'relevance',
    page: Math.max(1, wholeNumber(params.get('page')) ?? 1),
  };
}

/** The shortest query string that parseSearch reads back as the same state. */
export function formatSearch(state: SearchState): string {
  const params = new URLSearchParams();
  if (state.q) params.set('q', state.q);
  if (state.category) params.set('category', state.category);
  for (const brand of state.brands) params.append('brand', brand);
  for (const [name, values] of Object.entries(state.attributes)) {
    for (const value of values) params.append(`attr.${name}`, value);
  }
  if (state.minPrice !== null) params.set('min', String(state.minPrice));
  if (state.maxPrice !== null) params.set('max', String(state.maxPrice));
  if (state.inStock) params.set('stock', '1');
  if (state.sort !== 'relevance') params.set('sort', state.sort);
  if (state.page > 1) params.set('page', String(state.page));
  const text = params.toString();
  return text && `?${text}`;
}

const quote = (text: string) => `"${text.replace(/[\\"]/g, '\\$&')}"`;

function anyOf(field: string, values: string[]): string | null {
  if (values.length === 0) return null;
  if (values.length === 1) return `${field} = ${quote(values[0]!)}`;
  return `${field} IN (${values.map(quote).join(', ')})`;
}

/** The API's filter for a state. `without` leaves one facet out, so that its own counts show what
 *  else could be chosen. */
export function toFilter(state: SearchState, without?: string): string {
  const terms: (string | null)[] = [];
  if (state.category && without !== 'category') terms.push(`category = ${quote(state.category)}`);
  if (without !== 'brand') terms.push(anyOf('brand', state.brands));
  for (const [name, values] of Object.entries(state.attributes)) {
    const field = `attributes.${name}`;
    if (without !== field) terms.push(anyOf(field, values));
  }
  if (without !== 'price') {
    if (state.minPrice !== null) terms.push(`price >= ${state.minPrice}`);
    if (state.maxPrice !== null) terms.push(`price <= ${state.maxPrice}`);
  }
  if (state.inStock && without !== 'in_stock') terms.push('in_stock = true');
  return terms.filter(Boolean).join(' AND ');
}

/** The facets that restrict a state, by the names that the API gives them. */
export function activeFacets(state: SearchState): string[] {
  const attributes = Object.entries(state.attributes).filter(([, values]) => values.length > 0);
  return [
    ...(state.category ? ['category'] : []),
    ...(state.brands.length ? ['brand'] : []),
    ...(state.minPrice !== null || state.maxPrice !== null ? ['price'] : []),
    ...(state.inStock ? ['in_stock'] : []),
    ...attributes.map(([name]) => `attributes.${name}`),
  ];
}

export function toggle(values: string[], value: string): string[] {
  return values.includes(value) ? values.filter((other) => other !== value) : [...values, value];
}
