#!/bin/sh
# What bad input gets from `aisle import`, and what survives. The tests are in Python.
exec python3 "$(dirname "$0")/import.py" "$@"
