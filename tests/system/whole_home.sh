#!/bin/bash
# A whole home, with everything switched on that is optional: a host on a UPS, a modem on a smart plug, a router that forwards a port, a VPN behind
# it, and somebody outside who knows it by name. The address changes, the router is replaced, the mains fail, the modem hangs; nobody does anything.
# As root: tests/system/whole_home.sh BINARY. Needs conntrack, iproute2, nftables, jq, openssl, perl, python3, miniupnpd-nftables,
# nut-client, nut-server, wireguard-go, wireguard-tools.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/system/internet.sh
source "$here/internet.sh"
# shellcheck source=tests/system/miniupnpd.sh
source "$here/miniupnpd.sh"
# shellcheck source=tests/system/tunnel.sh
source "$here/tunnel.sh"
# shellcheck source=tests/system/nut.sh
source "$here/nut.sh"
# shellcheck source=tests/system/modem.sh
source "$here/modem.sh"
alone "$@"
for it in conntrack miniupnpd python3 upsc upsrw wireguard-go wg; do command -v "$it" >/dev/null || { echo "$0: needs $it" >&2; exit 77; }; done
[[ -e $reresolve ]] || { echo "$0: needs $reresolve" >&2; exit 77; }
make_whole_home "${1:?the binary to test}"
report='{"elapsed_ms": 0}'
kept=$(mktemp -d "$work/kept.XXXXXX")
whole_home >"$work/cadence.toml"

now() { date +%s%3N; }
seconds() { awk -v ms="$1" 'BEGIN {printf "%.1f", ms / 1000}'; }
# written: every address of the name that was ever written, in order.
written() { grep -v : "$work/changes" | paste -sd' '; }
guardrail() { jq -r '"\(.recovery.outcome): \(.recovery.reason)"' <<<"$report"; }
# A cycle follows the other, and the timer of the other end does what it does every two seconds, until that one gets in: as in most homes nobody
# does anything. Leaves the time since $begun in $took, and the number of cycles in $cycles.
until_inside() {
  cycles=0
  until [[ $(gets_in 1) == inside ]]; do
    ((cycles < 20)) || break
    cycle
    cycles=$((cycles + 1))
  done
  took=$(($(now) - begun))
  check "somebody outside is in again, by name" inside "$(gets_in)"
  echo "     after $(seconds $took) s and $cycles cycles"
}
# What a home that is well looks like.
all_is_well() {
  for _ in 1 2 3 4; do cycle; [[ $(verdict) != yes* ]] || break; done
  check "the verdict" "HEALTHY yes" "$(jq -r .verdict <<<"$report") $(verdict | cut -d, -f1)"
}
no_cut() { check "the power was never cut" 0 "$(cuts)"; }

echo "-- a home that is set up"
cycle
cycle
check "published" "11.22.33.44 2606:2800:220:7::1234" "$(paste -sd' ' "$work/changes")"
all_is_well
(while sleep 2; do look_up_anew || true; done) 2>/dev/null &
peer "$(where):51820"
check "somebody outside gets in" inside "$(gets_in)"
cadence check
check "check finds nothing" 0 "$code"
[[ $code == 0 && $said != *" fail "* ]] || printf '%s\n' "$said"
cadence metrics
check "metrics tell of each part" "1 1 0" "$(awk '/^cadence_(ups_on_battery|vpn_reachable|forward_open)/ {print $NF}' <<<"$said" | paste -sd' ')"

echo "-- the address changes"
sleep 12
dial 11.22.33.77 2606:2800:221:1
begun=$(now)
check "nobody gets in" outside "$(gets_in)"
until_inside
check "published" "11.22.33.77 2606:2800:221:7::1234" "$(tail -n2 "$work/changes" | sort | paste -sd' ')"
all_is_well
no_cut

echo "-- the router is replaced by another one, which has no forward"
sleep 12
another_router
dial 11.22.33.77 2606:2800:221:1
start_router
begun=$(now)
check "nobody gets in" outside "$(gets_in)"
until_inside
all_is_well
no_cut

echo "-- the mains fail, the UPS holds, and the line goes down"
set_to OB
hang
begun=$(now)
reasons=() cycles=0
# Twice as long as a line may take to come back, were most of its failures fast.
until (($(now) - begun > 60000)); do
  cycle
  cycles=$((cycles + 1))
  reasons+=("$(guardrail)")
done
check "the line" WAN_DOWN "$(jq -r .verdict <<<"$report")"
check "each cycle says why nothing is cut" "suppressed: the UPS is on battery: what the modem lacks may be the mains" \
  "$(printf '%s\n' "${reasons[@]:1}" | sort -u)"
no_cut
echo "     for $(seconds $(($(now) - begun))) s and $cycles cycles, of a patience of 15 s"
set_to OL
# The clock of this boot goes on, by a time namespace: nobody waits for it.
for later in 0 200 400 600 800; do
  cycle
  [[ $(guardrail) == "suppressed: the mains came back recently"* ]] || break
done
check "until 15 minutes after they are back" "suppressed: the mains came back recently" "$(guardrail | cut -d, -f1)"
no_cut
later=920
cadence reconcile --dry-run --json
check "and then it would be" "suppressed: dry run: all guardrails pass, and the modem's power would be cut now" "$(report=$(head -n1 <<<"$said") guardrail)"
go_on
begun=$(now)
until_inside
all_is_well
no_cut

echo "-- the modem hangs behind a living router, and dials anew when it starts"
sleep 12
hang
begun=$(now) cycles=0
until (($(cuts))); do ((cycles < 20)) || break; cycle; cycles=$((cycles + 1)); done
check "the power is cut, and is back" "off on" "$(cut -d' ' -f1 "$work/power" | paste -sd' ')"
check "the cycle says so" "completed: null" "$(guardrail)"
read -r _ off <"$work/power"
on=$(sed -n '2s/.* //p' "$work/power")
echo "     cut after $(seconds $((off - begun))) s and $cycles cycles, off for $(seconds $((on - off))) s"
until_inside
all_is_well
check "once" 1 "$(cuts)"
cadence history --kind recovery --json
check "the history" "started completed helped" "$(jq -r .phase <<<"$said" | paste -sd' ')"

check "what was published in all, and nothing false" "11.22.33.44 11.22.33.77 11.22.33.88" "$(written)"
told_all
