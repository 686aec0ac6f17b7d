#!/bin/sh
# run_shop.sh AISLE DATA [PORT] - serve the shop in the folder DATA; where there is none, make the
# demonstration shop first. `make run` and the container image start with it.
set -eu
aisle=$1 data=$2 port=${3:-5000}
unfinished=$data/demo.unfinished # an interrupted creation goes on next time

if [ ! -e "$data/aisle.db" ] || [ -e "$unfinished" ]; then
    echo "Making a demonstration shop in $data"
    mkdir -p "$data"
    : >"$unfinished"
    "$aisle" demo --data "$data"
    rm "$unfinished"
else
    echo "Using the shop in $data"
fi
echo "Serving storefront and API on port $port (Ctrl-C ends)"
echo "For a key, meanwhile: $aisle key create --scope admin --data $data"
exec "$aisle" serve --data "$data" --port "$port"
