/* categories.tsx - the shop's departments, loaded once for each language. */
import { createContext, useContext, useMemo, type ReactNode } from 'react';
import type { Category } from '../api/types';
import { useResource, type Resource } from '../lib/use-resource';
import { useSession } from './session';
import { useSettings } from './settings';

export const PATH_SEPARATOR = ' > ';

/** Every step of a path: "a > b > c" gives "a", "a > b" and "a > b > c". */
export function pathSteps(path: string): string[] {
  const names = path.split(PATH_SEPARATOR);
  return names.map((_, i) => names.slice(0, i + 1).join(PATH_SEPARATOR));
}

/** The departments: the topmost level that offers a choice. */
export function topLevel(categories: Category[]): Category[] {
  const depths = [...new Set(categories.map((category) => category.depth))].sort((a, b) => a - b);
  for (const depth of depths) {
    const level = categories.filter((category) => category.depth === depth);
    if (level.length > 1) return level;
  }
  return categories;
}

export function childrenOf(categories: Category[], path: string): Category[] {
  const start = path + PATH_SEPARATOR;
  const depth = pathSteps(path).length + 1;
  return categories.filter(
    (category) => category.path.startsWith(start) && pathSteps(category.path).length === depth,
  );
}

interface Categories extends Resource<Category[]> {
  departments: Category[];
  label: (path: string) => string;
}

const Context = createContext<Categories | null>(null);

export function CategoriesProvider({ children }: { children: ReactNode }) {
  const { api } = useSession();
  const { lang } = useSettings();
  const resource = useResource(
    `categories/${lang}`,
    async (signal) => (await api.categories(signal)).items,
    true,
  );
  const { data, error, loading, reload } = resource;
  const value = useMemo<Categories>(() => {
    const labels = new Map(data?.map(({ path, label }) => [path, label]));
    const name = (path: string) => path.split(PATH_SEPARATOR).at(-1) ?? path;
    return {
      data,
      error,
      loading,
      reload,
      departments: topLevel(data ?? []),
      label: (path) => labels.get(path) ?? name(path),
    };
  }, [data, error, loading, reload]);
  return <Context.Provider value={value}>{children}</Context.Provider>;
}

export function useCategories(): Categories {
  const value = useContext(Context);
  if (!value) throw new Error('useCategories outside of CategoriesProvider');
  return value;
}
