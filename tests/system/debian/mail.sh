#!/bin/bash
# The example that mails by OnFailure=, installed as its head says: once for a trouble that lasts, and once when it is over.
# As root: tests/system/debian/mail.sh SUITE PACKAGE WORLD
set -euo pipefail
# shellcheck source=tests/system/debian/host.sh
source "$(dirname "$(readlink -f "$0")")/host.sh"

examples=/usr/share/doc/cadence/examples/mail
# A sendmail that delivers in the background, into a folder, as dma does; or one that refuses.
mail_server() {
  printf '#!/bin/sh\n%s\n' "$1" >"$root/usr/sbin/sendmail"
  chmod 755 "$root/usr/sbin/sendmail"
}
# shellcheck disable=SC2016 # its own variables
takes='[ "$*" = -t ] && mail=$(mktemp) && cat >"$mail" && { (sleep 1; mv "$mail" "/mail/$(date +%s%N)") & }'
mails() { find "$root/mail" -type f | wc -l; }
has_mails() { (($(mails) == $1)); }
last_mail() { cat "$(find "$root/mail" -type f | sort | tail -n 1)"; }
watcher() { property ActiveState "cadence-failed@$1.service"; }
watcher_is() { [[ $(watcher "$2") == "$1" ]]; }
own_cycle() { inside systemctl start cadence@office.service 2>/dev/null || true; }

begin "$@"
install_package /root/cadence.deb >/dev/null
install -d -m 1777 "$root/mail"
mail_server "$takes"
inside sed -n 's/^#   //p' "$examples/cadence-failed@.service" >"$work/commands"
check "commands to install it" 5 "$(wc -l <"$work/commands")"
cp "$work/commands" "$root/root/commands"
inside sh -euc "cd $examples; . /root/commands"
check "systemd-analyze verify" "" \
  "$(inside systemd-analyze verify --recursive-errors=yes cadence.service cadence@office.service cadence-failed@cadence.service.service 2>&1)"

configure
for _ in 1 2 3; do cycle; done
check "three cycles without a token" "exit-code 77" "$(result)"
until_true 10 has_mails 1 || true
sleep 2
check "mails, and who waits for the end" "1 active" "$(mails) $(watcher cadence.service)" "$(inside journalctl -q -o cat -u 'cadence-failed@*')"
check_words "it" "$(last_mail)" "To: root" "Subject: cadence.service failed on $1" "/etc/cadence/cloudflare.token" "The last lines of journalctl -u cadence.service" "status=77"
give_token
cycle
until_true 40 has_mails 2 || true
check_words "the mail after a cycle that succeeded" "$(last_mail)" "Subject: cadence.service works again on $1"
until_true 5 watcher_is inactive cadence.service || true
cycle
check "mails, and who waits" "2 inactive" "$(mails) $(watcher cadence.service)"

# A mail that cannot be handed over is tried again at the next cycle that fails.
mail_server 'exit 75'
rm "$root/etc/cadence/cloudflare.token"
cycle
until_true 10 watcher_is failed cadence.service || true
check "mails, where none is taken" "2 failed" "$(mails) $(watcher cadence.service)"
mail_server "$takes"
cycle
until_true 10 has_mails 3 || true
cycle
sleep 2
check "mails, once they are taken" "3 active" "$(mails) $(watcher cadence.service)"

# An instance has a mail of its own, and its own status in it.
install -m 0644 <(echo 'confirmation = 2') "$root/etc/cadence/office.toml"
own_cycle
own_cycle
until_true 10 has_mails 4 || true
sleep 2
check "mails, with an instance that fails" "4 active" "$(mails) $(watcher cadence@office.service)"
check_words "it" "$(last_mail)" "Subject: cadence@office.service failed on $1" /etc/cadence/office.toml status=78
check "the token in a mail" 0 "$(cat "$root"/mail/* | grep -cF "$(<"$work/world/token")" || true)"
end
