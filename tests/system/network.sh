#!/bin/bash
# Real failures of a real line, seen by an unprivileged `cadence reconcile`: the verdict and each signal's class of failure.
# As root: tests/system/network.sh BINARY. Needs iproute2, nftables, jq, openssl.
set -euo pipefail
# shellcheck source=tests/system/internet.sh
source "$(dirname "$(readlink -f "$0")")/internet.sh"
alone "$@"
make_internet "${1:?the binary to test}"

# After any ICMP error that nftables sends, Linux as a router tells nobody for a second that it has no route: `wan-no-route`
# goes before the rules that reject.
configure A "$targets4"
for method in icmp tcp; do
  # The kernel lets the groups of this range send echo requests; 1 0 is nobody.
  [[ $method == icmp ]] && range="0 2147483647" || range="1 0"
  within client sysctl -qw net.ipv4.ping_group_range="$range"
  while read -r name expected; do
    expected=${expected//METHOD/$method}
    fault "$name"
    cycle_to_see "$expected"
    check "$name, router by $method" "$expected" "$(seen)"
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
wan-rst           UNVERIFIED host=ok router=ok/METHOD wan=FAST_FAIL
none              HEALTHY host=ok router=ok/METHOD wan=ok
TABLE
done

# A router that is configured, and not found by the default route, is on the same link and answers.
configure A "$targets4" 'router = "192.168.77.1"'
fault client-no-route
cycle_to_see "HOST_DOWN host=FAST_FAIL router=ok/tcp wan=FAST_FAIL"
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
check "hung up on by the target alone" "HEALTHY host=ok router=ok/tcp wan=ok" "$(seen)"
sed -i 's/^ip_providers.*/ip_providers = ["https:\/\/1.1.1.1:853\/ip"]/' "$work/cadence.toml"
cycle_to_see "UNVERIFIED host=ok router=ok/tcp wan=SLOW_FAIL"
check "hung up on by everybody after 100 ms" "UNVERIFIED host=ok router=ok/tcp wan=SLOW_FAIL" "$(seen)"

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
cycle_to_see "HOST_DOWN host=FAST_FAIL router=FAST_FAIL wan=FAST_FAIL"
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
# An ICMP error that comes back while a connection by IPv6 is still being begun is a hint only to Linux, which gives up when the next
# attempt meets it too, after a second. On a busy host it comes back later, and counts at once: either.
while read -r name expected; do
  fault "$name"
  cycle_to_see "$expected"
  was=$(seen)
  if [[ $expected == *=EITHER && $was == *=@(TIMEOUT|FAST_FAIL) ]]; then was=${was%=*}=EITHER; fi
  check "IPv6 only, $name" "$expected" "$was"
  ip -n client addr replace 192.168.77.2/24 dev c0
  heal
  only_ipv6
done <<'TABLE'
client-link-down  HOST_DOWN host=FAST_FAIL router=FAST_FAIL wan=FAST_FAIL
router-unplugged  ROUTER_DOWN host=ok router=TIMEOUT wan=TIMEOUT
router-no-arp     ROUTER_DOWN host=ok router=TIMEOUT wan=TIMEOUT
router-hung       ROUTER_DOWN host=ok router=TIMEOUT wan=TIMEOUT
wan-drop          WAN_DOWN host=ok router=ok/tcp wan=TIMEOUT
wan-no-route      WAN_DOWN host=ok router=ok/tcp wan=EITHER
wan-unreach       WAN_DOWN host=ok router=ok/tcp wan=EITHER
wan-rst           UNVERIFIED host=ok router=ok/tcp wan=FAST_FAIL
TABLE
cycle
check "IPv6 only, again" "HEALTHY host=ok router=ok/tcp wan=ok" "$(seen)"

told_all
