import { cardIds, expect, settled, test, type Lang } from '../support';

for (const lang of ['en', 'zh'] as Lang[]) {
  test.describe(`in ${lang}`, () => {
    test.use({ lang });

    test('finds what the API finds, with the words marked', async ({ page, shop }) => {
      const { word, total } = await shop.word(lang);
      await page.goto('/');
      await page.getByRole('combobox').fill(word);
      await page.getByRole('combobox').press('Enter');
      await settled(page);
      await expect(page.locator('html')).toHaveAttribute('lang', lang === 'zh' ? 'zh-Hans' : 'en');
      await expect(page.locator('.search-title')).toContainText(String(total));
      await expect(page.locator('.grid mark').first()).toBeVisible();
      await expect(page.locator('main h1')).toContainText(word);
    });
  });
}

test('results appear while typing and the newest query wins', async ({ page, shop }) => {
  const { word } = await shop.word('en');
  await page.goto('/');
  const box = page.getByRole('combobox');
  await box.pressSequentially(word, { delay: 30 });
  await expect(box).toHaveAttribute('aria-expanded', 'true');
  await expect(page.getByRole('option').last()).toContainText(`“${word}”`);
});

test('the keyboard alone searches, chooses, and closes', async ({ page, shop }) => {
  const { word } = await shop.word('en');
  await page.goto('/');
  await settled(page);
  await page.keyboard.press('Tab');
  await expect(page.locator('.skip')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.locator('main')).toBeFocused();

  const box = page.getByRole('combobox');
  await page.reload();
  await settled(page);
  for (let i = 0; i < 3; i++) await page.keyboard.press('Tab');
  await expect(box).toBeFocused();
  await page.keyboard.type(word);
  await expect(page.getByRole('option').first()).toBeVisible();

  await page.keyboard.press('ArrowUp');
  const last = page.getByRole('option').last();
  await expect(last).toHaveAttribute('aria-selected', 'true');
  await expect(box).toHaveAttribute('aria-activedescendant', (await last.getAttribute('id'))!);
  await page.keyboard.press('ArrowDown');
  await expect(box).not.toHaveAttribute('aria-activedescendant', /.+/);
  await page.keyboard.press('Escape');
  await expect(box).toHaveAttribute('aria-expanded', 'false');
  await expect(box).toHaveValue(word);

  const products = page.locator('.option-product');
  await page.keyboard.press('ArrowDown');
  await expect(products.first()).toBeVisible();
  while ((await products.first().getAttribute('aria-selected')) !== 'true') {
    await page.keyboard.press('ArrowDown');
  }
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/product\//);
  await expect(page.locator('main')).toBeFocused();
});

test('every facet narrows the list down, shows as a chip, and can be undone', async ({ page }) => {
  await page.goto('/search');
  await settled(page);
  const count = async () =>
    Number(
      (await page.locator('.search-title .quiet').innerText())
        .replace(/,/g, '')
        .match(/of (\d+)/)?.[1],
    );
  const all = await count();

  const brands = page.getByRole('group', { name: 'Brand' });
  const first = brands.getByRole('checkbox').first();
  const promised = Number(
    (await brands.locator('.check-count').first().innerText()).replace(/,/g, ''),
  );
  await first.check();
  await expect(page).toHaveURL(/brand=/);
  await settled(page);
  expect(await count()).toBe(promised);
  expect(promised).toBeLessThan(all);
  expect(await brands.getByRole('checkbox').count(), 'the other brands stay').toBeGreaterThan(1);

  await brands.getByRole('checkbox').nth(1).check();
  await settled(page);
  expect(await count()).toBeGreaterThan(promised);

  await page.getByRole('group', { name: 'Price' }).getByLabel('To', { exact: true }).fill('100');
  await page.getByRole('button', { name: 'Apply' }).click();
  await expect(page).toHaveURL(/max=10000/);
  await settled(page);
  await expect(page.locator('.chip')).toHaveCount(3);

  await page.reload();
  await settled(page);
  await expect(page.locator('.chip')).toHaveCount(3);
  await page.locator('.chip').first().click();
  await expect(page.locator('.chip')).toHaveCount(2);
  await page.getByRole('button', { name: 'Clear all' }).click();
  await expect(page.locator('.chip')).toHaveCount(0);
  await settled(page);
  expect(await count()).toBe(all);
});

test('sorting by price really sorts', async ({ page, shop }) => {
  await page.goto('/search');
  await page.getByLabel('Sort by').selectOption('price_asc');
  await expect(page).toHaveURL(/sort=price_asc/);
  await settled(page);
  const prices = await page.locator('.grid .price-now').allInnerTexts();
  const amounts = prices.map((text) => Number(text.replace(/[^\d.]/g, '')));
  expect(amounts.length).toBeGreaterThan(5);
  expect(amounts).toEqual([...amounts].sort((a, b) => a - b));
  const { items } = await shop.search('', { sort: 'price_asc', limit: 24 });
  expect(await cardIds(page, '.grid')).toEqual(items.map((card) => card.id));
});

test('pages follow each other without overlap, and going back returns to the place', async ({
  page,
}) => {
  await page.goto('/search');
  await settled(page);
  const first = await cardIds(page, '.grid');
  await page.locator('.pagination').getByRole('link', { name: 'Next' }).click();
  await expect(page).toHaveURL(/page=2/);
  await settled(page);
  const second = await cardIds(page, '.grid');
  expect(second.filter((id) => first.includes(id))).toEqual([]);

  const target = page.locator('.grid .card-title a').nth(12);
  await target.scrollIntoViewIfNeeded();
  const before = await page.evaluate(() => window.scrollY);
  await target.click();
  await expect(page).toHaveURL(/\/product\//);
  await settled(page);
  await page.goBack();
  await expect.poll(() => page.evaluate(() => window.scrollY)).toBe(before);
  expect(await cardIds(page, '.grid')).toEqual(second);
});

test('a department shows its own products and leads into its parts', async ({ page, shop }) => {
  const [department] = await shop.departments();
  await page.goto('/');
  await page.locator('.signs').getByRole('link', { name: department!.label }).first().click();
  await expect(page.locator('main h1')).toHaveText(department!.label);
  await settled(page);
  const filter = `category = ${JSON.stringify(department!.path)}`;
  const { total } = await shop.search('', { filter, limit: 0 });
  await expect(page.locator('.search-title')).toContainText(total.toLocaleString('en'));
});

test('nothing found is an answer with a way on', async ({ page }) => {
  await page.goto('/search?q=qqqzzzxxyy');
  await expect(page.getByRole('heading', { name: /Nothing found for/ })).toBeVisible();
  await expect(page.locator('.shelf .card').first()).toBeVisible();
  await page.getByRole('link', { name: 'Browse everything' }).click();
  await expect(page.locator('.grid .card').first()).toBeVisible();
});
