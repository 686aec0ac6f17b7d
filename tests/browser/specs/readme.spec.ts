/* The picture of the README: `make screenshot` puts it into its place. */
import { expect, settled, test } from '../support';

const artifacts = process.env.AISLE_ARTIFACTS ?? 'test-results';

test.use({ viewport: { width: 1280, height: 900 }, contextOptions: { reducedMotion: 'reduce' } });

test('the first page of the shop fills a screen with products and reasons', async ({ page }) => {
  await page.goto('/');
  await settled(page);
  await page.waitForLoadState('networkidle');
  const cards = page.locator('main .card[data-product]');
  await expect.poll(() => cards.count()).toBeGreaterThan(6);
  await expect(cards.first().getByText('Popular right now')).toBeVisible();
  await page.screenshot({ path: process.env.SCREENSHOT ?? `${artifacts}/pages/readme.png` });
});
