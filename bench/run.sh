#!/usr/bin/env bash
# run.sh - the figures of docs/benchmarks.md, one after another, on an otherwise idle machine: one JSON
# line each, under a comment that says what is measured.
#
# AISLE          the binary                                             (build/release/aisle)
# BENCH_DIR      where shops are made and kept between runs             (build/bench)
# BENCH_SECONDS  of each load over HTTP                                 (10)
# BENCH_LARGE    0: leave the shop of 100,000 products out
# BENCH_SWAPS    0: leave the swaps of models under load out
# AISLE_DATA     public data; Online Retail is left out where it is absent
set -eu -o pipefail
cd "$(dirname "$0")/.."
aisle=$(realpath "${AISLE:-build/release/aisle}")
dir=${BENCH_DIR:-build/bench}
seconds=${BENCH_SECONDS:-10}
retail=${AISLE_DATA:-../shared/data}/recommend/online-retail/online_retail.csv
port=${BENCH_PORT:-5391}
mkdir -p "$dir"
server=
trap '[ -z "$server" ] || kill "$server"' EXIT

say() { printf '\n# %s\n' "$*"; }

figure() { # BENCH NAME VALUE UNIT: as aisle bench prints them
    printf '{"bench":"%s","figure":"%s","value":%s,"unit":"%s"}\n' "$@"
}

make_demo() { # SHOP [SIZES...]: once; one that was cut short is made again
    shop=$1
    shift
    if [ ! -e "$shop.made" ]; then
        rm -rf "$shop" "$shop".*
        "$aisle" demo --quiet --data "$shop" "$@"
        : >"$shop.made"
    fi
}

start() { # SHOP: serve it on one loop; sets key
    [ -s "$1.key" ] || "$aisle" key create --scope server --name bench --data "$1" | head -n 1 >"$1.key"
    key=$(cat "$1.key")
    "$aisle" serve --quiet --data "$1" --port "$port" --set server.loops=1 --set log.level=error &
    server=$!
    until curl -sf -o /dev/null "localhost:$port/readyz"; do sleep 0.02; done
}

stop() {
    kill "$server" && wait "$server"
    server=
}

paths() { # SHOP: recommendation and search targets from its shoppers and their searches, and events
    "$aisle" export users --data "$1" --quiet |
        sed -n '1,20000s|.*"id":"\([^"]*\)".*|/v1/recommendations?limit=20\&user_id=\1|p' >"$1.recommend"
    "$aisle" export events --data "$1" --quiet | awk '/"search"/ && n++ < 20000' |
        python3 -c 'import json, sys, urllib.parse as u
for line in sys.stdin: print("/v1/search?limit=20&facets=brand,category,price&q=" + u.quote(json.loads(line)["query"]))' \
            >"$1.search" || true
    "$aisle" export products --data "$1" --quiet | sed -n \
        '1,2000s|^{"id":"\([^"]*\)".*|POST /v1/events {"type":"view","anonymous_id":"00112233445566778899aabbccddeeff","product_id":"\1"}|p' \
        >"$1.events"
}

answering() { # SHOP: inside, then over HTTP in an open and in a closed loop
    say "$1: inside, one thread"
    "$aisle" bench recommend --data "$1"
    "$aisle" bench search --data "$1"
    paths "$1"
    start "$1"
    for what in recommend search; do
        [ -s "$1.$what" ] || continue
        say "$1, $what: open loop, 2,000/s from 32 connections"
        "$aisle" bench http --port "$port" --key "$key" --paths "$1.$what" --rate 2000 \
            --seconds "$seconds" --connections 32
        say "$1, $what: closed loop, 16 connections"
        "$aisle" bench http --port "$port" --key "$key" --paths "$1.$what" --seconds "$seconds" \
            --connections 16
    done
    say "$1: resident memory after that"
    figure memory resident "$(awk '/VmRSS/ {printf "%.1f", $2 / 1024}' "/proc/$server/status")" MiB
    say "$1: single events over HTTP, closed loop, 64 connections"
    "$aisle" bench http --port "$port" --key "$key" --paths "$1.events" --seconds "$seconds" \
        --connections 64
    stop
}

say "events in the store: durable, in batches and one by one"
"$aisle" bench ingest --data "$dir/ingest"

demo=$dir/demo
make_demo "$demo"
say "demo shop: from exec to the first 200 of /readyz, files dropped from the page cache where allowed"
start "$demo" # its key is made
stop
sync
sh -c 'echo 3 >/proc/sys/vm/drop_caches' 2>/dev/null || echo "# (cache kept)"
begin=$(date +%s%N)
start "$demo"
figure start ready $((($(date +%s%N) - begin) / 1000000)) ms
stop
say "demo shop: training, with its measures beside popularity"
"$aisle" train --data "$demo" --no-publish --json --quiet
answering "$demo"

if [ -r "$retail" ]; then
    rm -rf "$dir/retail" "$dir/retail".*
    say "Online Retail: import"
    "$aisle" import orders --data "$dir/retail" --mapping online-retail --json --quiet "$retail"
    say "Online Retail: training, with its measures beside popularity"
    "$aisle" train --data "$dir/retail" --json --quiet
    "$aisle" bench train --data "$dir/retail"
    answering "$dir/retail"
else
    say "Online Retail is not measured: there is no $retail (set AISLE_DATA)"
fi

if [ "${BENCH_LARGE:-1}" = 1 ]; then
    large=$dir/large
    make_demo "$large" --products 100000 --users 100000 --events 2000000
    say "shop of 100,000 products: training"
    "$aisle" train --data "$large" --no-publish --json --quiet
    "$aisle" bench train --data "$large"
    answering "$large"
fi

if [ "${BENCH_SWAPS:-1}" = 1 ]; then
    say "200 model swaps under load"
    AISLE=$aisle SWAPS=200 SWAP_SECONDS=60 python3 tests/system/test_swap.py
fi
