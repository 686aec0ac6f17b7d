#!/bin/sh
# run_tests.sh PROGRAM... - run programs that print TAP, show what fails, print totals.
#
# A program may also say `# SKIP reason` (or `ok 1 - name # SKIP reason`) for what it cannot test here.
# The last line is `N passed, N failed, N skipped`; the exit status is 1 if anything failed.
set -u
passed=0 failed=0 skipped=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT
trap 'exit 130' INT TERM

count() {
    grep -c "$1" "$out"
}

for program in "$@"; do
    "$program" >"$out" 2>&1 </dev/null
    status=$?
    s=$(count '^\(ok .*\)\{0,1\}# SKIP')
    p=$(($(count '^ok ') - $(count '^ok .*# SKIP')))
    f=$(count '^not ok ')
    if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then
        f=1
        echo "not ok - $program ended with status $status" >>"$out"
    elif [ $((p + f + s)) -eq 0 ]; then
        f=1
        echo "not ok - $program tested nothing" >>"$out"
    fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    if [ "$f" -gt 0 ]; then
        echo "FAIL $program ($f of $((p + f)))"
        grep -v '^ok ' "$out" | tail -n 100 | sed 's/^/    /'
    else
        echo "ok   $program ($p)"
    fi
    sed -n 's/^\(ok [0-9]* - \)\{0,1\}\(.*# SKIP.*\)/     skipped: \2/p' "$out"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
