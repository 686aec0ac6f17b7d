#!/usr/bin/env bash
# run.sh - the figures of docs/benchmarks.md, one after another, on an otherwise idle machine.
#
# AISLE        the binary                                  (build/release/aisle)
# BENCH_DIR    where shops are made and kept between runs  (build/bench)
# AISLE_DATA   public data; Online Retail is left out where it is absent
# BENCH_LARGE  0: leave the shop of 100,000 products out
set -eu -o pipefail
cd "$(dirname "$0")/.."
aisle=${AISLE:-build/release/aisle}
dir=${BENCH_DIR:-build/bench}
data=${AISLE_DATA:-../shared/data}
retail=$data/recommend/online-retail/online_retail.csv
port=5391
mkdir -p "$dir"
server=
trap '[ -z "$server" ] || kill "$server"' EXIT

say() { printf '\n# %s\n' "$*"; }

open_loop=$dir/open_loop
[ "$open_loop" -nt bench/open_loop.c ] || ${CC:-gcc} -O2 -D_GNU_SOURCE -o "$open_loop" bench/open_loop.c -lpthread

start() { # SHOP [SETTING...]: serve on one loop; sets key
    shop=$1
    [ -s "$shop.key" ] || "$aisle" key create --scope server --name bench --data "$shop" | head -n 1 >"$shop.key"
    key=$(cat "$shop.key")
    "$aisle" serve --quiet --data "$shop" --port $port --set server.loops=1 --set log.level=error &
    server=$!
    until curl -sf -o /dev/null "localhost:$port/readyz"; do sleep 0.02; done
}

stop() {
    kill "$server" && wait "$server"
    server=
}

paths() { # SHOP: recommendation and search targets from its shoppers and their searches
    "$aisle" export users --data "$1" --quiet |
        sed -n '1,20000s|.*"id":"\([^"]*\)".*|/v1/recommendations?limit=20\&user_id=\1|p' >"$1.recommend"
    "$aisle" export events --data "$1" --quiet | awk '/"search"/ && n++ < 20000' |
        python3 -c 'import json, sys, urllib.parse as u
for line in sys.stdin: print("/v1/search?limit=20&facets=brand,category,price&q=" + u.quote(json.loads(line)["query"]))' \
            >"$1.search" || true
}

http() { # SHOP: open loop at 2,000 a second, then as fast as it goes
    paths "$1"
    start "$1"
    for what in recommend search; do
        [ -s "$1.$what" ] || continue
        say "$1 $what: open loop, 2,000/s, then closed loop with 16 connections"
        "$open_loop" $port "$key" "$1.$what" 2000 10 32
        "$open_loop" $port "$key" "$1.$what" 0 10 16
    done
    say "$1: resident memory"
    grep VmRSS "/proc/$server/status"
    stop
}

say "events: durable, in batches and one by one"
"$aisle" bench ingest --data "$dir/ingest"

demo=$dir/demo
[ -d "$demo" ] || "$aisle" demo --quiet --data "$demo"
say "demo shop: from exec to the first 200 of /readyz, files dropped from the page cache where allowed"
sync
sh -c 'echo 3 >/proc/sys/vm/drop_caches' 2>/dev/null || echo "(cache kept)"
begin=$(date +%s%N)
start "$demo"
echo "$((($(date +%s%N) - begin) / 1000000)) ms"
stop
http "$demo"
"$aisle" bench recommend --data "$demo"
"$aisle" bench search --data "$demo"

if [ -f "$retail" ]; then
    say "Online Retail: import and training"
    rm -rf "$dir/retail" "$dir/retail.key"
    "$aisle" import orders --data "$dir/retail" --mapping online-retail --json "$retail"
    "$aisle" train --data "$dir/retail" --json --quiet
    http "$dir/retail"
    "$aisle" bench recommend --data "$dir/retail"
fi

if [ "${BENCH_LARGE:-1}" = 1 ]; then
    large=$dir/large
    [ -d "$large" ] || "$aisle" demo --quiet --data "$large" --products 100000 --users 100000 --events 2000000
    http "$large"
    "$aisle" bench recommend --data "$large"
    "$aisle" bench search --data "$large"
fi
