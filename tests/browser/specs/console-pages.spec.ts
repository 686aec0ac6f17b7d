/* Every page of the console, in both languages, wide and narrow, light and dark: no complaint of the browser, no
 * accessibility violation, nothing wider than the screen, and a picture to look at. */
import type { Page } from '@playwright/test';
import { consoleUrl, enter, expect, hasExperiments, signIn, test, type Admin } from '../console';
import { excess, settled, violations, type Lang } from '../support';

const artifacts = process.env.AISLE_ARTIFACTS ?? 'test-results';

test.skip(!consoleUrl, 'CONSOLE_KEY names no shop that these tests may look into');
test.use({ baseURL: consoleUrl, contextOptions: { reducedMotion: 'reduce' } });

const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 360, height: 740 };
const ALL: { lang: Lang; name: string; viewport: typeof WIDE; dark?: boolean }[] = [
  { lang: 'zh', name: 'narrow-dark', viewport: NARROW, dark: true },
  { lang: 'en', name: 'wide', viewport: WIDE },
];
/* The one that shows most; AISLE_SCREENS=all (make test-long) looks at both. */
const SCREENS = process.env.AISLE_SCREENS === 'all' ? ALL : ALL.slice(0, 1);

const PAGES: Record<string, (admin: Admin) => Promise<string> | string> = {
  overview: () => '',
  models: () => '/models',
  model: async (admin) => `/models/recommend/${await admin.live()}`,
  training: () => '/training',
  imports: () => '/imports',
  quarantine: () => '/quarantine',
  jobs: () => '/jobs',
  placements: () => '/placements?shopper=lin-mei',
  rules: () => '/rules',
  settings: () => '/settings',
  keys: () => '/keys',
  experiments: () => '/experiments',
  'experiment-new': () => '/new-experiment',
  reports: () => '/reports?days=28&by=placement,variant',
  ...(hasExperiments && {
    'experiment-shown': () => '/experiments/fresh-home',
    'experiment-off': () => '/experiments/one-lost',
    'experiment-early': () => '/experiments/no-events',
    'experiment-draft': () => '/experiments/a-draft',
    'experiment-edit': () => '/experiments/a-draft/edit',
    'experiment-preview': () => '/experiments/fresh-home/preview?shopper=lin-mei',
  }),
  missing: () => '/there/is/nothing/here',
};

for (const { lang, name: screen, viewport, dark = false } of SCREENS) {
  test.describe(`${lang}, ${screen}`, () => {
    test.use({ lang, viewport, colorScheme: dark ? 'dark' : 'light' });

    async function check(page: Page, name: string) {
      expect(await excess(page), 'pixels beyond the right edge').toBeLessThanOrEqual(0);
      await expect(page.locator('h1')).toHaveCount(1);
      await expect(page).toHaveTitle(/.+ · .+/);
      const path = `${artifacts}/pages/console-${name}-${lang}-${screen}.png`;
      await page.screenshot({ path, fullPage: true });
      expect(await violations(page)).toEqual([]);
    }

    test('the door of the console is sound', async ({ page }) => {
      await page.goto('/console');
      await expect(page.locator('input[name=key]')).toBeVisible();
      await check(page, 'login');
    });

    for (const [name, path] of Object.entries(PAGES)) {
      test(`${name} of the console is sound`, async ({ page, admin }) => {
        await enter(page, await path(admin));
        await settled(page);
        await check(page, name);
      });
    }
  });
}

/* The other way round, for the eye: words are longer in English, and lines in Chinese. */
for (const { lang, name: screen, viewport } of [
  { lang: 'en', name: 'narrow', viewport: NARROW },
  { lang: 'zh', name: 'wide', viewport: WIDE },
] as const) {
  test.describe(`${lang}, ${screen}`, () => {
    test.use({ lang, viewport });
    test('no page of the console is wider than the screen', async ({ page, admin }) => {
      test.slow();
      for (const [name, path] of Object.entries(PAGES)) {
        await enter(page, await path(admin));
        await settled(page);
        expect.soft(await excess(page), name).toBeLessThanOrEqual(0);
        const file = `${artifacts}/pages/console-${name}-${lang}-${screen}.png`;
        await page.screenshot({ path: file, fullPage: true });
      }
    });
  });
}

test.describe('narrow', () => {
  test.use({ viewport: NARROW });
  test('the menu has the pages, works by keyboard, and closes with Escape', async ({
    page,
    admin,
  }) => {
    await signIn(page, admin.key);
    await page.getByRole('button', { name: 'Menu' }).press('Enter');
    const menu = page.getByRole('dialog');
    await expect(menu).toBeVisible();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await expect(menu).toHaveCount(0);
    await page.getByRole('button', { name: 'Menu' }).press('Enter');
    await menu.getByRole('link', { name: 'Models' }).press('Enter');
    await expect(page.getByRole('heading', { name: 'Models', level: 1 })).toBeVisible();
    await expect(menu).toHaveCount(0);
  });
});
