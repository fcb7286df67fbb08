# shellcheck shell=bash
# Booted Debian systems that are thrown away afterwards. Sourced by the scripts that need one.
#
# Outside of `alone`: prepare_root SUITE, as it needs the package mirror.
# Inside, one system for each script: unpack_root, make_network, start_world, then boot, inside, reboot and power_off.
# The system shares its network with the script and the world, so that both outlive a reboot of it.
# With $network it has that namespace in its place.

# shellcheck source=tests/system/alone.sh
source "${BASH_SOURCE%/*}/alone.sh"

# What an ordinary host has, as nothing can be downloaded later.
root_packages=systemd,systemd-sysv,dbus,cron,iproute2,procps,ca-certificates,man-db
# What tells and mails besides, in a system of its own. debootstrap does not find what provides a virtual package, as for cffi.
# shellcheck disable=SC2034 # the scripts use it
receiver_packages=$root_packages,apprise,python3-cffi-backend,bsd-mailx,exim4-daemon-light,jq,msmtp
root_days=30
cache=${CADENCE_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/cadence-tests}
group_prefix=cadence-test
group=$group_prefix-$(</proc/sys/kernel/random/uuid)

# The archive of a suite, installed and packed. Another list of packages is another archive.
packed_root() { echo "$cache/$1-$(sha256sum <<<"$2" | head -c 12).tar.zst"; }

# Where this host has its own packages from; nothing where it is no Debian, and debootstrap knows a mirror itself.
mirror() {
  grep -qx ID=debian /etc/os-release || return 0
  # shellcheck disable=SC2016 # apt's variables
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' |
    awk -v release="$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)" '$2 == release && $3 == "main" {print $1; exit}'
}

# The keyring of Ubuntu's archive, in the `ubuntu-keyring` of noble. Debian 12 has no package of it.
ubuntu_suites='jammy noble resolute'
ubuntu_keyring=80a36b0a6de2f69f49d2df75ef473ccde121e9e190b9ea01d20a4f63778d5c31

# bootstrap OPTION.. SUITE FOLDER: by debootstrap(8). Ubuntu's suites are checked by Ubuntu's key: where this host does not have it, it is
# downloaded with noble's packages, of which nothing is run before.
bootstrap() {
  local suite=${*: -2:1} root=${*: -1} keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg recipe=/usr/share/debootstrap/scripts/gutsy ubuntu
  if [[ " $ubuntu_suites " != *" $suite "* ]]; then
    debootstrap --variant=minbase "$@" "$(mirror)"
    return
  fi
  if [[ ! -e $keyring ]]; then
    keyring=${root%/*}/keyring.gpg
    # debootstrap takes Debian's mirror where it has no keyring, unless it is told its own for Ubuntu.
    ubuntu=$(awk '/default_mirror/ && !/old/ {print $2; exit}' "$recipe")
    debootstrap --variant=minbase --download-only --no-check-gpg noble "$root" "$ubuntu" "$recipe" &&
      dpkg-deb --fsys-tarfile "$root"/var/cache/apt/archives/ubuntu-keyring_*.deb | tar -xOf - ./usr/share/keyrings/ubuntu-archive-keyring.gpg >"$keyring" &&
      rm -rf --one-file-system "$root" && sha256sum --check <<<"$ubuntu_keyring  $keyring" || return
  fi
  # An older debootstrap has no recipe of a newer name; all of Ubuntu's are this one.
  debootstrap --variant=minbase --keyring="$keyring" --force-check-gpg "$@" '' "$recipe"
}

# prepare_root SUITE [PACKAGES]: makes the packed root of a suite, unless there is a fresh one. An old one is better than none.
prepare_root() (
  packages=${2:-$root_packages}
  packed=$(packed_root "$1" "$packages")
  mkdir -p "$cache"
  exec {lock}>"$cache/$1.lock"
  flock "$lock"
  [[ -z $(find "$packed" -mtime -"$root_days" 2>/dev/null) ]] || exit 0
  build=$(mktemp -d "$cache/$1.XXXXXX")
  trap 'rm -rf --one-file-system "$build"' EXIT
  echo "installing $1: kept in $cache for $root_days days"
  find "$cache" -name '*.tar.zst' -mtime +$((2 * root_days)) -delete # of lists of packages that nobody wants any more
  if ! install_root "$1" "$packages" "$build"; then
    [[ -e $packed ]] || exit 1
    echo "keeping the old one"
  fi
)

install_root() {
  local root=$3/root
  if ! bootstrap --include="$2" "$1" "$root" >"$3/log" 2>&1 </dev/null; then
    # Whose mirror it is stays out of every log.
    tail -n 5 "$3/log" | sed -E 's#//[^/ ]+#//MIRROR#g'
    return 1
  fi
  rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/etc/apt/sources.list "$root"/var/log/bootstrap.log
  : >"$root/etc/machine-id"
  echo "$1" >"$root/etc/hostname"
  tar --numeric-owner --xattrs -C "$root" -cf - . | zstd -q -T0 -3 -o "$3/packed" && mv "$3/packed" "$(packed_root "$1" "$2")"
}

# unpack_root SUITE: a copy in memory, in $root. $work is for all else.
unpack_root() {
  mount -t tmpfs tmpfs /run
  work=/run/work root=/run/work/root
  mkdir -p "$root"
  zstd -qdc "$(packed_root "$1" "$root_packages")" | tar --numeric-owner --xattrs -C "$root" -xpf -
}

# A link with a default route. Nobody is at its other end: the world is on loopback.
make_network() {
  ip link set lo up
  ip link add eth0 type veth peer name wall
  ip addr add 192.168.77.2/24 dev eth0
  plug_in
}
plug_in() { ip link set wall up; ip link set eth0 up; ip route replace default via 192.168.77.1; }
plug_out() { ip link set eth0 down; }

# start_world PROGRAM
start_world() {
  world_program=$1
  mkdir -p "$work/world"
  "$world_program" "$work/world" &
  world_pid=$!
  until [[ -S $work/world/socket ]]; do kill -0 "$world_pid"; sleep 0.05; done
}
end_world() { kill -KILL "$world_pid"; wait "$world_pid" 2>/dev/null || true; }
# What the world does, and tells: see world.rs.
world() { "$world_program" "$work/world" "$@"; }

# variables FILE: a cadence.toml as variables, one a line: lists by comma, the records in one. The token has a file of its own.
variables() {
  awk -F' = ' '
    /^\[\[record\]\]/ { in_record = 1; next }
    /^\[/ { in_record = 0; section = toupper(substr($0, 2, length($0) - 2)) "_"; next }
    !/ = / || /^token_file/ { next }
    { key = $1; value = substr($0, length($1) + 4); gsub(/"/, "", value); sub(/^\[/, "", value); sub(/\]$/, "", value) }
    in_record && key == "name" { records = (records == "" ? "" : records ", ") value; next }
    in_record { records = records " " key "=" value; next }
    { printf "CADENCE_%s%s=%s\n", section, toupper(key), value }
    END { printf "CADENCE_RECORDS=%s\n", records }' "$1"
}

# The hierarchies in which a systemd keeps its groups.
hierarchies() { findmnt -rno TARGET -t cgroup2; findmnt -rno TARGET -t cgroup -O name=systemd; }

# Starts the system with systemd as its process 1, and waits until it is up.
boot() {
  start_system --boot
  wait_until_up systemd systemctl_says_up
}
systemctl_says_up() { [[ $(inside systemctl is-system-running 2>/dev/null) =~ running|degraded ]]; }

# Starts it with a process 1 that does nothing, and this command.
start_without_systemd() {
  start_system --as-pid2 -- "$@"
  wait_until_up '\(sd-stubinit\)' inside true
}

# start_system OPTION..
start_system() {
  (
    while read -r hierarchy; do
      mkdir -p "$hierarchy/$group"
      echo "$BASHPID" >"$hierarchy/$group/cgroup.procs"
    done < <(hierarchies)
    # CAP_BPF, or IPAddressDeny= and DevicePolicy= do nothing; a writable /proc/sys/net, or sysctl.d does nothing.
    exec env SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_API_VFS_WRITABLE=network \
      systemd-nspawn --directory="$root" --machine="$(<"$root/etc/hostname")" --register=no --keep-unit --console=pipe \
      --network-namespace-path="${network:-/proc/1/ns/net}" --capability=CAP_BPF,CAP_NET_ADMIN --system-call-filter=bpf "$@"
  ) </dev/null >>"$work/console" 2>&1 &
  nspawn=$!
}

# wait_until_up PROCESS_1 COMMAND..: until both are there.
wait_until_up() {
  local name=$1 end=$((SECONDS + 90))
  shift
  until leader=$(pgrep -P "$nspawn" -x "$name") && "$@"; do
    if ((SECONDS > end)) || ! kill -0 "$nspawn" 2>/dev/null; then
      echo "the system did not come up:"; tail -n 20 "$work/console"
      return 1
    fi
    sleep 0.2
  done
}

# Runs a command in the system, as its root, for a minute at most.
inside() {
  timeout -k 5 "${inside_limit:-60}" nsenter --target "$leader" --mount --uts --ipc --net --pid --cgroup --root --wd -- \
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 SYSTEMD_PAGER= SYSTEMD_COLORS=0 \
    DEBIAN_FRONTEND=noninteractive "$@" </dev/null
}

# What systemd-nspawn(1) itself sends for an orderly end.
power_off() { kill -s SIGRTMIN+4 "$leader"; gone; }
shut_down_to_reboot() { kill -s SIGRTMIN+5 "$leader"; gone; }
reboot() { shut_down_to_reboot; boot; }
# The plug of this very host is pulled.
lose_power() { kill -KILL "$nspawn" "$leader"; gone; }

# Waits until the system is down.
gone() {
  {
    timeout 120 tail --pid="$nspawn" -f /dev/null || { kill -KILL "$nspawn"; echo "the system did not go down"; return 1; }
    wait "$nspawn" || true
  } 2>/dev/null # bash tells of children that were killed
}

# Outside of `alone`: removes the control groups of systems that are gone.
sweep() {
  local folder
  while read -r folder; do
    find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null || true # still in use
  done < <(hierarchies | xargs -I{} find {} -mindepth 1 -maxdepth 1 -name "$group_prefix-*")
}
