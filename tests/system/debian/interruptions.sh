#!/bin/bash
# What comes between: a stop, a reload, a kill and a reboot, during a cycle and while the modem's power is off.
# As root: tests/system/debian/interruptions.sh SUITE PACKAGE WORLD
set -euo pipefail
# shellcheck source=tests/system/debian/host.sh
source "$(dirname "$(readlink -f "$0")")/host.sh"

# The shortest outage that counts, and no rest between attempts: the guardrails are tested elsewhere.
recovery() {
  printf '%s\n' '[policy]' 'waive = ["boot-grace-too-short", "cooldown-too-short"]' '[recovery]' 'enabled = true' 'cooldown = "0s"' \
    'expected_network_recovery = "10s"' 'escalation_buffer = "0s"' 'boot_grace = "0s"' 'max_attempts_per_outage = 10' 'max_attempts_per_day = 24' "$@"
}
outage=21 # twice that, as every failure is fast, and a second

is_whole() { inside cat "$state/state.json" | jq -e .uptime >/dev/null 2>&1 && echo whole || echo broken; }

# Leaves a cycle that waits for a world that does not answer.
begin_cycle() {
  kill -STOP "$world_pid"
  inside systemctl start --no-block cadence.service
  until_true 10 is_running || true
  sleep 0.5
}
go_on() {
  kill -CONT "$world_pid"
  until_true 60 is_over || true
}

a_cycle_can_be_stopped() {
  local before begun took
  before=$(total)
  begin_cycle
  begun=$(now)
  inside systemctl stop cadence.service
  took=$(since "$begun")
  go_on
  check_range "stop of a cycle" 0 10 "$took"
  check "how the service ended" "success inactive" "$(property Result) $(property ActiveState)"
  check "the state" whole "$(is_whole)"
  cycle
  check "the next cycle" "success 0 $((before + 1))" "$(result) $(total)"
}

a_cycle_outlives_a_reload() {
  local before pid
  before=$(total)
  begin_cycle
  pid=$(property MainPID)
  inside systemctl daemon-reload
  check "the cycle after daemon-reload" "activating $pid" "$(property ActiveState) $(property MainPID)"
  go_on
  check "how it ended" "success 0 $((before + 1))" "$(result) $(total)"
}

# By the timer alone: OnBootSec= and its delay are over, so that it starts one cycle now, and another after OnUnitInactiveSec=.
a_killed_cycle_is_followed_by_the_next() {
  local before killed
  ((SECONDS > 30)) || sleep $((30 - SECONDS))
  before=$(total)
  kill -STOP "$world_pid"
  inside systemctl start cadence.timer
  until_true 10 is_running || true
  inside systemctl kill --signal=KILL cadence.service
  until_true 10 is_over || true
  go_on
  killed=$(now)
  check "a killed cycle" "signal 9 $before whole" "$(result) $(total) $(is_whole)"
  until_true 140 has_more_cycles_than "$before" || true
  check_range "the timer starts another cycle" 120 138 "$(since "$killed")"
  check "which is" "success 0" "$(result)"
  inside systemctl stop cadence.timer
}

# The line is lost, for long enough.
lose_line() {
  world line down
  cycle
  sleep "$outage"
}
begin_power_cycle() {
  inside systemctl start --no-block cadence.service
  until_true 15 plug_is off || true
}
# What the plug did since the last look, and whether cadence owes it an on.
seen=0
look() {
  local all
  read -ra all < <(world plug)
  switched="${all[*]:$((seen + 1))}, dark=$(status .recovery.dark)"
  seen=$((${#all[@]} - 1))
}

a_stop_switches_on() {
  local begun took
  begin_power_cycle
  begun=$(now)
  inside systemctl stop cadence.service
  took=$(since "$begun")
  look
  check "stopped while the power was off" "off on, dark=false" "$switched"
  check_range "which took" 0 10 "$took"
  check "how the service ended" success "$(property Result)"
}

a_removal_switches_on() {
  begin_power_cycle
  inside apt-get remove -qq -y cadence >/dev/null 2>&1
  switched=$(world plug)
  check "the package is removed while the power is off" "on, nothing installed" \
    "${switched%% *}, $([[ -e $root/usr/bin/cadence ]] && echo a binary || echo nothing) installed"
  install_package /root/cadence.deb >/dev/null
  look
  check "what the plug did" "off on, dark=false" "$switched"
}

a_kill_is_made_good() {
  local pid
  # Not while the power is off, which is for half a minute only.
  repackage 9.0-1 root/newer.deb
  begin_power_cycle
  pid=$(property MainPID)
  inside systemctl daemon-reload
  install_package /root/newer.deb -o Dpkg::Options::=--force-confold >/dev/null
  look
  check "daemon-reload and an upgrade while the power is off" "off, dark=true activating $pid" \
    "$switched $(property ActiveState) $(property MainPID)"
  inside systemctl kill --signal=KILL cadence.service
  until_true 10 is_over || true
  look
  check "killed while the power is off" ", dark=true signal 9" "$switched $(result)"
  cycle
  look
  check "the next cycle begins with an on" "on" "${switched%%[, ]*}"
  # It may well have cut the power again after that: the line is still down.
  until_true 90 plug_is on || true
  look
}

a_program_switches_within_the_sandbox() {
  local off on
  off=$(world plug-urls | sed -n 's/^off_url = "http:\/\/\(.*\)"/\1/p') on=$(world plug-urls | sed -n 's/^on_url = "http:\/\/\(.*\)"/\1/p')
  cat >"$root/usr/local/bin/switch" <<PROGRAM
#!/bin/bash
case \$1 in off) url=$off ;; on) url=$on ;; *) exit 2 ;; esac
exec 3<>"/dev/tcp/\${url%%:*}/\$(cut -d : -f 2 <<<"\${url%%/*}")"
printf 'GET /%s HTTP/1.1\r\nHost: plug\r\nConnection: close\r\n\r\n' "\${url#*/}" >&3
grep -q done <&3
PROGRAM
  chmod 755 "$root/usr/local/bin/switch"
  local lines
  mapfile -t lines < <(recovery 'plug = "command"' 'program = "/usr/local/bin/switch"' 'off_time = "5s"')
  configure "${lines[@]}"
  cycle
  look
  check "a program of the operator's own as a plug" "off on, dark=false success 0" "$switched $(result)" \
    "$(inside journalctl -q -u cadence -n 20 -o cat)"
}

# An orderly reboot switches on before the system goes down; nothing else runs then.
a_reboot_switches_on() {
  begin_power_cycle
  shut_down_to_reboot
  check "the plug when the system was down for a reboot" "on" "$(world plug | cut -d ' ' -f 1)"
  boot
  look
  check "the power cycle that a reboot ended" "off on, dark=false" "$switched"
}

# With the timers enabled, nobody has to help.
a_power_loss_is_made_good() {
  local booted
  inside systemctl enable cadence.timer 2>/dev/null
  begin_power_cycle
  lose_power
  check "the plug when the host lost its own power" off "$(world plug | cut -d ' ' -f 1)"
  world line up
  boot
  booted=$(now)
  until_true 60 plug_is on || true
  check_range "switched on after the boot" 0 30 "$(since "$booted")"
  until_true 120 is_settled || true
  look
  check "after a power loss while the power was off" "off on, dark=false READY" "$switched $(status .readiness)"
}

a_reboot_keeps_what_is_known() {
  local total ready booted
  total=$(total) ready=$(status .uptime.ready)
  reboot
  booted=$(now)
  until_true 60 has_more_cycles_than "$total" || true
  check_range "the first cycle after the boot" 0 30 "$(since "$booted")"
  check "cycles, and those of them that were ready" "$((total + 1)) $((ready + 1))" "$(total) $(status .uptime.ready)"
  check "published" "${addresses[0]}" "$(world published)"
}

a_line_may_come_up_after_the_host() {
  local back
  plug_out
  world line down
  world address "${addresses[1]}"
  reboot
  # The servers of the world refuse on loopback, where a host without a route still gets to: silence, behind a router that lives.
  until_true 60 verdict_is WAN_DOWN || true
  check "booted without a link" "NOT_READY WAN_DOWN success" "$(status '[.readiness, .verdict] | join(" ")') $(property Result)"
  plug_in
  world line up
  back=$(now)
  until_true 120 published "${addresses[1]}" || true
  check_range "the link and the line come later: published" 0 95 "$(since "$back")"
  check "which is" "${addresses[1]}" "$(world published)"
}
verdict_is() { [[ $(status .verdict) == "$1" ]]; }

begin "$@"
install_package /root/cadence.deb >/dev/null
configure
give_token
cycle
cycle
cycle
check "settled" "READY ${addresses[0]}" "$(status .readiness) $(world published)"
a_cycle_can_be_stopped
a_cycle_outlives_a_reload
a_killed_cycle_is_followed_by_the_next

mapfile -t urls < <(world plug-urls)
mapfile -t lines < <(recovery 'plug = "http"' 'off_time = "60s"' "${urls[@]}")
configure "${lines[@]}"
lose_line
a_stop_switches_on
a_removal_switches_on
a_kill_is_made_good
a_program_switches_within_the_sandbox
configure "${lines[@]}"
a_reboot_switches_on
a_power_loss_is_made_good
a_reboot_keeps_what_is_known
a_line_may_come_up_after_the_host
end
