# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # variables for whoever sources it, and of it
# A real UPS server: Debian's upsd with its dummy driver on loopback, at an unprivileged port. Sourced; $work is a folder, and the commands in
# front=(..), if any, run in front of each.

# until_so COMMAND..: within half a minute
until_so() { for _ in {1..150}; do if "$@" >/dev/null 2>&1; then return 0; fi; sleep 0.2; done; return 1; }

front=()
# make_ups PORT: what they read. The driver refuses a folder that others may write to, and the server wants to be no other user than this one.
make_ups() {
  port=$1
  mkdir -m 0700 "$work/nut"
  export NUT_CONFPATH=$work/nut NUT_STATEPATH=$work/nut NUT_ALTPIDPATH=$work/nut
  printf 'ups.status: OL\nbattery.charge: 100\nbattery.runtime: 1800\n' >"$work/nut/ups.dev"
  cat >"$work/nut/ups.conf" <<END
pollinterval = 1
[ups]
  driver = dummy-ups
  port = ups.dev
  mode = dummy-once
END
  printf 'LISTEN 127.0.0.1 %d\nSTATEPATH %s\nMAXAGE 3\n' "$port" "$work/nut" >"$work/nut/upsd.conf"
  printf '[admin]\n  password = pw\n  actions = SET\n' >"$work/nut/upsd.users"
  chmod 0600 "$work/nut/upsd.users"
  me=$(id -un)
}
# Their processes are $driver and $upsd, and in $started.
drive() { "${front[@]}" /lib/nut/dummy-ups -F -a ups -u "$me" >>"$work/driver.log" 2>&1 & driver=$! started+=($!); }
serve_ups() { "${front[@]}" /lib/nut/upsd -F -u "$me" >>"$work/upsd.log" 2>&1 & upsd=$! started+=($!); }
start_ups() {
  drive
  until_so test -S "$work/nut/dummy-ups-ups"
  serve_ups
  until_so is_told OL
}
set_to() {
  "${front[@]}" upsrw -s ups.status="$1" -u admin -p pw "ups@127.0.0.1:$port" >/dev/null 2>&1
  until_so is_told "$1"
}
is_told() { [[ $("${front[@]}" upsc "ups@127.0.0.1:$port" ups.status 2>/dev/null) == "$1" ]]; }
