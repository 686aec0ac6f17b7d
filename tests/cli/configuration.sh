#!/bin/sh
# docs/configuration.md lists just the settings that there are, with their defaults.
set -u
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$AISLE" doctor --data "$work/none" --config /dev/null 2>/dev/null |
    awk '/^[a-z]+:$/ { section = substr($1, 1, length($1) - 1) }
         /^  [a-z_]+: / && /# / { sub(":", "", $1); gsub("\"", "", $2); print section "." $1, $2 == "" ? "empty" : $2 }' |
    grep -v '^store.dir ' >"$work/there"
# shellcheck disable=SC2016 # backquotes of Markdown
sed -n 's/^| `\([a-z_]*\.[a-z_]*\)` | `\{0,1\}\([^`|]*[^`| ]\)`\{0,1\} |.*/\1 \2/p' docs/configuration.md |
    grep -v '^store.dir ' >"$work/listed"

if [ -s "$work/there" ] && diff "$work/there" "$work/listed"; then
    echo "ok 1 - docs/configuration.md lists the settings and their defaults"
else
    echo "not ok 1 - docs/configuration.md lists the settings and their defaults"
fi
