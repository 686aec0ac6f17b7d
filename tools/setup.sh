#!/bin/sh
# setup.sh [--check] GROUP... - install the packages that Aisle needs; this is the one list of them.
#
#   groups   run    what the built program links with
#            build  compiler, headers, Node for the storefront
#            test   what `make test` needs besides
#            lint   what `make lint` and `make fuzz` need besides
#   --check  install nothing, say nothing: is everything there? (exit status 0 or 1)
#
# For Debian 12 and 13 and Ubuntu 24.04, as root or through sudo. May be run as often as one likes.
# Where releases name a package differently, the names are separated by "|": one of them is enough,
# and the first that the release has is installed.
set -eu

run_packages="libevent-2.1-7t64|libevent-2.1-7 libevent-openssl-2.1-7t64|libevent-openssl-2.1-7
    libssl3t64|libssl3 libyaml-0-2 libsqlite3-0 libicu76|libicu74|libicu72 libsodium23 libxxhash0
    libzstd1 zlib1g libexpat1 libstemmer0d liblapacke
    libopenblas0-pthread|libopenblas0-serial|libopenblas0-openmp libxgboost0t64|libxgboost0 ca-certificates"
build_packages="gcc libc6-dev make pkgconf|pkg-config libevent-dev libssl-dev libyaml-dev libsqlite3-dev
    libicu-dev libsodium-dev libxxhash-dev libzstd-dev zlib1g-dev libexpat1-dev libstemmer-dev
    liblapacke-dev libopenblas-pthread-dev|libopenblas-serial-dev|libopenblas-openmp-dev libxgboost-dev
    unicode-data bzip2 gzip ca-certificates"
test_packages="check libjansson-dev python3 python3-venv python3-yaml curl git strace fonts-noto-cjk"
lint_packages="clang-14|clang libclang-rt-14-dev|libclang-rt-dev clang-format-14|clang-format
    clang-tidy-14|clang-tidy shellcheck"

os_release() {
    [ ! -r /etc/os-release ] || sed -n "s/^$1=//p" /etc/os-release | tr -d '"'
}
id=$(os_release ID)
version=$(os_release VERSION_ID)

# Ubuntu has Chromium only as a snap, which cannot be had everywhere: without it, browser tests are
# skipped there.
[ "$id" = ubuntu ] || test_packages="$test_packages chromium"

# Debian's Node conflicts with other distributions of it: where there is a good one, it is used.
node_oldest="18.18"

fail() {
    echo "setup.sh: $*" >&2
    exit 1
}

usage() {
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"
}

has_node() {
    command -v npm >/dev/null && command -v node >/dev/null &&
        node -e 'const [have, want] = [process.versions.node, process.argv[1]].map((v) => v.split(".").map(Number));
                 process.exit(have[0] > want[0] || (have[0] === want[0] && have[1] >= want[1]) ? 0 : 1)' \
            "$node_oldest" 2>/dev/null
}

# The packages of the groups, one a line.
wanted() {
    for group in "$@"; do
        case $group in
        run) packages=$run_packages ;;
        build) packages=$build_packages ;;
        test) packages=$test_packages ;;
        lint) packages=$lint_packages ;;
        *) fail "there is no group '$group'; there are run, build, test, lint" ;;
        esac
        # shellcheck disable=SC2086 # one word, one line
        printf '%s\n' $packages
    done
}

# Of packages (one a line), those of which no alternative is installed.
missing() {
    alternatives=$(cat)
    # shellcheck disable=SC2016 # fields of dpkg-query
    installed=" $(printf '%s\n' "$alternatives" | tr '|' '\n' |
        xargs dpkg-query -W -f='${db:Status-Status} ${Package}\n' 2>/dev/null |
        sed -n 's/^installed //p' | tr '\n' ' ')"
    for package in $alternatives; do
        found=no
        for name in $(printf '%s' "$package" | tr '|' ' '); do
            case $installed in *" $name "*) found=yes ;; esac
        done
        [ $found = yes ] || echo "$package"
    done
}

# The first alternative that this release has.
available() {
    for name in $(printf '%s' "$1" | tr '|' ' '); do
        if apt-cache show "$name" >/dev/null 2>&1; then
            echo "$name"
            return
        fi
    done
    fail "this release has no package $1"
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        command -v sudo >/dev/null || fail "run this as root, or install sudo"
        sudo "$@"
    fi
}

check_system() {
    command -v apt-get >/dev/null || fail "this knows the packages of Debian 12 and 13 and Ubuntu 24.04,
    and this machine is $id $version without apt-get. Install the equivalents of these yourself:
$(wanted "$@" | sed 's/^/    /')"
    case "$id $version" in
    "debian 12" | "debian 13" | "ubuntu 24.04") ;;
    *) echo "setup.sh: $id $version is none of Debian 12, Debian 13, Ubuntu 24.04: trying all the same" >&2 ;;
    esac
}

install_packages() {
    echo "Updating the list of packages"
    as_root apt-get update -qq
    names=
    for package in "$@"; do
        names="$names $(available "$package")"
    done
    echo "Installing:$names"
    # shellcheck disable=SC2086 # one word, one package
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        -o Dpkg::Use-Pty=0 $names >"$log" || { cat "$log" >&2; fail "apt-get could not install them"; }
}

check=no
case ${1:-} in
--check) check=yes && shift ;;
-h | --help) usage && exit 0 ;;
esac
[ $# -gt 0 ] || set -- build test

packages=$(wanted "$@")
lacking=
if command -v dpkg-query >/dev/null; then
    lacking=$(printf '%s\n' "$packages" | missing)
elif [ $check = yes ]; then
    exit 0 # not a Debian: the compiler will tell what it misses
fi
case " $* " in
*" build "*) has_node || lacking="$lacking nodejs npm" ;;
esac

if [ -z "$lacking" ]; then
    [ $check = yes ] || echo "Nothing is missing for: $*"
    exit 0
fi
[ $check = no ] || exit 1

check_system "$@"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # one word, one package
install_packages $lacking
case " $* " in
*" build "*) has_node || fail "Node $node_oldest or later and npm are still missing" ;;
esac
