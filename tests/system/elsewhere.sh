#!/bin/bash
# The static binary where others run it: a kernel with the system calls of 4.4 (2016) alone, one that refuses openat2 or to bind to an interface, no
# IPv6, a root that is read-only and empty, without /proc and /sys, 64 MiB of memory, BusyBox's crond. Each from nothing to a published record, beside a loopback world.
# As root: tests/system/elsewhere.sh BINARY WORLD, the static one of packaging/container/build. Needs busybox-static, jq, python3-seccomp, strace, util-linux.
# shellcheck disable=SC2317 # `from_nothing` and `until_so` call the functions
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
# shellcheck source=tests/system/alone.sh
source tests/system/alone.sh
alone "$@"
cadence=$(realpath "${1:?the binary to test}")
program=$(realpath "${2:?the world: cargo build --example world}")
if readelf -d "$cadence" 2>/dev/null | grep -q NEEDED; then echo "$0: needs the static binary: packaging/container/build binary" >&2; exit 2; fi
for tool in busybox jq strace setpriv; do command -v $tool >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }; done
/usr/bin/python3 -c 'import seccomp' 2>/dev/null || { echo "skipped: python3-seccomp is not installed"; exit 77; }
# Whoever else may have to read what is in there is not root.
work=$(mktemp -d)
chmod 0755 "$work"
world=''
end() {
  [[ -z $world ]] || kill "$world" 2>/dev/null || true
  wait 2>/dev/null || true
  umount --recursive --lazy "$work/root" 2>/dev/null || true
  rm -rf --one-file-system "$work"
}
trap end EXIT
# shellcheck source=tests/system/checks.sh
source tests/system/checks.sh

# --- a home, and a host that is not root's

ip link set lo up
mkdir "$work/world" "$work/bin"
"$program" "$work/world" >"$work/world.log" 2>&1 &
world=$!
until [[ -S $work/world/socket ]]; do kill -0 "$world"; sleep 0.05; done
chmod 0755 "$work/world"
install -m 0400 -o 65532 -g 65532 "$work/world/token" "$work/token"
install -m 0755 "$cadence" "$work/bin/cadence"
pace=$'[policy]\nunsettled_interval = "5s"\nhealthy_interval = "10s"\njitter = "1s"\nwaive = ["interval-too-fast"]'
{ sed "s#^token_file = .*#token_file = \"$work/token\"#; s#^\[network\]#&\ninterface = \"lo\"#" "$work/world/cadence.toml"; echo "$pace"; } >"$work/cadence.toml"
grep -v '^interface = ' "$work/cadence.toml" >"$work/any-interface.toml"
address=0
# A home whose record points elsewhere, and nothing is known.
begin() {
  address=$((address % 250 + 1))
  "$program" "$work/world" address "93.184.216.$address"
  rm -rf "$work/state"
  install -d -o 65532 -g 65532 "$work/state"
}
published() { [[ $("$program" "$work/world" published) == "93.184.216.$address" ]]; }
until_so() { for _ in {1..300}; do if "$@" >/dev/null 2>&1; then return 0; fi; sleep 0.2; done; return 1; }
export CADENCE_CONFIG=$work/cadence.toml CADENCE_STATE_DIR=$work/state
as_user() { setpriv --reuid=65532 --regid=65532 --clear-groups --no-new-privs --bounding-set=-all "$@"; }

# from_nothing WHAT WRAPPER..: two cycles, `status` and `check`, each by the wrapper; what they say of the record at last.
from_nothing() {
  local what=$1 said
  shift
  begin
  said=$({ "$@" "$work/bin/cadence" reconcile --quiet && "$@" "$work/bin/cadence" reconcile --quiet; } 2>&1) || said+=" exit $?"
  check "$what: what two cycles complain of" "" "$said"
  check "$what: published" yes "$(published && echo yes)"
  check "$what: status" "READY right" "$("$@" "$work/bin/cadence" status --json | jq -r '.readiness + " " + .records[0].truth')"
  "$@" "$work/bin/cadence" check --json >"$work/check" 2>&1 || true
  check "$what: check finds" "" "$(jq -r '.checks[] | select(.result == "fail") | .check + ": " + .message' "$work/check")"
}

from_nothing "this host" as_user

# --- older kernels, and sandboxes

cat >"$work/bin/without" <<'END'
# without ERRNO NUMBER,FIRST-LAST.. COMMAND..: has the kernel refuse these system calls; and SO_BINDTODEVICE, as one before 5.7 does that to whoever
# has no CAP_NET_RAW, where that is one of them.
import errno, os, seccomp, sys
refused = seccomp.SyscallFilter(seccomp.ALLOW)
for part in sys.argv[2].split(","):
    if part == "SO_BINDTODEVICE":
        refused.add_rule(seccomp.ERRNO(errno.EPERM), "setsockopt", seccomp.Arg(1, seccomp.EQ, 1), seccomp.Arg(2, seccomp.EQ, 25))
        continue
    first, _, last = part.partition("-")
    numbers = range(int(first), int(last or first) + 1) if first.isdigit() else [first]
    for number in numbers:
        refused.add_rule(seccomp.ERRNO(getattr(errno, sys.argv[1])), number)
refused.load()
os.execv(sys.argv[3], sys.argv[3:])
END
without() { as_user /usr/bin/python3 "$work/bin/without" "$@"; }
no_openat2() { without ENOSYS openat2 "$@"; }
forbidden_openat2() { without EPERM openat2 "$@"; }
# What came after 4.4, by its number on x86-64: copy_file_range, preadv2, statx, rseq and the like, and all since 5.0.
later=326-334,424-470
on_any_interface() { local -x CADENCE_CONFIG=$work/any-interface.toml; "$@"; }
of_2016() { on_any_interface without ENOSYS "$later,SO_BINDTODEVICE" "$@"; }
of_2016_in_a_sandbox() { on_any_interface without EPERM "$later,SO_BINDTODEVICE" "$@"; }
unbound() { without ENOSYS SO_BINDTODEVICE "$@"; }
from_nothing "openat2 is not there" no_openat2
from_nothing "openat2 is forbidden" forbidden_openat2
if [[ $(uname -m) == x86_64 ]]; then
  from_nothing "the system calls of 4.4" of_2016
  from_nothing "what is newer than 4.4 is forbidden" of_2016_in_a_sandbox
  check "the filter holds" "strace: statx refused" "$(without ENOSYS statx /usr/bin/strace -qq -e trace=statx /bin/ls / 2>&1 >/dev/null | grep -q 'statx.*ENOSYS' && echo 'strace: statx refused')"
fi
# An interface that may not be bound to is told by everybody, with what to do.
begin
refused='cannot use interface lo: operation not permitted, as before Linux 5.7'
fix='give it CAP_NET_RAW, run it as root, or configure no interface'
code=0
said=$(unbound "$work/bin/cadence" reconcile --quiet 2>&1) || code=$?
said=$(tr -s ' \n' ' ' <<<"$said")
check "no interface may be bound to: a cycle" "1 yes" "$code $([[ $said == *"$refused fix: $fix"* ]] && echo yes || echo "$said")"
unbound "$work/bin/cadence" reconcile --quiet >/dev/null 2>&1 || true
check "no interface may be bound to: published" no "$(published && echo yes || echo no)"
for asks in unbound as_user; do
  check "no interface may be bound to: status, $asks" "$refused: $fix" "$($asks "$work/bin/cadence" status --json | jq -r '.errors[0] + ": " + .fixes[0]')"
done
unbound "$work/bin/cadence" check --json >"$work/check" 2>&1 || true
check "no interface may be bound to: check" "host: $refused. fix: $fix" "$(jq -r '.checks[] | select(.check == "host") | "\(.check): \(.message). fix: \(.fix)"' "$work/check")"
check "no interface may be bound to: check advises nothing else" "$fix" "$(jq -r '.checks[] | select(.check | IN("host", "router", "wan")) | .fix' "$work/check" | sort -u)"
said=$(unbound "$work/bin/cadence" probe --json | jq -r '.signals[] | select(.signal == "host") | .error + "; fix: " + .fix') || true
check "no interface may be bound to: probe" "$refused; fix: $fix" "$said"

# root opens the state folder by openat2 alone.
as_root() { /usr/bin/python3 "$work/bin/without" ENOSYS openat2 "$@"; }
chown 0:0 "$work/token"
from_nothing "root, and openat2 is not there" as_root
chown 65532:65532 "$work/token"

# --- a host without IPv6, whose kernel has no /proc/net/ipv6_route

no_ipv6() {
  as_user strace -f --quiet=attach,exit,path-resolution,personality,thread-execve -o "|cat >>$work/trace" -P /proc/net/ipv6_route -P /proc/net/if_inet6 \
    -e inject=open,openat,openat2:error=ENOENT "$@"
}
touch "$work/trace" && chmod 0666 "$work/trace"
from_nothing "no /proc/net/ipv6_route" no_ipv6
check "no /proc/net/ipv6_route: who asked for it was refused" yes "$(grep -q 'ipv6_route.*INJECTED' "$work/trace" && echo yes)"

# --- a root with nothing on it but cadence, which nobody can write

mkdir -p "$work/root/etc/cadence" "$work/root/var/lib/cadence" "$work/root/proc"
cp "$cadence" "$work/root/cadence"
sed "s#$work/token#/etc/cadence/token#" "$work/cadence.toml" >"$work/root/etc/cadence/cadence.toml"
install -m 0400 -o 65532 -g 65532 "$work/token" "$work/root/etc/cadence/token"
install -d -o 65532 -g 65532 "$work/room"
mount --bind "$work/root" "$work/root"
mount -o remount,ro,bind "$work/root"
mount --bind "$work/room" "$work/root/var/lib/cadence"
# chroot(1) asks for a capability, so it changes the user itself.
empty=(env -i /usr/sbin/chroot --userspec=65532:65532 "--groups=" "$work/root" /cadence)
in_root() { "${empty[@]}" "$@"; }
empty_root() {
  local what=$1 said
  begin
  rm -rf "$work/room/"*
  said=$({ in_root reconcile --quiet && in_root reconcile --quiet; } 2>&1) || said+=" exit $?"
  check "$what: what two cycles complain of" "" "$said"
  check "$what: published" yes "$(published && echo yes)"
  check "$what: status" "READY right" "$(in_root status --json | jq -r '.readiness + " " + .records[0].truth')"
  in_root check --json >"$work/check" 2>&1 || true
  check "$what: check" "interface lo: cannot be told without /sys. fix: mount it" "$(jq -r '.checks[] | select(.check == "host") | .message + ". fix: " + .fix' "$work/check")"
}
empty_root "an empty root without /proc"
begin
"${empty[@]}" timer --quiet >"$work/said" 2>&1 &
timer=$!
until_so published || true
kill $timer
code=0
wait $timer || code=$?
check "an empty root without /proc, by cadence timer: published" "yes 0" "$(published && echo yes) $code"
mount -t proc proc "$work/root/proc"
empty_root "an empty root"
check "what was written beside the state" "" "$(find "$work/root" -xdev -newer "$work/root/cadence" -type f ! -path '*/etc/*' ! -path '*/var/lib/cadence/*')"

# --- little memory

small() { (ulimit -v 65536 -m 65536; as_user "$@"); }
from_nothing "64 MiB of addresses" small
group=/sys/fs/cgroup/memory/cadence-$$
if mkdir "$group" 2>/dev/null && echo $((64 << 20)) >"$group/memory.limit_in_bytes"; then
  in_group() { (echo "$BASHPID" >"$group/tasks"; as_user "$@"); }
  from_nothing "a group of 64 MiB" in_group
  echo "        charged to it at most: $(<"$group/memory.max_usage_in_bytes") bytes; refused $(<"$group/memory.failcnt") times"
  rmdir "$group"
else
  echo "skipped: no memory can be limited here by a group"
fi

# --- whoever starts the cycles

by_timer() {
  local what=$1 begun=$SECONDS timer code
  shift
  begin
  # shellcheck disable=SC2016 # the number is that of the timer
  "$@" /bin/sh -c 'echo $$ >"$1"; exec "$0" timer --quiet' "$work/bin/cadence" "$work/room/number" >"$work/said" 2>&1 &
  timer=$!
  until_so published || true
  check "$what, by cadence timer: published" yes "$(published && echo yes)"
  echo "        in $((SECONDS - begun)) s"
  kill "$(<"$work/room/number")"
  code=0
  wait "$timer" || code=$?
  check "$what, by cadence timer: how it ended" 0 $code
  check "$what, by cadence timer: what it complained of" "" "$(<"$work/said")"
}
if [[ $(uname -m) == x86_64 ]]; then by_timer "the system calls of 4.4" of_2016; fi
by_timer "64 MiB of addresses" small

# As the crontab(5) of a NAS or a router says, each minute.
mkdir "$work/crontabs"
begin
printf '* * * * * CADENCE_CONFIG=%s CADENCE_STATE_DIR=%s %s\n' "$CADENCE_CONFIG" "$CADENCE_STATE_DIR" "setpriv --reuid=65532 --regid=65532 --clear-groups $work/bin/cadence reconcile --if-due --quiet 2>>$work/cron.said" >"$work/crontabs/root"
touch "$work/cron.said" && chmod 0666 "$work/cron.said"
begun=$SECONDS
busybox crond -f -l 0 -c "$work/crontabs" >"$work/cron.log" 2>&1 &
cron=$!
for _ in {1..800}; do ! published || break; sleep 0.2; done
check "BusyBox's crond: published" yes "$(published && echo yes)"
echo "        in $((SECONDS - begun)) s: two cycles, one a minute"
kill $cron
check "BusyBox's crond: what the cycles complained of" "" "$(<"$work/cron.said")"
exit $failed
