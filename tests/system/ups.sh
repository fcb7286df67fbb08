#!/bin/bash
# Real UPS servers: Debian's upsd with its dummy driver on loopback, at unprivileged ports, beside real cycles in a loopback world. Mains
# fail and come back, the battery runs low, the driver is killed, stopped, and started again, the server goes away. And apcupsd.
# tests/system/ups.sh BINARY WORLD. Needs nut-server, nut-client, jq; apcupsd, python3.
# shellcheck disable=SC2317 # `until_so` calls the functions
set -euo pipefail
cadence=$(realpath "${1:?the binary to test}")
program=$(realpath "${2:?the world: cargo build --example world}")
cd "$(dirname "$(readlink -f "$0")")/../.."
for tool in upsc upsrw jq; do
  command -v $tool >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
work=$(mktemp -d)
started=()
end() {
  # One that was stopped has to go on to end.
  [[ ${#started[@]} == 0 ]] || { kill "${started[@]}"; kill -CONT "${started[@]}"; } 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap end EXIT

# shellcheck source=tests/system/checks.sh
source tests/system/checks.sh
# shellcheck source=tests/system/nut.sh
source tests/system/nut.sh

# --- a UPS, and who watches it

make_ups $((20000 + RANDOM % 10000))
start_ups && told=yes || told=no
check "upsd tells of it" yes "$told"

# --- a home

mkdir "$work/home"
"$program" "$work/home" >"$work/world.log" 2>&1 &
started+=($!)
until_so test -S "$work/home/socket"
chmod 0600 "$work/home/token"
sed -i "s#^token_file = .*#token_file = \"$work/home/token\"#; s#^\[network\]#&\ninterface = \"lo\"#" "$work/home/cadence.toml"
printf '\n[ups]\nnut = "ups@localhost:%d"\n' "$port" >>"$work/home/cadence.toml"
run() { "$cadence" --config "$work/home/cadence.toml" --state-dir "$work/home/state" "$@"; }
cycle() { run reconcile --json "$@" | jq -r "$ups"; }
ups='.ups | if .ok then "\(.on_battery) \(.low) \(.charge) \(.runtime_s) \(.status)" else .error end'
guardrail() { run status --json | jq -r .recovery.guardrail; }
events() { run history --json --kind ups | jq -r '"\(.phase) \(.charge)"' | tr '\n' ';'; }

check "on mains" "false false 100 1800 OL" "$(cycle --trust)"
check "probe says so" "ups@localhost:$port, on mains, 100%" "$(run probe --only ups | sed 's/.* ups@/ups@/')"
check "check says so" "ok" "$(run check --json | jq -r '.checks[] | select(.check == "ups").result')"
took=$(run probe --only ups --json | jq '.ups.elapsed_ms < 200')
check "it answers all that is asked at once, and soon" true "$took"
set_to OB
check "mains fail" "true false 100 1800 OB" "$(cycle)"
set_to "OB LB"
check "the battery is low" "true true 100 1800 OB LB" "$(cycle)"
check "metrics say so" "cadence_ups_battery_low 1" "$(run metrics | grep '^cadence_ups_battery_low ')"
set_to "OL CHRG"
check "mains are back" "false false 100 1800 OL CHRG" "$(cycle)"
check "the history tells each once" "on_battery 100;battery_low 100;mains_back 100;" "$(events)"
for status in "OL BYPASS" "ALARM OL RB" "FSD OB LB" "OL"; do
  set_to "$status"
  case $status in FSD*) expected="true true" ;; *) expected="false false" ;; esac
  check "the status $status" "$expected 100 1800 $status" "$(cycle)"
done
for status in OFF WAIT; do
  set_to "$status"
  check "the status $status tells nothing" "does not tell whether there are mains: \"$status\"" "$(cycle)"
done
set_to OL

# --- and what may go wrong

sed -i 's/"ups@/"other@/' "$work/home/cadence.toml"
check "a UPS that is not there" 'upsd knows no UPS of that name' "$(cycle)"
sed -i 's/"other@/"ups@/' "$work/home/cadence.toml"
kill -STOP "$driver"
is_stale() { [[ $(cycle) == "the UPS has not told its driver anything for a while" ]]; }
check "a driver that hangs" yes "$(until_so is_stale && echo yes)"
kill -CONT "$driver"
check "and goes on" yes "$(until_so is_told OL && [[ $(cycle) == "false false"* ]] && echo yes)"
disown "$driver"
kill -KILL "$driver"
is_gone() { [[ $(cycle) == "the driver of the UPS does not run" ]]; }
check "a driver that is gone" yes "$(until_so is_gone && echo yes)"
check "check says what to do" "start it: upsdrvctl start" "$(run check --json | jq -r '.checks[] | select(.check == "ups").fix')"
rm -f "$work/nut/dummy-ups-ups"*
drive
check "and comes back" yes "$(until_so is_told OL && [[ $(cycle) == "false false"* ]] && echo yes)"
kill -STOP "$upsd"
begun=$EPOCHREALTIME
check "a server that hangs" "timed out" "$(cycle)"
took=$(((${EPOCHREALTIME/./} - ${begun/./}) / 1000))
check "takes a cycle no longer than that" yes "$( ((took < 2500)) && echo yes || echo "$took ms")"
kill -CONT "$upsd"
kill "$upsd"
wait "$upsd" 2>/dev/null || true
check "a server that is gone" "connection refused" "$(cycle)"
check "status says that it counts as none" "UPS          counts as none: connection refused" "$(run status | grep '^UPS')"

# --- apcupsd, which has its UPS from another apcupsd; in the place of that one somebody who says what there is

# Its package and that of NUT exclude each other.
mkdir "$work/apc"
if ! (cd "$work/apc" && apt-get download -qq apcupsd && dpkg -x apcupsd_*.deb .) >"$work/apt.log" 2>&1; then
  echo "skipped: apcupsd cannot be had: $(tail -n 1 "$work/apt.log")"
  exit "$failed"
fi
printf '#!/bin/sh\nexit 99\n' >"$work/apc/apccontrol"
chmod +x "$work/apc/apccontrol"
other=$((port + 1)) own=$((port + 2))
printf 'STATUS   : ONBATT LOWBATT\nBCHARGE  : 043.0 Percent\nTIMELEFT : 012.4 Minutes\nSTATFLAG : 0x05060050\n' >"$work/apc/says"
python3 - $other "$work/apc/says" >"$work/other.log" 2>&1 <<'END' &
import socketserver, struct, sys
class Says(socketserver.BaseRequestHandler):
    def handle(self):
        while len(asked := self.request.recv(2)) == 2:
            self.request.recv(*struct.unpack("!H", asked))
            lines = open(sys.argv[2], "rb").readlines() + [b""]
            self.request.sendall(b"".join(struct.pack("!H", len(line)) + line for line in lines))
socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), Says).serve_forever()
END
started+=($!)
cat >"$work/apc/apcupsd.conf" <<END
## apcupsd.conf v1.1 ##
UPSCABLE ether
UPSTYPE net
DEVICE 127.0.0.1:$other
POLLTIME 1
LOCKFILE $work/apc
SCRIPTDIR $work/apc
PWRFAILDIR $work/apc
NOLOGINDIR $work/apc
EVENTSFILE $work/apc/events
NETSERVER on
NISIP 127.0.0.1
NISPORT $own
END
"$work/apc/sbin/apcupsd" -b -f "$work/apc/apcupsd.conf" >"$work/apcupsd.log" 2>&1 &
started+=($!)
sed -i "s#^nut = .*#apcupsd = \"127.0.0.1:$own\"#" "$work/home/cadence.toml"
# says WORDS: what a cycle is told, as soon as it is that
says() { [[ $(cycle) == "$1" ]]; }
check "apcupsd: on battery, which is low" "true true 43 720 ONBATT LOWBATT SLAVE" "$(until_so says "true true 43 720 ONBATT LOWBATT SLAVE"; cycle)"
printf 'STATUS   : ONLINE\nBCHARGE  : 100.0 Percent\nTIMELEFT : 030.0 Minutes\nSTATFLAG : 0x05000008\n' >"$work/apc/says"
check "apcupsd: on mains" "false false 100 1800 ONLINE SLAVE" "$(until_so says "false false 100 1800 ONLINE SLAVE"; cycle)"
exit "$failed"
