/* preview.ts - what a preview asks for, kept in the address: a link shows the same to a colleague. */
import type { Placement } from '../../api/types';
import type { PreviewQuery } from '../api';

export const PLACEMENTS: Placement[] = [
  'home',
  'similar',
  'bought_together',
  'viewed_after',
  'cart',
  'checkout',
  'order_confirmation',
  'category',
  'search',
  'trending',
  'new',
];

const OF_ONE: Placement[] = ['similar', 'bought_together', 'viewed_after'];
const OF_MANY: Placement[] = ['cart', 'checkout', 'order_confirmation', 'search'];

/** How many products of context a placement takes. */
export function contextOf(placement: Placement): 'none' | 'one' | 'many' {
  if (OF_ONE.includes(placement)) return 'one';
  return OF_MANY.includes(placement) ? 'many' : 'none';
}

/** What a preview still lacks: a product, products, or the filter of a department. Beside search results there may be
 *  none. */
export function lacking(preview: Preview): 'product' | 'products' | 'filter' | null {
  const { placement, products, filter } = preview;
  if (placement === 'category') return filter.trim() === '' ? 'filter' : null;
  const context = contextOf(placement);
  if (context === 'none' || placement === 'search' || products.length > 0) return null;
  return context === 'one' ? 'product' : 'products';
}

export interface Preview {
  placement: Placement;
  shopper: string;
  products: string[];
  filter: string;
  hideSeen: boolean;
  limit: number;
  lang: string;
}

export const LIMITS = [6, 12, 24, 48];

export function readPreview(search: string): Preview {
  const params = new URLSearchParams(search);
  const placement = PLACEMENTS.find((name) => name === params.get('placement')) ?? 'home';
  const limit = Number(params.get('limit'));
  return {
    placement,
    shopper: params.get('shopper') ?? '',
    products: params.getAll('product').filter((id) => id !== ''),
    filter: params.get('filter') ?? '',
    hideSeen: params.get('hide_seen') === 'true',
    limit: LIMITS.includes(limit) ? limit : LIMITS[1]!,
    lang: params.get('lang') ?? '',
  };
}

/** The shortest search that readPreview reads the same from. */
export function writePreview(preview: Preview): string {
  const params = new URLSearchParams();
  if (preview.placement !== 'home') params.set('placement', preview.placement);
  if (preview.shopper) params.set('shopper', preview.shopper);
  for (const id of preview.products) params.append('product', id);
  if (preview.filter) params.set('filter', preview.filter);
  if (preview.hideSeen) params.set('hide_seen', 'true');
  if (preview.limit !== LIMITS[1]) params.set('limit', String(preview.limit));
  if (preview.lang) params.set('lang', preview.lang);
  const text = params.toString();
  return text && `?${text}`;
}

/** The request, or null while something that the placement needs is missing. */
export function previewQuery(preview: Preview, lang: string | undefined): PreviewQuery | null {
  const context = contextOf(preview.placement);
  if (lacking(preview) !== null) return null;
  return {
    placement: preview.placement,
    user_id: preview.shopper || undefined,
    product_id: context === 'one' ? preview.products[0] : undefined,
    product_ids: context === 'many' ? preview.products : undefined,
    filter: preview.filter.trim() || undefined,
    hide_seen: preview.hideSeen || undefined,
    limit: preview.limit,
    lang: preview.lang || lang,
  };
}
