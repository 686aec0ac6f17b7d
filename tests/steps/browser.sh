#!/bin/sh
# The browser tests (tests/browser) as TAP.
set -u
here=$(cd "$(dirname "$0")" && pwd)
chromium=${CHROMIUM:-/usr/bin/chromium}
if ! "$chromium" --version >/dev/null 2>&1; then
    echo "# SKIP browser tests: there is no Chromium at $chromium (set CHROMIUM)"
    exit 0
fi
exec "$here/../browser/run.sh" --reporter="$here/playwright_tap.mjs"
