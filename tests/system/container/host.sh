#!/bin/bash
# A booted host that has cadence in a container only: podman with the Quadlet and the timers, then compose.
# As root: tests/system/container/host.sh SUITE IMAGE WORLD PACKAGES, which are those of the packed root
set -euo pipefail
# shellcheck source=tests/system/debian/host.sh
source "$(dirname "$(readlink -f "$0")")/../debian/host.sh"
project=$(readlink -f "$(dirname "$(readlink -f "$0")")/../../..")

# What README.md beside the Quadlet says to do.
set_up() {
  install -d -o 65532 -g 65532 "$root$state"
  install -D -m 0644 -t "$root/etc/cadence" "$work/world/cadence.toml"
  install -m 0400 -o 65532 -g 65532 "$work/world/token" "$root/etc/cadence/cloudflare.token"
  install -D -m 0644 -t "$root/etc/containers/systemd" "$project/packaging/container/cadence.container"
  install -m 0644 -t "$root/etc/systemd/system" "$project"/systemd/cadence{.timer,-fast.path,-fast.timer}
}

# A container in a container may raise no limit, has no controllers and no keyring.
nested() {
  printf '%s\n' '[containers]' "default_ulimits = [\"nofile=$(ulimit -Hn):$(ulimit -Hn)\", \"nproc=4096:4096\"]" 'keyring = false' \
    'pids_limit = 0' '[engine]' 'runtime = "runc"' >"$root/etc/containers/containers.conf"
  printf '%s\n' '[storage]' 'driver = "vfs"' 'graphroot = "/var/lib/containers/storage"' 'runroot = "/run/containers/storage"' \
    >"$root/etc/containers/storage.conf"
}

# cadence COMMAND..: as README.md says.
cadence() {
  inside podman run --rm --network=host --read-only --cap-drop=all --volume=/etc/cadence:/etc/cadence:ro \
    --volume="$state:$state" cadence "$@"
}
status() { cadence status --json | jq -r "$1"; }
# lines FIELD: of each line of the service in the journal so far.
lines() { inside journalctl -q -o json | jq -r "select(._SYSTEMD_UNIT == \"cadence.service\") | $1"; }

the_units_are_good() {
  check "Quadlet and systemd-analyze verify" "" "$(inside systemd-analyze verify --recursive-errors=yes --man=no \
    /run/systemd/generator/cadence.service /etc/systemd/system/cadence{.timer,-fast.path,-fast.timer} 2>&1)"
  check "nothing waits for the network to be online" no "$(inside systemctl show --property=Wants,After cadence.service | grep -q network-online.target && echo yes || echo no)"
}

# The service as systemd starts it, with nothing but what the image and the two folders hold.
two_cycles_publish() {
  cycle
  check "first cycle" "success 0 PROBING" "$(result) $(status .readiness)"
  check "which wants the next one soon" yes "$([[ -e $root$state/unsettled ]] && echo yes)"
  cycle
  check "second cycle" "success 0 READY 2" "$(result) $(status '[.readiness, .uptime.total] | join(" ")')"
  check "published" "${addresses[0]}" "$(world published)"
  check "whose the state is" 65532:65532 "$(stat -c %u:%g "$root$state/state.json")"
  check "priorities in the journal" "5" "$(lines .PRIORITY | sort -u)"
  check "each line once, and none of podman's" "cadence" "$(lines '.SYSLOG_IDENTIFIER' | sort -u)$(lines .MESSAGE | sort | uniq -d)"
}

the_host_permits_icmp() {
  local range=$root/etc/sysctl.d/10-cadence.conf
  check "the router, asked" tcp "$(cadence probe --json --only router | jq -r '.signals[].method')"
  echo 'net.ipv4.ping_group_range = 65532 65532' >"$range"
  inside sysctl -qp /etc/sysctl.d/10-cadence.conf
  check "the router, asked where the host permits it" icmp "$(cadence probe --json --only router | jq -r '.signals[].method')"
  # In a container nobody can tell who runs the next cycle, until three were run.
  check "cadence check" "timer: and nothing is known to run the next one" "$(cadence check --json | jq -r '.checks[] | select(.result != "ok") | .check + ": " + (.message | sub("^[^,]*, "; ""))')"
}

# The library asserts that all of its packet was sent: here the kernel says that one byte was.
a_panic_unwinds() {
  local binary
  binary=$root$(inside podman image mount cadence)/cadence
  check_words "a panic of the ICMP library costs its answer and nothing else" \
    "$(setpriv --regid=65532 --clear-groups strace -f -qq -o /dev/null -e inject=sendto:retval=1 "$binary" \
      --config "$work/world/cadence.toml" probe --only router --json -vv 2>&1 && echo "exit 0" || echo "exit $?")" \
    "the ICMP library failed at" '"ok":true' '"method":"tcp"' "exit 0"
}

the_timers_follow_a_change() {
  local begun before
  # Settled before the timers start, so that the fast one is not armed; then past the first cycle after the boot.
  cycle
  before=$(total)
  inside systemctl enable --quiet --now cadence.timer
  until_true 40 has_more_cycles_than "$before" || true
  until_true 10 is_settled || true
  world address "${addresses[1]}"
  # Notices the change, and leaves `unsettled` for the path unit.
  cycle
  begun=$(now)
  until_true 60 published "${addresses[1]}" || true
  check "published by the fast timer" "${addresses[1]}" "$(world published)"
  check_range "which took" 28 45 "$(since "$begun")"
  inside systemctl stop cadence.timer
  # The cycle that has published may not be over.
  until_true 20 is_inactive || true
  check "what runs once the timer is stopped" "" "$(inside systemctl list-units --plain --no-legend --state=active,activating 'cadence*')"
}

what_is_missing_is_said() {
  check_words "no state" "$(inside podman run --rm --network=host --read-only -v /etc/cadence:/etc/cadence:ro cadence 2>&1 || echo "exit $?")" \
    "$state" "read-only" "exit 74"
  check_words "no configuration" "$(inside podman run --rm --network=host cadence 2>&1 || echo "exit $?")" /etc/cadence/cadence.toml "exit 78"
}

# As process 1, for which signals have no default action.
a_stop_gives_the_power_back() {
  local begun
  { cat "$work/world/cadence.toml"; printf '%s\n' '[recovery]' 'plug = "http"' 'off_time = "60s"'; world plug-urls; } >"$root/etc/cadence/cadence.toml"
  inside podman run --detach --name=dark --network=host --read-only -v /etc/cadence:/etc/cadence:ro -v "$state:$state" \
    cadence recover --yes --force >/dev/null
  until_true 20 plug_is off || true
  check "the modem, while the power is cut" "off off" "$(world plug)"
  begun=$(now)
  inside podman stop --time=50 dark >/dev/null
  check "the modem, once the container was stopped" "on off on" "$(world plug)"
  check_range "which took" 0 15 "$(since "$begun")"
  inside podman rm dark >/dev/null
}

a_stopped_service_ends_its_cycle() {
  local before
  before=$(total)
  kill -STOP "$world_pid"
  inside systemctl start --no-block cadence.service
  until_true 10 is_running || true
  sleep 1
  inside systemctl stop --no-block cadence.service
  sleep 1
  kill -CONT "$world_pid"
  until_true 60 is_inactive || true
  check "a service that was stopped during its cycle" "success 0 $((before + 1))" "$(result) $(total)"
}
is_inactive() { [[ $(property ActiveState) == inactive ]]; }

# By Docker's own compose, against podman, which speaks the same language.
compose_runs_a_cycle() {
  local run=(env DOCKER_HOST=unix:///run/podman/podman.sock /usr/libexec/docker/cli-plugins/docker-compose
    --project-directory /etc/cadence run --rm -T cadence) before
  install -m 0644 "$work/world/cadence.toml" "$project/packaging/container/compose.yaml" "$root/etc/cadence"
  inside systemctl start podman.socket
  before=$(total)
  check "compose, a cycle" "HEALTHY" "$(inside "${run[@]}" reconcile --json | jq -r .verdict)"
  check "compose, a cycle that is not due" "" "$(inside "${run[@]}" reconcile --quiet --if-due 2>&1)"
  check "compose, a cycle without a command" "$((before + 2))" "$(inside "${run[@]}" >&2; total)"
}

a_named_volume_is_ours() {
  check "a new named volume" 0 "$(inside podman run --rm --network=host --read-only -v /etc/cadence:/etc/cadence:ro \
    --volume=new:/var/lib/cadence cadence reconcile --quiet >&2; echo $?)"
}

alone "$@"
set -E
trap 'echo "FAILED line $LINENO of ${BASH_SOURCE##*/}: $BASH_COMMAND" >&2' ERR
root_packages=$4
unpack_root "$1"
cp "$2" "$root/root/cadence.tar"
make_network
start_world "$3"
set_up
nested
boot
inside podman load --quiet --input /root/cadence.tar
the_units_are_good
two_cycles_publish
the_host_permits_icmp
a_panic_unwinds
the_timers_follow_a_change
what_is_missing_is_said
a_stopped_service_ends_its_cycle
a_stop_gives_the_power_back
a_named_volume_is_ours
compose_runs_a_cycle
end
