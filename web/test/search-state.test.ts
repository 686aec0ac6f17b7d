import { describe, expect, it } from 'vitest';
import {
  activeFacets,
  EMPTY_SEARCH,
  formatSearch,
  parseSearch,
  toFilter,
  toggle,
  type SearchState,
} from '../src/lib/search-state';

const FULL: SearchState = {
  q: '红色 kettle & co',
  category: 'Home > Kitchen',
  brands: ['Northpot', 'A "B" \\ C'],
  attributes: { color: ['red', 'blue'], 材质: ['棉'] },
  minPrice: 1000,
  maxPrice: 5000,
  inStock: true,
  sort: 'price_asc',
  page: 3,
};

describe('the address of a search', () => {
  it('reads back what it wrote', () => {
    expect(parseSearch(formatSearch(FULL))).toEqual(FULL);
    expect(parseSearch(formatSearch(EMPTY_SEARCH))).toEqual(EMPTY_SEARCH);
    expect(formatSearch(EMPTY_SEARCH)).toBe('');
  });

  it('ignores what makes no sense', () => {
    const hostile =
      '?page=-1&min=abc&max=1e9&sort=drop&stock=yes&attr.a%22b=x&brand=&brand=A&brand=A';
    expect(parseSearch(hostile)).toEqual({ ...EMPTY_SEARCH, brands: ['A'] });
  });

  it('cuts a query that is too long', () => {
    expect(parseSearch(`?q=${'x'.repeat(1000)}`).q).toHaveLength(256);
  });
});

describe('the filter of a search', () => {
  it('joins every restriction, with text quoted and escaped', () => {
    expect(toFilter(FULL)).toBe(
      'category = "Home > Kitchen" AND brand IN ("Northpot", "A \\"B\\" \\\\ C")' +
        ' AND attributes.color IN ("red", "blue") AND attributes.材质 = "棉"' +
        ' AND price >= 1000 AND price <= 5000 AND in_stock = true',
    );
    expect(toFilter(EMPTY_SEARCH)).toBe('');
  });

  it('leaves exactly one facet out when asked to', () => {
    for (const facet of activeFacets(FULL)) {
      const field = facet === 'in_stock' ? 'in_stock' : `${facet} `;
      expect(toFilter(FULL)).toContain(field);
      expect(toFilter(FULL, facet)).not.toContain(field);
    }
  });

  it('names the facets in use', () => {
    expect(activeFacets(EMPTY_SEARCH)).toEqual([]);
    expect(activeFacets({ ...EMPTY_SEARCH, attributes: { color: [] } })).toEqual([]);
    expect(activeFacets(FULL)).toEqual([
      'category',
      'brand',
      'price',
      'in_stock',
      'attributes.color',
      'attributes.材质',
    ]);
  });
});

it('toggle adds what is absent and removes what is present', () => {
  expect(toggle(['a'], 'b')).toEqual(['a', 'b']);
  expect(toggle(['a', 'b'], 'a')).toEqual(['b']);
});
