/* What a shopper sees when the network or the server fails. */
import { addToCart, expect, fillAddress, settled, test } from '../support';

test.use({ tolerated: [/Failed to load resource/] });

test('a shop that cannot be reached says so, and opens on another try', async ({ page }) => {
  await page.route('**/v1/shop', (route) => route.abort());
  await page.goto('/');
  await expect(page.getByRole('alert')).toContainText('The shop cannot be reached');
  await page.unroute('**/v1/shop');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.locator('.hero h1')).toBeVisible();
});

test('rows that fail leave the rest of the page standing', async ({ page }) => {
  const pattern = '**/v1/recommendations/rows?*';
  await page.route(pattern, (route) => route.abort());
  await page.goto('/');
  await expect(page.locator('.shelf').getByRole('alert')).toBeVisible();
  await expect(page.locator('.signs a').first()).toBeVisible();
  await page.unroute(pattern);
  await page.locator('.shelf').getByRole('button', { name: 'Try again' }).click();
  await expect(page.locator('.hero-window .card[data-product]').first()).toBeVisible();
  await expect(page.locator('.signs ~ .shelf').first()).toBeVisible();
});

test('a busy server is told apart from a broken one', async ({ page }) => {
  let code = 'busy';
  await page.route('**/v1/search?*', (route) =>
    route.fulfill({
      status: code === 'busy' ? 503 : 500,
      headers: { 'Retry-After': '1' },
      json: { error: { code, message: 'inside', request_id: 'req-42' } },
    }),
  );
  await page.goto('/search');
  await expect(page.locator('main .state')).toContainText('very busy');
  code = 'internal';
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.locator('main .state')).toContainText('went wrong on our side');
  await expect(page.locator('main .state')).toContainText('Reference req-42');
  await page.unroute('**/v1/search?*');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.locator('.grid .card').first()).toBeVisible();
});

test('a cart changed in another tab is brought up to date, not overwritten', async ({
  page,
  context,
  shop,
}) => {
  const [first, second] = await shop.buyable(2);
  await addToCart(page, first!.id);
  await page.goto('/cart');
  await expect(page.locator('.line')).toHaveCount(1);
  const other = await context.newPage();
  await addToCart(other, second!.id);
  await page.locator('.line').first().getByRole('button', { name: 'One more' }).click();
  await expect(page.locator('.line')).toHaveCount(2);
  await expect(page.locator('.line output').first()).toHaveText('2');
});

test('an order whose answer was lost is placed once, however often one presses', async ({
  page,
  shop,
}) => {
  const [card] = await shop.buyable(1);
  await addToCart(page, card!.id);
  await page.goto('/checkout');
  await fillAddress(page);

  const keys: (string | undefined)[] = [];
  let lost = true;
  await page.route('**/v1/orders?*', async (route) => {
    if (route.request().method() !== 'POST') return route.continue();
    keys.push(route.request().headers()['idempotency-key']);
    if (!lost) return route.continue();
    lost = false;
    await route.fetch();
    await route.fulfill({
      status: 503,
      json: { error: { code: 'busy', message: 'try again', request_id: 'r' } },
    });
  });
  await page.getByRole('button', { name: 'Place order' }).click();
  await expect(page.locator('.form-errors')).toContainText('The order was not placed');
  await page.getByRole('button', { name: 'Place order' }).click();
  await expect(page).toHaveURL(/\/orders\/.+/);
  expect(new Set(keys).size).toBe(1);
  await page.goto('/orders');
  await expect(page.locator('.order-row')).toHaveCount(1);
});
test('a cart keeps its quantities, gives back what was removed, and survives a reload', async ({
  page,
  shop,
}) => {
  const cards = await shop.buyable(2);
  for (const card of cards) await addToCart(page, card.id);
  await page.goto('/cart');
  await expect(page.locator('.line')).toHaveCount(2);

  await page.locator('.line').first().getByRole('button', { name: 'One more' }).click();
  await expect(page.locator('.line output').first()).toHaveText('2');
  await page.reload();
  await expect(page.locator('.line output').first()).toHaveText('2');

  await page.locator('.line').first().locator('.line-remove').click();
  await expect(page.locator('.line')).toHaveCount(1);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(page.locator('.line')).toHaveCount(2);

  for (let left = 1; left >= 0; left--) {
    await page.locator('.line-remove').first().click();
    await expect(page.locator('.line')).toHaveCount(left);
  }
  await expect(page.getByRole('heading', { name: 'Your cart is empty' })).toBeVisible();
});

test('events wait out an outage and arrive as they were', async ({ page, shop }) => {
  const [card] = await shop.buyable(1);
  const bodies: { id: string; time: string; type: string }[][] = [];
  let down = true;
  await page.route('**/v1/events*', (route) => {
    bodies.push(route.request().postDataJSON().events);
    return down ? route.abort() : route.continue();
  });
  await page.goto(`/product/${encodeURIComponent(card!.id)}`);
  await expect.poll(() => bodies.length).toBeGreaterThan(0);
  const view = bodies.flat().find(({ type }) => type === 'view')!;
  down = false;
  const seen = bodies.length;
  await expect
    .poll(() =>
      bodies
        .slice(seen)
        .flat()
        .map(({ id, time }) => `${id} ${time}`),
    )
    .toContain(`${view.id} ${view.time}`);
});

test('a token that has run out is renewed without a word', async ({ page }) => {
  await page.goto('/');
  await page.locator('.shopper-button').click();
  await page.locator('.shopper').nth(3).click();
  await expect(page.locator('.eyebrow')).toContainText('Hello');
  await page.evaluate(() => {
    const shopper = JSON.parse(localStorage.getItem('aisle.shopper')!);
    localStorage.setItem('aisle.shopper', JSON.stringify({ ...shopper, token: 'expired' }));
  });
  await page.goto('/orders');
  await settled(page);
  await expect(page.getByText('This could not be loaded')).toHaveCount(0);
  await expect(page.locator('.shopper-button')).not.toHaveAccessibleName(/Guest/);
});

test('without storage the shop still sells', async ({ page, shop }) => {
  await page.addInitScript(() => {
    Object.defineProperty(window, 'localStorage', {
      get: () => {
        throw new DOMException('denied', 'SecurityError');
      },
    });
  });
  const [card] = await shop.buyable(1);
  await page.goto(`/product/${encodeURIComponent(card!.id)}`);
  await page.locator('.purchase .button').click();
  await expect(page.locator('.cart-count')).toHaveText('1');
});

test('what the server has not confirmed leaves by beacon when the page goes away', async ({
  page,
}) => {
  await page.route('**/v1/events', (route) => route.abort());
  await page.goto('/');
  await settled(page);
  await page.evaluate(() => {
    navigator.sendBeacon = (url, data) => {
      document.title += ` ${url} ${String(data)}`;
      return true;
    };
  });
  await page.locator('.hero-window .card-title a').first().click();
  await expect(page.locator('main .purchase')).toBeVisible();
  await page.evaluate(() => dispatchEvent(new Event('pagehide')));
  const sent = await page.title();
  expect(sent).toContain('/v1/events?key=pk_');
  for (const type of ['click', 'view']) expect(sent).toContain(`"type":"${type}"`);
});
