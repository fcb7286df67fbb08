# shellcheck shell=bash
# Sourced by the scripts that make interfaces, mounts and processes.

# Runs the calling script again as process 1 of namespaces that nobody else sees: whatever it makes there ends with it, however it
# ends.
alone() {
  [[ ${ALONE-} == yes ]] && return
  [[ $(id -u) == 0 ]] || { echo "$0: needs root, for namespaces" >&2; exit 77; }
  ALONE=yes exec unshare --mount --net --pid --fork --kill-child=KILL --mount-proc -- "$0" "$@"
}
