import { defineConfig } from '@playwright/test';

/* AISLE_URL        the shop under test (run.sh starts one)
 * AISLE_ARTIFACTS  where screenshots and the traces of failures go */
const artifacts = process.env.AISLE_ARTIFACTS ?? 'test-results';

export default defineConfig({
  testDir: 'specs',
  outputDir: `${artifacts}/failures`,
  forbidOnly: Boolean(process.env.CI),
  fullyParallel: true,
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [['list']],
  use: {
    baseURL: process.env.AISLE_URL ?? 'http://127.0.0.1:8080',
    locale: 'en-GB',
    timezoneId: 'UTC',
    screenshot: 'only-on-failure',
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      // Chromium refuses its own sandbox to root.
      chromiumSandbox: process.getuid?.() !== 0,
      args: [
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-default-apps',
        '--disable-sync',
        '--no-first-run',
        '--no-default-browser-check',
      ],
    },
  },
});
