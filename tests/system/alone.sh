# shellcheck shell=bash
# Sourced by the scripts that make interfaces, mounts and processes.

# Runs the calling script again as process 1 of namespaces that nobody else sees, its network among them: whatever it makes there ends
# with it, however it ends.
alone() { apart --net "$@"; }

# apart OPTION [ARGUMENT..]: the same with this option of unshare(1), where there is one.
apart() {
  if [[ ${APART-} == yes ]]; then unset APART; return; fi
  [[ $(id -u) == 0 ]] || { echo "$0: needs root, for namespaces" >&2; exit 77; }
  local pid code=0
  APART=yes unshare ${1:+"$1"} --mount --pid --fork --kill-child=KILL --mount-proc -- "$(readlink -f "$0")" "${@:2}" <&0 &
  pid=$!
  # Neither unshare nor a process 1 takes these.
  # shellcheck disable=SC2064 # whose number it is now
  trap "kill -KILL $pid; exit 130" INT
  # shellcheck disable=SC2064
  trap "kill -KILL $pid; exit 143" TERM HUP
  wait "$pid" || code=$?
  exit "$code"
}

# What miniupnpd finds its rules in, for nft.
miniupnpd_table() {
  printf '%s\n' 'table inet filter {' 'chain miniupnpd { }' 'chain prerouting_miniupnpd { }' 'chain postrouting_miniupnpd { }' '}'
}
