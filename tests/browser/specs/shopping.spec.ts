import { addToCart, expect, fillAddress, settled, switchShopper, test } from '../support';

test('a guest searches, narrows down, opens, buys, and sees the order', async ({ page, shop }) => {
  const { word } = await shop.word('en');
  await page.goto('/');
  await page.getByRole('combobox').fill(word);
  await page.getByRole('combobox').press('Enter');
  await expect(page).toHaveURL(new RegExp(`/search\\?q=${word}`));
  await settled(page);

  await page.getByRole('checkbox', { name: /In stock only/ }).check();
  await expect(page).toHaveURL(/stock=1/);
  await settled(page);
  await page.locator('.grid .card-title a').first().click();
  await expect(page).toHaveURL(/\/product\//);
  const title = await page.locator('main h1').innerText();

  await page.getByRole('button', { name: 'One more' }).click();
  await page.locator('.purchase').getByRole('button', { name: 'Add to cart' }).click();
  await expect(page.getByRole('link', { name: 'Cart, 2 products' })).toBeVisible();
  await page.getByRole('button', { name: 'View cart' }).click();

  await expect(page.locator('.line')).toContainText(title);
  const total = await page.locator('.summary-total dd').innerText();
  await page.getByRole('link', { name: 'Check out' }).click();
  await fillAddress(page);
  await page.getByRole('button', { name: 'Place order' }).click();

  await expect(page).toHaveURL(/\/orders\/.+/);
  await expect(page.getByText('Thank you. Your order is placed.')).toBeVisible();
  await expect(page.locator('.line')).toContainText(title);
  await expect(page.locator('.line')).toContainText('Quantity 2');
  await expect(page.locator('.order-total')).toContainText(total);
  await expect(page.locator('address')).toContainText('1 Harbour Street');
  await expect(page.getByRole('link', { name: 'Cart, 0 products' })).toBeVisible();

  await page.goto('/orders');
  await expect(page.locator('.order-row')).toHaveCount(1);
  await page.locator('.order-row a').click();
  await expect(page.locator('.line')).toContainText(title);
});

test('the checkout names every wrong field and leads to the first', async ({ page, shop }) => {
  const [card] = await shop.buyable(1);
  await addToCart(page, card!.id);
  await page.goto('/checkout');
  await page.getByRole('button', { name: 'Place order' }).click();
  await expect(page.locator('.field-error')).toHaveCount(5);
  await expect(page.getByLabel('Full name')).toBeFocused();
  await fillAddress(page);
  await page.getByLabel('Telephone').fill('call me');
  await expect(page.locator('.field-error')).toHaveText([/telephone number/]);
  await expect(page).toHaveURL(/checkout$/);
});

test('a guest who signs in keeps the cart, and a guest after that starts anew', async ({
  page,
  shop,
}) => {
  const [card] = await shop.buyable(1);
  await addToCart(page, card!.id);
  await switchShopper(page, 1);
  await expect(page.locator('.hero .eyebrow')).toContainText('Hello');
  await page.goto('/cart');
  await expect(page.locator('.line').filter({ hasText: card!.title })).toHaveCount(1);
  await switchShopper(page, 0);
  await page.goto('/cart');
  await expect(page.getByRole('heading', { name: 'Your cart is empty' })).toBeVisible();
});
