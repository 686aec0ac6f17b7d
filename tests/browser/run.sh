#!/bin/sh
# run.sh - start two demonstration shops of its own, run the browser tests against them, stop them: one to shop
# in, and a small one whose models, keys and products the tests of the console change.
#
#   AISLE=path/to/aisle   the program (default: build/release/aisle)
#   AISLE_ARTIFACTS=DIR   where screenshots and the traces of failures go
#   AISLE_SCREENS=all    every page in every screen, instead of the first ones
#   SCREENSHOT=FILE       where the README's picture goes; CONSOLE_SCREENSHOT=FILE that of the console
#   AISLE_URL=URL         test a shop that already runs instead; the console is tested there, and changes it, only
#                         with CONSOLE_KEY=KEY
#   Arguments go to Playwright: tests/browser/run.sh specs/search.spec.ts
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
aisle=${AISLE:-$root/build/release/aisle}
export AISLE_ARTIFACTS="${AISLE_ARTIFACTS:-$root/build/browser}"
mkdir -p "$AISLE_ARTIFACTS"
# Which screens is the specs' business; the program would take it for a setting.
screens=${AISLE_SCREENS:-}
unset AISLE_SCREENS

work=$(mktemp -d)
servers=
finish() {
    status=$?
    for server in $servers; do
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    done
    if [ $status -ne 0 ]; then
        for log in "$work"/*.log; do
            [ ! -s "$log" ] || cp "$log" "$AISLE_ARTIFACTS/"
        done
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

# Make a shop and serve it: start_shop NAME FLAGS... sets url.
start_shop() {
    name=$1
    shift
    "$aisle" demo --data "$work/$name" "$@"
    port=$(free_port)
    "$aisle" serve --data "$work/$name" --port "$port" >"$work/$name.log" 2>&1 &
    server=$!
    servers="$servers $server"
    url="http://127.0.0.1:$port"
    tries=0
    until node -e 'fetch(process.argv[1]).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))' \
        "$url/readyz"; do
        kill -0 "$server" 2>/dev/null || { echo "run.sh: the server stopped:" >&2; cat "$work/$name.log" >&2; exit 1; }
        tries=$((tries + 1))
        [ $tries -lt 150 ] || { echo "run.sh: $url is not ready after 30 s" >&2; exit 1; }
        sleep 0.2
    done
}

if [ -z "${AISLE_URL:-}" ]; then
    [ -x "$aisle" ] || { echo "run.sh: there is no $aisle; run make first" >&2; exit 1; }
    start_shop shop --products 2000
    export AISLE_URL="$url"
    start_shop console --products 300 --users 300 --events 8000
    export CONSOLE_URL="$url"
    CONSOLE_KEY=$("$aisle" key create --data "$work/console" --scope admin --name tests)
    export CONSOLE_KEY
    python3 "$here/experiments.py" "$url" "$CONSOLE_KEY" "$work/console/aisle.db"
    export CONSOLE_EXPERIMENTS=1
fi

cd "$here"
[ -d node_modules ] || PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund
AISLE_SCREENS=$screens npx playwright test "$@"
