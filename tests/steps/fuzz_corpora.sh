#!/bin/sh
# Every input of every corpus through its fuzz target. FUZZ_TARGETS is the folder of the targets.
set -u
cd "$(dirname "$0")/../.." || exit 1
failed=0
for source in fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    "$FUZZ_TARGETS/$name" "fuzz/corpus/${name#fuzz_}"/* || failed=1
done
exit $failed
