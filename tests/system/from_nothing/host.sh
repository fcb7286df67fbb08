#!/bin/bash
# One way from nothing to a published record, on a fresh system, by the very commands of the document that tells of it.
# As root: tests/system/from_nothing/host.sh WAY SYSTEM FILE WORLD; the last line tells how long it took
set -euo pipefail
# shellcheck source=tests/system/debian/host.sh
source "$(dirname "$(readlink -f "$0")")/../debian/host.sh"
project=$(readlink -f "$(dirname "$(readlink -f "$0")")/../../..")

# commands FILE TEXT: what is to be typed, in the first block after a line with that text: indented, or between .EX and .EE.
commands() {
  local found
  found=$(awk -v text="$2" '
    !found { found = index($0, text); next }
    /^\.EE/ || (block && !NF) { exit }
    /^\.EX/ || /^(  |    +)[^ ]/ { block = 1 }
    block && !/^\.EX/' "$project/$1")
  [[ $found ]] || { echo "FAILED $1 has no commands after \"$2\"" >&2; return 1; }
  echo "$found"
}

# typed [DIRECTORY]: types the commands of standard input into a shell of the system; what they say is in $work/said. Where `init` is to be
# asked questions, it is told as cadence-init(1) says for a script.
typed() {
  local folder=${1:-/root} shell='bash' told
  [[ -e $root/bin/bash ]] || shell='sh'
  told=$(commands man/src/cadence-init.1 'for a script; the token' | tr -d '\\\n' | sed 's/.* init //')
  { echo "cd $folder"; sed -E "s|init *(#.*)?\$|init ${told/<token/</root/token}|"; } >"$root/root/typed"
  inside_limit=120 inside env "${internet[@]}" $shell -e /root/typed >>"$work/said" 2>&1
}

# until_published SECONDS
until_published() {
  until_true "$1" published "${addresses[0]}" || true
  check "published" "${addresses[0]}" "$(world published)" "$(cat "$work/said")"
}

# The internet of these systems, which is on loopback, as variables of theirs.
meet_internet() {
  mapfile -t internet < <(variables "$work/world/cadence.toml" | grep -v '^CADENCE_RECORDS=')
  printf '%s\n' "${internet[@]}" >"$root/etc/environment" # for cron, by pam_env(8)
  mkdir -p "$root/etc/systemd/system.conf.d"
  { echo '[Manager]'; printf 'DefaultEnvironment="%s"\n' "${internet[@]}"; } >"$root/etc/systemd/system.conf.d/internet.conf"
}

# A root with BusyBox, and nothing else.
busybox_root() {
  local name
  mount -t tmpfs tmpfs /run
  work=/run/work root=/run/work/root
  mkdir -p "$root"/{bin,dev,etc,proc,root,sys,tmp,usr/local/bin,var/spool/cron/crontabs}
  cp "$(command -v busybox)" "$root/bin/busybox"
  for name in $("$root/bin/busybox" --list); do [[ $name == busybox ]] || ln -s busybox "$root/bin/$name"; done
  echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
  echo 'root:x:0:' >"$root/etc/group"
  echo 'ID=busybox' >"$root/etc/os-release"
  echo busybox >"$root/etc/hostname"
}

# by_systemd: what the timer does from then on.
by_systemd() {
  until_true 90 has_more_cycles_than 1 || true
  until_true 10 is_over || true
  check "a cycle of the timer" "success 0 READY" "$(result) $(status .readiness)"
  check "whose the state is" cadence:cadence "$(inside stat -c %U:%G "$state/state.json")"
  echo "$took s; the timer's own cycle after $(since "$begun") s"
}

way=$1 system=$2 file=$3
alone "$@"
set -E
exec {output}>&2
trap 'echo "FAILED line $LINENO of ${BASH_SOURCE##*/}: $BASH_COMMAND" >&$output; if [[ -s $work/said ]]; then cat "$work/said" >&$output; : >"$work/said"; fi' ERR
if [[ $system == busybox ]]; then busybox_root; else unpack_root "$system"; fi
: >"$work/said"
make_network
start_world "$4"
meet_internet
cp "$file" "$work/world/token" "$root/root/"
# Who types is root already.
printf '#!/bin/sh\nexec "$@"\n' >"$root/usr/local/bin/sudo"
chmod 755 "$root/usr/local/bin/sudo"
nas=/volume1/cadence
on_a_nas() {
  mkdir -p "$root$nas"
  mv "$root/root/${file##*/}" "$root$nas"
  begun=$(now)
  commands man/src/cadence-nas.7 'this sets it up' | typed $nas
}

case $way in
  package)
    boot
    begun=$(now)
    commands packaging/debian/README.Debian 'To set it up' | typed
    until_published 10
    took=$(since "$begun")
    by_systemd
    ;;
  units)
    boot
    begun=$(now)
    commands README.md "From a release's tarball" | typed
    { echo "cd cadence-*/"; commands man/src/cadence.7 'systemd runs it by these units'; commands README.md 'Look before'; commands README.md 'Start it'; } | typed
    until_published 10
    took=$(since "$begun")
    by_systemd
    ;;
  timer)
    start_without_systemd sleep infinity
    on_a_nas
    next=$(grep -e ' reconcile --trust' -e ' --if-due' "$work/said")
    check "what is to be done next, and with which state" 2 "$(grep -c -e "--state-dir $nas/state " <<<"$next")" "$next"
    commands man/src/cadence-nas.7 'Start it with full paths' | typed $nas
    until_published 120
    check "where the state is" yes "$([[ -e $root$nas/state/state.json && ! -e $root/var/lib/cadence ]] && echo yes)"
    check "who is known to run the next cycle" ok "$(inside $nas/cadence --config $nas/cadence.toml --state-dir $nas/state check --offline --json | jq -r '.checks[] | select(.check == "timer") | .result')"
    took=$(since "$begun")
    echo "$took s, with two cycles"
    ;;
  # cron's own cycles are to publish, and so none is done by hand.
  package-cron)
    start_without_systemd cron -f
    begun=$(now)
    commands packaging/debian/README.Debian 'To set it up' | grep -v -e systemctl -e reconcile | typed
    until_published 240
    took=$(since "$begun")
    check "whose the state is" cadence:cadence "$(inside stat -c %U:%G "$state/state.json")"
    echo "$took s, with two cycles, one a minute"
    ;;
  cron)
    start_without_systemd cron -f
    begun=$(now)
    commands README.md "From a release's tarball" | typed
    commands README.md 'With cron' | sed 's/^ *//' >"$root/etc/cron.d/cadence"
    until_published 240
    took=$(since "$begun")
    echo "$took s, with two cycles, one a minute"
    ;;
  crond)
    start_without_systemd env "${internet[@]}" crond -f
    on_a_nas
    { echo "crontab - <<'END'"; commands man/src/cadence-nas.7 'has a table for each user'; echo END; } | typed $nas
    until_published 240
    took=$(since "$begun")
    echo "$took s, with two cycles, one a minute"
    ;;
esac
lose_power
end_world
trap - ERR
exit $((failed > 0))
