# shellcheck shell=bash
# shellcheck disable=SC2034 # the exit code of whoever sources it
# Sourced by the scripts that count no more of their checks than whether any failed.

failed=0
# check WHAT EXPECTED FOUND
check() {
  if [[ $3 == "$2" ]]; then
    echo "ok      $1"
  else
    printf 'FAILED  %s\n  expected: %s\n  found:    %s\n' "$1" "$2" "$3"
    failed=1
  fi
}
