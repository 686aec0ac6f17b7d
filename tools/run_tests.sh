#!/bin/sh
# run_tests.sh [PROGRAM... --] PROGRAM... - run programs that print TAP, show what fails, print totals.
#
# Those before `--` run JOBS at once (all processors), the others one after the other. What they print is
# shown in their order.
#
# A program may also say `# SKIP reason` (or `ok 1 - name # SKIP reason`, or `1..0 # SKIP reason`) for
# what it cannot test here. With SANITIZER_REPORTS=DIR, a new folder, sanitizers write what they find
# there, also in processes that a test starts and does not wait for; a program that leaves a report
# has failed, whatever it printed.
# The last line is `N passed, N failed, N skipped`; the exit status is 1 if anything failed.
set -u
passed=0 failed=0 skipped=0
work=$(mktemp -d)
out=$work/serial
runner=
trap '[ -z "$runner" ] || kill "$runner" 2>/dev/null; rm -rf "$work"' EXIT
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

# Each of the programs before `--` leaves WORK/N.out and, when it has ended, WORK/N.status.
start_together() {
    n=0
    # shellcheck disable=SC2016 # the inner shell's
    for program in "$@"; do
        [ "$program" != -- ] || break
        n=$((n + 1))
        printf '%s\0%s\0' "$work/$n" "$program"
    done | xargs -0 -n 2 -P "${JOBS:-$(nproc)}" sh -c '
        "$1" >"$0.out" 2>&1 </dev/null
        echo $? >"$0.ended" && mv "$0.ended" "$0.status"'
}

together=
for program in "$@"; do
    [ "$program" != -- ] || together=1
done
[ -z "$reports" ] || together= # what sanitizers report must be known by its program
if [ -n "$together" ]; then
    start_together "$@" &
    runner=$!
fi

number=0
for program in "$@"; do
    if [ "$program" = -- ]; then
        together=
        continue
    fi
    number=$((number + 1))
    if [ -n "$together" ]; then
        until [ -e "$work/$number.status" ]; do sleep 0.1; done
        out=$work/$number.out
        status=$(cat "$work/$number.status")
    else
        out=$work/serial
        "$program" >"$out" 2>&1 </dev/null
        status=$?
    fi
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
