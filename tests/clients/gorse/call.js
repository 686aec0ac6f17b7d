// call.js URL KEY - call methods of gorsejs: a line of standard input is {"method", "args"}, a line of
// standard output {"value"} or {"error": {"code", "message"}}.
'use strict';

const readline = require('node:readline');
const { Gorse } = require('gorsejs');

const [endpoint, secret] = process.argv.slice(2);
const client = new Gorse({ endpoint, secret });

async function answer(line) {
  const { method, args } = JSON.parse(line);
  try {
    return { value: await client[method](...args) };
  } catch (error) {
    return { error: { code: error.code, message: error.message } };
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await answer(line)));
  }
}

main();
