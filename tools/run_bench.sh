#!/bin/sh
# run_bench.sh AISLE DATA - the figures of docs/benchmarks.md: one JSON line each.
#
# DATA is a demonstration shop of BENCH_PRODUCTS (100000) products and as many shoppers; it is made where it
# is not there, and stays for the next time. Where $AISLE_DATA has Online Retail, its import is measured too.
set -eu
aisle=$1 data=$2
size=${BENCH_PRODUCTS:-100000}
retail=${AISLE_DATA:-}/recommend/online-retail/online_retail.csv

if [ ! -e "$data/aisle.db" ] || [ -e "$data/demo.unfinished" ]; then
    echo "Making a demonstration shop of $size products in $data" >&2
    mkdir -p "$data"
    : >"$data/demo.unfinished"
    "$aisle" demo --data "$data" --products "$size" --users "$size" --events $((size * 20)) >&2
    rm "$data/demo.unfinished"
fi
for bench in ingest recommend search train; do
    "$aisle" bench "$bench" --data "$data"
done
if [ -r "$retail" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    "$aisle" import orders --mapping online-retail --data "$work" --json --quiet "$retail"
    "$aisle" bench train --data "$work"
else
    echo "Online Retail is not measured: there is no $retail (set AISLE_DATA)" >&2
fi
