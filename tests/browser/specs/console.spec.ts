/* The console: signing in and out, and what is done there, each against the running server. */
import type { APIRequestContext, Page } from '@playwright/test';
import { consoleUrl, expect, signIn, test } from '../console';

test.skip(!consoleUrl, 'CONSOLE_KEY names no shop that these tests may change');
test.slow(true, 'these go through many pages, and some train');
test.use({ baseURL: consoleUrl, viewport: { width: 1280, height: 900 } });

test.describe('signing in', () => {
  test.use({ tolerated: [/status of 40[13]/] });

  test('takes an admin key alone, and says why it takes no other', async ({ page, admin }) => {
    await page.goto('/console/models');
    const field = page.getByLabel('Admin key');
    const submit = page.getByRole('button', { name: 'Sign in' });
    await submit.click();
    await expect(page.locator('.field-error')).toHaveText('Enter a key.');
    for (const [key, why] of [
      ['ak_nothing', 'This key is not known'],
      ['密钥', 'This key is not known'],
      [(await admin.make('server')).key, 'This is no admin key'],
    ] as const) {
      await field.fill(key);
      await submit.click();
      await expect(page.locator('.field-error')).toContainText(why);
      await expect(field).toHaveAttribute('aria-invalid', 'true');
    }
    await field.fill(` ${admin.key}\n`);
    await field.press('Enter');
    await expect(page.getByRole('heading', { name: 'Models', level: 1 })).toBeVisible();
  });

  test('keeps the key in this tab, in no address, and forgets it on leaving', async ({
    page,
    context,
    admin,
  }) => {
    const urls: string[] = [];
    page.on('request', (request) => urls.push(request.url()));
    await signIn(page, admin.key);
    await page.reload();
    await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible();
    for (const name of ['Models', 'Placements', 'API keys']) {
      await page.getByRole('link', { name, exact: true }).click();
      await expect(page.getByRole('heading', { name, level: 1 })).toBeVisible();
    }
    expect(urls.filter((url) => url.includes('ak_'))).toEqual([]);
    expect(await page.evaluate(() => JSON.stringify(localStorage) + document.cookie)).not.toContain(
      'ak_',
    );
    const other = await context.newPage();
    await other.goto('/console');
    await expect(other.getByLabel('Admin key')).toBeVisible();

    await page.getByRole('button', { name: 'Log out' }).click();
    await expect(page.getByRole('status')).toContainText(['You are signed out.']);
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
    await page.goBack();
    await expect(page.getByLabel('Admin key')).toBeVisible();
  });

  test('ends when the key is revoked while it is used, and says so', async ({ page, admin }) => {
    const made = await admin.make('admin');
    await signIn(page, made.key);
    await admin.delete(`/v1/keys/${made.id}`);
    await page.getByRole('link', { name: 'Models', exact: true }).click();
    await expect(page.locator('.login-why')).toContainText('the key was revoked');
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
    await page.getByLabel('Admin key').fill(admin.key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('heading', { name: 'Models', level: 1 })).toBeVisible();
  });
});

test.describe('an outage', () => {
  test.use({ tolerated: [/Failed to load resource/] });

  test('leaves what was known standing, and the page recovers', async ({ page, admin }) => {
    await signIn(page, admin.key);
    await expect(page.getByText('Products', { exact: true })).toBeVisible();
    await page.route('**/v1/**', (route) => route.abort());
    await expect(page.locator('.stale')).toContainText('The server does not answer');
    await expect(page.getByText('Products', { exact: true })).toBeVisible();
    await page.getByRole('link', { name: 'API keys' }).click();
    await expect(page.getByRole('alert')).toContainText('cannot be reached');
    await page.unroute('**/v1/**');
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect(page.getByRole('rowheader', { name: /tests/ })).toBeVisible();
  });
});

/* What follows changes the models and jobs of one shop: one after the other. */
test.describe('models', () => {
  test.describe.configure({ mode: 'serial' });

  test('a training shows live how far it is, and stops when it is told to', async ({
    page,
    admin,
  }) => {
    await signIn(page, admin.key, 'training');
    await page.getByText('Parameters', { exact: true }).click();
    await page.getByLabel('iterations').fill('many');
    await page.getByRole('button', { name: 'Train now' }).click();
    await expect(page.locator('.field-error')).toHaveText('Enter a number.');
    // So many that no machine is through before the test has looked.
    await page.getByLabel('iterations').fill('1000');
    await page.getByLabel('dim').fill('512');
    await page.getByRole('button', { name: 'Train now' }).click();
    const progress = page.locator('.progress');
    await expect(progress).toContainText('Measuring on the newest part');
    const bar = progress.getByRole('progressbar', { name: 'Training' });
    await expect.poll(() => bar.evaluate((b: HTMLProgressElement) => b.value)).toBeGreaterThan(0);
    await progress.getByRole('button', { name: /Stop job/ }).click();
    await page.getByRole('button', { name: 'Let it run' }).click();
    await expect(progress).toBeVisible();
    await progress.getByRole('button', { name: /Stop job/ }).click();
    await page.getByRole('button', { name: 'Stop the training' }).click();
    await expect(progress).toHaveCount(0);
    const row = page.locator('tr[data-job]').first();
    await expect(row).toContainText('cancelled');
    await expect(row).toContainText('dim=512, iterations=1000');
  });

  test('a version is trained, rolled back, published, and one that a gate refused only on purpose', async ({
    page,
    admin,
  }) => {
    const first = await admin.live();
    await signIn(page, admin.key, 'training');
    await page.getByRole('button', { name: 'Train now' }).click();
    await expect.poll(() => admin.live(), { timeout: 50_000 }).not.toBe(first);
    const second = await admin.live();
    await page.getByRole('link', { name: second }).click();
    await expect(page.getByRole('heading', { name: `Model ${second}` })).toBeVisible();
    await expect(page.getByText('All parameters are those of the live version.')).toHaveCount(0);

    await page.getByRole('link', { name: 'All versions' }).click();
    const row = (version: string) => page.locator(`tr[data-version="${version}"]`);
    await expect(row(second)).toContainText('live');
    await page.getByRole('button', { name: 'Roll back' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click();
    await expect(row(first)).toContainText('live');
    expect(await admin.live()).toBe(first);

    await row(second).getByRole('button', { name: 'Publish' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Publish' }).click();
    await expect(row(second)).toContainText('live');
    expect(await admin.live()).toBe(second);

    const refused = await admin.train({ dim: 2, iterations: 1, regularisation: 100000 });
    await expect(row(refused)).toContainText('refused');
    await row(refused).getByRole('link').click();
    await expect(page.locator('.gate', { hasText: 'refused' }).first()).toBeVisible();
    await expect(page.locator('tr[data-differs]')).toHaveCount(3);
    await page.getByRole('button', { name: `Publish ${refused}` }).click();
    const publish = page.getByRole('button', { name: 'Publish although refused' });
    await expect(publish).toBeDisabled();
    await page.getByLabel('I have read why').check();
    await publish.click();
    await expect(page.locator('.under-head')).toContainText('live');
    expect(await admin.live()).toBe(refused);
    await admin.publish(second);
  });
});

test('an uploaded file is imported, and what was refused is shown and dismissed', async ({
  page,
  admin,
}) => {
  await signIn(page, admin.key, 'imports');
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await expect(page.locator('.field-error')).toHaveText('Choose a file.');
  const file = {
    name: 'feed.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from('id,title,price\nnew-1,A new thing,1200\nnew-2,Another,dear\n'),
  };
  await page.getByLabel('Choose a file').setInputFiles(file);
  await page.getByLabel(/^Currency/).fill('cny');
  await page.getByLabel('Try it only').check();
  await page.getByRole('button', { name: 'Try it' }).click();
  const result = page.locator('.import-result');
  await expect(result).toContainText('nothing was written');
  expect((await admin.get('/v1/quarantine?kind=products')).items).toEqual([]);

  await page.getByLabel('Try it only').uncheck();
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await expect(result).not.toContainText('nothing was written'); // the trial's is gone
  await expect(result).toContainText('Not a number: 1');
  expect((await admin.get('/v1/products/new-1')).price).toBe(1200);
  await result.getByRole('link', { name: 'See what was refused' }).click();
  const refused = page.locator('.refused', { hasText: 'new-2,Another,dear' });
  await expect(refused).toContainText('feed.csv, line 3, field 3');
  await refused.getByRole('button', { name: 'Dismiss' }).click();
  await expect(refused).toHaveCount(0);
  expect((await admin.get('/v1/quarantine?kind=products')).items).toEqual([]);
});

async function shownIds(page: Page): Promise<(string | null)[]> {
  return page
    .locator('.preview > li')
    .evaluateAll((items) => items.map((item) => item.getAttribute('data-product')));
}

test.describe('a preview', () => {
  test.use({ tolerated: [/status of 404/] }); // a shopper whom nobody knows

  test('shows a placement as any shopper, with a product or a cart', async ({ page, admin }) => {
    const ids = async (query: string) => {
      const { items } = await admin.get(`/v1/recommendations?limit=12&lang=en&${query}`);
      return items.map((item: { id: string }) => item.id);
    };
    await signIn(page, admin.key, 'placements');
    await expect(page.getByText('the same for everybody')).toBeVisible();
    await expect.poll(() => shownIds(page)).toEqual(await ids('placement=home'));

    await page.getByRole('button', { name: 'Lin Mei' }).click();
    await expect(page.getByText('personal', { exact: true })).toBeVisible();
    await expect.poll(() => shownIds(page)).toEqual(await ids('placement=home&user_id=lin-mei'));
    await expect(page.locator('.preview .reason').first()).not.toBeEmpty();

    await page.getByLabel(/^Shopper/).fill('nobody at all');
    await page.getByLabel(/^Shopper/).press('Enter');
    await expect(page.locator('.field-error')).toHaveText('There is no such shopper.');
    const [known] = (await admin.get('/v1/users?limit=1')).items;
    await page.getByLabel(/^Shopper/).fill(known.id);
    await page.getByLabel(/^Shopper/).press('Enter');
    await expect(page).toHaveURL(new RegExp(`shopper=${encodeURIComponent(known.id)}`));

    await page.getByLabel('Placement').selectOption('similar');
    await expect(page.getByText('Choose a product')).toBeVisible();
    const [wanted] = (await admin.get('/v1/search?q=tea&lang=en&limit=1')).items;
    await page.getByLabel(/^Product/).fill('tea');
    await page.getByRole('button', { name: `Add ${wanted.title}`, exact: true }).click();
    await expect
      .poll(() => shownIds(page))
      .toEqual(await ids(`placement=similar&product_id=${wanted.id}&user_id=${known.id}`));

    await page.getByLabel('Placement').selectOption('cart');
    await expect
      .poll(() => shownIds(page))
      .toEqual(await ids(`placement=cart&product_ids=${wanted.id}&user_id=${known.id}`));
    await page.reload();
    await expect(page.getByLabel('Placement')).toHaveValue('cart');
    await expect.poll(() => shownIds(page)).not.toEqual([]);
  });
});

test.describe('rules', () => {
  test.use({ tolerated: [/status of 400/] }); // a filter with a mistake

  test('one is made, seen in a preview with its reason, switched off and deleted', async ({
    page,
    admin,
  }) => {
    const [first, second] = (await admin.get('/v1/recommendations?placement=new&limit=12')).items;
    await signIn(page, admin.key, 'rules');
    await page.getByRole('button', { name: 'New rule' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('Not this one');
    await dialog.getByLabel('Does').selectOption('hide');
    await dialog.getByLabel(/^Products/).fill('id =');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await expect(dialog.getByRole('alert')).toContainText('filter');
    await dialog.getByLabel(/^Products/).fill(`id = "${first.id}"`);
    await dialog.getByLabel('New arrivals').check();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await expect(dialog).toHaveCount(0);

    const row = page.locator('tr[data-rule]', { hasText: 'Not this one' });
    await row.getByRole('link', { name: 'Preview' }).click();
    await expect.poll(() => shownIds(page)).toContain(second.id);
    expect(await shownIds(page)).not.toContain(first.id);
    await page.getByText('Why these, and why not others').click();
    await expect(page.locator('.rule-states', { hasText: 'Not this one' })).toContainText(
      'in force',
    );
    await page.getByLabel(/^And of this product/).fill(first.id);
    await page.locator('.explained .found button').first().click();
    const told = page.locator(`tr[data-explained="${first.id}"]`);
    await expect(told).toContainText('not shown');
    await expect(told).toContainText('Hidden by the rule');

    await page.getByRole('link', { name: 'Rules', exact: true }).click();
    await row.getByRole('button', { name: 'Switch off' }).click();
    await expect(row).toContainText('Switch on');
    const ids = async () => {
      const { items } = await admin.get('/v1/recommendations?placement=new&limit=12');
      return items.map((item: { id: string }) => item.id);
    };
    expect(await ids()).toContain(first.id);
    await row.getByRole('button', { name: 'Delete Not this one' }).click();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await expect(row).toHaveCount(0);
  });
});

test.describe('a filter with a mistake', () => {
  test.use({ tolerated: [/status of 400/] });
  test('is told with its place', async ({ page, admin }) => {
    await signIn(page, admin.key, 'placements');
    await page.getByLabel(/^Filter/).fill('price <');
    await page.getByLabel(/^Filter/).press('Enter');
    await expect(page.getByRole('alert')).toContainText('filter');
  });
});

test('a key is made, told once, works, and is revoked', async ({ page, admin, request }) => {
  await signIn(page, admin.key, 'keys');
  await page.getByRole('button', { name: 'Create a key' }).click();
  await page.getByLabel(/^Name/).fill('from the console');
  await page.getByLabel(/^server/).check();
  await page.getByRole('dialog').getByRole('button', { name: 'Create a key' }).click();
  const key = await page.getByLabel('Key', { exact: true }).inputValue();
  expect(key).toMatch(/^sk_/);
  await page.getByRole('button', { name: 'I have kept it' }).click();
  await expect(page.locator('body')).not.toContainText(key);
  const status = async (request: APIRequestContext) =>
    (
      await request.get('/v1/users?limit=1', { headers: { Authorization: `Bearer ${key}` } })
    ).status();
  expect(await status(request)).toBe(200);
  await page.getByRole('button', { name: 'Revoke from the console' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await expect(page.getByRole('rowheader', { name: 'from the console' })).toHaveCount(0);
  expect(await status(request)).toBe(401);
  await page.getByLabel('Show revoked keys').check();
  await expect(page.getByRole('rowheader', { name: 'from the console' })).toBeVisible();
});
