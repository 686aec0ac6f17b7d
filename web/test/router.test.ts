import { describe, expect, it } from 'vitest';
import { categoryUrl, matchRoute, orderUrl, productUrl } from '../src/lib/router';

describe('matchRoute', () => {
  it('knows every page', () => {
    expect(matchRoute('/')).toEqual({ name: 'home' });
    for (const name of ['search', 'cart', 'checkout', 'orders', 'account']) {
      expect(matchRoute(`/${name}`)).toEqual({ name });
      expect(matchRoute(`/${name}/`)).toEqual({ name });
    }
  });

  it('reads back the ids and paths that it wrote, whatever is in them', () => {
    for (const id of ['K-1', 'a b', 'a/b?c#d', '水壶', '100%', '..%2f']) {
      expect(matchRoute(productUrl(id))).toEqual({ name: 'product', id });
      expect(matchRoute(orderUrl(id))).toEqual({ name: 'order', id });
      expect(matchRoute(categoryUrl(id))).toEqual({ name: 'category', path: id });
    }
  });

  it('leads everything else to the missing page', () => {
    for (const path of ['/nothing', '/product', '/product/a/b', '/product/%zz', '/cart/1']) {
      expect(matchRoute(path)).toEqual({ name: 'missing' });
    }
  });
});
