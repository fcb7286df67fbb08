#!/bin/bash
# The whole home of whole_home.sh, whose host is a booted Debian with the package: its timers drive the cycles, made quick, in the sandbox of its units.
# As root: tests/system/debian/whole.sh SUITE PACKAGE WORLD. Needs what whole_home.sh needs.
set -euo pipefail
here=$(dirname "$(dirname "$(readlink -f "$0")")")
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
# Of what two of them have the last one counts.
# shellcheck source=tests/system/debian/host.sh
source "$here/debian/host.sh"
alone "$@"
for it in conntrack miniupnpd python3 upsc upsrw wireguard-go wg; do command -v "$it" >/dev/null || { echo "$0: needs $it" >&2; exit 77; }; done
set -E
trap 'echo "FAILED line $LINENO of ${BASH_SOURCE##*/}: $BASH_COMMAND" >&2' ERR

# quick UNIT LINE..: a drop-in that replaces the times of a timer.
quick() {
  local folder=$root/etc/systemd/system/$1.d
  mkdir -p "$folder"
  printf '%s\n' '[Timer]' OnBootSec= "${@:2}" RandomizedDelaySec=1s >"$folder/quick.conf"
}
is_inside() { [[ $(gets_in 1) == inside ]]; }
is_well() { [[ $(status '[.readiness, .verdict, .vpn.reach] | join(" ")') == "READY HEALTHY yes" ]]; }
# measured WHAT: how long it takes until somebody outside is in, since $begun, and until all is well.
measured() {
  until_true 120 is_inside || true
  check "$1: somebody outside is in again after $(since "$begun") s" inside "$(gets_in)"
  until_true 60 is_well || true
  check "$1: what status says" "READY HEALTHY yes" "$(status '[.readiness, .verdict, .vpn.reach] | join(" ")')"
}

make_whole_home /bin/true

root=$work/root
mkdir "$root"
zstd -qdc "$(packed_root "$1" "$root_packages")" | tar --numeric-owner --xattrs -C "$root" -xpf -
cp "$2" "$root/root/cadence.deb"
# shellcheck disable=SC2034 # of lab.sh
network=/run/netns/client
boot
said=$(install_package /root/cadence.deb) || echo "$said"
# shellcheck disable=SC2034 # of modem.sh
etc=/etc/cadence kept=$state
whole_home >"$root/etc/cadence/cadence.toml"
cp "$work/ca.pem" "$root/etc/cadence/ca.pem"
for it in cloudflare.token plug.password; do
  echo secret >"$root/root/it"
  inside install -m 0640 -o root -g cadence /root/it "/etc/cadence/$it"
done
quick cadence.timer OnActiveSec=1s OnUnitInactiveSec=8s
quick cadence-fast.timer OnActiveSec=2s
inside systemctl daemon-reload
inside systemctl enable --now cadence.timer 2>/dev/null
until_true 60 is_well || true
check "a home that is set up" "READY HEALTHY yes" "$(status '[.readiness, .verdict, .vpn.reach] | join(" ")')"
(while sleep 2; do look_up_anew || true; done) >/dev/null 2>&1 &
peer "$(where):51820"
check "somebody outside gets in" inside "$(gets_in)"

sleep 12
dial 11.22.33.77 2606:2800:221:1
begun=$(now)
measured "the address changes"

sleep 12
another_router
dial 11.22.33.77 2606:2800:221:1
start_router
begun=$(now)
measured "another router"
check "the power was never cut" 0 "$(cuts)"

sleep 12
hang
begun=$(now)
has_cut() { (($(cuts))); }
until_true 120 has_cut || true
check "the modem hangs: its power is cut after $(since "$begun") s" 1 "$(cuts)"
measured "the modem hangs"
check "once" "off on" "$(cut -d' ' -f1 "$work/power" | paste -sd' ')"

set_to OB
on_battery() { [[ $(status .ups.on_battery) == true ]]; }
until_true 30 on_battery || true
hang
sleep 60
check "on battery, the line is down for a minute" "WAN_DOWN the UPS is on battery: what the modem lacks may be the mains" \
  "$(status '[.verdict, .recovery.guardrail] | join(" ")')"
set_to OL
sleep 20
check "and after that" "the mains came back recently" "$(status .recovery.guardrail | cut -d, -f1)"
go_on
begun=$(now)
measured "the line is back"
check "the power was cut no more" 1 "$(cuts)"
check "what was published in all, and nothing false" "11.22.33.44 11.22.33.77 11.22.33.88" "$(grep -v : "$work/changes" | paste -sd' ')"
inside systemctl stop cadence.timer
power_off
summary
