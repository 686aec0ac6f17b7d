/* Every page, in both languages, wide and narrow, light and dark: no complaint of the browser, no
 * accessibility violation, nothing wider than the screen, and a picture to look at. */
import type { Page } from '@playwright/test';
import {
  addToCart,
  excess,
  expect,
  fillAddress,
  settled,
  test,
  violations,
  type Lang,
  type Shop,
} from '../support';

const artifacts = process.env.AISLE_ARTIFACTS ?? 'test-results';

type Visit = (page: Page, shop: Shop) => Promise<unknown>;

const PAGES: Record<string, Visit> = {
  home: (page) => page.goto('/'),
  search: async (page, shop) => page.goto(`/search?q=${(await shop.word('en')).word}`),
  'search-filtered': (page) => page.goto('/search?stock=1&min=2000&max=50000&sort=price_desc'),
  'search-nothing': (page) => page.goto('/search?q=qqqzzzxxyy'),
  department: async (page, shop) =>
    page.goto(`/c/${encodeURIComponent((await shop.departments())[0]!.path)}`),
  product: async (page, shop) =>
    page.goto(`/product/${encodeURIComponent((await shop.buyable(1))[0]!.id)}`),
  'product-missing': (page) => page.goto('/product/there-is-no-such-product'),
  'cart-empty': (page) => page.goto('/cart'),
  cart: async (page, shop) => {
    for (const card of await shop.buyable(2)) await addToCart(page, card.id);
    await page.goto('/cart');
  },
  checkout: async (page, shop) => {
    await addToCart(page, (await shop.buyable(1))[0]!.id);
    await page.goto('/checkout');
    await page.locator('.summary .button').click();
  },
  'orders-empty': (page) => page.goto('/orders'),
  order: async (page, shop) => {
    await addToCart(page, (await shop.buyable(1))[0]!.id);
    await page.goto('/checkout');
    await fillAddress(page);
    await page.locator('.summary .button').click();
    await expect(page).toHaveURL(/\/orders\/.+/);
  },
  orders: async (page, shop) => {
    await PAGES.order!(page, shop);
    await page.goto('/orders');
  },
  account: (page) => page.goto('/account'),
  missing: (page) => page.goto('/c/there/is/nothing/here'),
};

/** Scrolls through the page once, so that every picture that waits to be seen is loaded. */
async function loadPictures(page: Page): Promise<void> {
  await page.evaluate(async () => {
    for (let y = 0; y < document.body.scrollHeight; y += 400) {
      window.scrollTo(0, y);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    window.scrollTo(0, 0);
  });
  await page.waitForLoadState('networkidle');
}

const WIDE = { width: 1440, height: 900 };
const NARROW = { width: 360, height: 740 };
/* Each of language, width and light is in the first ones; AISLE_SCREENS=all (make test-long) looks at all of them. */
const FIRST: { lang: Lang; name: string; viewport: typeof WIDE; dark?: boolean }[] = [
  { lang: 'en', name: 'wide', viewport: WIDE },
  { lang: 'zh', name: 'narrow-dark', viewport: NARROW, dark: true },
];
const SCREENS: typeof FIRST = [
  ...FIRST,
  ...(process.env.AISLE_SCREENS === 'all'
    ? [
        { lang: 'en' as const, name: 'narrow', viewport: NARROW },
        { lang: 'en' as const, name: 'wide-dark', viewport: WIDE, dark: true },
        { lang: 'zh' as const, name: 'wide', viewport: WIDE },
        { lang: 'zh' as const, name: 'narrow', viewport: NARROW },
      ]
    : []),
];

for (const { lang, name: screen, viewport, dark = false } of SCREENS) {
  test.describe(`${lang}, ${screen}`, () => {
    test.use({
      lang,
      viewport,
      colorScheme: dark ? 'dark' : 'light',
      contextOptions: { reducedMotion: 'reduce' },
      // The browser reports the 404 that a missing product rightly is.
      tolerated: [/status of 404/],
    });

    for (const [name, visit] of Object.entries(PAGES)) {
      test(`${name} is sound`, async ({ page, shop }) => {
        await visit(page, shop);
        await settled(page);
        await loadPictures(page);
        expect(await excess(page), 'pixels beyond the right edge').toBeLessThanOrEqual(0);
        await expect(page.locator('h1')).toHaveCount(1);
        await expect(page).toHaveTitle(/.+ · .+/);
        await page.screenshot({
          path: `${artifacts}/pages/${name}-${lang}-${screen}.png`,
          fullPage: true,
        });
        expect(await violations(page)).toEqual([]);
      });
    }
  });
}

test.describe('open layers', () => {
  const LAYERS: Record<string, { width: number; open: (page: Page) => Promise<unknown> }> = {
    shoppers: { width: 1440, open: (page) => page.locator('.shopper-button').click() },
    menu: { width: 360, open: (page) => page.getByRole('button', { name: 'Menu' }).click() },
    filters: {
      width: 360,
      open: async (page) => {
        await page.goto('/search');
        await settled(page);
        await page.getByRole('button', { name: 'Filters' }).click();
      },
    },
    suggestions: { width: 1440, open: (page) => page.getByRole('combobox').fill('red') },
  };
  for (const [name, { width, open }] of Object.entries(LAYERS)) {
    test(`${name} are accessible, and Escape closes them`, async ({ page }) => {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ reducedMotion: 'reduce' });
      await page.goto('/');
      await settled(page);
      await open(page);
      const layer = page.locator('dialog[open], .search-panel:visible');
      await expect(layer).toBeVisible();
      await expect(layer.locator('.skeleton')).toHaveCount(0);
      await page.screenshot({ path: `${artifacts}/pages/layer-${name}.png` });
      expect(await violations(page)).toEqual([]);
      await page.keyboard.press('Escape');
      await expect(layer).toHaveCount(0);
    });
  }
});

test('the switch for appearance beats the system and is remembered', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto('/');
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await page.getByRole('button', { name: 'Switch to dark appearance' }).click();
  const dark = await background();
  expect(dark).not.toBe(light);
  await page.reload();
  await expect.poll(background).toBe(dark);
  await page.getByRole('button', { name: 'Switch to light appearance' }).click();
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await background()).toBe(light);
});
