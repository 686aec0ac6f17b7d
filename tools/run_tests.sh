#!/bin/sh
# run_tests.sh PROGRAM... - run programs that print TAP, show what fails, print totals.
#
# A program may also say `# SKIP reason` (or `ok 1 - name # SKIP reason`, or `1..0 # SKIP reason`) for
# what it cannot test here. With SANITIZER_REPORTS=DIR, a new folder, sanitizers write what they find
# there, also in processes that a test starts and does not wait for; a program that leaves a report
# has failed, whatever it printed.
# The last line is `N passed, N failed, N skipped`; the exit status is 1 if anything failed.
set -u
passed=0 failed=0 skipped=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT
trap 'exit 130' INT TERM

count() {
    grep -c "$1" "$out"
}

reports=${SANITIZER_REPORTS:-}
if [ -n "$reports" ]; then
    mkdir -p "$reports" && chmod 1777 "$reports" || exit 1
    rm -f "$reports"/report.*
    reports=$(cd "$reports" && pwd)
    export ASAN_OPTIONS="${ASAN_OPTIONS:-}:log_path=$reports/report"
    export UBSAN_OPTIONS="${UBSAN_OPTIONS:-}:print_stacktrace=1:log_path=$reports/report"
    export TSAN_OPTIONS="${TSAN_OPTIONS:-}:log_path=$reports/report"
fi

# What sanitizers found meanwhile becomes failures of the program, and is kept as its report.
collect_reports() {
    for report in "$reports"/report.*; do
        [ -e "$report" ] || continue
        echo "not ok - a sanitizer found something while $1 ran:" >>"$out"
        head -n 60 "$report" >>"$out"
        mv "$report" "$reports/$(basename "$1").${report##*.}"
    done
}

for program in "$@"; do
    "$program" >"$out" 2>&1 </dev/null
    status=$?
    [ -z "$reports" ] || collect_reports "$program"
    s=$(count '^\(ok .*\|1\.\.0 \)\{0,1\}# SKIP')
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
    sed -n 's/^\(ok [0-9]* - \|1\.\.0 \)\{0,1\}\(.*# SKIP.*\)/     skipped: \2/p' "$out"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
