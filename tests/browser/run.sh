#!/bin/sh
# run.sh - start a demonstration shop of its own, run the browser tests against it, stop it.
#
#   AISLE=path/to/aisle   the program (default: build/release/aisle)
#   AISLE_ARTIFACTS=DIR   where screenshots and the traces of failures go
#   SCREENSHOT=FILE       where the README's picture goes
#   AISLE_URL=URL         test a shop that already runs instead
#   Arguments go to Playwright: tests/browser/run.sh specs/search.spec.ts
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
aisle=${AISLE:-$root/build/release/aisle}
export AISLE_ARTIFACTS="${AISLE_ARTIFACTS:-$root/build/browser}"
mkdir -p "$AISLE_ARTIFACTS"

work=$(mktemp -d)
server=
finish() {
    status=$?
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    if [ $status -ne 0 ] && [ -s "$work/serve.log" ]; then
        cp "$work/serve.log" "$AISLE_ARTIFACTS/serve.log"
    fi
    rm -rf "$work"
    exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

free_port() {
    node -e 'const s = require("net").createServer();
             s.listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); });'
}

wait_until_ready() {
    tries=0
    until node -e 'fetch(process.argv[1]).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))' \
        "$1/readyz"; do
        kill -0 "$server" 2>/dev/null || { echo "run.sh: the server stopped:" >&2; cat "$work/serve.log" >&2; exit 1; }
        tries=$((tries + 1))
        [ $tries -lt 150 ] || { echo "run.sh: $1 is not ready after 30 s" >&2; exit 1; }
        sleep 0.2
    done
}

if [ -z "${AISLE_URL:-}" ]; then
    [ -x "$aisle" ] || { echo "run.sh: there is no $aisle; run make first" >&2; exit 1; }
    "$aisle" demo --data "$work/data" --products 2000
    port=$(free_port)
    "$aisle" serve --data "$work/data" --port "$port" >"$work/serve.log" 2>&1 &
    server=$!
    export AISLE_URL="http://127.0.0.1:$port"
    wait_until_ready "$AISLE_URL"
fi

cd "$here"
[ -d node_modules ] || PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund
npx playwright test "$@"
