/* Experiments in the console: made with the server's complaints at their fields, previewed, started, stopped, concluded,
 * deleted; what one has shown, and what lists led to, each against the API. */
import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { consoleUrl, enter, expect, hasExperiments, test } from '../console';

test.skip(!consoleUrl, 'CONSOLE_KEY names no shop that these tests may change');
test.slow(true, 'these go through many pages');
test.use({ baseURL: consoleUrl, viewport: { width: 1280, height: 900 } });

const field = (page: Page, name: string) => page.locator(`[name="${name}"]`);

/** The message under a field. */
const complaint = (page: Page, name: string) =>
  page.locator('.field', { has: field(page, name) }).locator('.field-error');

test.describe('an experiment', () => {
  test.use({ tolerated: [/status of 40[049]/] }); // mistakes, and what was deleted

  test('is made, changed, previewed, started, stopped, concluded and deleted', async ({
    page,
    admin,
  }) => {
    const at = (id = 'tea-first') => admin.get(`/v1/experiments/${id}`);
    await enter(page, '/experiments');
    await page.getByRole('link', { name: 'New experiment' }).click();
    const save = page.getByRole('button', { name: 'Save the draft' });

    // What the page itself can tell.
    await field(page, 'share').fill('half');
    await save.click();
    await expect(complaint(page, 'id')).toHaveText('This is needed.');
    await expect(complaint(page, 'share')).toHaveText('Enter a number.');
    await expect(field(page, 'id')).toBeFocused();

    // What only the server can, each at its field.
    await field(page, 'id').fill('tea-first');
    await page.getByLabel('Home page').uncheck();
    await page.getByLabel('Similar products').check();
    await field(page, 'layer').fill('of-this-test');
    await field(page, 'share').fill('400');
    await save.click();
    await expect(complaint(page, 'share')).toContainText('expected above 0, at most 1');
    await field(page, 'share').fill('50');
    await field(page, 'variants.1.name').fill('茶');
    await page.locator('[data-variant="1"] summary', { hasText: 'Similar products' }).click();
    const weight = 'variants.1.weights.similar.alike';
    await expect(field(page, weight)).toHaveAttribute('placeholder', /^0\.\d/);
    await field(page, weight).fill('1000');
    await save.click();
    await expect(complaint(page, weight)).toContainText('not between 0 and 100');
    await expect(field(page, weight)).toBeFocused();
    await field(page, weight).fill('2');
    await page.getByRole('button', { name: 'Add a guard-rail' }).click();
    await field(page, 'guardrails.0.max_loss').fill('-5');
    await save.click();
    await expect(complaint(page, 'guardrails.0.max_loss')).toContainText('max_loss');
    await field(page, 'guardrails.0.max_loss').fill('12.5');
    await field(page, 'variants.1.explore').fill('60');
    await save.click();
    await expect(complaint(page, 'variants.1.explore')).toContainText('explore');
    await field(page, 'variants.1.explore').fill('7');
    await save.click();
    await expect(page.getByRole('heading', { name: 'tea-first', level: 1 })).toBeVisible();
    expect((await at()).definition).toEqual({
      placements: ['similar'],
      layer: 'of-this-test',
      share: 0.5,
      metric: 'conversion',
      horizon_days: 3,
      expected_shoppers: 10000,
      alpha: 0.05,
      guardrails: [{ metric: 'revenue', max_loss: 0.125 }],
      variants: [
        { name: 'control', weight: 1 },
        { name: '茶', weight: 1, explore: 0.07, weights: { 'similar.alike': 2 } },
      ],
    });

    // A draft is changed; a name that is taken is said.
    await page.getByRole('link', { name: 'Change' }).click();
    await field(page, 'variants.1.explore').fill('');
    await save.click();
    await expect(page.getByText('It has not begun')).toBeVisible();
    expect((await at()).definition.variants[1]).not.toHaveProperty('explore');
    await page.getByRole('link', { name: 'Make another like it' }).click();
    await expect(field(page, 'variants.1.name')).toHaveValue('茶');
    await field(page, 'id').fill('tea-first');
    await save.click();
    await expect(page.getByRole('alert')).toContainText('tea-first');

    // The preview shows what explain answers for each variant.
    const [product] = (await admin.get('/v1/search?q=tea&lang=en&limit=1')).items;
    await enter(page, `/experiments/tea-first/preview?product=${product.id}`);
    await expect(field(page, 'placement')).toHaveValue('similar');
    for (const [side, variant] of ['control', '茶'].entries()) {
      const { items } = await admin.explain({
        placement: 'similar',
        product_id: product.id,
        limit: 12,
        lang: 'en',
        experiment: 'tea-first',
        variant,
      });
      const shown = page.locator('.sides > section').nth(side).locator('[data-product]');
      await expect
        .poll(() => shown.evaluateAll((all) => all.map((one) => one.getAttribute('data-product'))))
        .toEqual(items.map(({ id }: { id: string }) => id));
    }

    // Started: the state that is asked for, once, after it was confirmed.
    await enter(page, '/experiments/tea-first');
    const dialog = page.getByRole('dialog');
    await page.getByRole('button', { name: 'Start tea-first' }).click();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    expect((await at()).state).toBe('draft');
    await page.getByRole('button', { name: 'Start tea-first' }).click();
    await dialog.getByRole('button', { name: 'Start' }).click();
    await expect(page.locator('.under-head')).toContainText('running');
    await expect(page.locator('.verdicts')).toContainText('too early to say anything');
    expect((await at()).state).toBe('running');
    await enter(page, '/experiments/tea-first/edit');
    await expect(page.getByText('Only a draft can be changed.')).toBeVisible();

    await enter(page, '/experiments/tea-first');
    await page.getByRole('button', { name: 'Stop tea-first' }).click();
    await dialog.getByLabel(/^Why/).fill('enough seen');
    await dialog.getByRole('button', { name: 'Stop' }).click();
    await expect(page.locator('.timeline')).toContainText('enough seen');
    await page.getByRole('button', { name: 'Conclude tea-first' }).click();
    await expect(dialog.getByRole('button', { name: 'Conclude' })).toBeDisabled();
    await dialog.getByLabel('茶').check();
    await dialog.getByRole('button', { name: 'Conclude' }).click();
    await expect(page.locator('.under-head')).toContainText('decided: 茶');
    expect(await at()).toMatchObject({ state: 'decided', decision: '茶', reason: 'enough seen' });

    await page.getByRole('button', { name: 'Delete tea-first' }).click();
    await expect(dialog).toContainText('Everybody is served 茶');
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await expect(page.getByRole('heading', { name: 'Experiments', level: 1 })).toBeVisible();
    await expect(page.locator('tr[data-experiment="tea-first"]')).toHaveCount(0);
    await enter(page, '/experiments/tea-first');
    await expect(page.getByText('It may have been deleted.')).toBeVisible();
  });

  test('that cannot run beside others says why, and stays a draft', async ({ page, admin }) => {
    const definition = { placements: ['new'], layer: 'full', variants: [{ name: 'only' }] };
    await admin.send('POST', '/v1/experiments', { id: 'first', definition });
    await admin.send('POST', '/v1/experiments', { id: 'second', definition });
    await admin.send('PATCH', '/v1/experiments/first', { state: 'running' });
    await enter(page, '/experiments/second');
    await page.getByRole('button', { name: 'Start second' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Start' }).click();
    await expect(dialog.getByRole('alert')).toContainText('has no room');
    expect((await admin.get('/v1/experiments/second')).state).toBe('draft');
    await admin.send('PATCH', '/v1/experiments/first', { state: 'stopped' });
    await dialog.getByRole('button', { name: 'Start' }).click();
    await expect(page.locator('.under-head')).toContainText('running');
    await admin.send('PATCH', '/v1/experiments/second', { state: 'stopped' });
    for (const id of ['first', 'second']) await admin.delete(`/v1/experiments/${id}`);
  });
});

test.describe('what experiments have shown', () => {
  test.skip(!hasExperiments, 'experiments.py made none here');
  test.use({ tolerated: [/status of 400|ERR_FAILED/] }); // a time that is too long, a report that fails

  test('is told as it was reported, and the words say no more', async ({ page, admin }) => {
    const report = await admin.get('/v1/experiments/fresh-home/report');
    const { ctr, conversion } = report.variants[1].metrics;
    expect(ctr.difference.low, 'the simulated shoppers tell them apart').toBeGreaterThan(0);
    expect(conversion.difference.low, 'and here do not').toBeLessThan(0);
    await enter(page, '/experiments/fresh-home');
    const points = (value: number) => `${(100 * Math.abs(value)).toFixed(2)} pp`;
    await expect(page.locator('.verdicts li')).toHaveText(
      `fresh: Click-through rate is higher than the control’s, by ${points(ctr.difference.low)} to ${points(ctr.difference.high)}.`,
    );
    await expect(page.getByText('Nothing speaks against')).toBeVisible();
    for (const [name, { metrics, shoppers }] of report.variants.map((v: { name: string }) => [
      v.name,
      v,
    ])) {
      const row = page
        .getByRole('region', { name: 'Conversion' })
        .locator(`tr[data-variant="${name}"]`);
      await expect(row).toContainText(String(shoppers));
      await expect(row).toContainText(`${(100 * metrics.conversion.value).toFixed(2)}%`);
    }
    await expect(page.getByRole('img', { name: /Click-through rate of 2 variants/ })).toBeVisible();
    const rails = page.locator('.rails > li');
    await expect(rails.nth(0)).toContainText('kept');
    await expect(rails.nth(1)).toContainText('not known yet');
  });

  test('may fail to be reported, and what can be done with it stays', async ({ page }) => {
    await page.route('**/fresh-home/report', (route) => route.abort());
    await enter(page, '/experiments/fresh-home');
    await expect(page.getByText('It could not be reported')).toBeVisible();
    await expect(page.getByRole('button', { name: 'Stop fresh-home' })).toBeEnabled();
    await expect(page.locator('.timeline')).toContainText('Started');
  });

  test('is nothing where shoppers are not divided as planned, and everybody sees so', async ({
    page,
    admin,
  }) => {
    expect(await admin.get('/v1/experiments/one-lost')).toMatchObject({ state: 'stopped' });
    await enter(page, '');
    await expect(page.getByRole('link', { name: /The experiment one-lost/ })).toBeVisible();
    await page.getByRole('link', { name: 'Experiments', exact: true }).click();
    const row = page.locator('tr[data-experiment="one-lost"]');
    await expect(row).toContainText('sample ratio is off');
    await expect(row).toContainText('to be decided');
    await expect(page.locator('tr[data-experiment="no-events"]')).toContainText('running');
    await expect(page.locator('tr[data-placement="checkout"]')).toContainText(
      '10% of the lists (no-events: chance, served to 15% of the shoppers)',
    );
    await expect(page.locator('tr[data-placement="similar"]')).toContainText('never');
    await row.getByRole('link').click();
    await expect(page.locator('.verdicts')).toContainText('nothing can be said');
    await expect(page.locator('.stale')).toContainText('not divided as planned');
  });

  test('is attributed by placement and variant, and is a file to take along', async ({
    page,
    admin,
  }) => {
    await enter(page, '/reports?days=28&by=placement,variant');
    const { items } = await admin.get(
      `/v1/reports/attribution?by=placement,variant&from=${new Date(Date.now() - 28 * 86_400_000).toISOString()}`,
    );
    const { number } = await admin.get('/v1/experiments/fresh-home');
    const told = items.find(
      (one: { experiment: number; variant: number }) =>
        one.experiment === number && one.variant === 1,
    );
    const row = page.locator('tr[data-row="home"]', { hasText: 'fresh-home: fresh' });
    await expect(row).toContainText(`${(100 * told.ctr).toFixed(2)}%`);
    await expect(row).toContainText(told.impressions.toLocaleString('en-GB'));

    const coming = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download CSV' }).click();
    const file = await coming;
    expect(file.suggestedFilename()).toMatch(/^attribution-.*\.csv$/);
    const lines = (await readFile(await file.path(), 'utf8')).replace('\ufeff', '').split('\r\n');
    expect(lines[0]).toMatch(/^placement,experiment,variant,requests,impressions,/);
    expect(lines.find((line) => line.startsWith('home,fresh-home,fresh,'))).toContain(
      `,${told.requests},${told.impressions},${told.clicks},`,
    );
    expect(lines.at(-2)).toMatch(/^unattributed,/);

    await page.getByLabel('Model', { exact: true }).check();
    await expect(page).toHaveURL(/by=placement%2Cmodel%2Cvariant/);
    await expect(page.getByRole('link', { name: await admin.live() }).first()).toBeVisible();
    await page.getByLabel('Period').selectOption('own');
    await expect(page).toHaveURL(/from=\d{4}-\d\d-\d\d&to=/);
    await expect(page.locator('tr[data-row]')).toHaveCount(0); // it all was before today
    await field(page, 'from').fill('2020-01-01');
    await expect(page.getByRole('alert')).toContainText('400 days'); // the most there is
  });
});

test('settings are told with where they come from', async ({ page, admin }) => {
  const { weights, settings } = await admin.get('/v1/settings');
  await enter(page, '/settings');
  const cell = page.locator('[data-weight="home.factors"]');
  await expect(cell).toContainText(String(weights.home.factors));
  await expect(page.locator('tr[data-setting]')).toHaveCount(settings.length);
  await expect(page.locator('tr[data-setting="recommend.weights"]')).toContainText('default');
});
