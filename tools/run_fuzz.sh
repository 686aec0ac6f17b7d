#!/bin/sh
# run_fuzz.sh FOLDER [NAME...] - run the libFuzzer programs FOLDER/fuzz_NAME, FUZZ_SECONDS (60) each.
#
# New inputs go to FOLDER/found/NAME, what crashes to FOLDER/crashes; fuzz/corpus stays as it is.
# FUZZ_ARGS are further arguments of libFuzzer, such as -jobs=2.
set -eu
folder=$1
shift
seconds=${FUZZ_SECONDS:-60}
[ $# -gt 0 ] || set -- "$folder"/fuzz_*
mkdir -p "$folder/crashes"
failed=0
for target in "$@"; do
    name=${target##*/fuzz_}
    mkdir -p "$folder/found/$name"
    echo "fuzz $name: $seconds s"
    # shellcheck disable=SC2086 # several arguments
    if "$folder/fuzz_$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
        -artifact_prefix="$folder/crashes/$name-" ${FUZZ_ARGS:-} \
        "$folder/found/$name" "fuzz/corpus/$name" >"$folder/$name.log" 2>&1; then
        grep '^Done ' "$folder/$name.log" || tail -n 1 "$folder/$name.log"
    else
        failed=$((failed + 1))
        echo "fuzz $name: FAILED; the input is in $folder/crashes, the report in $folder/$name.log"
        tail -n 30 "$folder/$name.log"
    fi
done
[ "$failed" -eq 0 ]
