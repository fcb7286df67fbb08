#!/bin/bash
# The Debian package on booted Debian systems, with the loopback world around each: what the scripts in debian/ show.
# As root: tests/system/debian.sh [BINARY [SCENARIO..]]. `short` is played on Debian 13 alone, with the package of the release build; for
# all others the binary is not used: the package has its own. Needs debootstrap, dpkg-dev, jq, procps, systemd-container, util-linux,
# zstd; and a package mirror, unless ~/.cache/cadence-tests holds the systems.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
export PATH=${CARGO_HOME:-${HOME-}/.cargo}/bin:$PATH
# shellcheck source=tests/system/lab.sh
source tests/system/lab.sh

[[ $(id -u) == 0 ]] || { echo "$0: needs root, for namespaces" >&2; exit 77; }
suites=(bookworm trixie)
scenarios=("${@:2}")
((${#scenarios[@]})) || scenarios=(timers announce lifecycle interruptions instance mail receivers cron whole)
build=(packaging/build-deb)
if [[ ${scenarios[*]} == short ]]; then
  suites=(trixie) build=(packaging/build-deb pack "$(realpath -m "${CARGO_TARGET_DIR:-target}")/release/cadence")
fi
limit=15m

work=$(mktemp -d)
# shellcheck disable=SC2317 # the trap calls it
end_all() {
  local pid
  for pid in "${running[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  sweep
  rm -rf "$work"
}
running=() names=()
trap end_all EXIT
trap 'exit 1' INT TERM HUP

prepare() {
  local suite pids=()
  for suite in "${suites[@]}"; do
    prepare_root "$suite" & pids+=($!)
    # shellcheck disable=SC2154 # of lab.sh
    if [[ " ${scenarios[*]} " == *" receivers "* ]]; then prepare_root "$suite" "$receiver_packages" & pids+=($!); fi
  done
  cargo build --quiet --locked --example world
  cp "$(realpath -m "${CARGO_TARGET_DIR:-target}")/debug/examples/world" "$work/world"
  cp "$("${build[@]}")" "$work/cadence.deb"
  for suite in "${pids[@]}"; do wait "$suite"; done
  sweep
}

prepare
# All at once: they mostly wait.
for scenario in "${scenarios[@]}"; do
  for suite in "${suites[@]}"; do
    # cron and what it does with us are the same in both.
    [[ $scenario == cron && $suite == bookworm ]] && continue
    timeout -k 2 "$limit" "tests/system/debian/$scenario.sh" "$suite" "$work/cadence.deb" "$work/world" >"$work/$scenario-$suite" 2>&1 </dev/null &
    running+=($!)
    names+=("$scenario-$suite")
  done
done

echo "${#names[@]} scenarios side by side: ${names[*]}"

failed=0
for i in "${!running[@]}"; do
  code=0
  wait "${running[i]}" || code=$?
  printf '\n%s\n' "${names[i]}"
  sed 's/^/  /' "$work/${names[i]}"
  case $code in
    0) ;;
    124 | 137) echo "  FAILED: not over after $limit"; failed=$((failed + 1)) ;;
    *) failed=$((failed + 1)) ;;
  esac
done
printf '\n%d of %d failed\n' "$failed" "${#names[@]}"
exit $((failed > 0))
