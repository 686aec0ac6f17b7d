#!/bin/sh
# run_tests.sh TEST... - run TAP-printing test programs, show failures, print totals.
# The last line is `N passed, N failed, N skipped`; the exit status is 1 if anything failed.
set -u
passed=0 failed=0 skipped=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT
for t in "$@"; do
    "$t" >"$out" 2>&1
    status=$?
    p=$(grep -c '^ok ' "$out")
    s=$(grep -c '^ok .*# SKIP' "$out")
    f=$(grep -c '^not ok ' "$out")
    if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then
        f=1
        echo "not ok - $t ended with status $status"
    fi
    passed=$((passed + p - s)) failed=$((failed + f)) skipped=$((skipped + s))
    if [ "$f" -gt 0 ]; then
        echo "FAIL $t"
        grep -v '^ok ' "$out" | sed 's/^/    /' | tail -n 60
    else
        echo "ok   $t ($p)"
    fi
    grep '# SKIP' "$out" | sed 's/^ok [0-9]* - /skip /'
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
