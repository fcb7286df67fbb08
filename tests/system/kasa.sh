#!/bin/bash
# The recipe of cadence(7) for TP-Link's plugs, as it stands there: the real `kasa` of python-kasa, run by `cadence recover`, against a plug on
# loopback that answers as python-kasa's own fake device does. Tapo's protocol (KLAP) is not played.
# tests/system/kasa.sh BINARY. Needs python3-venv, and PyPI.
set -euo pipefail
cadence=$(realpath "${1:?the binary to test}")
cd "$(dirname "$(readlink -f "$0")")/../.."
work=$(mktemp -d) plug=
# shellcheck disable=SC2317 # the trap calls it
end() {
  unplug
  rm -rf "$work"
}
unplug() {
  [[ ! $plug ]] || kill "$plug" 2>/dev/null || true
  wait 2>/dev/null || true
  plug=
}
trap end EXIT
# shellcheck source=tests/system/checks.sh
source tests/system/checks.sh

version=0.12.0
if ! { python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet "python-kasa==$version" &&
  "$work/venv/bin/pip" download --quiet --no-deps --no-binary :all: --dest "$work" "python-kasa==$version"; } >"$work/pip" 2>&1; then
  echo "skipped: python-kasa cannot be installed: $(tail -n 1 "$work/pip")"
  exit 77
fi
tar -xzf "$work/python_kasa-$version.tar.gz" -C "$work"
port=$("$work/venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

# plug_in [MODE]: a plug that is on.
plug_in() {
  rm -f "$work/journal"
  "$work/venv/bin/python" tests/system/kasa.py "$work/python_kasa-$version" "$port" "$work/journal" "$@" >"$work/plug" 2>&1 &
  plug=$!
  for _ in {1..150}; do [[ ! -s $work/plug ]] || return 0; sleep 0.1; done
  return 1
}
switched() { paste -sd ' ' "$work/journal" 2>/dev/null || true; }

# The first program that the manual shows for it, with this plug's address.
sed -n '/^# A TP-Link plug, for cadence/,/^\.EE/p' man/src/cadence.7 | sed '$d' |
  sed "1i #!/bin/sh
s#/opt/kasa/#$work/venv/#; s#192\.168\.0\.150#127.0.0.1 --port $port#" >"$work/kasa-plug"
chmod +x "$work/kasa-plug"
check "the manual shows a program" 3 "$(wc -l <"$work/kasa-plug")"
cat >"$work/cadence.toml" <<END
mode = "test"
[[record]]
name = "vpn.example.com"
[recovery]
plug = "command"
program = "$work/kasa-plug"
address = "127.0.0.1"
off_time = "1s"
boot_grace = "0s"
END
# recover: what came of it, and what is told.
recover() {
  rm -rf "$work/state" "$work/journal"
  code=0
  told=$(env -i PATH="$PATH" "$cadence" --config "$work/cadence.toml" --state-dir "$work/state" recover --yes --force --json 2>"$work/log") || code=$?
}
outcome() { grep -o '"outcome":"[a-z_]*"' <<<"$told" | cut -d'"' -f4; }
has() { grep -q "$1" <<<"$told$(<"$work/log")" && echo yes || echo "no: $told"; }

plug_in
check "cadence check finds the program" 1 \
  "$(env -i PATH="$PATH" "$cadence" --config "$work/cadence.toml" --state-dir "$work/state" check 2>/dev/null | grep -c "ok *plug .*kasa-plug" || true)"
recover
check "the power is cut and given back" "0 completed off on" "$code $(outcome) $(switched)"
unplug

recover
check "a plug that is not there is no cut" "1 failed " "$code $(outcome) $(switched)"
check "and why is told" yes "$(has 'Unable to connect to the device')"

plug_in deaf
recover
check "a plug that refuses is told" "1 failed yes" "$code $(outcome) $(has 'kasa-plug on failed')"
unplug

plug_in mute
recover
check "a plug that is silent is given up in time" "1 failed" "$code $(outcome)"
unplug
exit "$failed"
