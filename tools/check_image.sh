#!/bin/sh
# check_image.sh - build the container image and see that it does what the README says: it serves the
# demonstration shop on one port, not as root, answers its health check, and ends well when stopped.
#
#   CONTAINERS=NAME     docker, podman or buildah (the first of them that works here)
#   IMAGE=TAG           what the image is called (aisle:check); it stays for the next time
#   BUILD_ARGS="..."    further arguments of the build, such as --network host or --volume DIR:DIR:ro
#   RUN_ARGS="..."      further arguments of docker run or podman run
#   PORT=N              where it is served for the check (any free one; buildah: 5099)
# Prints TAP. Takes some minutes the first time.
set -eu
cd "$(dirname "$0")/.."
image=${IMAGE:-aisle:check}
name=aisle-check-$$
number=0 failed=0

check() { # SENTENCE COMMAND...
    sentence=$1
    shift
    number=$((number + 1))
    if "$@" >"$work/out" 2>&1; then
        echo "ok $number - $sentence"
    else
        failed=$((failed + 1))
        echo "not ok $number - $sentence"
        sed 's/^/# /' "$work/out"
    fi
}

pick() {
    for tool in docker podman buildah; do
        if "$tool" info >/dev/null 2>&1; then
            echo "$tool"
            return
        fi
    done
    echo "1..0 # SKIP none of docker, podman and buildah works here" >&2
    exit 1
}

work=$(mktemp -d)
tool=${CONTAINERS:-$(pick)} || exit 0
process=
finish() {
    if [ "$tool" != buildah ]; then
        "$tool" rm -f "$name" >/dev/null 2>&1 || true
    else
        [ -z "$process" ] || kill "$process" 2>/dev/null || true
        buildah rm "$name" >/dev/null 2>&1 || true
    fi
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# --- docker and podman, and the same with buildah, which has no containers in the background -------

begin() {
    if [ "$tool" = buildah ]; then
        port=${PORT:-5099}
        buildah from --name "$name" "$image" >/dev/null
        # the entry point serves on 5000, which this machine may need itself
        buildah run "$name" -- run_shop.sh aisle /data "$port" >"$work/log" 2>&1 &
        process=$!
        return
    fi
    # shellcheck disable=SC2086 # several arguments
    "$tool" run -d --name "$name" -p "127.0.0.1:${PORT:-}:5000" ${RUN_ARGS:-} "$image" >/dev/null
    port=$("$tool" port "$name" 5000/tcp | sed -n '1s/.*://p')
}

inside() { # COMMAND...: in the container that runs
    if [ "$tool" = buildah ]; then
        buildah run "$name" -- "$@"
    else
        "$tool" exec "$name" "$@"
    fi
}

running() {
    if [ "$tool" = buildah ]; then
        kill -0 "$process"
    else
        [ "$("$tool" inspect -f '{{.State.Running}}' "$name")" = true ]
    fi
}

log() {
    if [ "$tool" = buildah ]; then
        cat "$work/log"
    else
        "$tool" logs "$name"
    fi
}

# --- what is checked -------------------------------------------------------------------------------

build() {
    layers=
    [ "$tool" != buildah ] || layers=--layers
    # shellcheck disable=SC2086 # several arguments
    "$tool" build $layers -f deploy/docker/Dockerfile -t "$image" ${BUILD_ARGS:-} .
}

ready() {
    tries=0
    until curl -sf "http://127.0.0.1:$port/readyz"; do
        tries=$((tries + 1))
        if [ $tries -gt 600 ] || ! running; then
            log
            return 1
        fi
        sleep 0.5
    done
}

first_page() {
    curl -sf "http://127.0.0.1:$port/" | grep -i '<title>' &&
        curl -sf "http://127.0.0.1:$port/v1/shop" | grep '"products":2000'
}

not_root() {
    if [ "$tool" = buildah ]; then # which shows the processes of the whole machine inside
        inside id -u >"$work/ids"
    else
        # shellcheck disable=SC2016 # for the shell inside
        inside sh -c 'stat -c %u /proc/[0-9]*' >"$work/ids"
    fi
    sort -u "$work/ids"
    [ "$(sort -u "$work/ids")" = 10001 ]
}

well() {
    if [ "$tool" = buildah ]; then
        inside aisle doctor --health --set "server.port=$port"
    else
        inside aisle doctor --health
    fi
}

other_command() {
    if [ "$tool" = buildah ]; then
        inside entrypoint.sh version
    else
        "$tool" run --rm "$image" version
    fi | grep '^aisle [0-9]'
}

stops() {
    if [ "$tool" = buildah ]; then
        kill -TERM "$process"
        wait "$process"
        process=
        return
    fi
    "$tool" stop -t 60 "$name" && [ "$("$tool" inspect -f '{{.State.ExitCode}}' "$name")" = 0 ]
}

check "$tool builds the image" build
[ $failed -eq 0 ] || exit 1
check "a container of it starts" begin
check "it is ready" ready
check "it serves the first page of a shop of 2,000 products" first_page
check "nothing in it runs as root" not_root
check "its health check says that it is well" well
check "other commands run too" other_command
check "it ends with 0 when it is stopped" stops
echo "1..$number"
[ $failed -eq 0 ]
