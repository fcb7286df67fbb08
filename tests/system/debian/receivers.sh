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
    def address_string(self):
        return ""
http.server.ThreadingHTTPServer.server_bind = http.server.socketserver.TCPServer.server_bind
http.server.ThreadingHTTPServer(("127.0.0.1", 8099), Service).serve_forever()
'
told() { jq -r .title "$root/srv/told" 2>/dev/null; }
mails() { grep '^Subject: ' "$root/var/mail/ada" 2>/dev/null | sed 's/^Subject: //'; }
lines() { if [[ $1 ]]; then wc -l <<<"$1"; else echo 0; fi; }
has_told() { (($(lines "$(told)") >= $1)); }
has_mails() { (($(lines "$(mails)") >= $1)); }
waits() { inside cadence notify --json | jq -r '.checks[].message'; }
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
all_wait_for_nothing() { [[ $(waits) != *wait* ]]; }
# install_example NAME: as its head says, once its packages are there.
install_example() {
  inside sed -n 's/^#   //p' "$examples/$1" | grep -v '^apt ' >"$root/root/commands"
  inside sh -euc "cd $examples; . /root/commands"
}

begin "$@"
install_package /root/cadence.deb >/dev/null
inside useradd --create-home ada
mkdir -p "$root/srv"
echo 200 >"$root/srv/status"
echo "$receiver" >"$root/srv/receiver.py"
inside systemd-run -q --unit=receiver python3 /srv/receiver.py
install_example cadence-mail
install_example cadence-apprise
inside sed -i 's/^to=.*/to=ada@localhost/' /usr/local/bin/cadence-mail
printf '%s\n' 'account default' 'host localhost' 'from cadence@localhost' >"$root/etc/msmtprc"
echo "json://127.0.0.1:8099/s3cret-part" >>"$root/etc/cadence/apprise.urls"
check "the file of secrets" "root:cadence 640" "$(inside stat -c '%U:%G %a' /etc/cadence/apprise.urls)"
# The example of the manual, which calls the sendmail of the host.
# shellcheck disable=SC2016 # its own variables
printf '%s\n' '#!/bin/sh' "$(inside sed -n '/^event=/,/mail -s/p' <(inside zcat /usr/share/man/man7/cadence.7.gz) | sed 's/\\-/-/g; s/ root$/ ada@localhost/')" >"$root/usr/local/bin/plain"
chmod 755 "$root/usr/local/bin/plain"
check "lines of the manual's example" 4 "$(wc -l <"$root/usr/local/bin/plain")"

program() { printf '%s\n' '[[notify]]' 'kind = "program"' 'every = "0s"' "name = \"$1\"" "program = \"/usr/local/bin/$2\""; }
mapfile -t notify < <(program apprise cadence-apprise; program mail cadence-mail)
configure "${notify[@]}"
give_token
cycles_until 60 published "${addresses[0]}" || true
cycles_until 60 is_settled || true
cycles_until 30 all_wait_for_nothing || true
count_told=$(lines "$(told)") count_mails=$(lines "$(mails)")

start=$(cursor)
world address "${addresses[1]}"
cycles_until 60 has_told $((count_told + 1)) || true
until_true 20 has_mails $((count_mails + 1)) || true
title="vpn.example.com: the IPv4 address is ${addresses[1]}"
check "by apprise" "$title" "$(told | tail -n 1)" "$(messages "$start")"
check "by mail" "$title" "$(mails | tail -n 1)" "$(messages "$start")"
check_words "the mail" "$(<"$root/var/mail/ada")" "To: ada@localhost" "Return-path: <cadence@localhost>" "Message-ID: <vpn.example.com-" "IPv4 ${addresses[0]} -> ${addresses[1]}"
check "cycles" "success 0" "$(result)"

# An outage is one message. Before it ends one receiver is away, and one asks the host's own sendmail, which gets no rights here.
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
cycle
said=$(messages "$start")
check_words "what the journal says of the others" "$said" "apprise was not told: /usr/local/bin/cadence-apprise failed (exit code 1)" \
  "plain was not told: /usr/local/bin/plain failed (exit code 1)"
check "cycles, all the same" "success 0" "$(result)"
check_words "what waits" "$(waits)" "apprise (program): /usr/local/bin/cadence-apprise failed (exit code 1); " "plain (program): /usr/local/bin/plain failed (exit code 1); "
echo 200 >"$root/srv/status"
# mail itself may send, by a sendmail that needs no rights.
echo 'set sendmail=/usr/bin/msmtp' >>"$root/etc/mail.rc"
cycles_until 150 all_wait_for_nothing || true
check_words "by apprise, later" "$(told | tail -n 1)" "vpn.example.com: the line was down for "
check "messages of the outage by apprise, and by both ways of mail" "1 2" "$(($(lines "$(told)") - count_told)) $(($(lines "$(mails)") - count_mails))" "$(mails)"
check "nobody waits" "" "$(waits | grep wait || true)"
check "the secret in the journal and the state" 0 "$(inside sh -c 'journalctl -q -o cat; cat /var/lib/cadence/*' 2>/dev/null | grep -c s3cret || true)"
check "in the state folder" "" "$(find "$root$state" -mindepth 1 -maxdepth 1 ! -name '*.json*' ! -name lock ! -name '*.lock' ! -name reserve ! -name telemetry ! -name unsettled -printf '%f ')"
end
