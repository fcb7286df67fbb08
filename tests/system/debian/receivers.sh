#!/bin/bash
# apprise and mail as programs of [[notify]], started by cadence.service in its sandbox: the examples, installed as their heads say, and
# what no sandboxed program can do. A real mail server of Debian delivers to a user of the host.
# As root: tests/system/debian/receivers.sh SUITE PACKAGE WORLD
set -euo pipefail
# shellcheck source=tests/system/debian/host.sh
source "$(dirname "$(readlink -f "$0")")/host.sh"
# shellcheck disable=SC2034 # of lab.sh, for the system that is unpacked
root_packages=$receiver_packages

examples=/usr/share/doc/cadence/examples/notify
# A service that keeps what apprise posts, and answers as it is told to.
receiver='
import http.server
class Service(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = int(open("/srv/status").read())
        if status == 200:
            open("/srv/told", "ab").write(body + b"\n")
        self.send_response(status)
        self.end_headers()
    def log_message(self, *arguments):
        pass
http.server.ThreadingHTTPServer.server_bind = http.server.socketserver.TCPServer.server_bind
http.server.ThreadingHTTPServer(("127.0.0.1", 8099), Service).serve_forever()
'
told() { jq -r .title "$root/srv/told"; }
mails() { sed -n 's/^Subject: //p' "$root/var/mail/ada"; }
lines() { if [[ $1 ]]; then wc -l <<<"$1"; else echo 0; fi; }
has_told() { (($(lines "$(told)") >= $1)); }
has_mails() { (($(lines "$(mails)") >= $1)); }
# It exits with 1 where one fails.
waits() { { inside cadence notify --json || true; } 2>/dev/null | jq -r '.checks[].message'; }
said_plain() { messages "$start" | grep -q 'plain was not told'; }
# Cycles until a command holds, for so many seconds at most.
cycles_until() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    cycle
    sleep 2
  done
}
nobody_waits() { [[ $(waits) != *wait* ]]; }
# install_example NAME: as its head says, once its packages are there.
install_example() {
  inside sed -n 's/^#   //p' "$examples/$1" | grep -v '^apt ' >"$root/root/commands"
  inside sh -euc "cd $examples; . /root/commands"
}

begin "$@"
install_package /root/cadence.deb >/dev/null
inside useradd --create-home ada
mkdir -p "$root/srv"
: >"$root/srv/told"
inside install -m 0660 -o ada -g mail /dev/null /var/mail/ada
echo 200 >"$root/srv/status"
echo "$receiver" >"$root/srv/receiver.py"
inside systemd-run -q --unit=receiver python3 /srv/receiver.py
install_example cadence-mail
install_example cadence-apprise
inside sed -i 's/^to=.*/to=ada@localhost/' /usr/local/bin/cadence-mail
printf '%s\n' 'account default' 'host localhost' 'from cadence@localhost' >"$root/etc/msmtprc"
echo "json://127.0.0.1:8099/s3cret-part" >>"$root/etc/cadence/apprise.urls"
check "the file of secrets" "root:cadence 640" "$(inside stat -c '%U:%G %a' /etc/cadence/apprise.urls)"
# mail itself, which hands over to the sendmail of the host.
# shellcheck disable=SC2016 # its own variables
printf '%s\n' '#!/bin/sh' 'jq -r .message | mail -s plain ada@localhost' >"$root/usr/local/bin/plain"
chmod 755 "$root/usr/local/bin/plain"
# The mail server looks up no names, as nobody here answers; for that it wants to know its own.
echo "127.0.1.1 $1.home.example $1" >>"$root/etc/hosts"
inside sed -i "s/^dc_minimaldns=.*/dc_minimaldns='true'/" /etc/exim4/update-exim4.conf.conf
inside update-exim4.conf
inside systemctl restart exim4
takes_mail() { inside ss -ltn | grep -q '127.0.0.1:25 '; }
until_true 30 takes_mail

program() { printf '%s\n' '[[notify]]' 'kind = "program"' 'every = "0s"' "name = \"$1\"" "program = \"/usr/local/bin/$2\""; }
mapfile -t notify < <(program apprise cadence-apprise; program mail cadence-mail)
configure "${notify[@]}"
give_token
cycles_until 60 published "${addresses[0]}" || true
cycles_until 60 is_settled || true
cycles_until 30 nobody_waits || true
count_told=$(lines "$(told)") count_mails=$(lines "$(mails)")

start=$(cursor)
world address "${addresses[1]}"
cycles_until 60 has_told $((count_told + 1)) || true
until_true 20 has_mails $((count_mails + 1)) || true
title="vpn.example.com: the IPv4 address is ${addresses[1]}"
check "by apprise" "$title" "$(told | tail -n 1)" "$(messages "$start")"
check "by mail" "$title" "$(mails | tail -n 1)" "$(messages "$start"; inside tail -n 5 /var/log/exim4/mainlog)"
check_words "the mail" "$(<"$root/var/mail/ada")" "To: ada@localhost" "Return-path: <cadence@localhost>" "Message-ID: <vpn.example.com-" "IPv4 ${addresses[0]} -> ${addresses[1]}"
check "cycles" "success 0" "$(result)"

# An outage is one message. One of them does not take it, and one is mail itself, which may not do here what it has to.
mapfile -t notify < <(program apprise cadence-apprise; program mail cadence-mail; program plain plain)
configure "${notify[@]}"
cycle
count_told=$(lines "$(told)") count_mails=$(lines "$(mails)")
start=$(cursor)
world line down
cycle
sleep 3
cycle
check "while the line is down" "$count_told $count_mails" "$(lines "$(told)") $(lines "$(mails)")"
echo 500 >"$root/srv/status"
world line up
cycles_until 60 has_mails $((count_mails + 1)) || true
check_words "by mail, of the outage" "$(mails | tail -n 1)" "vpn.example.com: the line was down for "
until_true 10 is_over
check_words "what the journal says of the others" "$(messages "$start")" "apprise was not told: /usr/local/bin/cadence-apprise failed (exit code 1)" \
  'plain was not told: /usr/local/bin/plain failed (exit code ' '): it said "mail: setuid: Operation not permitted"'
check "cycles, all the same" "success 0" "$(result)"
check "who waits" "apprise plain" "$(waits | sed -n 's/ .*wait.*//p' | xargs)" "$(waits)"

# As the manual says: allowed to set the user that it is, it hands over to a sendmail that needs no other one.
echo 200 >"$root/srv/status"
mkdir -p "$root/etc/systemd/system/cadence.service.d"
printf '%s\n' '[Service]' SystemCallFilter=@setuid >"$root/etc/systemd/system/cadence.service.d/mail.conf"
inside systemctl daemon-reload
start=$(cursor)
cycles_until 100 said_plain || true
check_words "mail, with the sendmail of the host" "$(messages "$start")" 'plain was not told: /usr/local/bin/plain '
echo 'set sendmail=/usr/bin/msmtp' >>"$root/etc/mail.rc"
cycles_until 200 nobody_waits || true
until_true 20 has_mails $((count_mails + 2)) || true
check_words "by apprise, later" "$(told | tail -n 1)" "vpn.example.com: the line was down for "
check "by mail, with msmtp as its sendmail" plain "$(mails | tail -n 1)" "$(waits)"
check "messages of the outage by apprise, and by both ways of mail" "1 2" "$(($(lines "$(told)") - count_told)) $(($(lines "$(mails)") - count_mails))" "$(mails)"
check "who waits" "" "$(waits | grep wait || true)"
check "the secret in the journal and the state" 0 "$(inside sh -c 'journalctl -q -o cat; cat /var/lib/cadence/*' 2>/dev/null | grep -c s3cret || true)"
# What mail could not send it keeps in the home folder of its user.
check "what else is in the state folder" dead.letter \
  "$(find "$root$state" -mindepth 1 -maxdepth 1 ! -name '*.json*' ! -name '*lock' ! -name reserve ! -name telemetry ! -name unsettled -printf '%f')"
end
