/* facets.tsx - the ways to narrow down a list of products. */
import { useState, type FormEvent, type ReactNode } from 'react';
import type { FacetValue, PriceFacet } from '../api/types';
import { minorDigits, parseMajor } from '../lib/money';
import { pathSteps, PATH_SEPARATOR, useCategories } from '../state/categories';
import { toggle, type SearchState } from '../lib/search-state';
import { useSettings } from '../state/settings';
import { Button } from '../ui/button';
import { Field } from '../ui/forms';
import { Icon } from '../ui/icon';
import type { FacetMap } from './found';

const SHOWN = 6;

interface FacetsProps {
  state: SearchState;
  facets: FacetMap;
  currency: string;
  change: (part: Partial<SearchState>) => void;
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <fieldset className="facet">
      <legend>{title}</legend>
      {children}
    </fieldset>
  );
}

/** A list whose tail stays folded until asked for. */
function Foldable<T>({ items, view }: { items: T[]; view: (item: T) => ReactNode }) {
  const { t } = useSettings();
  const [all, setAll] = useState(false);
  const hidden = items.length - SHOWN;
  return (
    <>
      <ul>{(all ? items : items.slice(0, SHOWN)).map(view)}</ul>
      {hidden > 1 && (
        <button
          type="button"
          className="text-button"
          aria-expanded={all}
          onClick={() => setAll(!all)}
        >
          {all ? t.filters.fewer : t.filters.more(hidden)}
        </button>
      )}
    </>
  );
}

interface CheckProps {
  label: string;
  count?: number;
  checked: boolean;
  onChange: () => void;
}

function Check({ label, count, checked, onChange }: CheckProps) {
  const { number } = useSettings();
  return (
    <label className="check">
      <input type="checkbox" checked={checked} onChange={onChange} />
      <span className="check-label">{label}</span>
      {count !== undefined && <span className="check-count">{number(count)}</span>}
    </label>
  );
}

function Choices(props: {
  title: string;
  values: FacetValue[];
  chosen: string[];
  onToggle: (value: string) => void;
}) {
  const { values, chosen, onToggle } = props;
  const listed = new Set(values.map(({ value }) => String(value)));
  const absent = chosen.filter((value) => !listed.has(value));
  const all = [...values, ...absent.map((value): FacetValue => ({ value, count: 0 }))];
  if (all.length === 0) return null;
  return (
    <Group title={props.title}>
      <Foldable
        items={all}
        view={({ value, label, count }) => (
          <li key={String(value)}>
            <Check
              label={label ?? String(value)}
              count={count}
              checked={chosen.includes(String(value))}
              onChange={() => onToggle(String(value))}
            />
          </li>
        )}
      />
    </Group>
  );
}

/** How many products a path has, with everything below it. */
function countUnder(values: FacetValue[], path: string): number {
  const exact = values.find(({ value }) => value === path);
  if (exact) return exact.count;
  const below = values.filter(({ value }) => String(value).startsWith(path + PATH_SEPARATOR));
  return below.reduce((sum, { count }) => sum + count, 0);
}

/** The departments on the way to the chosen one, and those below it. */
function CategoryFacet({ state, facets, change }: FacetsProps) {
  const { t, number } = useSettings();
  const { data, departments, label } = useCategories();
  const values = (facets.category ?? []) as FacetValue[];
  const chosen = state.category;
  const top = departments[0]?.depth ?? 1;
  const way = chosen ? pathSteps(chosen).slice(top - 1) : [];
  const level = chosen
    ? (data ?? []).filter(
        ({ path, depth }) =>
          path.startsWith(chosen + PATH_SEPARATOR) && depth === pathSteps(chosen).length + 1,
      )
    : departments;
  const offered = level
    .map(({ path }) => ({ path, count: countUnder(values, path) }))
    .filter(({ count }) => count > 0);
  if (offered.length === 0 && way.length === 0) return null;

  return (
    <Group title={t.filters.category}>
      {chosen && (
        <ul className="facet-way">
          <li>
            <button type="button" onClick={() => change({ category: '' })}>
              <Icon name="left" />
              {t.allDepartments}
            </button>
          </li>
          {way.map((path) => (
            <li key={path}>
              <button
                type="button"
                aria-current={path === chosen ? 'true' : undefined}
                onClick={() => change({ category: path })}
              >
                {label(path)}
              </button>
            </li>
          ))}
        </ul>
      )}
      <Foldable
        items={offered}
        view={({ path, count }) => (
          <li key={path}>
            <button
              type="button"
              className="facet-link"
              data-inner={chosen ? '' : undefined}
              onClick={() => change({ category: path })}
            >
              <span className="check-label">{label(path)}</span>
              <span className="check-count">{number(count)}</span>
            </button>
          </li>
        )}
      />
    </Group>
  );
}

function PriceFields({ state, currency, change }: Omit<FacetsProps, 'facets'>) {
  const { t } = useSettings();
  const text = (minor: number | null) =>
    minor === null ? '' : String(minor / 10 ** minorDigits(currency));
  const [min, setMin] = useState(text(state.minPrice));
  const [max, setMax] = useState(text(state.maxPrice));
  const [wrong, setWrong] = useState(false);

  const apply = (event: FormEvent) => {
    event.preventDefault();
    const read = (value: string) => (value.trim() === '' ? null : parseMajor(value, currency));
    const [low, high] = [read(min), read(max)];
    const bad = (low === null && min.trim() !== '') || (high === null && max.trim() !== '');
    setWrong(bad);
    if (bad) return;
    const swapped = low !== null && high !== null && low > high;
    change(swapped ? { minPrice: high, maxPrice: low } : { minPrice: low, maxPrice: high });
  };

  return (
    <form className="price-fields" onSubmit={apply} noValidate>
      <Field
        label={t.filters.from}
        inputMode="decimal"
        value={min}
        onChange={(event) => setMin(event.target.value)}
      />
      <Field
        label={t.filters.to}
        inputMode="decimal"
        value={max}
        onChange={(event) => setMax(event.target.value)}
      />
      <Button type="submit">{t.filters.apply}</Button>
      <p className="field-error" role="alert">
        {wrong && t.filters.priceInvalid}
      </p>
    </form>
  );
}

export function usePriceRangeLabel(currency: string) {
  const { t, money } = useSettings();
  return (from: number | null, to: number | null) => {
    if (to === null) return t.filters.above(money(from ?? 0, currency, true));
    if (!from) return t.filters.below(money(to, currency, true));
    return `${money(from, currency, true)} – ${money(to, currency, true)}`;
  };
}

function PriceFacetGroup(props: FacetsProps) {
  const { t } = useSettings();
  const { state, facets, currency, change } = props;
  const label = usePriceRangeLabel(currency);
  const price = facets.price as PriceFacet | undefined;
  return (
    <Group title={t.filters.price}>
      <ul>
        {price?.ranges
          ?.filter(({ count }) => count > 0)
          .map(({ from, to, count }) => {
            // A range ends just before its upper bound.
            const [minPrice, maxPrice] = [from || null, to === null ? null : to - 1];
            const chosen = state.minPrice === minPrice && state.maxPrice === maxPrice;
            return (
              <li key={`${from}-${to}`}>
                <Check
                  label={label(from, to)}
                  count={count}
                  checked={chosen}
                  onChange={() =>
                    change(chosen ? { minPrice: null, maxPrice: null } : { minPrice, maxPrice })
                  }
                />
              </li>
            );
          })}
      </ul>
      <PriceFields key={`${state.minPrice}-${state.maxPrice}`} {...props} />
    </Group>
  );
}

export function attributeTitle(name: string, names: Record<string, string>): string {
  const words = name.replace(/_/g, ' ');
  return names[name] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

export function Facets(props: FacetsProps) {
  const { t } = useSettings();
  const { state, facets, change } = props;
  const inStock = (facets.in_stock as FacetValue[] | undefined)?.find(
    ({ value }) => String(value) === 'true',
  );
  const attributes = Object.keys(facets).filter((name) => name.startsWith('attributes.'));
  return (
    <div className="facets">
      <CategoryFacet {...props} />
      <PriceFacetGroup {...props} />
      <Choices
        title={t.filters.brand}
        values={(facets.brand ?? []) as FacetValue[]}
        chosen={state.brands}
        onToggle={(brand) => change({ brands: toggle(state.brands, brand) })}
      />
      {attributes.map((facet) => {
        const name = facet.slice('attributes.'.length);
        const chosen = state.attributes[name] ?? [];
        return (
          <Choices
            key={facet}
            title={attributeTitle(name, t.attributeNames)}
            values={(facets[facet] ?? []) as FacetValue[]}
            chosen={chosen}
            onToggle={(value) =>
              change({ attributes: { ...state.attributes, [name]: toggle(chosen, value) } })
            }
          />
        );
      })}
      <Group title={t.filters.stock}>
        <Check
          label={t.filters.inStock}
          count={inStock?.count}
          checked={state.inStock}
          onChange={() => change({ inStock: !state.inStock })}
        />
      </Group>
    </div>
  );
}
