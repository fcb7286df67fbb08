# shellcheck shell=bash
# A booted host with the package on it, and how it is judged. Sourced by the scenarios of debian.sh.

# shellcheck source=tests/system/lab.sh
source "${BASH_SOURCE%/*}/../lab.sh"

units=(cadence.service cadence.timer cadence-fast.path cadence-fast.timer)
state=/var/lib/cadence
# shellcheck disable=SC2034 # the scenarios use them
# Global unicast, and nobody's home; the world begins with the first.
addresses=(93.184.216.34 93.184.217.81 93.184.218.12)

# begin SUITE PACKAGE WORLD: a fresh system, up, with the package at hand and a world around it.
begin() {
  alone "$@"
  prepare_host "$@"
  boot
}

prepare_host() {
  set -E
  trap 'echo "FAILED line $LINENO of ${BASH_SOURCE##*/}: $BASH_COMMAND" >&2' ERR
  unpack_root "$1"
  package=$2
  cp "$package" "$root/root/cadence.deb"
  make_network
  start_world "$3"
}

checks=0 failed=0
# check WHAT EXPECTED FOUND [DETAIL]
check() {
  checks=$((checks + 1))
  if [[ $2 == "$3" ]]; then
    printf 'ok     %s: %s\n' "$1" "$(abbreviated "$3")"
  else
    failed=$((failed + 1))
    printf 'FAILED %s: found %s, expected %s\n' "$1" "${3:-nothing}" "${2:-nothing}"
    [[ -z ${4-} ]] || printf '         %s\n' "${4//$'\n'/$'\n         '}"
  fi
}
abbreviated() { local text=${1:-nothing}; text=${text//$'\n'/, }; echo "${text:0:160}"; }

# check_words WHAT TEXT WORDS..: each of the words is somewhere in the text.
check_words() {
  local what=$1 text=$2 word missing=
  shift 2
  for word in "$@"; do [[ $text == *"$word"* ]] || missing+="\"$word\" "; done
  check "$what" "says ${*@Q}" "$([[ -z $missing ]] && echo "says ${*@Q}" || echo "does not say $missing")" "$text"
}

# check_range WHAT LOW HIGH FOUND, in seconds with decimals.
check_range() {
  local found=${4:-none}
  [[ $(awk -v low="$2" -v high="$3" -v found="$found" 'BEGIN {print (found ~ /^[0-9.]+$/ && found + 0 >= low && found + 0 <= high)}') == 1 ]] ||
    found+=" s, which is not"
  check "$1" "${4:-none} s, $2 to $3" "${found} s, $2 to $3"
}

end() {
  power_off
  end_world
  summary
}
summary() {
  echo "$checks checks, $failed failed, $SECONDS s"
  trap - ERR
  [[ $failed == 0 ]]
}

# until_true SECONDS COMMAND..: false where it never holds.
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    sleep 0.2
  done
}

now() { date +%s.%N; }
# The seconds since a moment, with one decimal.
since() { awk -v from="$1" -v to="$(now)" 'BEGIN {printf "%.1f", to - from}'; }

# install_package FILE [OPTION..]: a file of the system. It has no package lists, so that nothing can be downloaded.
install_package() { inside apt-get install -qq -y --no-install-recommends "${@:2}" "$1" 2>&1; }

# A package that differs in its version, and in its conffile where a line is given: repackage VERSION FILE [LINE].
repackage() {
  local tree
  tree=$(mktemp -d "$work/package.XXXXXX")
  dpkg-deb -R "$package" "$tree"
  sed -i "s/^Version:.*/Version: $1/" "$tree/DEBIAN/control"
  [[ -z ${3-} ]] || echo "$3" >>"$tree/etc/cadence/cadence.toml"
  dpkg-deb --root-owner-group -b "$tree" "$root/$2" >/dev/null
}

# configure [LINE..]: the configuration that points at the world, with these lines after it.
# shellcheck disable=SC2120 # most need no line
configure() {
  cp "$work/world/cadence.toml" "$root/etc/cadence/cadence.toml"
  (($# == 0)) || printf '%s\n' "$@" >>"$root/etc/cadence/cadence.toml"
}
give_token() {
  cp "$work/world/token" "$root/root/token"
  inside install -m 0640 -o root -g cadence /root/token /etc/cadence/cloudflare.token
}

# One cycle of the service, to its end. Says nothing where it fails: ask `result`.
cycle() { inside systemctl start cadence.service 2>/dev/null || true; }
property() { inside systemctl show --value --property "$1" "${2:-cadence.service}"; }
# How the last cycle ended, as in `success 0`.
result() { echo "$(property Result) $(property ExecMainStatus)"; }
is_over() { ! is_running; }
is_running() { [[ $(property ActiveState) == activating && $(property MainPID) != 0 ]]; }

status() { inside cadence status --json | jq -r "$1"; }
total() { status .uptime.total; }
readiness_is() { [[ $(status .readiness) == "$1" ]]; }
has_more_cycles_than() { (($(total) > $1)); }
is_settled() { [[ $(status .readiness) == READY && ! -e $root$state/unsettled ]] && ! is_running; }
published() { [[ $(world published) == "$1" ]]; }
plug_is() { [[ $(world plug | cut -d ' ' -f 1) == "$1" ]]; }

# The last line of the journal so far.
cursor() { inside journalctl -q -n 1 -o json | jq -r .__CURSOR; }
# What the units said after that line, one JSON object a line. (journalctl of systemd 252 loses a line where it is to filter.)
journal() {
  inside journalctl -q -o json --after-cursor "$1" |
    jq -c --arg units "${units[*]}" 'select([._SYSTEMD_UNIT, .UNIT] | any(. != null and IN($units | split(" ")[])))'
}
messages() { journal "$1" | jq -r .MESSAGE; }
