#!/bin/bash
# A booted host that has cadence in a container only: podman with the Quadlet, then compose, then what a CronJob of Kubernetes starts.
# As root: tests/system/container/host.sh SUITE IMAGE WORLD PACKAGES POD; the packages are those of the packed root
set -euo pipefail
# shellcheck source=tests/system/debian/host.sh
source "$(dirname "$(readlink -f "$0")")/../debian/host.sh"
project=$(readlink -f "$(dirname "$(readlink -f "$0")")/../../..")

# The most that the timer may need between two cycles, in KiB: 1.5 MiB.
most_idle=1536

# What README.md beside the Quadlet says to do, at the quickest pace there is.
set_up() {
  printf '%s\n' '[policy]' 'unsettled_interval = "5s"' 'healthy_interval = "10s"' 'jitter = "1s"' 'waive = ["interval-too-fast"]' >>"$work/world/cadence.toml"
  install -d -o 65532 -g 65532 "$root$state"
  install -D -m 0644 -t "$root/etc/cadence" "$work/world/cadence.toml"
  install -m 0400 -o 65532 -g 65532 "$work/world/token" "$root/etc/cadence/cloudflare.token"
  install -D -m 0644 -t "$root/etc/containers/systemd" "$project/packaging/container/cadence.container"
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
    --volume="$state:$state" localhost/cadence "$@"
}
status() { cadence status --json | jq -r "$1"; }
# lines FIELD: of each line of the service in the journal so far.
lines() { inside journalctl -q -o json | jq -r "select(._SYSTEMD_UNIT == \"cadence.service\") | $1"; }

# of_timer FILE: what the kernel says of process 1 in the container of the service.
of_timer() {
  local first
  first=$(inside podman inspect --format '{{.State.Pid}}' systemd-cadence)
  inside cat "/proc/$first/${1/TASK/task/$first}"
}
is_idle() { [[ -z $(of_timer TASK/children) && $(of_timer status) == *$'\nState:\tS'* ]]; }
is_busy() { ! is_idle; }

the_unit_is_good() {
  check "Quadlet and systemd-analyze verify" "" "$(inside systemd-analyze verify --recursive-errors=yes --man=no /run/systemd/generator/cadence.service 2>&1)"
  check "nothing waits for the network to be online" no "$(inside systemctl show --property=Wants,After cadence.service | grep -q network-online.target && echo yes || echo no)"
  check "it starts at boot" multi-user.target "$(inside systemctl show --value --property=WantedBy cadence.service)"
}

# The service as systemd starts it, with nothing but what the image and the two folders hold.
it_publishes() {
  local begun
  begun=$(now)
  inside systemctl start cadence.service
  until_true 40 published "${addresses[0]}" || true
  check "published" "${addresses[0]}" "$(world published)"
  check_range "which took, with two cycles" 5 20 "$(since "$begun")"
  until_true 20 readiness_is READY || true
  check "readiness" READY "$(status .readiness)"
  check "whose the state is" 65532:65532 "$(stat -c %u:%g "$root$state/state.json")"
  check "priorities in the journal" "5" "$(lines .PRIORITY | sort -u)"
  check "each line once" "" "$(lines .MESSAGE | sort | uniq -d)"
  check "of podman, the container's number alone" "" "$(lines 'select(.SYSLOG_IDENTIFIER != "cadence").MESSAGE' | sed -E '/^[0-9a-f]{64}$/d')"
  check_words "its health, by hand" "$(inside podman exec systemd-cadence /cadence status --check=alive; echo " exit $?")" ALIVE: "exit 0"
}

it_follows_a_change() {
  local begun
  world address "${addresses[1]}"
  begun=$(now)
  until_true 60 published "${addresses[1]}" || true
  check "published after a change" "${addresses[1]}" "$(world published)"
  check_range "which took" 4 40 "$(since "$begun")"
}

# needs_little WHEN
needs_little() {
  local found
  until_true 30 is_idle || true
  found=$(of_timer status | awk '/^VmRSS:/ {print $2}')
  check "KiB resident between two cycles$1, at most $most_idle: $found" yes "$( ((found > 0 && found <= most_idle)) && echo yes)"
}
# A cycle lasts for less than podman takes to tell of it.
ends_a_cycle() {
  local first
  first=$(inside podman inspect --format '{{.State.Pid}}' systemd-cadence)
  # shellcheck disable=SC2016 # for that shell
  inside timeout 60 bash -c 'until read -r cycle _ <<<"$(<"/proc/$1/task/$1/children")" && [[ $cycle ]] && kill -KILL "$cycle"; do sleep 0.01; done' - "$first"
}
it_needs_little() {
  needs_little ""
  ends_a_cycle
  until_true 10 is_told_of || true
  check "a cycle that was killed is told of" "error: a cycle was ended by signal 9" "$(lines .MESSAGE | grep -F 'ended by signal' || true)"
  needs_little " after that"
}
is_told_of() { lines .MESSAGE | grep -qF 'ended by signal'; }

the_host_permits_icmp() {
  local range=$root/etc/sysctl.d/10-cadence.conf
  check "the router, asked" tcp "$(cadence probe --json --only router | jq -r '.signals[].method')"
  echo 'net.ipv4.ping_group_range = 65532 65532' >"$range"
  inside sysctl -qp /etc/sysctl.d/10-cadence.conf
  check "the router, asked where the host permits it" icmp "$(cadence probe --json --only router | jq -r '.signals[].method')"
  check "cadence check" "" "$(inside podman exec systemd-cadence /cadence check --json | jq -r '.checks[] | select(.result != "ok") | .check + ": " + .message')"
}

# The library asserts that all of its packet was sent: here the kernel says that one byte was.
a_panic_unwinds() {
  local binary
  binary=$root$(inside podman image mount localhost/cadence)/cadence
  check_words "a panic of the ICMP library costs its answer and nothing else" \
    "$(setpriv --regid=65532 --clear-groups strace -f -qq -o /dev/null -e inject=sendto:retval=1 "$binary" \
      --config "$work/world/cadence.toml" probe --only router --json -vv 2>&1 && echo "exit 0" || echo "exit $?")" \
    "the ICMP library failed at" '"ok":true' '"method":"tcp"' "exit 0"
}

what_is_missing_is_said() {
  check_words "no state" "$(inside podman run --rm --network=host --read-only -v /etc/cadence:/etc/cadence:ro cadence reconcile 2>&1 || echo "exit $?")" \
    "$state" "read-only" "exit 74"
  check_words "no configuration" "$(inside podman run --rm --network=host cadence reconcile 2>&1 || echo "exit $?")" /etc/cadence/cadence.toml "exit 78"
}

a_stopped_service_ends_its_cycle() {
  local begun
  kill -STOP "$world_pid"
  until_true 30 is_busy || true
  begun=$(now)
  inside systemctl stop cadence.service
  kill -CONT "$world_pid"
  check "a service that was stopped during its cycle" "success 0" "$(result)"
  check_range "which took" 0 10 "$(since "$begun")"
}

# Cut by somebody else in the container, whom the end of its process 1 would kill.
a_stop_gives_the_power_back() {
  local begun
  { cat "$work/world/cadence.toml"; printf '%s\n' '[recovery]' 'plug = "http"' 'off_time = "20s"'; world plug-urls; } >"$root/etc/cadence/cadence.toml"
  inside systemctl start cadence.service
  until_true 30 is_idle || true
  inside podman exec --detach systemd-cadence /cadence recover --yes --force >/dev/null
  until_true 20 plug_is off || true
  check "the modem, while the power is cut" "off off" "$(world plug)"
  check "its health meanwhile" 0 "$(inside podman exec systemd-cadence /cadence status --check=alive >&2; echo $?)"
  begun=$(now)
  inside systemctl stop cadence.service
  check "the modem, once the service was stopped" "on off on" "$(world plug)"
  check_range "which took" 0 40 "$(since "$begun")"
  check "how it ended" "success 0" "$(result)"
}

# As YAML, within braces.
as_yaml() { variables "$1" | sed -E 's/^([^=]*)=(.*)/\1: "\2"/' | paste -sd ,; }

# By Docker's own compose, against podman, which speaks the same language; all of the configuration is in the environment, at the pace that it has
# for everybody.
compose_runs_it() {
  local compose=(env DOCKER_HOST=unix:///run/podman/podman.sock /usr/libexec/docker/cli-plugins/docker-compose --project-directory /etc/cadence) begun
  install -m 0644 "$project/packaging/container/compose.yaml" "$root/etc/cadence"
  printf 'services: {cadence: {environment: {%s}}}\n' "$(as_yaml <(sed '/^\[policy\]/,$d' "$work/world/cadence.toml"))" >"$root/etc/cadence/compose.override.yaml"
  inside systemctl start podman.socket
  world address "${addresses[2]}"
  begun=$(now)
  check "compose up -d" 0 "$(inside "${compose[@]}" up -d >&2; echo $?)"
  until_true 90 published "${addresses[2]}" || true
  check "published by it" "${addresses[2]}" "$(world published)"
  check_range "which took, from nothing" 20 60 "$(since "$begun")"
  check "its health check" "0 healthy" "$(inside podman healthcheck run cadence-cadence-1 >&2; echo $?) $(inside podman inspect --format '{{.State.Health.Status}}' cadence-cadence-1)"
  look() { inside "${compose[@]}" exec -T cadence /cadence status --json | jq -r .readiness; }
  is_ready() { [[ $(look) == READY ]]; }
  until_true 20 is_ready || true # the record is written before the state is
  check "a look at it" READY "$(look)"
  begun=$(now)
  inside "${compose[@]}" stop >&2
  check "how it ended" 0 "$(inside podman inspect --format '{{.State.ExitCode}}' cadence-cadence-1)"
  check_range "which took" 0 10 "$(since "$begun")"
  inside "${compose[@]}" down --volumes >&2
}

# What the CronJob starts: no root, no capability, a volume and a secret of its own.
a_pod_runs_a_cycle() {
  cp "$1" "$root/root/pod.yaml"
  printf '%s\n' 'apiVersion: v1' 'kind: Secret' 'metadata: {name: cadence}' "data: {cloudflare-token: $(base64 -w 0 "$work/world/token")}" >"$root/root/secret.yaml"
  inside podman kube play --quiet /root/secret.yaml >/dev/null
  # It builds an image for what holds the Pod together, by processes that close each file which they could have.
  inside_limit=300 inside podman kube play --quiet /root/pod.yaml >/dev/null
  check "a Pod of the CronJob ends with" 0 "$(inside podman wait cycle-cadence)"
  check "what it said" "" "$(inside podman logs cycle-cadence 2>&1)"
  check "its state" "1" "$(inside podman run --rm --network=host -v cadence:/var/lib/cadence cadence status --json | jq -r .uptime.total)"
  inside podman kube down /root/pod.yaml >/dev/null
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
the_unit_is_good
it_publishes
it_follows_a_change
it_needs_little
the_host_permits_icmp
a_panic_unwinds
what_is_missing_is_said
a_stopped_service_ends_its_cycle
a_stop_gives_the_power_back
a_named_volume_is_ours
compose_runs_it
a_pod_runs_a_cycle "$5"
end
