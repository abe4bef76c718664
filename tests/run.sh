#!/usr/bin/env bash
# Checks everything: formats, lint, types, imports, shell scripts, the plugin's manifests, and all tests, those that
# drive the real Claude Code included. Sets up what it needs in the cache folder, from bash, Python 3.10+, npm and git.
# usage: bash tests/run.sh [--fast | pytest arguments…]
#
# --fast leaves out what drives Claude Code and what is marked slow, for a minute's check while you work.
# What this machine can't run is skipped with the reason; CI=true or CLAUDESTRATOR_E2E=required makes it a failure.
set -u
self=${BASH_SOURCE[0]}
case $self in */*) ;; *) self=./$self ;; esac
cd -- "${self%/*}/.." && root=$(pwd -P) || exit 1
# shellcheck source=helper/python.sh
. helper/python.sh

[ "${CI:-}" = true ] && export CLAUDESTRATOR_E2E=required
# Every process would compile all that it imports.
unset PYTHONDONTWRITEBYTECODE
failed='' fast=''
[ "${1:-}" = --fast ] && fast=yes && shift

give_up() {
  printf 'tests/run.sh: %s\n' "$1" >&2
  exit 1
}

# lacking REASON: a part can't run here.
lacking() {
  [ "${CLAUDESTRATOR_E2E:-}" = required ] && give_up "$1"
  printf 'skipped: %s\n' "$1"
}

# check NAME COMMAND…: begins it beside the others and the tests; checked tells how they ended, in this order.
names=() pids=()
check() {
  names+=("$1")
  shift
  "$@" >"$home/check-${#names[@]}" 2>&1 </dev/null &
  pids+=($!)
}

# One run reports every failure.
checked() {
  local at
  for at in "${!names[@]}"; do
    printf '%s' "-- ${names[at]}: "
    if wait "${pids[at]}"; then
      echo passed
    else
      failed="${failed:+$failed, }${names[at]}"
      echo failed
      cat "$home/check-$((at + 1))"
    fi
  done
}

make_venv() {
  local cache=${XDG_CACHE_HOME:-$HOME/.cache}/claudestrator sum
  sum=$(printf '%s' "$root" | cksum)
  venv=$cache/test-venv-${sum%% *}
  [ -d "$venv" ] || echo "setting up (once): $venv"
  helper_module "$root/helper" setup.venv "$venv" "$root $(cksum <pyproject.toml)" -e "${root}[dev]" || give_up 'no venv, no tests'
}

# fetch_claude NAME [VERSION]: leaves the path of a Claude Code, or why there is none, in $home/NAME.
fetch_claude() {
  local name=$1
  shift
  "$python" -B tests/rig/claude_code.py --fetch "$@" >"$home/$name" 2>&1
}

# Waits for the releases that are being fetched.
need_claude() {
  if wait "$newest"; then
    CLAUDE_BIN=$(cat "$home/newest")
    export CLAUDE_BIN
  else
    lacking "the real Claude Code, and all that drives it: $(tail -n 1 "$home/newest")"
  fi
  wait "$no_mods" || lacking "a Claude Code without mods: $(tail -n 1 "$home/no-mods")"
  wait "$oldest" || lacking "the oldest Claude Code that is supported: $(tail -n 1 "$home/oldest")"
}

has() { command -v "$1" >/dev/null 2>&1; }

has_chromium() {
  has chromium || has chromium-browser || has google-chrome || [ -x '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome' ]
}

# tmux is for the interactive tests, Chromium for the report's page. No one is asked for a password, and nothing is
# installed on a person's Mac. It takes a while, so the other checks run meanwhile.
get_programs() {
  local missing=()
  has tmux || missing+=(tmux)
  has_chromium || missing+=(chromium)
  [ "${#missing[@]}" = 0 ] && return
  if [ "$(id -u)" = 0 ] && has apt-get; then
    apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${missing[@]}"
  elif [ "${CLAUDESTRATOR_E2E:-}" = required ] && has brew; then
    brew install --quiet "${missing[@]}"
  fi >/dev/null 2>&1
}

need_programs() {
  has tmux || lacking 'tmux is missing for the interactive tests: apt install tmux, or brew install tmux'
  has_chromium || lacking "Chromium is missing for the report's page: apt install chromium, or brew install chromium"
}

# Claude Code, in a home of its own, and quiet unless it fails.
claude_code() {
  local own
  own=$(mktemp -d "$home/XXXXXX") || return 1
  HOME=$own CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 DISABLE_AUTOUPDATER=1 "$CLAUDE_BIN" "$@" >"$own/said" 2>&1 ||
    { cat "$own/said" && return 1; }
}

find_python || give_up "$problem"
home=$(mktemp -d) || give_up 'there is no place for temporary files: set TMPDIR'
trap 'rm -rf "$home"' EXIT
if [ -z "$fast" ]; then
  get_programs &
  programs=$!
  fetch_claude newest &
  newest=$!
  fetch_claude no-mods no-mods &
  no_mods=$!
  fetch_claude oldest oldest &
  oldest=$!
fi
make_venv
# Its cache holds for every clone, because it goes by what is in a file.
check 'mypy' nice -n 19 "$venv/bin/python" -m mypy --cache-dir "${venv%/*}/mypy"
check 'ruff check' nice -n 19 "$venv/bin/ruff" check
check 'ruff format' nice -n 19 "$venv/bin/ruff" format --check
check 'import-linter' nice -n 19 "$venv/bin/lint-imports" --no-cache
check 'shellcheck' nice -n 19 "$venv/bin/shellcheck" -x install.sh bin/claudestrator-helper helper/python.sh tests/run.sh .ci/run
[ -n "$fast" ] || need_claude
if [ -n "${CLAUDE_BIN:-}" ]; then
  check 'claude plugin validate --strict' claude_code plugin validate . --strict
  check 'claude plugin validate --profile directory' claude_code plugin validate . --profile directory
  check 'claude plugin test' claude_code plugin test .
  # It ends a test after five seconds, which leaves no room for a machine that is busy with ours.
  wait "$!"
fi
# Everything runs in as many processes as there are cores and one more, as many tests mostly wait; a choice, in one.
if [ "$#" = 0 ]; then
  cores=$("$venv/bin/python" -c 'import os; print(os.cpu_count() or 1)')
  set -- -n "$((cores + 1))" --dist loadfile --no-loadscope-reorder
fi
if [ -n "$fast" ]; then
  set -- "$@" -m 'not e2e and not slow'
else
  wait "$programs"
  need_programs
fi
printf '%s\n' '-- pytest'
# Of its own accord pytest would remove an earlier run's folders at the end, which takes it seconds.
"$venv/bin/python" -m pytest --basetemp "$home/t" "$@" || failed=pytest
checked
if [ -n "$failed" ]; then
  trap - EXIT
  printf '%s\n' "FAILED: $failed" "The tests' files are left in $home"
fi
[ -z "$fast" ] || printf '%s\n' 'Left out by --fast: claude plugin validate, and the tests that drive Claude Code or are marked slow.'
[ -z "$failed" ]
