import type { FacetValue } from '../api/types';
import { toggle, type SearchState } from '../lib/search-state';
import { useCategories } from '../state/categories';
import { useSession } from '../state/session';
import { useSettings } from '../state/settings';
import type { Chip } from '../ui/chips';
import { usePriceRangeLabel } from './facets';
import type { FacetMap } from './found';

/** What narrows a state down, each part with the way to undo it. */
export function useFilterChips(
  state: SearchState,
  facets: FacetMap,
  change: (part: Partial<SearchState>) => void,
  inDepartment: boolean,
): Chip[] {
  const { t } = useSettings();
  const { shop } = useSession();
  const { label } = useCategories();
  const range = usePriceRangeLabel(shop.currency);

  const nameOf = (facet: string, value: string) => {
    const values = (facets[facet] ?? []) as FacetValue[];
    return values.find((other) => String(other.value) === value)?.label ?? value;
  };

  const chips: Chip[] = [];
  if (state.category && !inDepartment) {
    chips.push({
      key: 'category',
      label: label(state.category),
      remove: () => change({ category: '' }),
    });
  }
  for (const brand of state.brands) {
    chips.push({
      key: `brand/${brand}`,
      label: nameOf('brand', brand),
      remove: () => change({ brands: toggle(state.brands, brand) }),
    });
  }
  for (const [name, values] of Object.entries(state.attributes)) {
    for (const value of values) {
      chips.push({
        key: `${name}/${value}`,
        label: nameOf(`attributes.${name}`, value),
        remove: () =>
          change({ attributes: { ...state.attributes, [name]: toggle(values, value) } }),
      });
    }
  }
  if (state.minPrice !== null || state.maxPrice !== null) {
    chips.push({
      key: 'price',
      label: range(state.minPrice, state.maxPrice),
      remove: () => change({ minPrice: null, maxPrice: null }),
    });
  }
  if (state.inStock) {
    chips.push({
      key: 'stock',
      label: t.filters.inStock,
      remove: () => change({ inStock: false }),
    });
  }
  return chips;
}
