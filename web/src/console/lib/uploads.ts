/* uploads.ts - what may be asked of an import, checked before the file is sent. */
import type { ImportKind, ImportOptions } from '../api';

/** Mappings that come with the program, by what they hold. '' is none, 'own' one of the shop's. */
export const MAPPINGS: Record<ImportKind, string[]> = {
  products: ['', 'google-merchant', 'shopify', 'woocommerce', 'own'],
  users: ['', 'own'],
  events: ['', 'own'],
  orders: ['', 'online-retail', 'own'],
  interactions: ['', 'own'],
};

export interface ImportForm {
  kind: ImportKind;
  mapping: string;
  own: string;
  currency: string;
  full: boolean;
  force: boolean;
  dryRun: boolean;
}

export type ImportErrors = Partial<
  Record<'file' | 'own' | 'currency', 'missing' | 'empty' | 'invalid'>
>;

export function checkImport(form: ImportForm, file: File | null): ImportErrors {
  const errors: ImportErrors = {};
  if (!file) errors.file = 'missing';
  else if (file.size === 0) errors.file = 'empty';
  if (form.mapping === 'own' && !/^[\w-]{1,64}$/.test(form.own.trim())) errors.own = 'invalid';
  if (form.currency.trim() && !/^[a-z]{3}$/i.test(form.currency.trim()))
    errors.currency = 'invalid';
  return errors;
}

export function importOptions(form: ImportForm, name: string): ImportOptions {
  const mapping = form.mapping === 'own' ? form.own.trim() : form.mapping;
  return {
    kind: form.kind,
    name: name.slice(-60),
    mapping: mapping || undefined,
    currency: form.currency.trim().toUpperCase() || undefined,
    full: (form.kind === 'products' && form.full) || undefined,
    force: form.force || undefined,
    dry_run: form.dryRun || undefined,
  };
}

/** The counters of an import's report that say something. */
export function tellingCounts(
  result: Record<string, unknown> | null,
  names: string[],
): [string, number][] {
  return names.flatMap((name): [string, number][] => {
    const value = result?.[name];
    const always = name === 'lines' || name === 'accepted' || name === 'quarantined';
    return typeof value === 'number' && (always || value > 0) ? [[name, value]] : [];
  });
}
