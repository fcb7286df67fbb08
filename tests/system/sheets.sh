#!/bin/bash
# What goes to Google Sheets, by Google's own words: real cycles and a service on loopback; the requests by the discovery document that Google
# publishes, the assertions by its Python library, and both beside what its own client sends.
# tests/system/sheets.sh BINARY. Needs python3-venv, openssl, and PyPI.
set -euo pipefail
cadence=$(realpath "${1:?the binary to test}")
cd "$(dirname "$(readlink -f "$0")")/../.."
work=$(mktemp -d)
started=()
# shellcheck disable=SC2317 # the trap calls it
end() {
  [[ ${#started[@]} == 0 ]] || kill "${started[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap end EXIT

# shellcheck source=tests/system/checks.sh
source tests/system/checks.sh
# until_there FILE: within half a minute
until_there() { for _ in {1..150}; do if [[ -e $1 ]]; then return 0; fi; sleep 0.2; done; return 1; }

libraries=(google-auth google-api-python-client jsonschema requests)
if ! { python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet "${libraries[@]}"; } >"$work/pip" 2>&1; then
  echo "skipped: Google's libraries cannot be installed: $(tail -n 1 "$work/pip")"
  exit 77
fi
python=$work/venv/bin/python
cargo build --quiet --locked --example world
world=$(realpath -m "${CARGO_TARGET_DIR:-target}")/debug/examples/world

# --- a home, a key as Google makes it, and a service in the place of Google

"$world" "$work" >"$work/world.log" 2>&1 &
started+=($!)
"$python" tests/system/sheets.py serve "$work" >"$work/serve.log" 2>&1 &
started+=($!)
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=cadence -keyout "$work/private.pem" -out "$work/certificate.pem" 2>/dev/null
"$python" - "$work" <<'END'
import json, pathlib, sys
folder = pathlib.Path(sys.argv[1])
key = {
    "type": "service_account", "project_id": "made-up", "private_key_id": "0123456789abcdef0123456789abcdef01234567",
    "private_key": (folder / "private.pem").read_text(), "client_email": "cadence@made-up.iam.gserviceaccount.com",
    "client_id": "1", "auth_uri": "https://accounts.google.com/o/oauth2/auth", "token_uri": "https://oauth2.googleapis.com/token",
}
(folder / "key.json").write_text(json.dumps(key, indent=2))
END
until_there "$work/socket"
until_there "$work/port"
chmod 0600 "$work/token" "$work/key.json"
base=http://127.0.0.1:$(<"$work/port")
sed -i "s#^token_file = .*#token_file = \"$work/token\"#; s#^\[network\]#&\ninterface = \"lo\"#" "$work/cadence.toml"
cat >>"$work/cadence.toml" <<END

[sheets]
spreadsheet = "1aB_c-9"
key_file = "$work/key.json"
every = "1m"
api_url = "$base"
token_url = "$base/token"
END

# --- cycles, and a minute between the first rows and those that follow

run() { "$cadence" --config "$work/cadence.toml" --state-dir "$work/state" "$@"; }
told() { run reconcile -v --format logfmt 2>>"$work/log" | grep -o 'subsystem=GSHEET state=[A-Z]* rows=[0-9]*' || true; }
check "the first cycle sends its row" "subsystem=GSHEET state=OK rows=1" "$(told)"
check "the next one waits" "" "$(told)"
sleep 41
check "and its row goes out with that of the third" "subsystem=GSHEET state=OK rows=2" "$(told)"
"$python" tests/system/sheets.py judge "$work" || failed=1
exit "$failed"
