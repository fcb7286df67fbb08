#!/bin/bash
# Odd networks, seen by an unprivileged `cadence reconcile`: one family alone or broken, a VPN, a firewall of this host's own,
# carrier-grade NAT, a captive portal, resolvers that are dead, slow or lie. For each the verdict, the exit code, the address and what a person is told.
# As root: tests/system/odd_networks.sh BINARY [PART]. Needs iproute2, nftables, jq, openssl, perl.
# shellcheck disable=SC2317 # the parts are called by their names
set -euo pipefail
# shellcheck source=tests/system/internet.sh
source "$(dirname "$(readlink -f "$0")")/internet.sh"
parts=(families addresses tunnels firewalls portals resolvers plugs lines)
# They wait for most of their time: side by side, each in a home of its own.
if [[ $# == 1 ]]; then
  said=$(mktemp -d) pids=() failed=0
  trap 'rm -rf "$said"' EXIT
  trap 'kill "${pids[@]}"; exit 143' INT TERM HUP
  for part in "${parts[@]}"; do "$0" "$1" "$part" </dev/null >"$said/$part" 2>&1 & pids+=($!); done
  for at in "${!parts[@]}"; do
    wait "${pids[at]}" || failed=$((failed + 1))
    cat "$said/${parts[at]}"
  done
  exit $failed
fi
alone "$@"
make_internet "${1:?the binary to test}"

# What a cycle comes to: verdict, exit code, and the address of each family, or none.
found() {
  jq -r --arg code "$code" '[.verdict, "exit " + $code] + [.signals[] | select(.signal == "public_ip")
    | .family + "=" + (if .ok then .address else "none" end)] | join(", ")' <<<"$report"
}
# look WHAT EXPECTED: one cycle, and under it what a person is told.
look() {
  cycle
  check "$1" "$2" "$(found)"
  jq -r '.signals[] | select(.ok | not) | "     " + .signal + ": " + .error' <<<"$report"
}
# readiness WHAT EXPECTED: the readiness of each after that cycle.
readiness() { check "$1, families" "$2" "$(jq -r '[.readiness.families[] | .family + " " + .readiness] | join(", ")' <<<"$report")"; }
# That no cycle took longer than that: a way that is broken must not make all that works wait.
quick() {
  check "$1, within $2 ms" quick "$(jq -r "if .elapsed_ms < $2 then \"quick\" else \"slow\" end" <<<"$report")"
}
both='[[record]]
name = "vpn.example.com"
type = "AAAA"'
targets='wan_targets = ["tls://1.1.1.1:443", "tls://8.8.8.8:443", "tls://[2001:db8:1::1]:443"]'
named='ip_providers = ["https://both.example/ip", "https://four.example/ip"]'
# with KEY_LINE: in place of the line of that key.
with() { sed -i "s#^${1%% =*} = .*#$1#" "$work/cadence.toml"; }
home4=93.184.216.34 home6=2606:2800:220:1:248:1893:25c8:1946

# Names without a resolver: `both.example` has addresses of both families.
printf '%s\n' '127.0.0.1 localhost' '2001:db8:1::1 both.example' '1.1.1.1 both.example' '8.8.8.8 four.example' >"$work/hosts"
printf 'hosts: files dns\n' >"$work/nsswitch"
mount --bind "$work/hosts" /etc/hosts
mount --bind "$work/nsswitch" /etc/nsswitch.conf

families() {
  echo "-- both families, or one alone"
  configure A "$targets4"; echo "$both" >>"$work/cadence.toml"
  look "both families" "HEALTHY, exit 0, ipv4=$home4, ipv6=$home6"
  within client sysctl -qw net.ipv6.conf.all.disable_ipv6=1
  look "IPv4 alone" "HEALTHY, exit 0, ipv4=$home4, ipv6=none"
  readiness "IPv4 alone" "ipv4 PROBING, ipv6 NOT_READY"
  check "IPv4 alone, why" "no server could be asked over IPv6" "$(jq -r '.records[1].reason' <<<"$report")"
  quick "IPv4 alone" 2000
  within client sysctl -qw net.ipv6.conf.all.disable_ipv6=0
  ip -n client addr replace fd77::2/64 dev c0 nodad
  default_routes
  configure AAAA "$targets6"
  ip -n client route del default
  look "IPv6 alone" "HEALTHY, exit 0, ipv6=$home6"
  configure AAAA "$targets"
  look "IPv6 alone, targets of both families" "HEALTHY, exit 0, ipv6=$home6"
  quick "IPv6 alone, targets of both families" 2000
  # Of another table, which no rule uses: what the kernel lists first.
  ip -n client -6 route add default dev c1 table 51820 metric 1
  within router nft add rule inet fault through meta nfproto ipv6 drop
  look "IPv6 alone, and the line is dead, beside an unused route" "WAN_DOWN, exit 0"
  heal
  ip -n client -6 route del default dev c1 table 51820
  default_routes

  echo "-- IPv6 is advertised and dead"
  within router nft add rule inet fault through meta nfproto ipv6 drop
  # An address by which names of both families are tried by IPv6 first (RFC 6724).
  ip -n client addr add 2001:db8:77::2/64 dev c0 nodad
  configure A "$targets4"
  look "IPv6 dead, for A" "HEALTHY, exit 0, ipv4=$home4"
  quick "IPv6 dead, for A" 2000
  configure A 'wan_targets = ["tls://both.example:443"]'; with "$named"
  look "IPv6 dead, names of both families" "HEALTHY, exit 0, ipv4=$home4"
  quick "IPv6 dead, names of both families" 4000
  configure A "$targets4"; echo "$both" >>"$work/cadence.toml"
  look "IPv6 dead, for A and AAAA" "HEALTHY, exit 0, ipv4=$home4, ipv6=none"
  readiness "IPv6 dead, for A and AAAA" "ipv4 PROBING, ipv6 NOT_READY"
  check "IPv6 dead, why" "nothing beyond the router answers over IPv6" "$(jq -r '.records[1].reason' <<<"$report")"
  quick "IPv6 dead, for A and AAAA" 20000
  configure AAAA "$targets4"
  look "IPv6 dead, for AAAA" "DEGRADED, exit 0, ipv6=none"
  ip -n client addr del 2001:db8:77::2/64 dev c0
  heal

  echo "-- IPv4 is dead behind a router that lives"
  within router nft add rule inet fault through meta nfproto ipv4 drop
  configure A "$targets6"; echo "$both" >>"$work/cadence.toml"
  look "IPv4 dead, for A and AAAA" "HEALTHY, exit 0, ipv4=none, ipv6=$home6"
  readiness "IPv4 dead, for A and AAAA" "ipv4 NOT_READY, ipv6 PROBING"
  configure A "$targets"
  look "IPv4 dead, for A, targets of both families" "DEGRADED, exit 0, ipv4=none"
  configure AAAA "$targets"
  look "IPv4 dead, for AAAA, targets of both families" "HEALTHY, exit 0, ipv6=$home6"
  configure A "$targets4"
  look "IPv4 dead, for A" "WAN_DOWN, exit 0"
  heal

  echo "-- DS-Lite: the gateway of IPv4 is dead, and IPv6 works"
  within router nft add rule inet fault in meta nfproto ipv4 drop
  within router nft add rule inet fault through meta nfproto ipv4 drop
  configure A "$targets"; echo "$both" >>"$work/cadence.toml"
  look "DS-Lite, for A and AAAA" "HEALTHY, exit 0, ipv4=none, ipv6=$home6"
  readiness "DS-Lite, for A and AAAA" "ipv4 NOT_READY, ipv6 PROBING"
  configure AAAA "$targets"
  look "DS-Lite, for AAAA" "HEALTHY, exit 0, ipv6=$home6"
  within router nft add rule inet fault through meta nfproto ipv6 drop
  look "DS-Lite, and the line is dead" "WAN_DOWN, exit 0"
  heal

  echo "-- the default route is in two halves, or in another table"
  halves() { ip -n client route "$1" 0.0.0.0/1 via 192.168.77.1; ip -n client route "$1" 128.0.0.0/1 via 192.168.77.1; }
  table() { ip -n client route "$1" default via 192.168.77.1 table 77; ip -n client rule "$1" from all lookup 77 priority 77; }
  for way in halves table; do
    configure A "$targets4" 'router = "192.168.77.1"'
    fault client-no-route
    look "no route, $way" "HOST_DOWN, exit 0"
    $way add
    look "$way" "HEALTHY, exit 0, ipv4=$home4"
    fault wan-drop
    look "$way, and the line is dead" "WAN_DOWN, exit 0"
    $way del
    heal
  done
}

addresses() {
  local net=2606:2800:220:1 next=2606:2800:220:2 temporary
  # Of an AAAA record with this line: what it is to hold, or why it holds nothing, once what the providers say is confirmed.
  holds() {
    configure AAAA "$targets6" "doh = []"
    [[ ! $2 ]] || sed -i "/^type/a $2" "$work/cadence.toml"
    nobody
    kept=$(mktemp -d "$work/state.XXXXXX")
    cycle; cycle
    kept=
    check "$1" "$3" "$(jq -r '.records[0] | .wanted // (.reason | split("; ")[0])' <<<"$report")"
  }
  # No API, which refuses at once.
  nobody() { printf '%s\n' '[cloudflare]' 'api_url = "https://1.1.1.1:1"' >>"$work/cadence.toml"; }
  probed() {
    within client env -i CADENCE_CONFIG="$work/cadence.toml" COLUMNS=500 "$work/cadence" probe --only public-ip --json |
      jq -r '.records[] | [.address, .passing] | map(. // "none") | join(" ")'
  }
  away="vpn.example.com AAAA: the address providers see $net::/64, and no address of this host is in it: IPv6 is translated on the way (NAT66, \
NPTv6, NAT64), or leaves by a proxy"
  local stable='address = "stable"' suffix='suffix = "::1234"'

  # What is delegated to the home.
  ip -n router route add 2606:2800:220::/48 dev r0
  echo "-- a host of its own network alone (ULA), behind a router that translates (NAT66)"
  tell_addresses "$home4" "$net::1"
  holds "NAT66, suffix" "$suffix" "$away"
  holds "NAT66, stable" "$stable" "$away"
  holds "NAT66, as the providers see it" "" "$net::1"

  echo "-- privacy extensions: the kernel makes temporary addresses beside a stable one"
  within client sysctl -qw net.ipv6.conf.c0.use_tempaddr=2
  ip -n client addr add "$net:211:22ff:fe33:4455/64" dev c0 mngtmpaddr nodad valid_lft 86400 preferred_lft 43200
  temporary=
  for _ in {1..50}; do
    temporary=$(ip -n client -j -6 addr show dev c0 temporary | jq -r '[.[].addr_info[]? | .local // empty][0] // empty')
    [[ ! $temporary ]] || break
    sleep 0.1
  done
  check "the kernel made one" yes "$([[ $temporary == "$net":* ]] && echo yes || echo "no: $temporary")"
  tell_addresses "$home4" "$temporary"
  holds "temporary, suffix" "$suffix" "$net::1234"
  holds "temporary, a hardware address" 'mac = "aa:bb:cc:dd:ee:ff"' "$net:a8bb:ccff:fedd:eeff"
  holds "temporary, stable" "$stable" "$net:211:22ff:fe33:4455"
  check "probe, stable" "$net:211:22ff:fe33:4455 none" "$(probed)"
  holds "temporary, as the providers see it" "" "$temporary"
  check "probe, as the providers see it" "$temporary temporary" "$(probed)"
  # Another one of the same prefix, as each program and each day may have.
  kept=$(mktemp -d "$work/state.XXXXXX")
  configure AAAA "$targets6" "doh = []"; sed -i "/^type/a $suffix" "$work/cadence.toml"; nobody
  for i in 1 2 3 4 5 6; do tell_addresses "$home4" "$net:aaaa:bbbb:cccc:$i"; cycle; done
  check "six temporary addresses in six cycles" "READY $net::1234" "$(jq -r '.readiness.after + " " + .records[0].wanted' <<<"$report")"
  kept=

  echo "-- deprecated and tentative addresses, and those of a tunnel or a translator on this host (CLAT)"
  tell_addresses "$home4" "$net::1"
  ip -n client addr change "$net:211:22ff:fe33:4455/64" dev c0 valid_lft 86400 preferred_lft 0
  temporary=$(ip -n client -j -6 addr show dev c0 to "$net::/64" | jq -r '[.[].addr_info[]? | .local // empty][0]')
  holds "deprecated" "$stable" "vpn.example.com AAAA: this host has no stable address in $net::/64, as which the address providers see it \
($temporary is $(ip -n client -6 addr show dev c0 temporary | grep -q "$temporary" && echo temporary || echo deprecated))"
  ip -n client addr add "$net::99/64" dev c0 nodad
  holds "deprecated, and a new one" "$stable" "$net::99"
  within client sysctl -qw net.ipv6.conf.c0.accept_dad=1 net.ipv6.conf.c0.dad_transmits=60
  ip -n client addr add "$net::5/64" dev c0
  holds "tentative, and one that is not" "$stable" "$net::99"
  ip -n client addr del "$net::5/64" dev c0
  within client sysctl -qw net.ipv6.conf.c0.accept_dad=0
  ip -n client tuntap add clat mode tun
  ip -n client link set clat up
  ip -n client addr add "$net::4/128" dev clat nodad
  holds "a translator's beside that of the line" "$stable" "$net::99"

  echo "-- several prefixes"
  ip -n client addr add "$next::88/64" dev clat nodad
  tell_addresses "$home4" "$next::88"
  tunnel="vpn.example.com AAAA: the address providers see $next::/64, which is that of the tunnel clat and may not be the line's"
  holds "that of a tunnel, stable" "$stable" "$tunnel"
  holds "that of a tunnel, suffix" "$suffix" "$tunnel"
  ip -n client addr add "$next::77/64" dev c0 nodad
  holds "of two on one link that which is seen" "$stable" "$next::77"
  tell_addresses "$home4" "$net::99"
  holds "of two on one link the other" "$stable" "$net::99"
  tell_addresses "$home4" "2606:2800:220:5::99"
  holds "another network of what is delegated, /64" "$stable" "${away/$net/2606:2800:220:5}"
  holds "another network of what is delegated, /56" "$stable\\nprefix = 56" "$net::99"
  holds "a device in a network of its own, /56" 'suffix = "::7:0:0:0:1234"\nprefix = 56' "2606:2800:220:7::1234"
}

tunnels() {
  echo "-- a VPN is the default route, and has an exit of its own"
  # Whoever comes from its exit is told that address.
  mkdir "$work/exit"; echo 93.184.99.99 >"$work/exit/ip"
  serve internet 11.22.44.1:444 internet exit
  within internet nft -f - <<'RULES'
table ip exit { chain in { type nat hook prerouting priority dstnat; ip saddr 11.22.44.55 tcp dport 443 redirect to :444; }; }
RULES
  ip -n client route del default
  ip -n client route add default via 192.168.77.1 metric 100
  ip -n client route add default dev c1 metric 1
  ip -n client neigh replace 192.168.88.1 lladdr "$(within spare cat /sys/class/net/r1/address)" dev c1
  within spare sysctl -qw net.ipv4.conf.all.proxy_arp=1
  configure A "$targets4"
  look "VPN" "HEALTHY, exit 0, ipv4=93.184.99.99"
  configure A "$targets4" 'interface = "c0"'
  look "VPN, bound to the line" "HEALTHY, exit 0, ipv4=$home4"
  ip -n spare route del default
  configure A "$targets4"
  look "VPN, dead" "ROUTER_DOWN, exit 0"
  configure A "$targets4" 'interface = "c0"'
  look "VPN, dead, bound to the line" "HEALTHY, exit 0, ipv4=$home4"
  # A tunnel in which everything is lost, beside a line that works.
  ip -n client route del default dev c1
  ip -n client tuntap add tun7 mode tun
  ip -n client link set tun7 up
  for half in 0.0.0.0/1 128.0.0.0/1; do ip -n client route add "$half" dev tun7; done
  configure A "$targets4"
  look "a dead tunnel" "UNVERIFIED, exit 0"
  check "a dead tunnel, told" "nobody_asked yes" "$(jq -r '.doubt + (if [.signals[].error // ""] | any(contains("through the tunnel tun7"))
    then " yes" else " no" end)' <<<"$report")"
  configure A "$targets4" 'interface = "c0"'
  look "a dead tunnel, bound to the line" "HEALTHY, exit 0, ipv4=$home4"
  # IPv6 goes past it, and is dead, as on many a line that works over IPv4.
  default_routes
  for half in 0.0.0.0/1 128.0.0.0/1; do ip -n client route replace "$half" dev tun7; done
  within router nft add rule inet fault through meta nfproto ipv6 drop
  for interface in "" 'interface = "c0"'; do
    configure A "$targets" "$interface"
    look "a dead tunnel, and IPv6 dead beside it, ${interface:-unbound}" "$([[ $interface ]] && echo "HEALTHY, exit 0, ipv4=$home4" || echo "UNVERIFIED, exit 0")"
  done
  heal
  ip -n client link del tun7
  # The same with frames in it, as of OpenVPN's and tinc's tap, and of ZeroTier; and those that the kernel itself packs.
  configure A "$targets4"
  for kind in "tuntap add frames mode tap" "link add frames type vxlan id 7 remote 192.168.77.1 dstport 4789"; do
    # shellcheck disable=SC2086 # words
    ip -n client $kind
    ip -n client addr add 10.77.77.2/24 dev frames
    ip -n client link set frames up
    for half in 0.0.0.0/1 128.0.0.0/1; do ip -n client route add "$half" via 10.77.77.1; done
    look "a dead tunnel, $kind" "UNVERIFIED, exit 0"
    ip -n client link del frames
  done
  ip -n client route add default dev c1 metric 1
  ip -n spare route add default via 11.22.44.1
  ip -n client route del default dev c1
  ip -n client route del default
  default_routes
}

firewalls() {
  echo "-- this host's own firewall keeps in what is not for the LAN, as against leaks past a VPN, and the line works"
  # keep_in RULE..: what happens to that which leaves for beyond the router.
  keep_in() {
    within client nft -f - <<RULES
table inet own { chain out { type filter hook output priority 0; ip daddr 192.168.77.0/24 accept; ip6 daddr { fc00::/7, fe80::/10, ff00::/8 } accept
$(printf 'oifname "c0" %s\n' "$@"); }; }
RULES
  }
  let_out() { within client nft delete table inet own; }
  kept_in() {
    look "$1" "UNVERIFIED, exit 0"
    check "$1, told" "nobody_asked yes" "$(jq -r '.doubt + (if [.signals[].error // ""] | any(contains("this host'"'"'s own firewall"))
      then " yes" else " no" end)' <<<"$report")"
  }
  for family in 4 6; do
    if [[ $family == 4 ]]; then configure A "$targets4"; else configure AAAA "$targets6"; fi
    # With nothing said, a port is what is unreachable: as if somebody refused.
    for rule in drop reject "reject with icmpx no-route" "reject with icmpx host-unreachable" "reject with icmpx admin-prohibited"; do
      keep_in "$rule"
      kept_in "$rule, IPv$family"
      let_out
    done
  done
  # By an address by which names of both families are tried by IPv6 first (RFC 6724).
  ip -n client addr add 2001:db8:77::2/64 dev c0 nodad
  keep_in "meta nfproto ipv6 drop"
  configure A 'wan_targets = ["tls://both.example:443"]'; with "$named"
  look "IPv6 is kept in, names of both families" "HEALTHY, exit 0, ipv4=$home4"
  quick "IPv6 is kept in, names of both families" 4000
  within router nft add rule inet fault through meta nfproto ipv4 drop
  look "IPv6 is kept in, names of both families, and IPv4 is dead" "WAN_DOWN, exit 0"
  heal
  ip -n client addr del 2001:db8:77::2/64 dev c0
  configure A "$targets"
  look "IPv6 is kept in" "HEALTHY, exit 0, ipv4=$home4"
  within router nft add rule inet fault through meta nfproto ipv4 drop
  look "IPv6 is kept in, and IPv4 is dead" "WAN_DOWN, exit 0"
  let_out
  # A strict firewall, which lets out what is needed and no more, is no reason.
  for line in wan-drop wan-unreach; do
    heal
    fault "$line"
    keep_in "meta l4proto udp drop"
    look "all but TCP is kept in, $line" "WAN_DOWN, exit 0"
    let_out
    keep_in "meta nfproto ipv6 drop" "meta l4proto udp drop"
    look "IPv6 and all but TCP is kept in, $line" "WAN_DOWN, exit 0"
    let_out
  done
  heal

  echo "-- the default route leads through another box at home than the router"
  configure A "$targets4" 'router = "192.168.77.1"'
  within client sysctl -qw net.ipv6.conf.all.disable_ipv6=1
  ip -n client route replace default via 192.168.77.9
  look "another box, which is dead" "UNVERIFIED, exit 0"
  check "another box, told" yes "$(jq -r 'if [.signals[].error // ""] | any(contains("through 192.168.77.9, which is not the router"))
    then "yes" else "no" end' <<<"$report")"
  ip -n client route replace default via 192.168.77.1
  fault wan-drop
  look "the router, whose line is dead" "WAN_DOWN, exit 0"
  within client sysctl -qw net.ipv6.conf.all.disable_ipv6=0
  ip -n client addr replace fd77::2/64 dev c0 nodad
  heal
  default_routes
}

portals() {
  echo "-- carrier-grade NAT"
  configure A "$targets4"
  tell_addresses 100.64.7.7 "$home6"
  look "CGNAT, providers inside of it" "DEGRADED, exit 0, ipv4=none"
  tell_addresses 192.168.77.2 "$home6"
  look "providers that tell a private address" "DEGRADED, exit 0, ipv4=none"
  tell_addresses "$home4" "$home6"
  look "CGNAT, providers beyond it" "HEALTHY, exit 0, ipv4=$home4"

  echo "-- a captive portal takes every connection"
  mkdir "$work/portal"; echo '<html>Log in</html>' >"$work/portal/ip"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=portal.example \
    -keyout "$work/portal.key" -out "$work/portal.pem" 2>/dev/null
  serve router 192.168.77.1:443 portal portal
  portal() { within router nft add table ip portal; within router nft -f - <<'RULES'
table ip portal { chain in { type nat hook prerouting priority dstnat; iifname "r0" tcp dport 443 dnat to 192.168.77.1:443; }; }
RULES
  }
  portal
  configure A 'wan_targets = ["tls://1.1.1.1:443", "tls://8.8.8.8:443"]'
  look "captive portal" "UNVERIFIED, exit 0"
  # By its speed the router is known, which a busy host does not always see.
  for _ in 1 2 3; do
    [[ $(jq -r .doubt <<<"$report") == router_page ]] || cycle
  done
  check "captive portal, told" router_page "$(jq -r .doubt <<<"$report")"
  configure A "$targets4"
  look "captive portal, a target without TLS" "UNVERIFIED, exit 0"
  within router nft delete table ip portal
  look "logged in" "HEALTHY, exit 0, ipv4=$home4"
}

resolvers() {
  echo "-- the system's resolver"
  echo 'hosts: dns' >"$work/nsswitch"
  echo 'nameserver 192.168.77.1' >"$work/resolv"
  mount --bind "$work/resolv" /etc/resolv.conf
  # resolver DELAY ADDRESS: answers every question for an A record that late with that address, and any other with nothing.
  resolver() {
    # shellcheck disable=SC2016 # perl's variables
    (exec ip netns exec router perl -MIO::Socket::INET -e '
      $SIG{CHLD} = "IGNORE";
      my ($delay, @address) = ($ARGV[0], split /\./, $ARGV[1]);
      my $socket = IO::Socket::INET->new(Proto => "udp", LocalAddr => "192.168.77.1:53") or die;
      while ($socket->recv(my $query, 512)) {
        next if fork;
        select(undef, undef, undef, $delay);
        my ($id, $question) = (substr($query, 0, 2), substr($query, 12) =~ /^((?:[^\0]+)\0.{4})/s);
        my $is_a = substr($question, -4, 2) eq "\0\1";
        $socket->send($id . "\x81\x80\0\1\0" . chr($is_a) . "\0\0\0\0" . $question
          . ($is_a ? "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" . pack("C4", @address) : ""));
        exit;
      }' "$@") &
    resolver=$!
    until [[ -n $(within router ss -Hlun 'sport = :53') ]]; do sleep 0.05; done
  }
  silence() { kill "$resolver"; until [[ -z $(within router ss -Hlun 'sport = :53') ]]; do sleep 0.05; done; }
  configure A "$targets4"; with "$named"
  resolver 0 8.8.8.8
  look "resolver, honest" "HEALTHY, exit 0, ipv4=$home4"
  silence
  resolver 1.2 8.8.8.8
  look "resolver, slow" "HEALTHY, exit 0, ipv4=$home4"
  silence
  resolver 0 192.168.77.1
  look "resolver, lies" "DEGRADED, exit 0, ipv4=none"
  silence
  within router nft add rule inet fault in udp dport 53 drop
  look "resolver, silent" "DEGRADED, exit 0, ipv4=none"
  quick "resolver, silent" 20000
  configure A "$targets4"
  look "resolver, silent, addresses in place of names" "HEALTHY, exit 0, ipv4=$home4"
  quick "resolver, silent, addresses in place of names" 2000
  heal
  configure A "$targets4"; with "$named"
  look "resolver, gone" "DEGRADED, exit 0, ipv4=none"

  echo "-- the system's resolver fails after it has worked"
  kept=$(mktemp -d "$work/state.XXXXXX")
  configure A 'wan_targets = ["tls://both.example:443"]'; with "$named"
  resolver 0 8.8.8.8
  look "resolver, honest, kept" "HEALTHY, exit 0, ipv4=$home4"
  silence
  # The API is looked for and not found, then left alone for a while.
  look "resolver, gone, kept" "HEALTHY, exit 1, ipv4=$home4"
  within router nft add rule inet fault in udp dport 53 drop
  look "resolver, silent, kept" "HEALTHY, exit 1, ipv4=$home4"
  quick "resolver, silent, kept" 20000
  heal
  fault wan-drop
  # Of those whose names lead nowhere any more nobody knows where they are: whoever is known by his address is asked.
  look "resolver, gone, kept, and the line is dead" "WAN_DOWN, exit 0"
  heal
  kept=
}

plugs() {
  echo "-- a network that holds up what is sent to a plug"
  # shellcheck disable=SC2016 # perl's variables
  ip netns exec router perl -MIO::Socket::INET -e '
    $| = 1; $SIG{CHLD} = "IGNORE";
    my $plug = IO::Socket::INET->new(LocalAddr => "192.168.77.1:8080", Listen => 9) or die;
    while (my $client = $plug->accept) {
      next if fork;
      my $request = <$client>;
      print "$1\n" if defined $request && $request =~ m{^GET /(\w+) };
      print $client "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
      exit;
    }' >"$work/plug" &
  until [[ -n $(within router ss -Hltn 'sport = :8080') ]]; do sleep 0.05; done
  configure A "$targets4"
  cat >>"$work/cadence.toml" <<'TOML'
[recovery]
plug = "http"
off_url = "http://192.168.77.1:8080/off"
on_url = "http://192.168.77.1:8080/on"
off_time = "5s"
TOML
  # A connection is made, and what is said over it does not come through.
  within router nft add rule inet fault in tcp dport 8080 meta length gt 80 drop
  (sleep 9; heal) &
  healed=$!
  within client env -i CADENCE_CONFIG="$work/cadence.toml" CLOUDFLARE_API_TOKEN=unused "$work/cadence" \
    recover --yes --force --state-dir "$(mktemp -d "$work/state.XXXXXX")" >/dev/null 2>&1 || true
  wait "$healed"
  # By then the system would have sent it again.
  sleep 12
  check "an off that was given up never comes" "on" "$(sort -u "$work/plug" | paste -sd ' ')"
}

lines() {
  echo "-- a second line, and a plug that serves the first"
  served() {
    configure A "$targets4"
    cat >>"$work/cadence.toml" <<'TOML'
[recovery]
enabled = true
plug = "http"
off_url = "http://192.168.77.1:8080/off"
on_url = "http://192.168.77.1:8080/on"
interface = "c0"
TOML
  }
  # power WHAT EXPECTED: what a cycle says of the power.
  power() { cycle; check "$1" "$2" "$(jq -r '.verdict + ": " + .recovery.outcome + (.recovery.guardrail // .recovery.reason // "" | if . == "" then "" else ", " + . end)' <<<"$report" | sed 's/[0-9][0-9]* [sm].*/N/')"; }
  served
  power "the served line, by which the host goes out" "HEALTHY: idle"
  by_the_other() {
    ip -n client route flush default
    ip -n client route add default via 192.168.77.1 metric 100
    ip -n client route add default via 192.168.88.1 metric 1
  }
  by_the_other
  power "the other one, while both work" "HEALTHY: idle"
  within router nft add rule inet fault through drop
  power "the other one, while the served one is dead" "HEALTHY: suppressed, the outage has lasted less than N"
  # A line whose route is gone is not known to be dead.
  ip -n client route del default via 192.168.77.1
  power "the other one, while the served one has no route" "HEALTHY: suppressed, something may answer, but no server was verified: the line may work"
  heal
  within spare nft add table inet fault
  within spare nft add chain inet fault through '{ type filter hook forward priority 0; }'
  within spare nft add rule inet fault through drop
  by_the_other
  power "the other one is dead, the served one works" "WAN_DOWN: idle"
  within spare nft delete table inet fault
  # The same of a line that network.interface names.
  configure A "$targets4" 'interface = "c0"' 'router = "192.168.77.1"'
  ip -n client route del default via 192.168.77.1 metric 100
  look "a line that is named, without a route" "UNVERIFIED, exit 0"
  ip -n client route flush default
  default_routes
  look "the same with one" "HEALTHY, exit 0, ipv4=$home4"
}

"$2"
told_all
