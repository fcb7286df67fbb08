#!/bin/bash
# A short life on a booted Debian, with the units' timers made quick: installed, first publish, an address change, an outage, removed.
# As root: tests/system/debian/short.sh SUITE PACKAGE WORLD
set -euo pipefail
# shellcheck source=tests/system/debian/host.sh
source "$(dirname "$(readlink -f "$0")")/host.sh"

# quick UNIT LINE..: a drop-in that replaces the times of a timer.
quick() {
  local folder=$root/etc/systemd/system/$1.d
  mkdir -p "$folder"
  printf '%s\n' '[Timer]' OnBootSec= "${@:2}" RandomizedDelaySec=1s >"$folder/quick.conf"
}
unit_states() { inside systemctl show --property=ActiveState --value "${units[@]}" | xargs; }

begin "$@"
said=$(install_package /root/cadence.deb) || echo "$said"
check "units after the installation" "inactive inactive inactive inactive" "$(unit_states)"
configure
give_token
quick cadence.timer OnActiveSec=1s OnUnitInactiveSec=8s
quick cadence-fast.timer OnActiveSec=2s
inside systemctl daemon-reload

start=$(cursor)
inside systemctl enable --now cadence.timer 2>/dev/null
until_true 40 published "${addresses[0]}" || true
check "published" "${addresses[0]}" "$(world published)"
until_true 30 is_settled || true
check "settled" READY "$(status .readiness)"

world address "${addresses[1]}"
until_true 40 published "${addresses[1]}" || true
check "published after a change" "${addresses[1]}" "$(world published)"
until_true 30 is_settled || true

world line down
until_true 30 readiness_is NOT_READY || true
check "the outage is seen" "NOT_READY WAN_DOWN" "$(status '[.readiness, .verdict] | join(" ")')"
world line up
until_true 30 is_settled || true
check "settled once the line is back" READY "$(status .readiness)"
check "written" 2 "$(world writes)"
check "cycles that failed" 0 "$(journal "$start" | jq -r 'select(.JOB_RESULT == "failed") | .MESSAGE' | wc -l)"
check "what the history tells" "address converged outage readiness record" \
  "$(inside cadence history --json | jq -rs '[.[].kind] | unique | join(" ")')"

inside apt-get remove -qq -y cadence >/dev/null 2>&1
check "units after the removal" "inactive inactive inactive inactive" "$(unit_states)"
check "the binary" "" "$(find "$root/usr/bin" -name cadence)"
check "the state is kept" state.json "$(find "$root$state" -name state.json -printf '%f')"
end
