#!/usr/bin/env bash
# Installs Claudestrator into a project or into ~/.claude, removes it, or shows it at work. See --help.
set -u
self=${BASH_SOURCE[0]}
case $self in */*) ;; *) self=./$self ;; esac
root=$(cd -- "${self%/*}" && pwd -P) || exit 1
# shellcheck source=helper/python.sh
. "$root/helper/python.sh"

usage() {
  cat <<'END'
usage: bash install.sh [--dry-run] [--status-line] [DIR]           into a project (default: the current folder)
       bash install.sh [--dry-run] [--status-line] --local [DIR]   into a project, for you alone
       bash install.sh [--dry-run] [--status-line] --global        into ~/.claude, for all projects
       bash install.sh [--dry-run] --uninstall [DIR | --local [DIR] | --global]
       bash install.sh [--dry-run] [--uninstall] --plugin          as a plugin, with its mod, for all your projects
       bash install.sh --demo [--live]                 a whole run on an example project

Installing writes the commands to .claude/commands/, adds to .claude/settings.json what they need, makes a Python
environment for the helper in ~/.local/share/claudestrator and links it as ~/.local/bin/claudestrator-helper.
Nothing of yours is replaced. What was written is noted in .claude/claudestrator-install.json.

--local      settings.local.json in place of settings.json, which a team shares; nothing that git tracks is changed
--dry-run    say what would change, and change nothing
--status-line  show the run in Claude Code's status line, if there is no other, which would stay as it is
--uninstall  remove what was put there, and nothing that you have changed since; with --global the helper too
--plugin     have Claude Code install the plugin from this folder, in place of all that: only a plugin brings the mod
--demo       Claude Code with a scripted model: no API key, no cost; --live: with your own claude and login

CLAUDESTRATOR_VENV=DIR  a virtual environment that has claudestrator-helper already, to be linked in place of a new one
END
}

# need PROGRAM LINE: notes what is missing, so that everything is reported at once.
need() {
  if ! command -v "$1" >/dev/null 2>&1; then
    printf 'claudestrator: %s is missing: %s\n' "$1" "$2" >&2
    missing=yes
  fi
}

need_git() { need git 'install it (apt install git, brew install git) and run this again'; }

need_claude() {
  [ -x "${CLAUDE_BIN:-}" ] || [ -x "$HOME/.claude/local/claude" ] ||
    need claude 'install Claude Code (npm install -g @anthropic-ai/claude-code) and run this again'
}

need_python() {
  if ! find_python; then
    printf 'claudestrator: %s\n' "$problem" >&2
    missing=yes
  fi
}

# demo [--live]: the helper gets a venv in the cache, which later demos reuse.
demo() {
  local cache=${XDG_CACHE_HOME:-$HOME/.cache}/claudestrator
  need_git
  if [ "${1:-}" = --live ]; then need_claude; fi
  [ -z "$missing" ] || exit 1
  [ -d "$cache/demo-venv" ] || echo "Setting up (once): a Python environment in $cache"
  helper_module "$root/helper" setup.helper_link "$cache/demo-venv" || exit 1
  cd "$root" || exit 1
  exec "$cache/demo-venv/bin/python" tests/rig/demo.py "$@"
}

# plugin_step WORD…: one call of `claude plugin`, or, with --dry-run, what it would be.
plugin_step() {
  if [ -n "$dry" ]; then
    printf 'would run: claude plugin %s\n' "$*"
  elif ! "$claude" plugin "$@"; then
    printf 'claudestrator: this failed: claude plugin %s\n' "$*" >&2
    exit 1
  fi
}

# plugin [--uninstall] [--dry-run]: has Claude Code install the plugin from here, or remove it.
plugin() {
  local claude=${CLAUDE_BIN:-} dry=''
  [ -n "$claude" ] || claude=$(command -v claude) || claude=$HOME/.claude/local/claude
  case " $* " in *' --dry-run '*) dry=yes ;; esac
  case " $* " in
    *' --uninstall '*)
      plugin_step uninstall claudestrator@claudestrator
      plugin_step marketplace remove claudestrator
      ;;
    *)
      plugin_step marketplace add "$root"
      plugin_step install claudestrator@claudestrator
      [ -n "$dry" ] || echo 'ready: start claude in a project, let /claudestrator:prd write PRD.md with you, then type /orchestrate'
      ;;
  esac
}

missing='' installs=yes words=()
[ -n "${HOME:-}" ] || { echo 'claudestrator: HOME is not set: set it to your home folder' >&2 && exit 1; }
for word in "$@"; do
  case $word in
    -h | --help) usage; exit 0 ;;
    --uninstall | --dry-run) installs='' && words+=("$word") ;;
    --demo | --live | --global | --local | --status-line | --plugin) words+=("$word") ;;
    -*) echo "claudestrator: there is no option $word: see bash install.sh --help" >&2 && exit 2 ;;
    *) words+=("$word") ;;
  esac
done

case " ${words[*]-} " in
  *' --plugin '*)
    for word in "${words[@]}"; do
      case $word in
        --plugin | --uninstall | --dry-run) ;;
        *) echo 'claudestrator: --plugin goes alone, or with --uninstall or --dry-run: see bash install.sh --help' >&2 && exit 2 ;;
      esac
    done
    need_claude
    [ -z "$missing" ] || exit 1
    plugin "${words[@]}"
    exit 0
    ;;
esac
need_python
case " ${words[*]-} " in
  ' --demo ') demo ;;
  ' --demo --live ') demo --live ;;
  *' --demo '* | *' --live '*)
    echo 'claudestrator: --demo goes alone or with --live: see bash install.sh --help' >&2
    exit 2
    ;;
esac
if [ -n "$installs" ]; then
  need_git
  need_claude
fi
[ -z "$missing" ] || exit 1
helper_module "$root/helper" setup.install ${words[@]+"${words[@]}"}
