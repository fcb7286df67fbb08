#!/bin/bash
# A host without systemd: cron alone runs the cycles, at its real pace, and mails nothing unless something fails.
# As root: tests/system/debian/cron.sh SUITE PACKAGE WORLD
set -euo pipefail
# shellcheck source=tests/system/debian/host.sh
source "$(dirname "$(readlink -f "$0")")/host.sh"

mails() { find "$root/mail" -type f | wc -l; }
has_mail() { (($(mails) > 0)); }

alone "$@"
prepare_host "$@"
# What cron would mail, it leaves in a folder.
install -d -m 1777 "$root/mail"
printf '#!/bin/sh\nexec cat >"/mail/$$"\n' >"$root/usr/sbin/sendmail"
chmod 755 "$root/usr/sbin/sendmail"
start_without_systemd cron -f

said=$(install_package /root/cadence.deb) || true
# shellcheck disable=SC2016 # dpkg's variable
check "installed" "install ok installed" "$(inside dpkg-query -W -f '${Status}' cadence)" "$said"
check "the host has no systemd" "" "$(inside find /run/systemd/system -maxdepth 0 2>/dev/null || true)"
sleep 62
check "mails, and files of the state, of a minute without a record" "0 0" "$(mails) $(find "$root$state" -type f | wc -l)"

give_token
configure
begun=$(now)
until_true 200 published "${addresses[0]}" || true
check "published by cron" "${addresses[0]}" "$(world published)"
check_range "which took" 0 180 "$(since "$begun")"
check "whose the state is" cadence:cadence "$(inside stat -c %U:%G "$state/state.json")"
inside setpriv --reuid cadence --regid cadence --clear-groups cadence probe --json --only router >"$work/probe.json"
check "the router, asked as the user of the cron job" "true icmp" "$(jq -r '.signals[] | "\(.ok) \(.method)"' "$work/probe.json")"
world line down
until_true 190 readiness_is NOT_READY || true
check "an outage" "NOT_READY WAN_DOWN" "$(status '[.readiness, .verdict] | join(" ")')"
check "mails so far" 0 "$(mails)"

# That a failure is mailed shows that the silence before was one.
echo 'confirmation = 2' >>"$root/etc/cadence/cadence.toml"
until_true 75 has_mail || true
sleep 1
check_words "the mail about a broken configuration" "$(cat "$root"/mail/* 2>/dev/null)" /etc/cadence/cadence.toml confirmation

inside apt-get purge -qq -y cadence >/dev/null 2>&1
check "after a purge" "" "$(find "$root"/etc "$root"/usr "$root"/var/lib -name '*cadence*' ! -path '*/dpkg/*'; grep cadence "$root"/etc/passwd "$root"/etc/group || true)"
lose_power
end_world
summary
