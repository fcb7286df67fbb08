# shellcheck shell=bash
# shellcheck disable=SC2154 # $work is of internet.sh
# The router of home.sh as a real one that forwards ports (miniupnpd), and another one in its place. Sourced after internet.sh.

# What it forwards is in these chains alone: rules go with the router. What else comes from the internet it drops, as home routers do: a flow that
# it refused would keep the same flow from being forwarded later.
rules() {
  within router nft delete table inet filter 2>/dev/null || true
  within router nft -f - <<'RULES'
table inet filter {
  chain miniupnpd { }
  chain prerouting_miniupnpd { }
  chain postrouting_miniupnpd { }
  chain into { type nat hook prerouting priority dstnat; jump prerouting_miniupnpd; }
  chain here { type filter hook input priority 0; iifname "w0" ct state new drop; }
  chain through { type filter hook forward priority 0; jump miniupnpd; }
}
RULES
}
# start_router [LINE..]: one that has no forward, and speaks everything unless told otherwise; when this returns it answers on its ports.
start_router() {
  local ready='sport = :5351'
  (($#)) || set -- enable_upnp=yes enable_natpmp=yes secure_mode=yes
  [[ " $* " == *" enable_natpmp=yes "* ]] || ready='sport = :1900'
  rules
  cat >"$work/miniupnpd.conf" <<CONF
ext_ifname=w0
listening_ip=r0
http_port=5000
uuid=00000000-0000-0000-0000-000000000001
allow 1024-65535 192.168.77.0/24 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
$(printf '%s\n' "$@")
CONF
  within router ip route replace 239.0.0.0/8 dev r0
  ip netns exec router miniupnpd -d -f "$work/miniupnpd.conf" >"$work/router.log" 2>&1 &
  router_pid=$!
  for _ in {1..100}; do
    [[ -z $(within router ss -Hlun "$ready") ]] || return 0
    kill -0 "$router_pid"
    sleep 0.05
  done
  cat "$work/router.log"
  return 1
}
stop_router() { kill "$router_pid"; wait "$router_pid" 2>/dev/null || true; }
# forget_flows: what went through the router before is not let through by that.
forget_flows() { within router conntrack -F 2>/dev/null; }
# another_router: its hardware address is another, and so will be its forwards, which are none.
another_router() {
  stop_router
  ip -n router link set r0 down
  ip -n router link set r0 address "02:00:00:00:00:$((RANDOM % 90 + 10))"
  ip -n router link set r0 up
  heal
  forget_flows
}
# renumber ADDRESS: the ISP gives another address, and the servers see that.
renumber() {
  ip -n router -4 addr flush dev w0
  add router w0 "$1/24"
  ip -n router route replace default via 11.22.33.1
  forget_flows
  ip -n internet neigh flush all
  tell_addresses "$1" "${2:-2606:2800:220:1:248:1893:25c8:1946}"
}
