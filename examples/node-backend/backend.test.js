// backend.test.js - the example against a real shop: AISLE=path/to/aisle node backend.test.js
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

const aisle = process.env.AISLE ?? '../../build/release/aisle';
const folder = mkdtempSync(join(tmpdir(), 'aisle-backend-'));
const data = ['--data', join(folder, 'data')];
const children = [];
let shop, backend, publicKey, users, products;

// Starts a program and waits for the address that it prints.
function start(program, args, env = {}) {
  const child = spawn(program, args, { env: { ...process.env, ...env } });
  children.push(child);
  return new Promise((resolve, reject) => {
    let text = '';
    const read = (chunk) => {
      text += chunk;
      const address = /http:\/\/localhost:\d+/.exec(text);
      if (address) resolve(address[0]);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('exit', (code) => reject(new Error(`${program} ended with ${code}: ${text}`)));
  });
}

async function call(url, { token, ...options } = {}) {
  const headers = { Authorization: `Bearer ${publicKey}`, 'Content-Type': 'application/json' };
  if (token) headers['X-Shopper-Token'] = token;
  const response = await fetch(url, { headers, ...options });
  return { status: response.status, body: await response.json() };
}

const tokenOf = async (user) => (await call(`${backend}/token?user=${user}`)).body.token;
const homeOf = (user, token) =>
  call(`${shop}/v1/recommendations?placement=home&user_id=${user}`, { token });

before(async () => {
  execFileSync(aisle, [
    'demo',
    ...data,
    '--products',
    '200',
    '--users',
    '100',
    '--events',
    '5000',
    '--quiet',
  ]);
  const key = JSON.parse(
    execFileSync(aisle, ['key', 'create', ...data, '--scope', 'server', '--json']),
  );
  shop = await start(aisle, ['serve', ...data, '--port', '0', '--address', '127.0.0.1']);
  publicKey = (await call(`${shop}/v1/shop`)).body.public_key;
  users = (await call(`${shop}/v1/demo/users?limit=2`)).body.items.map(({ id }) => id);
  products = (await call(`${shop}/v1/search?limit=2`)).body.items.map(({ id }) => id);
  backend = await start(process.execPath, ['server.js'], {
    AISLE_URL: shop,
    AISLE_SERVER_KEY: key.key,
    AISLE_KEY_NO: String(key.no),
    PORT: '0',
  });
});

after(async () => {
  for (const child of children) child.removeAllListeners('exit').kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

test('a token of the backend opens its own shopper', async () => {
  const { status, body } = await homeOf(users[0], await tokenOf(users[0]));
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(body.personal, true);
});

test('without a token a shopper stays closed', async () => {
  assert.equal((await homeOf(users[0])).status, 401);
});

test('a token opens no other shopper', async () => {
  assert.equal((await homeOf(users[1], await tokenOf(users[0]))).status, 403);
});

test('a changed token is refused', async () => {
  const token = await tokenOf(users[0]);
  const changed = token.replace(
    /^[^.]*/,
    Buffer.from('{"alg":"none","kid":"1"}').toString('base64url'),
  );
  assert.equal((await homeOf(users[0], changed)).status, 401);
});

test('a purchase told by the backend is accepted', async () => {
  const purchase = { user: users[0], product_id: products[0], quantity: 1 };
  const { status, body } = await call(`${backend}/purchase`, {
    method: 'POST',
    body: JSON.stringify(purchase),
  });
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(
    { accepted: body.accepted, rejected: body.rejected.length },
    { accepted: 1, rejected: 0 },
  );
});

test('a purchase of what the shop does not know is told so', async () => {
  const purchase = { user: users[0], product_id: 'no-such-product', quantity: 1 };
  const { status, body } = await call(`${backend}/purchase`, {
    method: 'POST',
    body: JSON.stringify(purchase),
  });
  assert.equal(status, 400, JSON.stringify(body));
  assert.equal(body.rejected.length, 1);
});
