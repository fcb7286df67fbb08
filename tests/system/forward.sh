#!/bin/bash
# Port forwards by a real router (miniupnpd) and an unprivileged `cadence reconcile`: each protocol alone, renewals, a restart, another router,
# a port that somebody else has, another host, and their removal. That a port is open is proven by a datagram from the internet and its answer.
# As root: tests/system/forward.sh BINARY. Needs conntrack, curl, iproute2, nftables, jq, openssl, perl, miniupnpd-nftables.
# shellcheck disable=SC2015,SC2016 # what is found stands in place of "yes"; perl's variables
set -euo pipefail
# shellcheck source=tests/system/internet.sh
source "$(dirname "$(readlink -f "$0")")/internet.sh"
# shellcheck source=tests/system/miniupnpd.sh
source "$(dirname "$(readlink -f "$0")")/miniupnpd.sh"
alone "$@"
for it in conntrack curl miniupnpd; do command -v "$it" >/dev/null || { echo "$0: needs $it" >&2; exit 77; }; done
make_internet "${1:?the binary to test}"
tell_addresses 11.22.33.44 2606:2800:220:1:248:1893:25c8:1946

report='{"elapsed_ms": 0}'

# Another host at home, as the router sees it.
other=192.168.77.9
ip -n client addr add "$other/24" dev c0

# speaks PCP|NAT-PMP|UPnP|nothing: no other protocol. The first byte of a datagram to port 5351 is a version.
speaks() {
  within router nft flush table inet fault
  [[ $1 == PCP ]] || within router nft add rule inet fault in udp dport 5351 @th,64,8 2 drop
  [[ $1 == NAT-PMP ]] || within router nft add rule inet fault in udp dport 5351 @th,64,8 0 drop
  [[ $1 == UPnP ]] || { within router nft add rule inet fault in udp dport 1900 drop; within router nft add rule inet fault in tcp dport 5000 drop; }
}

# What answers behind the port.
within client perl -MSocket -e '
  socket(my $s, AF_INET, SOCK_DGRAM, 0); bind($s, pack_sockaddr_in(51820, INADDR_ANY)) or die;
  while (my $from = recv $s, my $said, 99, 0) { send $s, "at home: $said", 0, $from }' &
# reached: what a host on the internet gets for a datagram to that port.
reached() {
  within internet perl -MSocket -e '
    socket(my $s, AF_INET, SOCK_DGRAM, 0); bind($s, pack_sockaddr_in(0, inet_aton("8.8.8.8")));
    setsockopt $s, SOL_SOCKET, SO_RCVTIMEO, pack("l!l!", 0, 500_000);
    send $s, "hello", 0, pack_sockaddr_in(51820, inet_aton("11.22.33.44"));
    my $said;
    print defined recv($s, $said, 99, 0) ? $said : "nobody"'
}

# forward [LINE..]: the configuration, with these lines in [[forward]].
forward() {
  # Its API refuses at once: what becomes of the record is of no interest here.
  configure A "$targets4" 'verify_every = "0s"' 'doh = []' '[cloudflare]' 'api_url = "https://1.1.1.1:9/client/v4"'
  [[ $# == 0 ]] || printf '%s\n' '[[forward]]' "$@" >>"$work/cadence.toml"
}
anew() { kept=$(mktemp -d "$work/kept.XXXXXX"); chown 65534:65534 "$kept"; }
standing() { jq -r '[.forwards[]? | "\(.standing) by \(.by // "nothing")"] | join(", ")' <<<"$report"; }
problem() { jq -r '[.forwards[]? | "\(.problem)"] | join(", ")' <<<"$report"; }
events() { jq -r 'select(.kind == "forward") | .phase' "$kept/history.jsonl" | paste -sd' '; }
# later SECONDS: what was last asked of the router about forwards was so much earlier.
later() {
  jq -c --argjson by "$1" '(.forwards.mappings[] | .asked, .looked | .since_boot_ms) |= ([. - $by * 1000, 1] | max)' \
    "$kept/state.json" >"$work/state"
  cat "$work/state" >"$kept/state.json"
  rm -f "$kept/counters"
}
granted() { jq -c '.forwards.mappings[0].asked.since_boot_ms' "$kept/state.json"; }
cadence() {
  code=0
  told=$(within client setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all --no-new-privs \
    env -i CADENCE_CONFIG="$work/cadence.toml" CLOUDFLARE_API_TOKEN=unused "$work/cadence" "$@" --state-dir "$kept" 2>"$work/errors") || code=$?
}

for way in PCP NAT-PMP UPnP; do
  echo "-- $way alone"
  start_router
  speaks "$way"
  anew
  forward 'internal = 51820'
  check "nobody gets in" nobody "$(reached)"
  cadence reconcile --dry-run --json
  check "a dry run opens nothing" "intended nobody" "$(head -n1 <<<"$told" | jq -r '.forwards[0].standing') $(reached)"
  cycle
  check "opened" "open by $way" "$(standing)"
  check "a datagram from the internet" "at home: hello" "$(reached)"
  before=$(granted)
  cycle
  # Of a router that started less than five minutes ago no clock tells another start, so it is asked each time.
  case $way in
    UPnP) check "it is not asked for each cycle" "$before" "$(granted)" ;;
    *) check "while it is young it is" yes "$( (($(granted) > before)) && echo yes)" ;;
  esac
  later 3700
  before=$(granted)
  cycle
  check "renewed at half of its time" yes "$( (($(granted) > before)) && echo yes)"
  check "which is no event" opened "$(events)"

  stop_router
  start_router
  speaks "$way"
  forget_flows
  check "the router started anew" nobody "$(reached)"
  [[ $way != UPnP ]] || later 310
  cycle
  check "open again in the next cycle" "open by $way, at home: hello" "$(standing), $(reached)"
  check "as is told" "opened lost opened" "$(events)"

  another_router
  start_router enable_upnp=yes enable_natpmp=yes secure_mode=yes http_port=5001
  within router nft flush table inet fault
  forget_flows
  check "another router" nobody "$(reached)"
  cycle
  check "open there too, by the way that it speaks" "at home: hello" "$(reached)"

  cadence forward --json
  check "cadence forward" "ok 0" "$(jq -r '.checks[0].result' <<<"$told") $code"
  check "which tells where it leads" yes "$([[ $told == *'leads to 192.168.77.2:51820'* ]] && echo yes || echo "$told")"
  cadence forward --remove --json
  check "cadence forward --remove" "udp 51820 to 192.168.77.2:51820 is removed 0" "$(jq -r '.checks[0].message' <<<"$told") $code"
  forget_flows
  check "and nobody gets in" nobody "$(reached)"
  cycle
  check "what is configured comes back" "at home: hello" "$(reached)"
  forward
  cycle
  forget_flows
  check "what is not goes" "nobody " "$(reached) $(standing)"
  check "and is forgotten" null "$(jq .forwards "$kept/state.json")"
  stop_router
done

echo "-- this host's address at home moves"
# moves TO: this host has that address now, and no other.
moves() {
  ip -n client addr flush dev c0 scope global
  ip -n client addr add "$1/24" dev c0
  ip -n client route replace default via 192.168.77.1
}
leads() { within router nft list table inet filter | grep -o 'dnat.* to 192.168.77.[0-9]*' | grep -o '192.*' | sort -u | paste -sd' ' || true; }
for way in PCP NAT-PMP UPnP; do
  for secure in yes no; do
    start_router enable_upnp=yes enable_natpmp=yes "secure_mode=$secure"
    case $way in
      PCP) within router nft flush table inet fault ;;
      # UPnP beside it tells who has the port.
      NAT-PMP) within router nft flush table inet fault; within router nft add rule inet fault in udp dport 5351 @th,64,8 2 drop ;;
      UPnP) speaks UPnP ;;
    esac
    anew
    forward 'internal = 51820'
    cycle
    moves 192.168.77.3
    cycle
    if [[ $secure == no ]]; then
      check "$way: the forward follows" "open by $way, 192.168.77.3" "$(standing), $(leads)"
      check "as is told" "opened lost opened" "$(events)"
      cadence forward --remove --json
      check "and is removed" "udp 51820 to 192.168.77.3:51820 is removed 0 " "$(jq -r '.checks[0].message' <<<"$told") $code $(leads)"
    else
      check "$way, where only the old address may end it" "failed by $way, 192.168.77.2" "$(standing), $(leads)"
      check "that is told" yes "$([[ $(problem) == *"still forwards udp 51820 to 192.168.77.2, which this host was before"* ]] && echo yes || problem)"
      cadence forward --remove --json
      check "what is left is not called removed" "1 192.168.77.2" "$code $(leads)"
      check "but what it is" yes "$([[ $told == *"is left: router 192.168.77.1 still forwards udp 51820 to 192.168.77.2"* ]] && echo yes || echo "$told")"
      moves 192.168.77.2
      later 3700
      cycle
      check "open again at the old address" "open by $way, 192.168.77.2" "$(standing), $(leads)"
    fi
    stop_router
    moves 192.168.77.2
    ip -n client addr add "$other/24" dev c0
  done
done
within router nft flush table inet fault

echo "-- somebody else has the port"
# by_other ACTION NAME=VALUE..: what that host asks the router for by UPnP.
by_other() {
  local action=$1 kind=urn:schemas-upnp-org:service:WANIPConnection:1 arguments
  shift
  arguments=$(for it in "$@"; do printf '<%s>%s</%s>' "${it%%=*}" "${it#*=}" "${it%%=*}"; done)
  within client curl -sf --interface "$other" -H "SOAPAction: \"$kind#$action\"" -H 'Content-Type: text/xml' http://192.168.77.1:5000/ctl/IPConn \
    -d "<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><u:$action xmlns:u=\"$kind\">$arguments</u:$action></s:Body></s:Envelope>" >/dev/null
}
for way in PCP NAT-PMP UPnP all; do
  start_router
  by_other AddPortMapping NewRemoteHost= NewExternalPort=51820 NewProtocol=UDP NewInternalPort=3074 NewInternalClient=$other NewEnabled=1 \
    NewPortMappingDescription=Console NewLeaseDuration=0
  [[ $way == all ]] || speaks "$way"
  anew
  forward 'internal = 51820'
  cycle
  named=$(problem)
  case $way in
    UPnP | all) expected='router 192.168.77.1 does not forward udp 51820: 192.168.77.9:3074 ("Console") has it' ;;
    *) expected='router 192.168.77.1 does not forward udp 51820: another host has it' ;;
  esac
  check "$way: taken" "taken, yes" "$(jq -r '.forwards[0].standing' <<<"$report"), $([[ $named == "$expected"* ]] && echo yes || echo "$named")"
  within router nft flush table inet fault
  kept_by=$(within router nft list chain inet filter prerouting_miniupnpd)
  check "$way: it is left alone" yes "$([[ $kept_by == *"192.168.77.9:3074"* && $kept_by != *192.168.77.2* ]] && echo yes || echo "$kept_by")"
  cadence status --check
  check "$way: a monitor is told" "1 yes" "$code $([[ $told == *"FORWARD udp 51820"* ]] && echo yes || echo "$told")"
  by_other DeletePortMapping NewRemoteHost= NewExternalPort=51820 NewProtocol=UDP
  [[ $way == all ]] || speaks "$way"
  cycle
  check "$way: it rests first" taken "$(jq -r '.forwards[0].standing' <<<"$report")"
  later 70
  cycle
  check "$way: once it is free it is ours" "open at home: hello" "$(jq -r '.forwards[0].standing' <<<"$report") $(reached)"
  within router nft flush table inet fault
  stop_router
done

echo "-- to another host"
for mode in yes no; do
  start_router enable_upnp=yes enable_natpmp=yes "secure_mode=$mode"
  anew
  forward 'internal = 51820' "host = \"$other\""
  cycle
  told=$([[ $(problem) == *"lets a host forward ports to itself alone"* ]] && echo "told so" || problem)
  case $mode in
    yes) check "secure mode forbids it" "refused, told so, nobody" "$(jq -r '.forwards[0].standing' <<<"$report"), $told, $(reached)" ;;
    no) check "without it that host is reached" "open by UPnP, at home: hello" "$(standing), $(reached)" ;;
  esac
  stop_router
done

echo "-- a router that refuses, and one that says nothing"
start_router
sed -i 's/^allow .*/deny 0-65535 192.168.77.0\/24 0-65535/' "$work/miniupnpd.conf"
stop_router
ip netns exec router miniupnpd -d -f "$work/miniupnpd.conf" >"$work/router.log" 2>&1 &
router_pid=$!
sleep 1
anew
forward 'internal = 51820'
cycle
told=$(problem)
check "refused" "yes" "$([[ $told == *"192.168.77.1"* && $(standing) != open* ]] && echo yes || echo "$(standing) $told")"
cadence check
check "with a fix" yes "$([[ $told == *"forward it there by hand"* ]] && echo yes || grep -A3 forward <<<"$told")"
stop_router
anew
cycle
check "silent" "intended by nothing" "$(standing)"
check "as is told" yes "$([[ $(problem) == *"answers by none of PCP, NAT-PMP and UPnP"* ]] && echo yes || problem)"
told_all
