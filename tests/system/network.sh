#!/bin/bash
# Real failures of a real line, seen by an unprivileged `cadence reconcile`: the verdict and each signal's class of failure.
# As root: tests/system/network.sh BINARY. Needs iproute2, nftables, jq, openssl.
set -euo pipefail
# shellcheck source=tests/system/home.sh
source "$(dirname "$(readlink -f "$0")")/home.sh"
alone "$@"

make_home
work=$(mktemp -d /run/cadence.XXXXXX)
chmod 755 "$work"
install -m 755 "${1:?the binary to test}" "$work/cadence"
address4=93.184.216.34 address6=2606:2800:220:1:248:1893:25c8:1946

# Servers in the internet: each is a target of the WAN probe, and tells the public address.
mkdir "$work/www"
echo "$address4" >"$work/www/ip"
echo "$address6" >"$work/www/ip6"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority \
  -keyout "$work/ca.key" -out "$work/ca.pem" 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=internet -keyout "$work/key.pem" 2>/dev/null |
  openssl x509 -req -days 2 -CA "$work/ca.pem" -CAkey "$work/ca.key" -out "$work/cert.pem" 2>/dev/null \
    -extfile <(echo "subjectAltName=IP:1.1.1.1,IP:8.8.8.8,IP:2001:db8:1::1,IP:2001:db8:2::1")
chmod 644 "$work/ca.pem"
servers=(1.1.1.1 8.8.8.8 '[2001:db8:1::1]' '[2001:db8:2::1]')
for host in "${servers[@]}"; do
  (cd "$work/www" && exec ip netns exec internet openssl s_server -quiet -accept "$host:443" -WWW \
    -cert "$work/cert.pem" -key "$work/key.pem" >/dev/null 2>&1) &
done
until [[ $(within internet ss -Hltn 'sport = :443' | wc -l) == "${#servers[@]}" ]]; do sleep 0.05; done

# configure RECORD_TYPE [LINE..]: the configuration, with these lines in [network].
configure() {
  local type=$1
  shift
  cat >"$work/cadence.toml" <<TOML
[[record]]
name = "vpn.example.com"
type = "$type"
[network]
ip_providers = ["https://1.1.1.1/ip", "https://8.8.8.8/ip"]
ip6_providers = ["https://[2001:db8:1::1]/ip6", "https://[2001:db8:2::1]/ip6"]
ca_file = "$work/ca.pem"
$(printf '%s\n' "$@")
TOML
}
targets4='wan_targets = ["tls://1.1.1.1:443", "tcp://8.8.8.8:443"]'
targets6='wan_targets = ["tls://[2001:db8:1::1]:443"]'

# One cycle on a fresh state, by a user with no rights at all. Leaves the report in $report.
cycle() {
  local state
  state=$(mktemp -d "$work/state.XXXXXX")
  chown 65534:65534 "$state"
  report=$(within client setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all --no-new-privs \
    env -i CADENCE_CONFIG="$work/cadence.toml" CLOUDFLARE_API_TOKEN=unused "$work/cadence" reconcile --json --state-dir "$state")
}
# What a cycle saw, in words: verdict, then host, router and wan, each `ok` or how it failed.
seen() {
  jq -r '[.verdict] + [.signals[] | select(.signal | IN("host", "router", "wan"))
    | .signal + "=" + if .ok then "ok" + (.method // "" | if . == "" then . else "/" + . end) else .failure end] | join(" ")' <<<"$report"
}

failed=0 checks=0
# check WHAT EXPECTED FOUND
check() {
  local mark=ok
  checks=$((checks + 1))
  [[ $2 == "$3" ]] || { mark=FAIL; failed=$((failed + 1)); }
  printf '%-4s %-37s %s' "$mark" "$1" "$3"
  if [[ $mark == FAIL ]]; then printf '\n     expected%29s %s\n     %s' '' "$2" "$(jq -c .signals <<<"$report")"; fi
  printf ' (%s ms)\n' "$(jq '.elapsed_ms | round' <<<"$report")"
}

# After any ICMP error that nftables sends, Linux as a router tells nobody for a second that it has no route: `wan-no-route`
# goes before the rules that reject.
configure A "$targets4"
for method in icmp tcp; do
  # The kernel lets the groups of this range send echo requests; 1 0 is nobody.
  [[ $method == icmp ]] && range="0 2147483647" || range="1 0"
  within client sysctl -qw net.ipv4.ping_group_range="$range"
  while read -r name expected; do
    fault "$name"
    cycle
    check "$name, router by $method" "${expected//METHOD/$method}" "$(seen)"
    heal
  done <<'TABLE'
none              HEALTHY host=ok router=ok/METHOD wan=ok
client-link-down  HOST_DOWN host=FAST_FAIL router=FAST_FAIL wan=FAST_FAIL
client-no-route   HOST_DOWN host=FAST_FAIL router=FAST_FAIL wan=FAST_FAIL
router-unplugged  ROUTER_DOWN host=ok router=TIMEOUT wan=TIMEOUT
router-no-arp     ROUTER_DOWN host=ok router=TIMEOUT wan=TIMEOUT
router-hung       ROUTER_DOWN host=ok router=TIMEOUT wan=TIMEOUT
wan-drop          WAN_DOWN host=ok router=ok/METHOD wan=TIMEOUT
wan-no-route      WAN_DOWN host=ok router=ok/METHOD wan=FAST_FAIL
wan-unreach       WAN_DOWN host=ok router=ok/METHOD wan=FAST_FAIL
wan-rst           WAN_DOWN host=ok router=ok/METHOD wan=FAST_FAIL
none              HEALTHY host=ok router=ok/METHOD wan=ok
TABLE
done

# A router that is configured, and not found by the default route, is on the same link and answers.
configure A "$targets4" 'router = "192.168.77.1"'
fault client-no-route
cycle
check "client-no-route, router configured" "HOST_DOWN host=FAST_FAIL router=ok/tcp wan=FAST_FAIL" "$(seen)"
heal

# Something on the way that takes a connection, looks at it for a while, and hangs up.
# shellcheck disable=SC2016 # perl's variables
ip netns exec internet perl -MIO::Socket::INET -e '
  my $server = IO::Socket::INET->new(Listen => 5, LocalAddr => "1.1.1.1:853", ReuseAddr => 1) or die;
  while (my $client = $server->accept) { select(undef, undef, undef, 0.1); close $client }' &
until [[ $(within internet ss -Hltn 'sport = :853' | wc -l) == 1 ]]; do sleep 0.05; done
configure A 'wan_targets = ["tls://1.1.1.1:853"]'
cycle
check "hung up on after 100 ms" "WAN_DOWN host=ok router=ok/tcp wan=SLOW_FAIL" "$(seen)"

# The line is up, and nobody tells the address.
configure A "$targets4"
sed -i 's/^ip_providers.*/ip_providers = ["https:\/\/1.1.1.1:444\/ip", "https:\/\/8.8.8.8:444\/ip"]/' "$work/cadence.toml"
cycle
check "no address provider answers" "DEGRADED host=ok router=ok/tcp wan=ok" "$(seen)"

# Two uplinks: what is bound leaves by its own, although the routing table prefers the other.
ip -n client route add default via 192.168.88.1 metric 1000
for uplink in "c0 router spare" "c1 spare router"; do
  read -r interface own other <<<"$uplink"
  configure A "$targets4" "interface = \"$interface\""
  own_before=$(opened_through "$own") other_before=$(opened_through "$other")
  cycle
  check "bound to $interface" "HEALTHY host=ok router=ok/tcp wan=ok" "$(seen)"
  used=$((($(opened_through "$own") - own_before) > 0)) unused=$((($(opened_through "$other") - other_before) == 0))
  check "bound to $interface, leaves by $own only" "1 1" "$used $unused"
done
fault router-hung
cycle
check "bound to c1, the other uplink is dead" "HEALTHY host=ok router=ok/tcp wan=ok" "$(seen)"
heal
configure A "$targets4" 'interface = "c1"'
ip -n client link set c1 down
cycle
check "bound to c1, which is down" "HOST_DOWN host=FAST_FAIL router=FAST_FAIL wan=FAST_FAIL" "$(seen)"

# IPv6 alone, with a router that has only a link-local address on this side, as router advertisements give it.
within client sysctl -qw net.ipv4.ping_group_range="0 2147483647"
only_ipv6() {
  ip -n client addr flush dev c0 scope global
  ip -n client addr add fd77::2/64 dev c0 nodad
  ip -n client -6 route replace default via fe80::1 dev c0
}
only_ipv6
configure AAAA "$targets6"
cycle
check "IPv6 only" "HEALTHY host=ok router=ok/tcp wan=ok" "$(seen)"
check "IPv6 only, the router" "fe80::1%c0" "$(jq -r '.signals[] | select(.signal == "router").target' <<<"$report")"
# For a connection by IPv6, Linux takes an ICMP error as a hint only, and gives up when the next attempt meets it too, after a second.
while read -r name expected; do
  fault "$name"
  cycle
  check "IPv6 only, $name" "$expected" "$(seen)"
  ip -n client addr replace 192.168.77.2/24 dev c0
  heal
  only_ipv6
done <<'TABLE'
client-link-down  HOST_DOWN host=FAST_FAIL router=FAST_FAIL wan=FAST_FAIL
router-unplugged  ROUTER_DOWN host=ok router=TIMEOUT wan=TIMEOUT
router-no-arp     ROUTER_DOWN host=ok router=TIMEOUT wan=TIMEOUT
router-hung       ROUTER_DOWN host=ok router=TIMEOUT wan=TIMEOUT
wan-drop          WAN_DOWN host=ok router=ok/tcp wan=TIMEOUT
wan-no-route      WAN_DOWN host=ok router=ok/tcp wan=TIMEOUT
wan-unreach       WAN_DOWN host=ok router=ok/tcp wan=TIMEOUT
wan-rst           WAN_DOWN host=ok router=ok/tcp wan=FAST_FAIL
TABLE
cycle
check "IPv6 only, again" "HEALTHY host=ok router=ok/tcp wan=ok" "$(seen)"

echo "$checks checks, $failed failed"
[[ $failed == 0 ]]
