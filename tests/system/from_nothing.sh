#!/bin/bash
# From nothing to a published record by each way that the documents tell of, on fresh systems, with the loopback world around each: the very
# commands of the documents are typed. Prints a line for each way, with its seconds. Compose is a way of container.sh.
# As root: tests/system/from_nothing.sh [PACKAGE [BINARY]], the static one; what is not given is built. Needs buildah, busybox-static, jq, python3-yaml, and
# what debian.sh and packaging/build-binary need; and a mirror of Ubuntu, or leaves that out.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
export PATH=${CARGO_HOME:-${HOME-}/.cargo}/bin:$PATH
# shellcheck source=tests/system/lab.sh
source tests/system/lab.sh

[[ $(id -u) == 0 ]] || { echo "$0: needs root, for namespaces" >&2; exit 77; }
work=$(mktemp -d)
running=() names=() failed=0
# shellcheck disable=SC2317 # the trap calls it
end_all() {
  local pid
  for pid in "${running[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  sweep
  rm -rf --one-file-system "$work"
}
trap end_all EXIT
trap 'exit 1' INT TERM HUP

package=${1:-$(packaging/build-deb)}
binary=${2:-$(packaging/build-binary "$(uname -m)" musl)}
tarball=$(packaging/build-tarball "$binary" "$(dpkg --print-architecture)" "$work")
cargo build --quiet --locked --example world
world=$(realpath -m "${CARGO_TARGET_DIR:-target}")/debug/examples/world

storage="--root $work/images --runroot $work/run --storage-driver vfs"
BUILDER="buildah $storage" packaging/container/build image "$binary" >/dev/null
# shellcheck disable=SC2086 # options
{
  buildah $storage inspect --type image localhost/cadence:latest | jq .OCIv1.config >"$work/image.json"
  tar --numeric-owner -C "$(buildah $storage mount "$(buildah $storage from --quiet --pull-never localhost/cadence:latest)")" -cf "$work/image.tar" .
}

declare -A preparing
# shellcheck disable=SC2154 # of lab.sh
for suite in bookworm trixie $ubuntu_suites; do
  prepare_root "$suite" >"$work/$suite" 2>&1 &
  preparing[$suite]=$!
done
for suite in bookworm trixie; do wait "${preparing[$suite]}" || { cat "$work/$suite"; exit 1; }; done

# way NAME SCRIPT ARGUMENT..
way() {
  timeout -k 2 6m "tests/system/from_nothing/$2.sh" "${@:3}" "$world" >"$work/$1" 2>&1 </dev/null &
  running+=($!)
  names+=("$1")
}
# All at once: they mostly wait.
way "package on Debian 12" host package bookworm "$package"
way "package on Debian 13" host package trixie "$package"
way "tarball with systemd on Debian 12" host units bookworm "$tarball"
way "tarball and cadence timer on Debian 12" host timer bookworm "$tarball"
way "tarball and cadence timer beside BusyBox alone" host timer busybox "$tarball"
way "package and cron on Debian 13 without systemd" host package-cron trixie "$package"
way "tarball and cron on Debian 12 without systemd" host cron bookworm "$tarball"
way "tarball and BusyBox's crond" host crond busybox "$tarball"
way "the CronJob's command in the image" pod "$work/image.tar" "$work/image.json"

# on_ubuntu SUITE NAME WAY FILE
on_ubuntu() {
  if wait "${preparing[$1]}"; then way "$2" host "$3" "$1" "$4"; else echo "skipped $2: it cannot be had here: $(tail -n 2 "$work/$1" | tr '\n' ' ')"; fi
}
on_ubuntu noble "package on Ubuntu 24.04" package "$package"
on_ubuntu resolute "package on Ubuntu 26.04" package "$package"
# Its C library is older than that of the package.
on_ubuntu jammy "tarball with systemd on Ubuntu 22.04" units "$tarball"

for i in "${!running[@]}"; do
  if wait "${running[i]}"; then
    printf 'ok      %s: %s\n' "${names[i]}" "$(tail -n 1 "$work/${names[i]}")"
  else
    printf 'FAILED  %s\n' "${names[i]}"
    sed 's/^/        /' "$work/${names[i]}"
    failed=$((failed + 1))
  fi
done
printf '%d of %d ways failed\n' $failed ${#names[@]}
exit $((failed > 0))
