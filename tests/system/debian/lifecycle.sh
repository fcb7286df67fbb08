#!/bin/bash
# The life of the package on a host: install, configure, use, upgrade, downgrade, remove, purge.
# As root: tests/system/debian/lifecycle.sh SUITE PACKAGE WORLD
set -euo pipefail
# shellcheck source=tests/system/debian/host.sh
source "$(dirname "$(readlink -f "$0")")/host.sh"

# Every path of the host, without what dpkg, apt and the journal keep of their own.
files() {
  find "$root" -xdev -printf '/%P\n' |
    grep -Ev '^/(root|var/log|var/tmp|var/cache|var/lib/(dpkg|apt|systemd/(timers|random-seed))|etc/(passwd|group|shadow|gshadow)-)(/|$)' | sort
}
owners() { inside stat -c '%U:%G %a %n' "$@"; }
# Whether each unit is active, and whether it is enabled.
unit_states() { inside systemctl show --property=UnitFileState,ActiveState --value "${units[@]}" | xargs; }
# shellcheck disable=SC2016 # dpkg's variable
version() { inside dpkg-query -W -f '${Version}' cadence 2>/dev/null; }
# As a user who is nobody.
as_user() { inside setpriv --reuid 1234 --regid 1234 --clear-groups env -i PATH=/usr/bin:/bin "$@" 2>&1; }
foreign_state() { find "$root$state" ! \( -user "$(inside id -u cadence)" -group "$(inside id -g cadence)" \); }
configuration() { inside sha256sum /etc/cadence/cadence.toml /etc/cadence/cloudflare.token | cut -c 1-8 | xargs; }
# Whether the state still has so many cycles. The timer may have added one.
counts() { local found; found=$(total) && ((found >= $1)) && echo kept || echo "${found:-lost}"; }

a_first_installation_starts_nothing() {
  local before
  before=$(cursor)
  said=$(install_package /root/cadence.deb) || echo "$said"
  check "units after the installation" "inactive static inactive disabled inactive static inactive static" "$(unit_states)"
  check "lines of the units in the journal" 0 "$(journal "$before" | wc -l)"
  check "warnings in the journal" "" "$(inside journalctl -q --after-cursor "$before" -p warning -o cat)"
  check "the user" "cadence /var/lib/cadence /usr/sbin/nologin" "$(inside getent passwd cadence | cut -d : -f 1,6,7 | tr : ' ')"
  local gid
  gid=$(inside getent group cadence | cut -d : -f 3)
  check "groups that may ask by ICMP" "$gid $gid" "$(inside sysctl -n net.ipv4.ping_group_range | xargs)"
  check "owners and modes" "root:root 755 /etc/cadence
root:root 644 /etc/cadence/cadence.toml
root:root 644 /etc/cron.d/cadence
root:root 644 /etc/sysctl.d/10-cadence.conf
root:root 755 /usr/bin/cadence
root:root 644 /usr/lib/systemd/system/cadence.service
cadence:cadence 755 $state" "$(owners /etc/cadence /etc/cadence/cadence.toml /etc/cron.d/cadence /etc/sysctl.d/10-cadence.conf /usr/bin/cadence \
    /usr/lib/systemd/system/cadence.service "$state")"
  check "systemd-analyze verify" "" "$(inside systemd-analyze verify --recursive-errors=yes "${units[@]}" 2>&1)"
  check "man pages" "/usr/share/man/man1/cadence.1.gz
/usr/share/man/man5/cadence.toml.5.gz
/usr/share/man/man5/cadence-json.5.gz
/usr/share/man/man7/cadence.7.gz" "$(inside man -w cadence.1 cadence.toml.5 cadence-json.5 cadence.7 2>&1)"
  local exposure
  exposure=$(inside systemd-analyze security --no-pager cadence.service | sed -n 's/.*level for .*: \([0-9.]*\).*/\1/p')
  check "systemd-analyze security: $exposure, at most 1.5" yes "$(awk -v found="${exposure:-9}" 'BEGIN {print found <= 1.5 ? "yes" : "no"}')"
}

what_is_missing_is_told() {
  local said code=0 before
  said=$(inside cadence reconcile 2>&1) || code=$?
  check "reconcile without a configuration" 78 "$code" "$said"
  check_words "it" "$said" /etc/cadence/cadence.toml record
  code=0
  said=$(inside cadence check 2>&1) || code=$?
  check "check without a configuration" 78 "$code" "$said"
  check_words "it" "$said" /etc/cadence/cadence.toml record
  before=$(cursor)
  cycle
  check "the service without a configuration" "exit-code 78" "$(result)"
  check_words "the journal" "$(messages "$before")" /etc/cadence/cadence.toml record

  configure
  before=$(cursor)
  cycle
  check "the service without a token" "exit-code 77" "$(result)" "$(messages "$before")"
  check_words "the journal" "$(messages "$before")" /etc/cadence/cloudflare.token

  give_token
  sed -i '5i confirmation = 2' "$root/etc/cadence/cadence.toml"
  before=$(cursor)
  cycle
  check "the service with a key that there is not" "exit-code 78" "$(result)"
  check_words "the journal" "$(messages "$before")" /etc/cadence/cadence.toml:5 confirmation
  configure
}

the_service_works() {
  cycle
  cycle
  check "two cycles of the service" "success 0" "$(result)"
  check "published" "${addresses[0]}" "$(world published)"
  check "the router, asked by the service" "true icmp" "$(probed_by_the_service router)"

  local lines
  mapfile -t lines < <(world lock-plug a-long-password)
  configure '[recovery]' "${lines[@]}"
  check "a plug, asked by the service without its password" "false" "$(probed_by_the_service plug)"
  install -m 0640 <(echo a-long-password) "$root/etc/cadence/plug.password"
  check "with its password in /etc/cadence/plug.password" "true" "$(probed_by_the_service plug)"
  rm "$root/etc/cadence/plug.password"
  configure
}
# The sandbox itself, with another command in it: whether a signal was there, and how it was asked for.
probed_by_the_service() {
  local folder=/etc/systemd/system/cadence.service.d
  mkdir -p "$root$folder"
  printf '[Service]\nExecStart=\nExecStart=/usr/bin/cadence probe --json --only %s\nStandardOutput=truncate:/root/probe.json\n' "$1" \
    >"$root$folder/probe.conf"
  inside systemctl daemon-reload
  cycle
  rm -r "${root:?}$folder"
  inside systemctl daemon-reload
  jq -r '.signals[] | [.ok, .method // empty] | join(" ")' "$root/root/probe.json"
}

users_and_root_share_it() {
  local said code=0
  said=$(as_user cadence status) || code=$?
  check "status, by any user" 0 "$code" "$said"
  check_words "it" "$said" READY "${addresses[0]}" HEALTHY
  code=0
  said=$(as_user cat /etc/cadence/cloudflare.token) || code=$?
  check_words "the token, read by any user" "$code $said" 1 "Permission denied"
  world address "${addresses[1]}"
  inside cadence reconcile -q
  inside cadence reconcile -q --no-cache
  check "published by root's own hand" "${addresses[1]}" "$(world published)"
  check "files of the state that are not the service's" "" "$(foreign_state)"
  cycle
  check "the service after that" "success 0" "$(result)"
  check "lines in the journal and the state with the token or the password" 0 \
    "$({ inside journalctl -q -o export; cat "$root$state"/*; } | grep -aFc -e "$(<"$work/world/token")" -e a-long-password || true)"
}

check_tells_of_the_timers() {
  local said
  said=$(inside cadence check --json) || true
  check "check, the timer is not enabled: what is not ok" "clock cycles units" "$(not_ok .check <<<"$said")" "$(not_ok .message <<<"$said")"
  check_words "it" "$(not_ok .message <<<"$said")" "cadence.timer is neither enabled nor started" "with 77" "with 78"
  inside systemctl enable --now cadence.timer 2>/dev/null
  until_true 60 has_more_cycles_than "$(total)" || true
  check "cadence.timer enables and starts" "inactive static active enabled active static inactive static" "$(unit_states)"
  # The failures of before are told for an hour.
  inside journalctl -q --rotate
  inside journalctl -q --vacuum-time=1ms
  said=$(inside cadence check --json) || true
  # Nobody synchronises the clock of this system.
  check "check, all is well: what is not ok" "clock" "$(not_ok .check <<<"$said")" "$(not_ok .message <<<"$said")"
}
not_ok() { jq -r "[.checks[] | select(.result != \"ok\") | $1] | unique | join(\" \")"; }

# As their heads say how to install them, and as their daemons call them.
the_hosts_events_start_a_cycle() {
  local examples=/usr/share/doc/cadence/examples
  inside install -D -m 0755 $examples/NetworkManager /etc/NetworkManager/dispatcher.d/50-cadence
  starts_a_cycle "NetworkManager's dispatcher, dhcp4-change" /etc/NetworkManager/dispatcher.d/50-cadence eth0 dhcp4-change
  inside install -D -m 0755 $examples/networkd-dispatcher /etc/networkd-dispatcher/routable.d/50-cadence
  starts_a_cycle "networkd-dispatcher, routable" env IFACE=eth0 STATE=routable /etc/networkd-dispatcher/routable.d/50-cadence
  inside install -D -m 0644 $examples/dhclient /etc/dhcp/dhclient-exit-hooks.d/cadence
  starts_a_cycle "dhclient, another address" \
    env reason=BOUND old_ip_address=192.168.77.2 new_ip_address=192.168.77.3 sh -ec '. /etc/dhcp/dhclient-exit-hooks.d/cadence'
  rm -r "$root"/etc/{NetworkManager,networkd-dispatcher,dhcp}
}
# starts_a_cycle WHAT COMMAND..
starts_a_cycle() {
  local before begun
  until_true 60 is_over || true
  before=$(total) begun=$(now)
  inside "${@:2}"
  until_true 20 has_more_cycles_than "$before" || true
  check_range "$1 starts a cycle" 0 5 "$(since "$begun")"
}

# An upgrade while a cycle waits for a world that does not answer. The new package has another conffile.
an_upgrade_leaves_the_cycle_alone() {
  local before pid said
  repackage 9.0-1 root/newer.deb '# Another comment.'
  before=$(configuration)
  kill -STOP "$world_pid"
  inside systemctl start --no-block cadence.service
  until_true 10 is_running || true
  pid=$(property MainPID)
  said=$(install_package /root/newer.deb -o Dpkg::Options::=--force-confold) || true
  check "upgraded" 9.0-1 "$(version)" "$said"
  check "the cycle that was running" "activating $pid" "$(property ActiveState) $(property MainPID)"
  kill -CONT "$world_pid"
  until_true 60 is_over || true
  check "how it ended" "success 0" "$(result)"
  check "units after the upgrade" "inactive static active enabled active static inactive static" "$(unit_states)"
  check "configuration and token are as they were" "$before" "$(configuration)"
  cycle
  check "the next cycle" "success 0" "$(result)"
}

the_same_and_an_older_version_can_be_installed() {
  local before cycles said
  before=$(configuration) cycles=$(total)
  install_package /root/newer.deb --reinstall >/dev/null
  check "reinstalled" "9.0-1 $before kept" "$(version) $(configuration) $(counts "$cycles")"
  said=$(install_package /root/cadence.deb --allow-downgrades -o Dpkg::Options::=--force-confold) || true
  check "downgraded" "$(dpkg-deb -f "$package" Version) $before kept" "$(version) $(configuration) $(counts "$cycles")" "$said"
  check "units after that" "inactive static active enabled active static inactive static" "$(unit_states)"
  cycle
  check "the next cycle" "success 0" "$(result)"
}

# A configuration file that the package writes: Debian's policy, 10.7.3.
icmp_is_permitted_as_the_administrator_says() {
  local file=$root/etc/sysctl.d/10-cadence.conf
  rm "$file"
  inside sysctl -qw net.ipv4.ping_group_range="1 0"
  install_package /root/cadence.deb --reinstall >/dev/null
  check "its sysctl file, deleted, after an installation" "absent 1 0" "$(icmp)"
  echo '# Nobody.' >"$file"
  install_package /root/cadence.deb --reinstall >/dev/null
  inside apt-get remove -qq -y cadence >/dev/null 2>&1
  check "changed, after a removal" "# Nobody. 1 0" "$(icmp)"
  install_package /root/cadence.deb >/dev/null
  check "changed, after another installation" "# Nobody. 1 0" "$(icmp)"
}
icmp() { echo "$(cat "$root/etc/sysctl.d/10-cadence.conf" 2>/dev/null || echo absent) $(inside sysctl -n net.ipv4.ping_group_range | xargs)"; }

removing_stops_and_keeps() {
  local before cycles
  before=$(configuration) cycles=$(total)
  inside apt-get remove -qq -y cadence >/dev/null 2>&1
  check "units after the removal" "inactive inactive inactive inactive" "$(inside systemctl show --property=ActiveState --value "${units[@]}" | xargs)"
  check "timers after the removal" 0 "$(inside systemctl list-timers --no-legend 'cadence*' | wc -l)"
  check "configuration and token" "$before" "$(configuration)"
  check "the binary" "" "$(find "$root/usr/bin" -name cadence)"
  install_package /root/cadence.deb >/dev/null
  check "the state after another installation" kept "$(counts "$cycles")"
  check "units after another installation" "inactive static active enabled active static inactive static" "$(unit_states)"
  cycle
  check "the next cycle" "success 0" "$(result)"
  check "published" "${addresses[1]}" "$(world published)"
}

purging_leaves_nothing() {
  inside apt-get purge -qq -y cadence >/dev/null 2>&1
  check "paths left behind" "" "$(comm -13 "$work/files" <(files))"
  check "paths gone" "" "$(comm -23 "$work/files" <(files))"
  check "user and group" "" "$(grep cadence "$root"/etc/{passwd,group,shadow,gshadow} || true)"
  check "units that systemd remembers" "" "$(inside systemctl list-units --all --no-legend 'cadence*')"
  check "groups that may ask by ICMP" "$icmp_before" "$(inside sysctl -n net.ipv4.ping_group_range | xargs)"
  check "in /run" "" "$(inside find /run -name '*cadence*')"
}

a_wide_icmp_range_stays() {
  inside sysctl -qw net.ipv4.ping_group_range="0 2147483647"
  install_package /root/cadence.deb >/dev/null
  check "groups that may ask by ICMP, where all might" "0 2147483647" "$(inside sysctl -n net.ipv4.ping_group_range | xargs)"
  inside apt-get purge -qq -y cadence >/dev/null 2>&1
  check "purged without ever being configured, paths left behind" "" "$(comm -13 "$work/files" <(files))"
}

begin "$@"
files >"$work/files"
icmp_before=$(inside sysctl -n net.ipv4.ping_group_range | xargs)
a_first_installation_starts_nothing
what_is_missing_is_told
the_service_works
users_and_root_share_it
check_tells_of_the_timers
the_hosts_events_start_a_cycle
an_upgrade_leaves_the_cycle_alone
the_same_and_an_older_version_can_be_installed
icmp_is_permitted_as_the_administrator_says
removing_stops_and_keeps
purging_leaves_nothing
a_wide_icmp_range_stays
end
