/* The README's picture of the console: `make screenshot` puts it into its place. */
import { consoleUrl, enter, expect, test } from '../console';
import { settled } from '../support';

const artifacts = process.env.AISLE_ARTIFACTS ?? 'test-results';

test.skip(!consoleUrl, 'CONSOLE_KEY opens no console');
test.use({
  baseURL: consoleUrl,
  viewport: { width: 1280, height: 900 },
  contextOptions: { reducedMotion: 'reduce' },
});

test('a preview of the home page as a shopper fills a screen', async ({ page }) => {
  await enter(page, '/placements?shopper=lin-mei');
  await settled(page);
  await expect(page.locator('.preview > li')).toHaveCount(12);
  await page.waitForLoadState('networkidle');
  await page.screenshot({
    path: process.env.CONSOLE_SCREENSHOT ?? `${artifacts}/pages/readme-console.png`,
  });
});
