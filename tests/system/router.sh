#!/bin/bash
# A real router (miniupnpd) that tells its external address by NAT-PMP, PCP and UPnP, seen by an unprivileged `cadence reconcile`: what is believed
# of it, what is not, and how many connections go beyond it.
# As root: tests/system/router.sh BINARY. Needs conntrack, iproute2, nftables, jq, openssl, miniupnpd-nftables.
set -euo pipefail
# shellcheck source=tests/system/internet.sh
source "$(dirname "$(readlink -f "$0")")/internet.sh"
# shellcheck source=tests/system/miniupnpd.sh
source "$(dirname "$(readlink -f "$0")")/miniupnpd.sh"
alone "$@"
for it in conntrack miniupnpd; do command -v "$it" >/dev/null || { echo "$0: needs $it" >&2; exit 77; }; done
far=15
make_internet "${1:?the binary to test}"

# A cycle, after which the record is right by the cache, as after a look at public DNS.
cycle_right() {
  cycle
  local address
  address=$(jq -r '.signals[] | select(.signal == "public_ip") | .address // empty' <<<"$report")
  [[ -n $address ]] || return 0
  jq -c --arg address "$address" '.records = {"A vpn.example.com": {cache: {address: $address, layer: "doh", at: .last.at}}}' \
    "$kept/state.json" >"$work/state"
  cat "$work/state" >"$kept/state.json"
  rm -f "$kept/counters"
}
# anew [none]: a home that knows nothing yet, until it has found out how the router speaks. Another one where that was in none of the ways: a busy
# host takes longer than the router is waited for.
anew() {
  for _ in 1 2 3; do
    kept=$(mktemp -d "$work/kept.XXXXXX")
    for _ in {1..9}; do cycle_right; done
    [[ ${1-} != none && $(remembered '.gateway.way // "none"') == none ]] || break
  done
}
who() { jq -r '.signals[] | select(.signal == "public_ip") | .target // .error' <<<"$report" | sed -E 's#^https://.*#a provider#'; }
# look WHAT EXPECTED: who told the address in the next cycle in which the router answered, and how many connections went beyond it.
look() {
  local before
  for _ in 1 2 3; do
    before=$(opened_through router)
    cycle_right
    [[ $(remembered '.gateway.silent // 0') != 0 ]] || break
  done
  check "$1" "$2" "$(jq -r .verdict <<<"$report"), $(who), $(($(opened_through router) - before)) beyond"
}
remembered() { jq -r "$1" "$kept/state.json"; }

configure A "$targets4"
tell_addresses 11.22.33.44 2606:2800:220:1:248:1893:25c8:1946
# near: whoever is beyond the router answers as soon as the router itself, which is no sign of life: the provider is asked in the same cycle, one
# connection later.
near() { kill -USR1 "$wire"; }
far() { kill -USR2 "$wire"; }

echo "-- UPnP"
start_router enable_upnp=yes enable_natpmp=no secure_mode=yes
anew
check "the way" "http://192.168.77.1:5000/ctl/IPConn" "$(remembered '.gateway.way // "none" | split(" ")[0]')"
check "what it tells" 11.22.33.44 "$(remembered .gateway.address)"
look "no provider is asked" "HEALTHY, router 192.168.77.1 (UPnP), 1 beyond"
near
look "an answer from as near as the router" "HEALTHY, a provider, 2 beyond"
told=$(within client "$work/cadence" --config "$work/cadence.toml" --state-dir "$kept" status | grep ^router)
check "status" "router       reports 11.22.33.44 by UPnP" "$told"
renumber 11.22.33.77
cycle_right
cycle_right
check "another address" 11.22.33.77 "$(remembered .gateway.address)"
# A tunnel of this host's own, with an exit elsewhere.
tell_addresses 93.184.99.99 2606:2800:220:1:248:1893:25c8:1946
for _ in 1 2 3; do cycle_right; done
told=$(within client "$work/cadence" --config "$work/cadence.toml" --state-dir "$kept" status | grep -A1 ^router | tr -d '\n' | tr -s ' ')
check "an exit elsewhere" yes "$([[ $told == *"reports 11.22.33.77 by UPnP, which is not the public address"* ]] && echo yes || echo "$told")"
stop_router
renumber 11.22.33.44
far

echo "-- NAT-PMP"
# It runs as long as this host: one that has just begun is believed nothing.
start_router enable_upnp=no enable_natpmp=yes secure_mode=yes system_uptime=yes
anew
check "the way" NAT-PMP "$(remembered '.gateway.way // "none"')"
check "what it tells" 11.22.33.44 "$(remembered .gateway.address)"
look "no provider is asked" "HEALTHY, router 192.168.77.1 (NAT-PMP), 1 beyond"
renumber 11.22.33.77
look "another address, providers are asked" "HEALTHY, a provider, 3 beyond"
for _ in 1 2; do cycle_right; done
check "another address" 11.22.33.77 "$(remembered .gateway.address)"
renumber 11.22.33.44

echo "-- PCP"
# A router that knows nothing of NAT-PMP, whose requests have two bytes.
within router nft add rule inet fault in udp dport 5351 udp length 10 drop
anew
check "the way" PCP "$(remembered '.gateway.way // "none"')"
check "it tells no address" null "$(remembered .gateway.address)"
# Its epoch, which has to begin anew when the address changes (RFC 6887, 8.5), goes on: nothing is spared by that.
look "the provider is asked" "HEALTHY, a provider, 1 beyond"
before=$(remembered .gateway.epoch)
renumber 11.22.33.77
look "another address, providers are asked" "HEALTHY, a provider, 2 beyond"
check "its epoch goes on" yes "$( (($(remembered .gateway.epoch) >= before)) && echo yes)"
renumber 11.22.33.44
heal
stop_router

echo "-- a router that says nothing"
anew none
check "the way" none "$(remembered '.gateway.way // "none"')"
before=$(remembered .gateway.asked.since_boot_ms)
cycle_right
check "it is asked no more today" "$before" "$(remembered .gateway.asked.since_boot_ms)"
told_all
