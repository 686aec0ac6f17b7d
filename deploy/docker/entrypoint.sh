#!/bin/sh
# entrypoint.sh [COMMAND...] - an aisle command, or without one the shop in /data on port 5000.
set -eu
[ $# -eq 0 ] || exec aisle "$@"
exec run_shop.sh aisle /data 5000
