#!/bin/sh
# python_env.sh REQUIREMENTS DIR - a virtual environment in DIR with just the packages of a locked list.
#
# Made where it is missing or of another list, and only then is the package index asked. Exit status 69:
# the index cannot be reached from here; 1: anything else went wrong. What happened is on standard error.
set -eu
list=$1 dir=$2
log=$dir.log

if cmp -s "$list" "$dir/made-from"; then
    exit 0
fi
rm -rf "$dir"
mkdir -p "$(dirname "$dir")"
if ! python3 -m venv "$dir" >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
if ! "$dir/bin/pip" --disable-pip-version-check --quiet install --require-hashes --only-binary :all: \
    --no-deps --retries 2 -r "$list" >"$log" 2>&1; then
    cat "$log" >&2
    rm -rf "$dir"
    # pip has one status for everything
    if grep -Eq 'NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ProxyError' "$log"; then
        exit 69
    fi
    exit 1
fi
cp "$list" "$dir/made-from"
