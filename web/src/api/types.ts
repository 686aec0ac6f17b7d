/* The shapes of the HTTP API (docs/http-api.md) as far as the storefront uses them. */

export type Lang = 'en' | 'zh';
export type Texts = Partial<Record<string, string>>;
export type AttributeValue = string | number | boolean | null | (string | number | boolean)[];

export interface Shop {
  name: Texts;
  currency: string;
  languages: string[];
  public_key: string;
  demo: boolean;
  read_only: boolean;
  products: number;
  version: string;
}

export interface Category {
  path: string;
  name: string;
  label: string;
  depth: number;
  products: number;
}

export interface RatingSummary {
  mean: number;
  count: number;
}

export interface Card {
  id: string;
  group_id: string | null;
  title: string;
  brand: string | null;
  category: string | null;
  price: number | null;
  list_price: number | null;
  currency: string;
  image: string | null;
  url: string | null;
  rating: RatingSummary | null;
  in_stock: boolean;
}

export interface Product extends Omit<Card, 'image'> {
  description: string | null;
  category_label?: string;
  stock: number | null;
  images: string[];
  attributes: Record<string, AttributeValue>;
  tags?: string[];
  variants: Card[];
}

export type ReasonCode =
  | 'because_you_viewed'
  | 'because_you_bought'
  | 'because_in_cart'
  | 'similar_to_this'
  | 'bought_with_this'
  | 'popular_now'
  | 'new_arrival'
  | 'fits_your_taste'
  | 'viewed_after_this'
  | 'comes_after'
  | 'similar_to'
  | 'same_visit'
  | 'bought_before'
  | 'due_again'
  | 'picked_by_the_shop';

export interface Reason {
  code: ReasonCode | (string & {});
  product_id?: string;
  text?: string;
}

export type RecommendedCard = Card & { score: number; reason?: Reason };

export type Placement =
  | 'home'
  | 'similar'
  | 'bought_together'
  | 'viewed_after'
  | 'cart'
  | 'checkout'
  | 'order_confirmation'
  | 'category'
  | 'search'
  | 'trending'
  | 'new';

export interface RecommendationQuery {
  placement: Placement;
  product_id?: string;
  product_ids?: string[];
  filter?: string;
  limit?: number;
  exclude?: string[];
}

export type RowsPage = 'home' | 'product' | 'cart' | 'checkout' | 'order' | 'category' | 'search';

export interface RowsQuery {
  page: RowsPage;
  product_id?: string;
  product_ids?: string[];
  filter?: string;
  limit?: number;
  rows?: number;
  exclude?: string[];
}

export interface RecommendedRow {
  code: string;
  title: string;
  personal: boolean;
  product_id?: string;
  category?: string;
  items: RecommendedCard[];
}

export interface RecommendedRows {
  request_id: string;
  page: RowsPage;
  personal: boolean;
  rows: RecommendedRow[];
}

export interface Recommendations {
  request_id: string;
  placement: Placement;
  personal: boolean;
  items: RecommendedCard[];
}

export const SORTS = [
  'relevance',
  'popular',
  'newest',
  'price_asc',
  'price_desc',
  'rating',
] as const;
export type Sort = (typeof SORTS)[number];

export interface FacetValue {
  value: string | number | boolean;
  label?: string;
  count: number;
}

export interface PriceFacet {
  currency: string;
  min: number | null;
  max: number | null;
  ranges: { from: number | null; to: number | null; count: number }[];
}

export type FoundCard = Card & { score: number; highlights?: { title?: string[] } };

export interface SearchQuery {
  q: string;
  filter?: string;
  facets?: string[];
  sort?: Sort;
  page?: number;
  limit?: number;
  /** Also what is sold out; without it only what can be bought. */
  out_of_stock?: boolean;
}

export interface SearchResults {
  request_id: string;
  query: string;
  total: number;
  page: number;
  pages: number;
  items: FoundCard[];
  facets?: { [name: string]: FacetValue[] | PriceFacet | undefined };
  took_us: number;
}

export interface CartLine {
  product: Card;
  quantity: number;
  amount: number | null;
  available: boolean;
}

export interface Cart {
  version: number;
  currency: string;
  lines: CartLine[];
  total: number;
}

export interface LineRequest {
  product_id: string;
  quantity: number;
}

export interface Address {
  name: string;
  phone: string;
  country: string;
  region: string;
  city: string;
  street: string;
  postcode: string;
}

export interface OrderLine {
  product: Card;
  kind: string;
  quantity: number;
  unit_price: number;
  discount: number | null;
  amount: number;
}

export interface Order {
  id: string;
  status: string;
  currency: string;
  total: number;
  placed_at: string;
  times?: Record<string, string>;
  lines?: OrderLine[];
  address?: Partial<Address>;
}

export interface Page<T> {
  items: T[];
  next_cursor?: string;
}

export interface DemoShopper {
  id: string;
  name: Texts;
  taste: Texts;
}

export interface ShopperToken {
  token: string;
  expires_at: string;
}

export type EventType =
  | 'impression'
  | 'view'
  | 'click'
  | 'search'
  | 'favourite'
  | 'add_to_cart'
  | 'remove_from_cart'
  | 'purchase';

export interface EventDetails {
  product_id?: string;
  quantity?: number;
  value?: number;
  currency?: string;
  request_id?: string;
  position?: number;
  query?: string;
}
