#!/bin/bash
# A host that moves on its own network: real leases of a real systemd-networkd in two namespaces, with a wire and what stands by, by the recipes
# of the manual; the address moves, the metrics swap, the hardware address changes. And each recipe as the real Netplan and NetworkManager read it.
# tests/system/lan.sh BINARY WORLD. Needs root, iproute2, jq, systemd; Netplan and NetworkManager come by apt-get download, and are not installed.
# shellcheck disable=SC2317 # `until_so` calls the functions
set -euo pipefail
cadence=$(realpath "${1:?the binary to test}")
program=$(realpath "${2:?the world: cargo build --example world}")
cd "$(dirname "$(readlink -f "$0")")/../.."
networkd=/lib/systemd/systemd-networkd
for needed in $networkd "$(command -v jq)"; do [[ -x $needed ]] || { echo "skipped: $networkd or jq is not installed"; exit 77; }; done
manual=$(realpath man/src/cadence.7)
work=$(mktemp -d)
home=home-$$ router=router-$$
started=()
end() {
  # One that was stopped has to go on to end.
  [[ ${#started[@]} == 0 ]] || { kill "${started[@]}"; kill -CONT "${started[@]}"; } 2>/dev/null || true
  wait 2>/dev/null || true
  ip netns del "$home" 2>/dev/null || true
  ip netns del "$router" 2>/dev/null || true
  rm -rf "$work"
}
trap end EXIT

# shellcheck source=tests/system/checks.sh
source tests/system/checks.sh
# until_so COMMAND..: within half a minute
until_so() { for _ in {1..150}; do if "$@" >/dev/null 2>&1; then return 0; fi; sleep 0.2; done; return 1; }
# recipe FILE: what the manual says of it
recipe() {
  awk -v head="# $1" '/^\.EX$/ {inside = 1; first = 1; next} /^\.EE$/ {inside = hit = 0} inside && first {hit = $0 == head; first = 0} hit' "$manual"
}

# --- the recipes, as who is to understand them does

if (cd "$work" && apt-get download -qq netplan.io libnetplan0 network-manager libnm0 && for it in *.deb; do dpkg -x "$it" tools; done) >"$work/apt.log" 2>&1; then
  libraries=$(echo "$work"/tools/usr/lib/*-linux-gnu)
  mkdir -p "$work/netplan/etc/netplan"
  recipe /etc/netplan/10-home.yaml >"$work/netplan/etc/netplan/10-home.yaml"
  chmod 0600 "$work/netplan/etc/netplan/10-home.yaml"
  check "Netplan takes the recipe" "" "$(LD_LIBRARY_PATH=$libraries "$work/tools/usr/libexec/netplan/generate" --root-dir "$work/netplan" 2>&1)"
  metrics=$(cd "$work/netplan/run/systemd/network" && grep -H ^RouteMetric= -- * | sort | tr '\n' ' ')
  check "and makes of it what is meant" "10-netplan-eth0.network:RouteMetric=100 10-netplan-wlan0.network:RouteMetric=600 " "$metrics"
  # Read by the library that NetworkManager reads with, and written anew with a change.
  for it in "wire 100" "radio 600"; do
    read -r name metric <<<"$it"
    read_back=$(recipe "/etc/NetworkManager/system-connections/$name.nmconnection" |
      LD_LIBRARY_PATH=$libraries "$work/tools/usr/bin/nmcli" --offline connection modify connection.autoconnect yes 2>&1 || true)
    check "NetworkManager takes the recipe for the $name" "id=$name route-metric=$metric cloned-mac-address=permanent " \
      "$(for key in id route-metric cloned-mac-address; do grep "^$key=" <<<"$read_back"; done | tr '\n' ' ')"
  done
else
  echo "skipped: Netplan and NetworkManager cannot be had: $(tail -n 1 "$work/apt.log")"
fi

# --- a home: two links to a router that leases addresses on each

ip netns add $home
ip netns add $router
ip link add eth0 netns $home type veth peer name wire netns $router
ip link add wlan0 netns $home type veth peer name radio netns $router
ip -n $home link set lo up
mkdir -p "$work/$home" "$work/$router" "$work/cadence"
for it in 10-wire 20-radio; do recipe "/etc/systemd/network/$it.network" >"$work/$home/$it.network"; done
# lease LINK NETWORK OFFSET: what the router does there
lease() {
  printf '[Match]\nName=%s\n[Network]\nAddress=%s.1/24\nDHCPServer=yes\n[DHCPServer]\nPoolOffset=%d\nPoolSize=1\nDefaultLeaseTimeSec=600\n' "$@" \
    >"$work/$router/$1.network"
}
lease wire 192.168.7 50
lease radio 192.168.7 60
# Both are one network, as a switch with an access point is.
sed -i 's/^Address=192.168.7.1/Address=192.168.7.2/' "$work/$router/radio.network"
# manage NAMESPACE: networkd in it, with a /run and a configuration of its own; without udev, as where /sys cannot be written.
manage() {
  # shellcheck disable=SC2016 # of the inner shell
  ip netns exec "$1" unshare -m sh -c '
    mount -o remount,bind,ro /sys
    mount -t tmpfs none /run && mkdir -p /run/systemd/netif /run/systemd/network && chown systemd-network: /run/systemd/netif
    mount -t tmpfs none /etc/systemd/network && cp "$1"/*.network /etc/systemd/network/
    exec "$2"' sh "$work/$1" $networkd >"$work/$1.log" 2>&1 &
  started+=($!)
  managed=$!
}
manage $router
manage $home
manager=$managed
has() { ip -n "$home" route show default | grep -q "dev $1 .*metric $2"; }
check "networkd takes the recipes, and leases addresses by them" yes "$(until_so has eth0 100 && until_so has wlan0 600 && echo yes)"
check "and has nothing to say against them" "" "$(grep -iE 'unknown|invalid|ignoring|failed to parse' "$work/$home.log" || true)"

ip netns exec $home "$program" "$work/cadence" >"$work/world.log" 2>&1 &
started+=($!)
until_so test -S "$work/cadence/socket"
chmod 0600 "$work/cadence/token"
sed -i "s#^token_file = .*#token_file = \"$work/cadence/token\"#; /^router = /d" "$work/cadence/cadence.toml"
run() { ip netns exec $home "$cadence" --config "$work/cadence/cadence.toml" --state-dir "$work/cadence/state" "$@"; }
cycle() { run reconcile --quiet "$@" >/dev/null 2>&1 || true; }
place() { run status --json | jq -r '.lan | "\(.address) \(.interface) \(.from) \(.from_interface)"'; }
moves() { run history --json --kind lan | jq -r '"\(.from) \(.from_interface) -> \(.to) \(.interface) \(.from_mac != null)"'; }
finding() { run check --json | jq -r ".checks[] | select(.check == \"lan\" and (.message | test(\"$1\"))) | .result"; }

cycle --trust
check "the place is that of the wire" "192.168.7.50 eth0 null null" "$(place)"
cycle
check "that is no event" "" "$(moves)"
check "check says that it is leased, and for whom to reserve it" ok "$(finding "^192.168.7.50 on eth0 is leased .* reserve it on the router for $(ip -n $home -j link show eth0 | jq -r '.[0].address')")"
check "and what stands by" ok "$(finding '^eth0 \\(metric 100\\) goes before wlan0 \\(metric 600\\)$')"

# --- the wire is pulled, and put back

ip -n $router link set wire down
check "the wire is gone" yes "$(until_so eval '! has eth0 100' && echo yes)"
cycle
check "this host is where the other link is" "192.168.7.60 wlan0 192.168.7.50 eth0" "$(place)"
check "status says so" "192.168.7.60 on wlan0" "$(run status | sed -n 's/^LAN  *\(.*\) since .*/\1/p')"
check "and check" warn "$(finding '^this host moved .*: from 192.168.7.50 on eth0 to 192.168.7.60 on wlan0')"
ip -n $router link set wire up
check "the wire is back" yes "$(until_so has eth0 100 && echo yes)"
cycle
check "both ways are told" "192.168.7.50 eth0 -> 192.168.7.60 wlan0 false
192.168.7.60 wlan0 -> 192.168.7.50 eth0 false" "$(moves)"

# --- by hand, what a router does that gives another address, and who swaps metrics

kill -STOP "$manager"
route() { ip -n $home route "$@"; }
route del default dev eth0
route add default via 192.168.7.1 dev eth0 metric 700
cycle
check "metrics that swap move it" "192.168.7.60 wlan0 192.168.7.50 eth0" "$(place)"
route del default dev eth0
route append default via 192.168.7.1 dev eth0 metric 600
check "equal ones are a warning" warn "$(finding '^two default routes are equal')"
route del default dev eth0
route add default via 192.168.7.1 dev eth0 metric 100
ip -n $home addr flush dev eth0
ip -n $home addr add 192.168.7.9/24 dev eth0
route add default via 192.168.7.1 dev eth0 metric 100 2>/dev/null || true
cycle
check "another address is a move" "192.168.7.9 eth0 192.168.7.60 wlan0" "$(place)"
check "one that is set for good is not leased" ok "$(finding '^192.168.7.9 on eth0 is set for good')"
ip -n $home link set eth0 down
ip -n $home link set eth0 address 02:00:00:00:00:77
ip -n $home link set eth0 up
route add default via 192.168.7.1 dev eth0 metric 100 2>/dev/null || true
# Another boot, for all that the state tells: an interface is not looked at again before.
sed -i 's/"boot":"[^"]*"/"boot":"an earlier boot"/g' "$work/cadence/state/state.json"
cycle
check "another hardware address is an event" "192.168.7.9 null -> 192.168.7.9 eth0 true" "$(moves | tail -n 1)"
check "and told by check" warn "$(finding '^eth0 got another hardware address .*: .* before, 02:00:00:00:00:77 now')"
check "what was seen is told to nobody twice" 5 "$(cycle; moves | wc -l)"
exit "$failed"
