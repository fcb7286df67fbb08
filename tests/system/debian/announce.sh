#!/bin/bash
# A router (the real miniupnpd) that announces its new external address wakes a booted Debian: at once, by no daemon, and a flood only delays it.
# As root: tests/system/debian/announce.sh SUITE PACKAGE WORLD. Needs miniupnpd-nftables.
set -euo pipefail
# shellcheck source=tests/system/debian/host.sh
source "$(dirname "$(readlink -f "$0")")/host.sh"
command -v miniupnpd >/dev/null || { echo "$0: needs miniupnpd" >&2; exit 77; }

begin "$@"
# The other end of the link is a router's.
ip netns add router
ip link set wall netns router
within() { ip netns exec "$@"; }
within router ip link set lo up
within router ip addr add 192.168.77.1/24 dev wall
within router ip link set wall up
within router ip link add w0 type veth peer name isp
within router ip link set isp up
within router ip link set w0 up
within router ip route add 224.0.0.0/4 dev wall
renumber() { within router ip -4 addr flush dev w0; within router ip addr add "$1/24" dev w0; }
renumber 11.22.33.44
miniupnpd_table | within router nft -f -
cat >"$work/miniupnpd.conf" <<'CONF'
ext_ifname=w0
listening_ip=wall
enable_natpmp=yes
enable_upnp=yes
http_port=5000
uuid=00000000-0000-0000-0000-000000000001
deny 0-65535 0.0.0.0/0 0-65535
CONF
ip netns exec router miniupnpd -d -f "$work/miniupnpd.conf" >"$work/router.log" 2>&1 &
router=$!

install_package /root/cadence.deb >/dev/null
configure
give_token
# The normal interval is too long to be what wakes it here; the fast one is as shipped.
mkdir -p "$root/etc/systemd/system/cadence.timer.d"
printf '%s\n' '[Timer]' OnBootSec= OnActiveSec=1s OnUnitInactiveSec=1h >"$root/etc/systemd/system/cadence.timer.d/slow.conf"
inside systemctl daemon-reload
check "the socket is there and not enabled" disabled "$(inside systemctl is-enabled cadence-announce.socket || true)"
inside systemctl enable --now cadence.timer 2>/dev/null
inside systemctl enable --now cadence-announce.socket 2>/dev/null
until_true 120 is_settled || true
check "settled" "READY ${addresses[0]}" "$(status .readiness) $(world published)"
is_quiet() { [[ $(property ActiveState cadence-announce.service) == inactive ]] && ! is_running; }
until_true 60 is_quiet || true

heard=$(cursor)
cycles() { journal "$heard" | jq -r 'select(.MESSAGE | test("subsystem=NET_HEALTH")) | .MESSAGE' | grep -c . || true; }
world address "${addresses[1]}"
changed=$(now)
renumber 11.22.33.77
until_true 60 published "${addresses[1]}" || true
# A moment to hear it, one fast interval with its jitter and accuracy for the confirmation, and two cycles.
check_range "from the announcement to the write" 30 46 "$(since "$changed")"
check "what is published" "${addresses[1]}" "$(world published)"
first=$(journal "$heard" | jq -r 'select(.MESSAGE | test("subsystem=NET_HEALTH")) | .MESSAGE' | head -n 1)
check_words "the cycle says why it ran" "$first" started_by=announcement PROBING
until_true 60 is_settled || true
until_true 60 is_quiet || true

# A thousand datagrams a second, for longer than it is deaf twice.
heard=$(cursor)
# shellcheck disable=SC2016 # in the router
within router timeout 70 bash -c 'exec 3>/dev/udp/224.0.0.1/5350
  while :; do for i in {1..50}; do printf x >&3 || true; done; sleep 0.05; done' 2>/dev/null || true
made=$(cycles)
check "cycles in 70 s of a flood, 2 to 4" yes "$( ((made >= 2 && made <= 4)) && echo yes || echo "$made")" "$(messages "$heard")"
check "the socket after it" active "$(property ActiveState cadence-announce.socket)"
until_true 60 is_quiet || true
sleep 1
heard=$(cursor)
within router bash -c 'printf x >/dev/udp/224.0.0.1/5350'
has_heard() { (($(cycles) > 0)); }
until_true 10 has_heard || true
check "one announcement after it" 1 "$(cycles)"

inside systemctl stop cadence.timer
check "what stops with the timer" inactive "$(property ActiveState cadence-announce.socket)"
inside systemctl start cadence.timer
check "what starts with it" active "$(property ActiveState cadence-announce.socket)"
check "exposure of the service" yes \
  "$(inside systemd-analyze security cadence-announce.service | awk '/Overall exposure level/ {print ($(NF-2) <= 1.5 ? "yes" : $0)}')"
kill "$router"
inside apt-get remove -qq -y cadence >/dev/null 2>&1
check "after the removal" "inactive inactive" "$(property ActiveState cadence-announce.socket) $(property ActiveState cadence-announce.service)"
end
