#!/bin/sh
# The example of a shop's backend against a demonstration shop.
cd "$(dirname "$0")/../../examples/node-backend" || exit 1
exec node --test-reporter=tap backend.test.js
