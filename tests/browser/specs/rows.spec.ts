/* Rows of a page: what they are about, in words, and no product twice. */
import type { Page } from '@playwright/test';
import { addToCart, expect, fillAddress, settled, switchShopper, test } from '../support';

/** Every product of every row, in order. */
async function shown(page: Page): Promise<(string | null)[]> {
  await settled(page);
  return page
    .locator('.hero-window .card[data-product], .shelf .card[data-product]')
    .evaluateAll((cards) => cards.map((card) => card.getAttribute('data-product')));
}

async function titles(page: Page): Promise<string[]> {
  await settled(page);
  return page.locator('.shelf h2').allTextContents();
}

test('a shopper’s home page has rows about them, and shows no product twice', async ({ page }) => {
  await page.goto('/');
  await switchShopper(page, 2);
  const ids = await shown(page);
  expect(ids.length).toBeGreaterThan(30);
  expect(new Set(ids).size).toBe(ids.length);
  const about = (await titles(page)).join('\n');
  expect(about).toMatch(/^For you$/m);
  expect(about).toMatch(/^Because you (looked at|bought) “.+”$/m);
  expect(about).toMatch(/^(Popular|New for you) in /m);
  for (const reason of await page.locator('.shelf .reason').allTextContents()) {
    expect(reason.trim()).not.toBe('');
  }
  await page.getByRole('button', { name: '中文' }).click();
  await expect(
    page
      .locator('.shelf h2')
      .filter({ hasText: /[一-龥]/ })
      .first(),
  ).toBeVisible();
  const chinese = (await titles(page)).join('\n');
  expect(chinese).not.toMatch(/Because|Popular|New for you/);
});

test('a guest who did nothing gets the rows that all get', async ({ page }) => {
  await page.goto('/');
  const ids = await shown(page);
  expect(new Set(ids).size).toBe(ids.length);
  const about = (await titles(page)).join('\n');
  expect(about).toMatch(/^New arrivals$/m);
  expect(about).not.toMatch(/Because|For you|Buy again/);
});

test('product, cart, checkout and order have rows of their own', async ({ page, shop }) => {
  const [card] = await shop.buyable(1);
  await page.goto(`/product/${encodeURIComponent(card!.id)}`);
  expect(await titles(page)).toEqual(
    expect.arrayContaining(['Often looked at next', 'Similar products']),
  );
  const beside = await shown(page);
  expect(new Set(beside).size).toBe(beside.length);
  expect(beside).not.toContain(card!.id);

  await addToCart(page, card!.id);
  await page.goto('/cart');
  expect(await titles(page)).toContain('Goes well with your cart');
  expect(await shown(page)).not.toContain(card!.id);

  await page.goto('/checkout');
  await settled(page);
  await fillAddress(page);
  await page.getByRole('button', { name: 'Place order' }).click();
  await expect(page).toHaveURL(/\/orders\/.+/);
  expect(await titles(page)).toContain('What often comes next');
  expect(await shown(page)).not.toContain(card!.id);
});

test('few results are followed by what is like them', async ({ page, shop }) => {
  const [card] = await shop.buyable(1);
  await page.goto(`/search?q=${encodeURIComponent(card!.id)}`);
  await expect(page.locator('.grid .card').first()).toBeVisible();
  expect(await titles(page)).toContain('You may be looking for');
  const found = await page
    .locator('.grid .card')
    .evaluateAll((cards) => cards.map((one) => one.getAttribute('data-product')));
  for (const id of await shown(page)) expect(found).not.toContain(id);
});
