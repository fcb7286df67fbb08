#!/bin/bash
# The real timers at their real intervals, measured from the journal: first publish, address change, outage, quiet cycles.
# As root: tests/system/debian/timers.sh SUITE PACKAGE WORLD
set -euo pipefail
# shellcheck source=tests/system/debian/host.sh
source "$(dirname "$(readlink -f "$0")")/host.sh"
begin "$@"

install_package /root/cadence.deb >/dev/null
configure
give_token
start=$(cursor)
enabled=$(now)
inside systemctl enable --now cadence.timer 2>/dev/null

until_true 75 published "${addresses[0]}" || true
check "published after enable --now (in $(since "$enabled") s)" "${addresses[0]}" "$(world published)"
until_true 60 is_settled || true
check "settled after $(since "$enabled") s" READY "$(status .readiness)"

world address "${addresses[1]}"
changed=$(now)
until_true 180 published "${addresses[1]}" || true
check_range "an address change is published" 0 180 "$(since "$changed")"
check "what is published" "${addresses[1]}" "$(world published)"

world line down
lost=$(now)
until_true 60 readiness_is NOT_READY || true
check "the outage is seen after $(since "$lost") s" "NOT_READY WAN_DOWN" "$(status '[.readiness, .verdict] | join(" ")')"
until_true 100 has_more_cycles_than $(($(total) + 1)) || true
world line up
back=$(now)
until_true 120 is_settled || true
check "settled $(since "$back") s after the line is back" READY "$(status .readiness)"

# Units that only now have become inactive may still say so.
sleep 3
quiet=$(cursor)
until_true 140 has_more_cycles_than "$(total)" || true
sleep 3
check "lines in the journal from two minutes of quiet, with one cycle" 1 "$(journal "$quiet" | wc -l)" "$(messages "$quiet")"
check "its priority is notice" 5 "$(journal "$quiet" | jq -r .PRIORITY)"
check_words "it is the cycle's summary" "$(messages "$quiet")" NET_HEALTH HEALTHY READY uptime=

# From the end of each cycle, its last line, to the beginning of the next, loop_ms before that: what the one announced as `next`
# says which timer was due. The random delay and a second of accuracy are in the range, and a moment to start a process.
fast=0 slow=0
while read -r next gap readiness; do
  if ((next < 60)); then
    fast=$((fast + 1))
    check_range "fast timer, after a cycle that left $readiness" 30 42 "$gap"
  else
    slow=$((slow + 1))
    check_range "main timer, after a cycle that left $readiness" 120 132 "$gap"
  fi
done < <(journal "$start" | jq -rs '
  [.[] | select(.MESSAGE | test("subsystem=NET_HEALTH")) | {
    end: (.__REALTIME_TIMESTAMP | tonumber / 1000000),
    loop: (.MESSAGE | capture("loop_ms=(?<ms>[0-9]+)").ms | tonumber / 1000),
    next: (.MESSAGE | capture("next=(?<s>[0-9]+)s").s),
    readiness: (.MESSAGE | capture("readiness=(?<word>[A-Z_]+)").word)}] as $cycles
  | range(1; $cycles | length) | $cycles[. - 1] as $one | $cycles[.] as $other
  | "\($one.next) \(($other.end - $other.loop - $one.end) * 100 | round / 100) \($one.readiness)"')
noise=$(journal "$start" | jq -r 'select((.UNIT // "") | test("timer|path")) | .MESSAGE' | wc -l)
echo "       lines of the timer and path units, while unsettled: $noise in $((fast + slow + 1)) cycles"
check "fast gaps, of 6 at least" yes "$( ((fast >= 6)) && echo yes || echo "$fast")"
check "main gaps, of 2 at least" yes "$( ((slow >= 2)) && echo yes || echo "$slow")"
end
