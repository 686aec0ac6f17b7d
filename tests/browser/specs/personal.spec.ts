import { cardIds, expect, settled, switchShopper, test } from '../support';

interface SentEvent {
  id: string;
  time: string;
  type: string;
  product_id?: string;
  request_id?: string;
  position?: number;
  user_id?: string;
  anonymous_id?: string;
}

const forYou = '.hero-window, .hero + .shelf';

async function homeIds(page: import('@playwright/test').Page) {
  await settled(page);
  return page
    .locator(forYou)
    .locator('.card[data-product]')
    .evaluateAll((cards) => cards.map((card) => card.getAttribute('data-product')));
}

test('the home page follows what a guest looks at', async ({ page, shop }) => {
  await page.goto('/');
  const before = await homeIds(page);
  const [department] = await shop.departments();
  const filter = `category = ${JSON.stringify(department!.path)} AND in_stock = true`;
  const { items } = await shop.search('', { filter, limit: 5 });
  for (const { id } of items) {
    await page.goto(`/product/${encodeURIComponent(id)}`);
    await settled(page);
  }
  await page.locator('.brand').click();
  const after = await homeIds(page);
  expect(after).not.toEqual(before);
  await expect(page.getByRole('heading', { name: 'For you', exact: true })).toBeVisible();
  await expect(page.getByRole('heading', { name: /^Because you looked at/ }).first()).toBeVisible();
  await expect(page.locator('.hero-window .reason').first()).not.toBeEmpty();
});

test('two shoppers see two shops', async ({ page }) => {
  await page.goto('/');
  const first = await switchShopper(page, 1);
  const one = await homeIds(page);
  const second = await switchShopper(page, 5);
  expect(second).not.toBe(first);
  await expect(page.locator('.eyebrow')).toContainText(second);
  expect(await homeIds(page)).not.toEqual(one);
});

test('every event is sent once, with where it came from', async ({ page }) => {
  const events: SentEvent[] = [];
  page.on('request', (request) => {
    if (request.url().includes('/v1/events')) events.push(...request.postDataJSON().events);
  });
  await page.goto('/');
  await settled(page);
  await expect
    .poll(() => events.filter(({ type }) => type === 'impression').length)
    .toBeGreaterThan(2);

  const card = page.locator('.hero-window .card').nth(1);
  const id = await card.getAttribute('data-product');
  await card.locator('.card-title a').click();
  await expect(page.locator('main h1')).toBeVisible();
  await expect.poll(() => events.map(({ type }) => type)).toContain('view');
  await page.locator('.purchase .button').click();
  await expect.poll(() => events.map(({ type }) => type)).toContain('add_to_cart');

  const trail = ['click', 'view', 'add_to_cart'].map((type) =>
    events.find((e) => e.type === type)!,
  );
  for (const event of trail) {
    expect(event).toMatchObject({ product_id: id, position: 2, request_id: trail[0]!.request_id });
    expect(event.anonymous_id).toMatch(/^[0-9a-f]{32}$/);
    expect(event.user_id).toBeUndefined();
  }
  expect(new Set(events.map((event) => event.id)).size).toBe(events.length);
});

test('a guest who opts out is not named and sends nothing', async ({ page }) => {
  await page.goto('/account');
  await page.getByRole('switch', { name: 'Personal recommendations' }).click();
  await expect(page.getByRole('switch')).toHaveAttribute('aria-checked', 'false');
  const urls: string[] = [];
  page.on('request', (request) => urls.push(request.url()));
  await page.locator('.brand').click();
  await settled(page);
  await page.locator('.hero-window .card-title a').first().click();
  await settled(page);
  await page.waitForTimeout(2000);
  expect(urls.filter((url) => url.includes('/v1/recommendations')).length).toBeGreaterThan(0);
  expect(urls.filter((url) => /recommendations.*anonymous_id/.test(url))).toEqual([]);
  expect(urls.filter((url) => url.includes('/v1/events'))).toEqual([]);
});

test('a shopper turns personalisation off, and it stays off', async ({ page }) => {
  await page.goto('/');
  await switchShopper(page, 7);
  await page.goto('/account');
  const toggle = page.getByRole('switch', { name: 'Personal recommendations' });
  await expect(toggle).toBeEnabled();
  await expect(toggle).toHaveAttribute('aria-checked', 'true');
  await toggle.click();
  await expect(page.locator('.toast')).toContainText('no longer personal');
  await page.reload();
  await expect(toggle).toHaveAttribute('aria-checked', 'false');
  await page.goto('/');
  await expect(page.getByRole('heading', { name: 'A good place to start' })).toBeVisible();
  await page.goto('/account');
  await toggle.click();
  await expect(toggle).toHaveAttribute('aria-checked', 'true');
});

test('deleting the data leaves a new guest', async ({ page }) => {
  await page.goto('/');
  await switchShopper(page, 6);
  await page.goto('/account');
  await page.getByRole('button', { name: 'Delete my data' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete for good' }).click();
  await expect(page.locator('.toast')).toContainText('Your data is deleted');
  await expect(page.locator('.account-name')).toHaveText('Guest');
  expect(await page.evaluate(() => localStorage.getItem('aisle.shopper'))).toBeNull();
});

test('the language switches everything at once and is remembered', async ({ page }) => {
  await page.goto('/');
  await settled(page);
  const ids = await cardIds(page, '.hero-window');
  await page.getByRole('button', { name: '中文' }).click();
  await expect(page.locator('html')).toHaveAttribute('lang', 'zh-Hans');
  await expect(page.getByRole('heading', { name: '新品上架' })).toBeVisible();
  await settled(page);
  await expect(page.locator('.hero-window .card-title').first()).toContainText(/[\p{Script=Han}]/u);
  expect(await cardIds(page, '.hero-window')).toHaveLength(ids.length);
  await page.reload();
  await expect(page.getByRole('heading', { name: '新品上架' })).toBeVisible();
});
