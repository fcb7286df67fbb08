#!/bin/bash
# The container image: built from the static binary, and run as its Quadlet and its compose file say, by podman on a booted Debian 13
# with the loopback world around it (container/host.sh).
# As root: tests/system/container.sh. Takes no binary: the image has its own. Needs what packaging/container/build needs (see there),
# binutils, buildah, file, strace, and what debian.sh needs.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
export PATH=${CARGO_HOME:-${HOME-}/.cargo}/bin:$PATH
# shellcheck source=tests/system/lab.sh
source tests/system/lab.sh
root_packages+=,podman,runc,catatonit,docker-compose

[[ $(id -u) == 0 ]] || { echo "$0: needs root, for namespaces" >&2; exit 77; }
work=$(mktemp -d)
trap 'sweep; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

binary=$(packaging/container/build binary)
cargo build --quiet --locked --example world
prepare_root trixie


# image NUMBER: builds it in a storage of its own, and leaves it in an archive. Prints the image's id.
image() {
  local storage="--root $work/$1 --runroot $work/run$1 --storage-driver vfs"
  BUILDER="buildah $storage" packaging/container/build image "$binary" >"$work/said$1"
  # shellcheck disable=SC2086 # options
  buildah $storage push --quiet cadence:latest "oci-archive:$work/$1.tar:localhost/cadence:latest"
  cut -d ' ' -f 1 "$work/said$1"
}
first=$(image 1) second=$(image 2)
cat "$work/said1"
echo "the binary: $(file -b "$binary")"
if [[ $first != "$second" ]]; then echo "FAILED another image the second time: $second"; exit 1; fi
if readelf -d "$binary" 2>/dev/null | grep -q NEEDED; then echo "FAILED the binary loads libraries"; exit 1; fi
echo "the image, compressed: $(stat -c %s "$work/1.tar") bytes; the same a second time"

timeout -k 2 10m tests/system/container/host.sh trixie "$work/1.tar" "$(realpath -m "${CARGO_TARGET_DIR:-target}")/debug/examples/world" "$root_packages"
