#!/bin/bash
# The man pages as a reader sees them, and the completions in the shells themselves.
# tests/system/manual.sh BINARY. Needs mandoc, man-db, groff-base, zsh, fish.
# shellcheck disable=SC2317 # `in_..` are called by the name of the shell
set -euo pipefail
cadence=$(realpath "${1:?the binary to test}")
cd "$(dirname "$(readlink -f "$0")")/../.."
export LC_ALL=C.UTF-8 MANWIDTH=80 TERM=dumb
pages=(man/*.[1-8])
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work

# shellcheck source=tests/system/checks.sh
source tests/system/checks.sh

# --- man pages

# A page has no date: one of the build would make every copy stale, and its version says what it is about.
by_mandoc() { mandoc -T lint -W warning "${pages[@]}" | grep -v 'WARNING: missing date, using "": TH' || true; }
by_groff() { local page; for page in "${pages[@]}"; do { man --warnings -E UTF-8 -l -Tutf8 -Z "$page" >/dev/null; } 2>&1; done; }
by_whatis() { lexgrog "${pages[@]}" | grep -v ': "cadence.* - .*"$' || true; }
too_wide() { local page; for page in "${pages[@]}"; do man -l "$page" | grep -E '^.{81,}' || true; done; }

# The options and commands that `cadence [COMMAND] --help` tells, a line each.
told_by_help() { "$cadence" "$@" --help | grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+|^  [a-z]+  ' | grep -oE -e '--[a-z-]+|[a-z]+ ' | tr -d ' '; }
missing_from_page() {
  local page=$1 text word
  shift
  text=$(man -l "$page")
  for word in $(told_by_help "$@"); do
    grep -qE -- "(^|[^a-z-])(cadence-)?$word([^a-z-]|$)" <<<"$text" || echo "$word"
  done
}
commands() { "$cadence" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z]*\) .*/\1/p'; }

check "mandoc has nothing to complain of" "" "$(by_mandoc)"
check "groff has nothing to warn of" "" "$(by_groff)"
check "apropos can read each name" "" "$(by_whatis)"
check "no line is wider than 80 columns" "" "$(too_wide)"
check "cadence(1) has all that --help tells" "" "$(missing_from_page man/cadence.1)"
for command in $(commands); do
  check "cadence-$command(1) has all that --help tells" "" "$(missing_from_page "man/cadence-$command.1" "$command")"
done

# --- completions

# Types the words and a tab into an interactive shell, and prints what it offers for the last one.
# typed_into "SHELL.." SETUP WORD..
typed_into() {
  local shell=$1 setup=$2
  shift 2
  SHELL_COMMAND=$shell SETUP=$setup TYPED=$* env -C "$work/here" zsh -f <<'ZSH' | tr -s '[:space:]' '\n' | sort | xargs
    zmodload zsh/zpty
    zpty shell "$SHELL_COMMAND"
    # By its prompt the shell shows that it reads from a terminal; what comes earlier could be lost.
    zpty -w shell "stty cols 200 rows 50 -echo; $SETUP; PS1='REA''DY'"
    zpty -r shell heard '*READY*'
    zpty -w -n shell "$TYPED"$'\t'
    zpty -w -n shell $'\x15printf "DO%s\\n" NE\n'
    zpty -r shell heard '*DONE*'
    zpty -d shell
    # With the prompt the line itself is shown, below what is offered.
    print -r -- "$heard" | sed 's/\x1b\[[0-9;?]*[A-Za-z]//g' | tr -d '\r\a' | grep -v -e READY -e "^$TYPED" -e 'DO%s' -e DONE
ZSH
}
in_bash() {
  typed_into "bash --norc --noprofile -i" \
    "source '$PWD/completions/cadence.bash'; bind 'set enable-bracketed-paste off' 'TAB: possible-completions'" "$@"
}
in_zsh() {
  typed_into "zsh -f -i" "unset zle_bracketed_paste; unsetopt prompt_sp; fpath=('$PWD/completions' \$fpath); autoload -U compinit
    compinit -u -D; zstyle ':completion:*' verbose no; bindkey '^I' list-choices" "$@"
}
in_fish() {
  (cd "$work/here" && fish --no-config -c "source $OLDPWD/completions/cadence.fish; complete -C '$*'") | cut -f 1 | sort | xargs
}

mkdir -p "$work/here/cards"
touch "$work/here/card.toml"
for shell in bash zsh fish; do
  offers() { "in_$shell" "$@"; }
  check "$shell: commands" "reconcile recover" "$(offers cadence rec)"
  check "$shell: an option of a command" "--check" "$(offers cadence status --ch)"
  check "$shell: a value" "auto json logfmt pretty" "$(offers cadence status --format '')"
  check "$shell: a value of a command" "dns host plug public-ip router wan" "$(offers cadence probe --only '')"
  check "$shell: a global option before the command" "--state-dir" "$(offers cadence --st)"
  check "$shell: a file" "card.toml cards/" "$(offers cadence --config car)"
  check "$shell: a folder" "cards/" "$(offers cadence status --state-dir car)"
done
exit "$failed"
