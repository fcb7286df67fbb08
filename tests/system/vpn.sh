#!/bin/bash
# The VPN of a home, end to end: WireGuard (wireguard-go) behind a real router (miniupnpd) that forwards its port, a client on the internet that knows it
# by name, an ISP that gives another address, another router, and everything that keeps one from getting in. And a VPN by which the home itself goes out.
# As root: tests/system/vpn.sh BINARY. Needs conntrack, iproute2, nftables, jq, openssl, perl, python3, miniupnpd-nftables, wireguard-go,
# wireguard-tools.
# shellcheck disable=SC2015,SC2016 # echo does not fail, and the variables are those of perl
set -euo pipefail
# shellcheck source=tests/system/internet.sh
source "$(dirname "$(readlink -f "$0")")/internet.sh"
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/system/miniupnpd.sh
source "$here/miniupnpd.sh"
# shellcheck source=tests/system/tunnel.sh
source "$here/tunnel.sh"
alone "$@"
for it in conntrack miniupnpd python3 wireguard-go wg; do command -v "$it" >/dev/null || { echo "$0: needs $it" >&2; exit 77; }; done
[[ -e $reresolve ]] || { echo "$0: needs $reresolve" >&2; exit 77; }
make_internet "${1:?the binary to test}"
report='{"elapsed_ms": 0}'
tell_addresses 11.22.33.44 2606:2800:220:1:248:1893:25c8:1946

make_outside vpn.example.com=192.0.2.1
make_tunnel

# home [LINE..]: the configuration, with these lines behind it.
home() {
  configure A "$targets4" 'doh = []' '[cloudflare]' 'api_url = "https://9.9.9.9/client/v4"'
  printf '%s\n' "$@" >>"$work/cadence.toml"
}
vpn=("[vpn]" "interface = \"$server\"" "[[forward]]" "internal = 51820")
kept=$(mktemp -d "$work/kept.XXXXXX")
told() { jq -r 'select(.kind == "vpn") | .reachable' "$kept/history.jsonl" | paste -sd' '; }

echo "-- a home that is set up"
start_router
home "${vpn[@]}"
cycle
check "what is not known yet" "not_known, the line is not READY" "$(verdict)"
cycle
check "published, forwarded, listened to" "yes, wg0 is up, UDP port 51820 is listened to and forwarded, and vpn.example.com points here" "$(verdict)"
check "by its name" 11.22.33.44 "$(where)"
peer "$(where):51820"
check "somebody outside gets in" inside "$(gets_in)"
cadence status
check "status" yes "$(grep -q '^vpn  *reachable from outside: yes' <<<"$said" && echo yes || grep -A2 ^vpn <<<"$said")"
cadence metrics
check "metrics" "cadence_vpn_reachable 1" "$(grep ^cadence_vpn <<<"$said")"
# Root may ask for the handshake, which proves it.
said=$(within client env -i PATH="$PATH" CADENCE_CONFIG="$work/cadence.toml" CLOUDFLARE_API_TOKEN=unused "$work/cadence" probe --json --state-dir "$kept")
check "probe, by root: a handshake" yes "$([[ $(jq -r '.home[] | select(.check == "vpn").message' <<<"$said") == *"a peer outside had a handshake"* ]] && echo yes || jq -c .home <<<"$said")"

echo "-- the ISP gives another address, and the tunnel lies idle"
sleep 12
renumber 11.22.33.77
begun=$(date +%s%3N)
check "nobody gets in" outside "$(gets_in)"
cycles=0
until [[ $(where) == 11.22.33.77 ]]; do cycle; cycles=$((cycles + 1)); ((cycles < 9)); done
record=$(date +%s%3N)
check "the record follows" 11.22.33.77 "$(tail -n1 "$work/changes")"
look_up_anew
for _ in {1..9}; do [[ $(gets_in 1) == outside ]] || break; done
in=$(date +%s%3N)
check "the other end looks the name up anew, and is in" inside "$(gets_in)"
echo "     the record after $((record - begun)) ms and $cycles cycles, the tunnel $((in - record)) ms later"
cycle
check "the verdict" yes "$(verdict | cut -d, -f1)"

echo "-- the router is replaced by one that knows nothing"
another_router
start_router
sleep 12
check "nobody gets in" outside "$(gets_in)"
begun=$(date +%s%3N)
cycle
for _ in {1..9}; do [[ $(gets_in 1) == outside ]] || break; done
check "a cycle later somebody does" inside "$(gets_in)"
echo "     after $(($(date +%s%3N) - begun)) ms"

echo "-- what is in the way is named"
ip -n client link set "$server" down
cycle
check "the interface is down" "no, wg0 is down" "$(verdict)"
cadence status --check
check "a monitor is told" "1 yes" "$code $([[ $said == *"VPN reachable from outside: no"* ]] && echo yes || echo "$said")"
ip -n client link set "$server" up
home "[vpn]" 'interface = "nosuch0"'
cycle
check "there is no such interface" "no, there is no interface nosuch0" "$(verdict)"
home "[vpn]" "interface = \"$server\"" "port = 51999"
cycle
check "nothing listens" "no, nothing on this host listens on UDP port 51999" "$(verdict)"
home "[vpn]" "interface = \"$server\""
cycle
check "who forwards is not known" "not_known, nobody tells whether the router forwards UDP port 51820" "$(verdict)"
home "${vpn[@]}"
fault wan-drop
cycle
check "the line is down" "no, the line is down" "$(verdict)"
heal
for _ in 1 2 3; do cycle; done
check "and all is well again" yes "$(verdict | cut -d, -f1)"
check "each change is told once, and an outage by itself" "true false true" "$(told)"

echo "-- the home goes out by a VPN of its own"
# An exit at the internet, in whose tunnel the servers are reached.
exit=wgx$$ way=wgy$$
key exit
key way
tunnel internet "$exit"
within internet wg set "$exit" private-key "$work/exit.key" listen-port 4500 peer "$(wg pubkey <"$work/way.key")" allowed-ips 10.98.0.2/32
ip -n internet addr add 10.98.0.1/24 dev "$exit"; ip -n internet link set "$exit" up
tunnel client "$way"
within client wg set "$way" private-key "$work/way.key" peer "$(wg pubkey <"$work/exit.key")" allowed-ips 0.0.0.0/0 endpoint 11.22.33.1:4500
ip -n client addr add 10.98.0.2/24 dev "$way"; ip -n client link set "$way" up
ip -n client route add 11.22.33.1/32 via 192.168.77.1
for half in 0.0.0.0/1 128.0.0.0/1; do ip -n client route add "$half" dev "$way"; done
tell_addresses 45.66.77.88 2606:2800:220:1:248:1893:25c8:1946
for _ in 1 2 3; do cycle; done
before=11.22.33.77
held() { jq -r '.records[0] | "\(.outcome), \(.reason)"' <<<"$report" | sed "s/$way/wg1/"; }
check "its exit is not published" "$before" "$(where)"
check "and that is explained" "held, vpn.example.com A: 45.66.77.88 is where wg1, a VPN, goes out, and is not published" "$(held)"
check "with a fix" yes "$([[ $(jq -r '.records[0].fix' <<<"$report") == "set network.interface"* ]] && echo yes || jq -c '.records[0]' <<<"$report")"
cadence check
check "check tells it" yes "$(grep -q "goes out by $way, a VPN, over IPv4" <<<"$said" && echo yes || grep -A3 exit <<<"$said")"
for half in 0.0.0.0/1 128.0.0.0/1; do ip -n client route del "$half" dev "$way"; done
ip -n client route add default dev "$way" table 51; ip -n client rule add from all lookup 51 priority 99
ip -n client rule add to 192.168.77.0/24 lookup main priority 98; ip -n client rule add to 11.22.33.1 lookup main priority 97
cycle
check "nor by a rule of its own table, as wg-quick has it" "$before" "$(where)"
configure A "$targets4" 'doh = []' 'vpn_guard = false' '[cloudflare]' 'api_url = "https://9.9.9.9/client/v4"'
cycle
check "unless that is wanted" 45.66.77.88 "$(where)"

echo "-- the recipes, as the real tools read them"
recipes=$here/../../packaging/vpn
if [[ -x /lib/systemd/systemd-networkd ]]; then
  mkdir -p /etc/systemd/network /run/systemd/netif/links
  mount -t tmpfs tmpfs /etc/systemd/network
  cp "$recipes"/25-wg0.net* /etc/systemd/network/
  sed -i "s|^PublicKey=.*|PublicKey=$(wg pubkey <"$work/client.key")|" /etc/systemd/network/25-wg0.netdev
  install -m 640 -g systemd-network "$work/server.key" /etc/systemd/network/wg0.key
  chgrp systemd-network /etc/systemd/network/*
  # This kernel may have no WireGuard: what counts is that each line is understood.
  read_by() { ip netns exec outside env SYSTEMD_LOG_LEVEL=debug timeout 3 /lib/systemd/systemd-networkd 2>&1 | grep -E "wg0: loaded|/25-wg0" | paste -sd' ' || true; }
  check "systemd-networkd" 'wg0: loaded "wireguard"' "$(read_by)"
  sed -i 's/^ListenPort/ListnPort/' /etc/systemd/network/25-wg0.netdev
  check "which tells what it does not understand" yes "$([[ $(read_by) == *"Unknown key"* ]] && echo yes)"
  umount /etc/systemd/network
fi
if command -v systemd-analyze >/dev/null; then
  check "units" "" "$(systemd-analyze verify --recursive-errors=no "$recipes/reresolve@.service" "$recipes/reresolve@.timer" 2>&1 | grep reresolve || true)"
fi
if python3 -c 'import yaml' 2>/dev/null; then
  read_yaml='import sys, yaml; it = yaml.safe_load(open(sys.argv[1]))["services"]["wg-easy"]; print(it["environment"]["INIT_HOST"], it["ports"][0])'
  check "compose.yaml" "vpn.example.com 51820:51820/udp" "$(python3 -c "$read_yaml" "$recipes/compose.yaml")"
fi
told_all
