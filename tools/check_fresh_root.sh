#!/bin/sh
# check_fresh_root.sh SUITE [run] [test] - the two commands of the README in a new root of Debian 12
# (bookworm) or 13 (trixie) that has git and make and nothing else.
#
# A clone of this repository's HEAD is put into the root. `run` (also where neither is named): `make run`
# until /readyz answers 200 and the first page is served; prints how many seconds after its start each
# step began. `test`: `make test`; prints its totals and what failed. Needs root, mmdebstrap and unshare.
#
#   MIRROR=URL     where packages come from (what mmdebstrap takes by itself)
#   HOST_CONFIG=1  the root takes over how this machine reaches the registries: apt.conf.d, .npmrc and npmrc,
#                  pip.conf, hosts, certificates, and proxies of the environment. For machines behind a mirror
#   PORT=N         for the shop (5098)
#   LIMIT=SECONDS  to the first page (1800)
#   KEEP=1         the root stays; it is named in the output
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" && exit 64; }
suite=$1
shift
[ $# -gt 0 ] || set -- run
port=${PORT:-5098} limit=${LIMIT:-1800}

fail() {
    echo "check_fresh_root.sh: $*" >&2
    exit 1
}

[ "$(id -u)" -eq 0 ] || fail "run this as root"
command -v mmdebstrap >/dev/null || fail "install mmdebstrap"
work=$(mktemp -d)
root=$work/root
inside=
finish() {
    if [ -n "$inside" ]; then # the first process of its own namespace: all in it ends with it
        kill -KILL "$inside" 2>/dev/null || true
        wait "$inside" 2>/dev/null || true
    fi
    if [ -n "${KEEP:-}" ]; then
        echo "The root is $root"
    else
        rm -rf --one-file-system "$work"
    fi
}
trap finish EXIT
trap 'exit 130' INT TERM

# --- the root --------------------------------------------------------------------------------------

copy() { # FILE...: those that are there, to the same place
    for file in "$@"; do
        [ -e "$file" ] || continue
        mkdir -p "$root$(dirname "$file")"
        cp -r -L "$file" "$root$(dirname "$file")/"
    done
}

# Of whoever runs this, to the home of the root's user.
copy_home() { # NAME...
    for name in "$@"; do
        [ -e "$HOME/$name" ] || continue
        mkdir -p "$(dirname "$root/root/$name")"
        cp -r -L "$HOME/$name" "$(dirname "$root/root/$name")/"
    done
}

make_root() {
    echo "Making a root of $suite"
    # shellcheck disable=SC2086 # no mirror, no argument
    mmdebstrap --quiet --variant=minbase --include=git,make \
        ${HOST_CONFIG:+--aptopt='Acquire::Check-Valid-Until "false"'} "$suite" "$root" ${MIRROR:-} \
        >"$work/mmdebstrap.log" 2>&1 || {
        cat "$work/mmdebstrap.log" >&2
        fail "mmdebstrap could not make it"
    }
    copy /etc/resolv.conf
    if [ -n "${HOST_CONFIG:-}" ]; then
        copy /etc/hosts /etc/apt/apt.conf.d/99* /etc/npmrc /etc/pip.conf \
            /usr/local/share/ca-certificates
        copy_home .npmrc .config/pip
        copy /etc/ssl/certs/ca-certificates.crt
    fi
    git clone --quiet --no-hardlinks . "$root/src/aisle"
    echo "Cloned $(git -C "$root/src/aisle" log -1 --format='%h %s')"
}

# In the root, in namespaces of its own: what it leaves running ends with it. Takes the shell's place.
enter() { # COMMAND...
    # shellcheck disable=SC2016,SC2086 # for the shell inside; several settings
    exec unshare --mount --pid --fork --kill-child sh -c '
        root=$1
        shift
        mount --make-rprivate /
        mount -t proc proc "$root/proc"
        mount --rbind /sys "$root/sys"
        mount --rbind /dev "$root/dev"
        exec chroot "$root" env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb \
            LANG=C.UTF-8 "$@"' sh "$root" $settings sh -c "cd /src/aisle && exec $*"
}

# --- what is checked -------------------------------------------------------------------------------

seconds() {
    echo $(($(date +%s) - began))
}

# The steps that make run tells of, when they come.
told=
tell() {
    for step in "Updating the list" "Installing:" "Building Aisle" "Making a demonstration" \
        "Serving storefront"; do
        case $told in *"$step"*) continue ;; esac
        if grep -q "^$step" "$work/run.log"; then
            told="$told $step"
            echo "$(seconds) s: $(grep -m 1 "^$step" "$work/run.log" | cut -c 1-60)"
        fi
    done
}

check_run() {
    echo "make run"
    began=$(date +%s)
    enter make run "PORT=$port" >"$work/run.log" 2>&1 </dev/null &
    inside=$!
    until curl -sf -o "$work/readyz" "http://127.0.0.1:$port/readyz"; do
        tell
        if [ "$(seconds)" -gt "$limit" ] || ! kill -0 "$inside" 2>/dev/null; then
            tail -n 50 "$work/run.log" >&2
            fail "make run is not ready after $(seconds) s"
        fi
        sleep 0.5
    done
    tell
    curl -sf "http://127.0.0.1:$port/" | grep -iq '<title>' || fail "the first page is not served"
    echo "$(seconds) s: the first page is served"
    kill -KILL "$inside"
    wait "$inside" 2>/dev/null || true
    inside=
}

check_test() {
    echo "make test"
    began=$(date +%s)
    status=0
    (enter make test) >"$work/test.log" 2>&1 </dev/null || status=$?
    grep -A 40 '^FAIL' "$work/test.log" || true
    grep 'skipped' "$work/test.log" || tail -n 30 "$work/test.log"
    echo "$(seconds) s: make test ended with $status"
    [ $status -eq 0 ]
}

settings=
if [ -n "${HOST_CONFIG:-}" ]; then
    for name in http_proxy https_proxy no_proxy PIP_INDEX_URL PIP_CERT NODE_EXTRA_CA_CERTS \
        npm_config_registry; do
        value=$(printenv "$name") || continue
        settings="$settings $name=$value"
    done
fi
make_root
for what in "$@"; do
    case $what in
    run) check_run ;;
    test) check_test ;;
    *) fail "'$what' is neither run nor test" ;;
    esac
done
