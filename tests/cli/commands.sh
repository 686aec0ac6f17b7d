#!/bin/sh
# Every command on a small demonstration shop; what wrong input gets. The tests are in Python.
exec python3 "$(dirname "$0")/commands.py" "$@"
