/* console.ts - what the specs of the console share: a shop that they may change, and its API with an admin key. */
import type { APIRequestContext, Page } from '@playwright/test';
import { expect, test as base } from './support';

export { expect };

const key = process.env.CONSOLE_KEY ?? '';

/** The shop that may be changed; undefined: there is none. */
export const consoleUrl = key ? (process.env.CONSOLE_URL ?? process.env.AISLE_URL) : undefined;

/** Whether the shop has the experiments of experiments.py. */
export const hasExperiments = process.env.CONSOLE_EXPERIMENTS === '1';

export class Admin {
  readonly key = key;
  private readonly headers = { Authorization: `Bearer ${key}` };

  constructor(private readonly request: APIRequestContext) {}

  // What is asked for is known to the test that asks.
  async get(path: string): Promise<any> {
    const answer = await this.request.get(path, { headers: this.headers });
    expect(answer.ok(), `${path} answered ${answer.status()}`).toBe(true);
    return answer.json();
  }

  async send(method: string, path: string, data: unknown): Promise<any> {
    const answer = await this.request.fetch(path, { method, headers: this.headers, data });
    expect(answer.ok(), `${path} answered ${answer.status()}`).toBe(true);
    return answer.json();
  }

  async delete(path: string): Promise<void> {
    const answer = await this.request.delete(path, { headers: this.headers });
    expect(answer.ok(), `${path} answered ${answer.status()}`).toBe(true);
  }

  make(scope: 'public' | 'server' | 'admin'): Promise<{ id: number; key: string }> {
    return this.send('POST', '/v1/keys', { scope, name: `a ${scope} key of a test` });
  }

  /** A list, and why it is so. */
  explain(query: Record<string, unknown>): Promise<any> {
    return this.send('POST', '/v1/recommendations/explain', query);
  }

  /** The version that is published. */
  async live(): Promise<string> {
    const { items } = await this.get('/v1/models/recommend');
    return items.find((model: { live: boolean }) => model.live).version;
  }

  publish(version: string): Promise<unknown> {
    return this.send('POST', '/v1/models/recommend/publish', { version });
  }

  /** Train to the end; the version. */
  async train(parameters: Record<string, number>): Promise<string> {
    const { id } = await this.send('POST', '/v1/jobs', { kind: 'train', parameters });
    const job = () => this.get(`/v1/jobs/${id}`);
    await expect.poll(async () => (await job()).state, { timeout: 50_000 }).toBe('done');
    return (await job()).result.version;
  }
}

export const test = base.extend<{ admin: Admin }>({
  admin: async ({ request }, use) => use(new Admin(request)),
});

/** Opens a page of the console ('' is the first) and signs in there. */
export async function signIn(page: Page, with_: string, at = ''): Promise<void> {
  await page.goto(`/console/${at}`);
  await page.locator('input[name=key]').fill(with_);
  await page.locator('button[type=submit]').click();
  await expect(page.locator('.page-head h1')).toBeVisible();
}

/** Opens an address of the console as somebody who has signed in. */
export async function enter(page: Page, at: string): Promise<void> {
  await page.addInitScript((known) => sessionStorage.setItem('aisle.console.key', known), key);
  await page.goto(`/console${at}`);
}
