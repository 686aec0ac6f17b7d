#!/bin/sh
# The web code: types and build were checked by make; here its unit tests and its lint.
set -u
cd "$(dirname "$0")/../../web" || exit 1
[ -d node_modules ] || npm ci --no-audit --no-fund --loglevel=error || exit 1
npx vitest run --reporter=tap-flat
status=$?
if npm run --silent lint; then
    echo "ok - web lint"
else
    echo "not ok - web lint"
fi
exit $status
