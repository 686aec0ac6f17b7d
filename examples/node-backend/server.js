// server.js - the part of a shop's own backend that talks with Aisle: it signs shopper tokens and
// reports what shoppers do. Node 18 or later, no dependencies.
//
//   AISLE_SERVER_KEY=sk_... AISLE_KEY_NO=2 AISLE_URL=http://localhost:5000 PORT=3000 node server.js
//
//   GET  /token?user=ID   {"token", "expires_at"} for the browser, which sends it as X-Shopper-Token
//   POST /purchase        {"user", "product_id", "quantity"}: told to Aisle with the server key
import { createHash, createHmac, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

const {
  AISLE_SERVER_KEY: serverKey,
  AISLE_KEY_NO: keyNo,
  AISLE_URL = 'http://localhost:5000',
  PORT = '3000',
} = process.env;
if (!serverKey || !keyNo)
  throw new Error(
    'AISLE_SERVER_KEY and AISLE_KEY_NO: `aisle key create --scope server` prints both',
  );

const LIFE_S = 3600;
const tokenSecret = createHash('sha256').update(serverKey).digest();
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

// A JSON Web Token (RFC 7519), HS256: who the shopper is, until when, signed by this backend.
function signToken(userId, expiresAt) {
  const text = `${part({ alg: 'HS256', kid: keyNo })}.${part({ sub: userId, exp: expiresAt })}`;
  return `${text}.${createHmac('sha256', tokenSecret).update(text).digest('base64url')}`;
}

// An event with an id and a time of its own may be sent again after a failure: it counts once.
async function sendEvent(event) {
  const response = await fetch(`${AISLE_URL}/v1/events`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${serverKey}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ id: randomUUID(), time: new Date().toISOString(), ...event }),
  });
  return { status: response.status, body: await response.json() };
}

async function readJson(request) {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > 65536) throw new Error('the body is too long');
  }
  return JSON.parse(text);
}

// A real shop asks its own session who the shopper is, and never a parameter.
async function answer(request) {
  const url = new URL(request.url, 'http://backend');
  const user = url.searchParams.get('user');
  if (request.method === 'GET' && url.pathname === '/token' && user) {
    const expiresAt = Math.floor(Date.now() / 1000) + LIFE_S;
    return { status: 200, body: { token: signToken(user, expiresAt), expires_at: expiresAt } };
  }
  if (request.method === 'POST' && url.pathname === '/purchase') {
    const { user: user_id, product_id, quantity } = await readJson(request);
    return sendEvent({ type: 'purchase', user_id, product_id, quantity });
  }
  return { status: 404, body: { error: 'there is nothing here' } };
}

createServer(async (request, response) => {
  const { status, body } = await answer(request).catch((error) => ({
    status: 400,
    body: { error: error.message },
  }));
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}).listen(Number(PORT), function () {
  console.log(`shop backend at http://localhost:${this.address().port}`);
});
