#!/bin/bash
# A second line or account beside the first: cadence@office, with a world, a state and secrets of its own.
# As root: tests/system/debian/instance.sh SUITE PACKAGE WORLD
set -euo pipefail
# shellcheck source=tests/system/debian/host.sh
source "$(dirname "$(readlink -f "$0")")/host.sh"

own_units=(cadence@office.service cadence@office.timer cadence-fast@office.path cadence-fast@office.timer)
own_state=$state-office
second() { "$world_program" "$work/second" "$@"; }
start_second_world() {
  mkdir "$work/second"
  "$world_program" "$work/second" &
  second_pid=$!
  until [[ -S $work/second/socket ]]; do kill -0 "$second_pid"; sleep 0.05; done
}
# configure_own [LINE..]: as the manual says, with these lines after it.
configure_own() {
  sed -e 's#/etc/cadence/cloudflare.token#/etc/cadence/office.token#' -e 's/^\[network\]$/&\ninterface = "lo"/' "$work/second/cadence.toml" \
    >"$root/etc/cadence/office.toml"
  (($# == 0)) || printf '%s\n' "$@" >>"$root/etc/cadence/office.toml"
}
give_own_token() {
  cp "$work/second/token" "$root/root/token"
  inside install -m 0640 -o root -g cadence /root/token /etc/cadence/office.token
}
# quick UNIT LINE..: a drop-in that replaces the times of a timer.
quick() {
  mkdir -p "$root/etc/systemd/system/$1.d"
  printf '%s\n' '[Timer]' OnBootSec= "${@:2}" RandomizedDelaySec=1s >"$root/etc/systemd/system/$1.d/quick.conf"
}
own() { inside cadence --config /etc/cadence/office.toml --state-dir "$own_state" "$@"; }
own_status() { own status --json | jq -r "$1"; }
own_published() { [[ $(second published) == "$1" ]]; }
own_is() { [[ $(own_status .readiness) == "$1" ]]; }
own_has_more_cycles_than() { (($(own_status .uptime.total) > $1)); }
own_is_idle() { [[ $(property ActiveState cadence@office.service) =~ ^(inactive|failed)$ ]]; }
own_is_settled() { own_is READY && [[ ! -e $root$own_state/unsettled ]] && own_is_idle; }
own_cycle() { inside systemctl start cadence@office.service 2>/dev/null || true; }
states() { inside systemctl show --property=ActiveState --value "$@" | xargs; }
own_journal() { local units=("${own_units[@]}"); messages "$1"; }

begin "$@"
start_second_world
install_package /root/cadence.deb >/dev/null
check "systemd-analyze verify" "" "$(inside systemd-analyze verify --recursive-errors=yes "${own_units[@]}" 2>&1)"
exposure=$(inside systemd-analyze security --no-pager cadence@office.service | sed -n 's/.*level for .*: \([0-9.]*\).*/\1/p')
check "systemd-analyze security: $exposure, at most 1.5" yes "$(awk -v found="${exposure:-9}" 'BEGIN {print found <= 1.5 ? "yes" : "no"}')"
configure
give_token

before=$(cursor)
own_cycle
check "without a configuration" "exit-code 78" \
  "$(property Result cadence@office.service) $(property ExecMainStatus cadence@office.service)" "$(own_journal "$before")"
check_words "it" "$(own_journal "$before")" "/etc/cadence/office.toml does not exist" \
  "cadence --config /etc/cadence/office.toml --state-dir $own_state init"
configure_own
before=$(cursor)
own_cycle
check "without a token" "exit-code 77" "$(property Result cadence@office.service) $(property ExecMainStatus cadence@office.service)"
check_words "it" "$(own_journal "$before")" /etc/cadence/office.token
give_own_token

second address "${addresses[1]}"
for unit in cadence.timer cadence@.timer; do quick $unit OnActiveSec=1s OnUnitInactiveSec=8s; done
for unit in cadence-fast.timer cadence-fast@.timer; do quick $unit OnActiveSec=2s; done
inside systemctl daemon-reload
inside systemctl enable --now cadence.timer cadence@office.timer 2>/dev/null
until_true 40 published "${addresses[0]}" || true
until_true 40 own_published "${addresses[1]}" || true
check "published by both" "${addresses[0]} ${addresses[1]}" "$(world published) $(second published)"
until_true 30 is_settled || true
until_true 30 own_is_settled || true
check "the instance" "READY HEALTHY" "$(own_status '[.readiness, .verdict] | join(" ")')"
check "the two states" "cadence:cadence 755 $state
cadence:cadence 755 $own_state" "$(inside stat -c '%U:%G %a %n' "$state" "$own_state")"
check "addresses in the two states" "${addresses[0]} ${addresses[1]}" \
  "$(status .public_ip.ipv4.address) $(own_status .public_ip.ipv4.address)"

check_words "check, of the instance" "$(own check --json | jq -r '.checks[] | select(.check == "units" or .check == "host").message')" \
  "not checked: this host's cycles use /etc/cadence/cadence.toml" "lo has a link"

# The fast interval is the instance's alone.
second line down
until_true 30 own_is NOT_READY || true
check "an outage of its line" "NOT_READY READY" "$(own_status .readiness) $(status .readiness)"
cycles=$(own_status .uptime.total)
begun=$(now)
until_true 30 own_has_more_cycles_than $((cycles + 2)) || true
check_range "three cycles more, at 2 to 4 s each" 4 14 "$(since "$begun")"
check "the fast interval of the first" "no file, inactive" \
  "$([[ -e $root$state/unsettled ]] && echo a file || echo no file), $(property ActiveState cadence-fast.timer)"
second line up
until_true 30 own_is_settled || true
sleep 1
check "once its line is back" "READY inactive" "$(own_status .readiness) $(property ActiveState cadence-fast@office.timer)"

inside systemctl stop cadence@office.timer
until_true 20 own_is_idle || true
check "its units, stopped" "inactive inactive inactive inactive" "$(states "${own_units[@]}")"
check "the timer and the path of the first" "active active" "$(states cadence.timer cadence-fast.path)"

# Its password, and not that of the first.
mapfile -t lines < <(second lock-plug a-long-password)
configure_own '[recovery]' "${lines[@]}"
mkdir "$root/etc/systemd/system/cadence@office.service.d"
printf '%s\n' '[Service]' ExecStart= 'ExecStart=/usr/bin/cadence probe --json --only plug' StandardOutput=truncate:/root/probe.json \
  >"$root/etc/systemd/system/cadence@office.service.d/probe.conf"
inside systemctl daemon-reload
plug_answers() { own_cycle; jq -r '.signals[].ok' "$root/root/probe.json"; }
install -m 0640 <(echo a-long-password) "$root/etc/cadence/plug.password"
check "its plug, with the password in plug.password" false "$(plug_answers)"
install -m 0640 <(echo a-long-password) "$root/etc/cadence/office.password"
check "its plug, with the password in office.password" true "$(plug_answers)"
rm -r "$root/etc/systemd/system/cadence@office.service.d" "$root"/etc/cadence/*.password
configure_own
inside systemctl daemon-reload

inside systemctl start cadence@office.timer
begun=$(inside systemctl show --value --property ActiveEnterTimestampMonotonic cadence@office.timer)
repackage 9.0-1 root/newer.deb
said=$(install_package /root/newer.deb -o Dpkg::Options::=--force-confold) || echo "$said"
check "its timer and path after an upgrade" "active active" "$(states "${own_units[1]}" "${own_units[2]}")"
check "which were started anew" yes \
  "$( (($(inside systemctl show --value --property ActiveEnterTimestampMonotonic cadence@office.timer) > begun)) && echo yes || echo no)"
inside apt-get remove -qq -y cadence >/dev/null 2>&1
check "all units after the removal" "inactive inactive inactive inactive inactive inactive inactive inactive" "$(states "${units[@]}" "${own_units[@]}")"
install_package /root/cadence.deb >/dev/null
check "the timers after another installation" "active active" "$(states cadence.timer cadence@office.timer)"
rm -r "$root"/etc/systemd/system/cadence*.d
rm "$root/etc/cadence/office.toml"
own_cycle
until_true 20 own_is_idle || true
check "a cycle that fails before the purge" failed "$(property ActiveState cadence@office.service)"
mkdir "$root/var/lib/cadence-other"
inside apt-get purge -qq -y cadence >/dev/null 2>&1
check "paths after a purge, with somebody else's folder" "/var/lib/cadence-other" \
  "$(find "$root"/etc "$root"/usr "$root"/var/lib -name '*cadence*' ! -path '*/dpkg/*' ! -path '*/systemd/timers/*' | sed "s#^$root##")"
check "units that systemd remembers" "" "$(inside systemctl list-units --all --no-legend 'cadence*')"
kill -KILL "$second_pid"; wait "$second_pid" 2>/dev/null || true
end
