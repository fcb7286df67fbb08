#!/bin/bash
# The Debian package as it is, with no host under it: its build, what is in it, and what its units, cron job and hooks do.
# Leaves it in target/debian, where the tests that install it find it.
# As root: tests/system/package.sh. Needs Rust, dpkg-dev (with binutils), lintian, man-db, shellcheck, systemd.
set -euo pipefail
# shellcheck source=tests/system/alone.sh
source "$(dirname "$(readlink -f "$0")")/alone.sh"
if [[ ${APART-} != yes ]]; then
  work=$(mktemp -d)
  trap 'rm -rf --one-file-system "$work"' EXIT
  export WORK=$work
fi
# What is mounted here nobody else sees, and it ends with this script.
apart '' "$@"
cd "$(dirname "$(readlink -f "$0")")/../.."
work=${WORK:?}
trap 'umount --quiet --lazy --recursive /etc /usr || true' EXIT

checks=0 failed=0
# check WHAT EXPECTED FOUND
check() {
  checks=$((checks + 1))
  if [[ $2 == "$3" ]]; then
    echo "ok     $1: ${3:-nothing}"
  else
    failed=$((failed + 1))
    printf 'FAILED %s\n  expected: %s\n  found:    %s\n' "$1" "${2:-nothing}" "${3:-nothing}"
  fi
}

# --- the build

# The same source in another folder, built with another home of Cargo.
build_elsewhere() {
  mkdir -p "$work/elsewhere/cargo"
  git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- -c | tar -x -C "$work/elsewhere"
  ln -s "$cargo_home/registry" "$work/elsewhere/cargo/"
  CARGO_HOME=$work/elsewhere/cargo CARGO_TARGET_DIR=$work/elsewhere/built PATH=$PATH:$cargo_home/bin "$work/elsewhere/packaging/build-deb"
}
cargo_home=${CARGO_HOME:-${HOME:-/root}/.cargo}
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
packaging/build-deb >"$work/deb" &
build_elsewhere >"$work/other-deb"
wait "$!"
deb=$(<"$work/deb")
echo "$deb, $(stat -c %s "$deb") bytes"
check "difference of two builds" "" "$(cmp "$deb" "$(<"$work/other-deb")" 2>&1)"
rm -rf "$work/elsewhere"

package=$work/package control=$work/package/DEBIAN
dpkg-deb --raw-extract "$deb" "$package"
check "paths of the build in the binary" "" "$(grep -aoF -e "$cargo_home" -e "$PWD" "$package/usr/bin/cadence")"

needed=$(readelf --dynamic --wide "$package/usr/bin/cadence" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort | xargs)
check "what the binary needs, for Depends" "libc.so.6" "$needed"
# The packed relocations came with 2.36.
newest=$(readelf --version-info --wide "$package/usr/bin/cadence" | grep -o 'GLIBC_2[0-9.]*' | sort --unique --version-sort | tail -n 1)
check "the C library it needs is no newer than" GLIBC_2.36 "$(printf '%s\n' GLIBC_2.36 "$newest" | sort --version-sort | tail -n 1)"

# --- what is in it

listing=$(dpkg-deb --contents "$deb")
echo "$listing"
dpkg-deb --field "$deb"
check "lintian" "" "$(lintian --allow-root --info "$deb" 2>&1)"
check "whose the files are" root/root "$(awk '{print $2}' <<<"$listing" | sort -u)"
check "not mode 0644" "-rwxr-xr-x ./usr/bin/cadence" "$(awk '!/^(-rw-r--r--|drwxr-xr-x) / {print $1, $6}' <<<"$listing")"
check "conffiles" "/etc/cadence/cadence.toml /etc/cron.d/cadence" "$(sort "$control/conffiles" | xargs)"
check "version" "$(dpkg-parsechangelog --file packaging/debian/changelog --show-field Version)" "$(dpkg-deb --field "$deb" Version)"
units=(cadence.service cadence.timer cadence-fast.path cadence-fast.timer cadence-announce.socket cadence-announce.service)
units+=(cadence@.service cadence@.timer cadence-fast@.path cadence-fast@.timer)
for unit in "${units[@]}"; do
  check "changes to $unit" "" "$(diff "systemd/$unit" "$package/usr/lib/systemd/system/$unit")"
done
check "changes to the schemas" "" "$(diff -r packaging/schema "$package/usr/share/cadence/schema" 2>&1)"
check "shellcheck of scripts and hooks" "" "$(shellcheck packaging/build-deb "$control"/{preinst,postinst,prerm,postrm} packaging/hooks/* packaging/mail/cadence-failed packaging/notify/* 2>&1)"

# --- units, as if the package were installed

mount -t overlay -o "lowerdir=$package/usr:/usr" overlay /usr
mount -t overlay -o "lowerdir=$package/etc:/etc" overlay /etc
mount -t tmpfs tmpfs /run
systemctl --version | head -n 1
check "systemd-analyze verify" "" "$(systemd-analyze verify --recursive-errors=yes "${units[@]/@./@office.}" 2>&1)"
for unit in cadence.service cadence@.service cadence-announce.service; do
  secure() { systemd-analyze security --offline=true "$@" "/usr/lib/systemd/system/$unit"; }
  secure | tail -n 1
  check "exposure of $unit" "at most 1.5" "$(secure --threshold=15 >/dev/null && echo at most 1.5 || echo more)"
done

# --- cron and hooks, with a cadence and a systemctl that tell how they were called

mkdir "$work/tools"
cat >"$work/tools/cadence" <<'SH'
#!/bin/sh
echo "cadence $*"
exit "$EXIT"
SH
cat >"$work/tools/systemctl" <<'SH'
#!/bin/sh
case $* in
*is-active*) [ -n "$ACTIVE" ] && [ "$*" = "--quiet is-active cadence.timer" ] ;;
*) echo "systemctl $*" ;;
esac
SH
chmod 755 "$work/tools"/*

# cron EXIT: what cron would mail where cadence exits with that, and the job's own exit code.
job=$(sed -n 's/^\(\* \)\{5\}cadence //p' /etc/cron.d/cadence)
cron() { { env -i EXIT="$1" PATH="$(sed -n 's/^PATH=//p' /etc/cron.d/cadence)" /bin/sh -c "$job" 2>&1; echo "$?"; } | xargs; }
configured() { cat >"$work/cadence.toml" && mount --bind "$work/cadence.toml" /etc/cadence/cadence.toml; }
named='[[record]]
name = "vpn.example.com"'
told="cadence reconcile --quiet --if-due --splay 10s 0"

mount --bind "$work/tools/cadence" /usr/bin/cadence
check "cron, the sample names no record" 0 "$(cron 1)"
configured <<<"$named"
check "cron, nothing failed" 0 "$(cron 0)"
check "cron, a failure" "$told" "$(cron 1)"
check "cron, another cycle is under way" 0 "$(cron 75)"
configured <<<' record = [{ name = "vpn.example.com" }]'
check "cron, a record in another form" "$told" "$(cron 1)"
configured <<<'# [[record]]'
check "cron, a record in a comment" 0 "$(cron 1)"
configured <<<"$named"
mkdir -p /run/systemd/system
check "cron, systemd runs" 0 "$(cron 1)"
mount --bind /dev/null /usr/bin/cadence
rmdir /run/systemd/system
check "cron, cadence is gone" 0 "$(cron 1)"

# hook COMMAND..: what it has systemd do, and how it ends.
hook() { { env -i PATH="$work/tools:$PATH" ACTIVE="$active" "$@" 2>&1 && echo well || echo badly; } | xargs; }
manager() { hook sh packaging/hooks/NetworkManager "$@"; }
dispatcher() { hook IFACE="$1" sh packaging/hooks/networkd-dispatcher; }
# As dhclient-script does: reads it, and goes on.
dhclient() { hook "$@" sh -ec '. packaging/hooks/dhclient; [ $# = 0 ]'; }
started="systemctl start --no-block cadence.service well"

active=yes
check "NetworkManager, before systemd" well "$(manager eth0 up)"
mkdir -p /run/systemd/system
for event in up down dhcp4-change dhcp6-change; do check "NetworkManager, $event" "$started" "$(manager eth0 $event)"; done
check "NetworkManager, hostname" well "$(manager "" hostname)"
check "NetworkManager, loopback" well "$(manager lo up)"
check "networkd-dispatcher" "$started" "$(dispatcher eth0)"
check "networkd-dispatcher, loopback" well "$(dispatcher lo)"
check "dhclient, the first address" "$started" "$(dhclient reason=BOUND new_ip_address=192.0.2.1)"
check "dhclient, another address" "$started" "$(dhclient reason=RENEW old_ip_address=192.0.2.1 new_ip_address=192.0.2.2)"
check "dhclient, the same address" well "$(dhclient reason=RENEW old_ip_address=192.0.2.1 new_ip_address=192.0.2.1)"
check "dhclient, no address any more" "$started" "$(dhclient reason=EXPIRE old_ip_address=192.0.2.1)"
check "dhclient, before it asks" well "$(dhclient reason=PREINIT)"
active=
check "the timer is stopped" "well well well" "$(manager eth0 up) $(dispatcher eth0) $(dhclient reason=BOUND new_ip_address=192.0.2.1)"

echo "$checks checks, $failed failed"
[[ $failed == 0 ]]
