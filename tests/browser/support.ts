/* support.ts - what the specs share: a page that fails its test on any complaint of the browser,
 * and the shop's own API as an oracle for what the page should show. */
import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type APIRequestContext, type Page } from '@playwright/test';

export { expect };
export type Lang = 'en' | 'zh';

interface Card {
  id: string;
  title: string;
  brand: string | null;
  category: string | null;
  price: number | null;
  in_stock: boolean;
}

export class Shop {
  private key = '';

  constructor(private readonly request: APIRequestContext) {}

  async get<T>(path: string, params: Record<string, string | number> = {}): Promise<T> {
    if (!this.key) {
      const shop = await (await this.request.get('/v1/shop')).json();
      this.key = shop.public_key;
    }
    const headers = { Authorization: `Bearer ${this.key}` };
    const response = await this.request.get(path, { params, headers });
    expect(response.ok(), `${path} answered ${response.status()}`).toBe(true);
    return response.json();
  }

  search(q: string, params: Record<string, string | number> = {}) {
    return this.get<{ total: number; items: Card[] }>('/v1/search', {
      q,
      lang: 'en',
      out_of_stock: 'true',
      ...params,
    });
  }

  /** Products that can be bought, of different kinds. */
  async buyable(count: number): Promise<Card[]> {
    const { items } = await this.search('', { filter: 'in_stock = true', limit: 100 });
    const kinds = new Map<string, Card>();
    for (const card of items) if (card.price !== null) kinds.set(card.category ?? card.id, card);
    const found = [...kinds.values()].slice(0, count);
    expect(found, 'products that can be bought').toHaveLength(count);
    return found;
  }

  /** A word that finds several products, taken from a title in a language. */
  async word(lang: Lang): Promise<{ word: string; total: number }> {
    const { items } = await this.search('', { lang, limit: 40 });
    const pattern = lang === 'zh' ? /[\p{Script=Han}]{2,4}/gu : /[A-Za-z]{4,}/g;
    for (const { title } of items) {
      for (const word of title.match(pattern) ?? []) {
        const { total } = await this.search(word, { lang, limit: 1 });
        if (total >= 4 && total <= 300) return { word, total };
      }
    }
    throw new Error(`no title in ${lang} has a word that finds a handful of products`);
  }

  async departments(): Promise<{ path: string; label: string }[]> {
    const { items } = await this.get<{
      items: { path: string; label: string; depth: number; products: number }[];
    }>('/v1/categories', { lang: 'en' });
    const depths = [...new Set(items.map(({ depth }) => depth))].sort();
    const levels = depths.map((depth) => items.filter((item) => item.depth === depth));
    return levels.find((level) => level.length > 1) ?? items;
  }
}

interface Fixtures {
  shop: Shop;
  lang: Lang;
  /** What the browser complains about that a test expects. */
  tolerated: RegExp[];
}

export const test = base.extend<Fixtures>({
  lang: ['en', { option: true }],
  tolerated: [[], { option: true }],

  shop: async ({ request }, use) => use(new Shop(request)),

  page: async ({ page, lang, tolerated }, use) => {
    const complaints: string[] = [];
    const complain = (text: string) => {
      if (!tolerated.some((pattern) => pattern.test(text))) complaints.push(text);
    };
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complain(message.text());
    });
    page.on('pageerror', (error) => complain(error.message));
    await page.addInitScript((chosen) => {
      if (localStorage.getItem('aisle.lang') === null) {
        localStorage.setItem('aisle.lang', JSON.stringify(chosen));
      }
      document.addEventListener('securitypolicyviolation', (event) => {
        console.error(`CSP violation: ${event.violatedDirective} ${event.blockedURI}`);
      });
    }, lang);
    await use(page);
    expect(complaints, 'complaints of the browser').toEqual([]);
  },
});

/** The ids of the cards in a part of the page, in order. */
export function cardIds(page: Page, within = 'main'): Promise<string[]> {
  return page
    .locator(`${within} .card[data-product]`)
    .evaluateAll((cards) => cards.map((card) => card.getAttribute('data-product') ?? ''));
}

/** Waits until nothing on the page is loading any more. */
export async function settled(page: Page): Promise<void> {
  await expect(page.locator('main h1, main h2').first()).toBeVisible();
  await expect(page.locator('.skeleton')).toHaveCount(0);
  await expect(page.locator('main [aria-busy=true]')).toHaveCount(0);
}

export async function addToCart(page: Page, productId: string): Promise<void> {
  await page.goto(`/product/${encodeURIComponent(productId)}`);
  await page.locator('.purchase .button').click();
  await expect(page.locator('.toast')).toBeVisible();
}

export async function fillAddress(page: Page): Promise<void> {
  const fields = {
    name: 'Lin Yue',
    phone: '+86 10 1234 5678',
    city: 'Beijing',
    postcode: '100000',
    street: '1 Harbour Street',
  };
  for (const [name, value] of Object.entries(fields)) {
    await page.locator(`input[name=${name}]`).fill(value);
  }
}

/** Signs in as one of the demonstration's shoppers, by his place in the list. */
export async function switchShopper(page: Page, place: number): Promise<string> {
  await page.locator('.shopper-button').click();
  const choice = page.locator('.shopper').nth(place);
  const name = await choice.locator('strong').innerText();
  await choice.click();
  await expect(page.locator('dialog[open]')).toHaveCount(0);
  await expect(page.locator('.shopper-button')).toHaveAccessibleName(new RegExp(name));
  return name;
}

/** What axe says against the page, in rules of WCAG 2.2 and good practice. */
export async function violations(page: Page) {
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .analyze();
  return violations.map(({ id, nodes }) => ({ id, at: nodes.map((node) => node.html) }));
}

/** Pixels that the page is wider than the screen. */
export function excess(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}
