# shellcheck shell=bash disable=SC2034
# Sourced by the launcher, install.sh and the tests: finds a Python for the helper's code and runs one of its modules.

# Sets $python; or sets $problem to the line that says what to do, and returns 1.
find_python() {
  local name
  for name in python3 python3.14 python3.13 python3.12 python3.11 python3.10; do
    if "$name" -I -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; then
      python=$name
      return 0
    fi
  done
  if name=$(python3 -I -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null); then
    problem="Python 3.10 or newer is needed and python3 is $name: install a newer one (brew install python, or your system's)"
  else
    problem="python3 is missing: install Python 3.10 or newer (apt install python3 python3-venv, or brew install python)"
  fi
  return 1
}

# helper_module HELPER_FOLDER MODULE ARGUMENTS…: runs the module's main(). Isolated (-I): neither the current folder nor
# PYTHONPATH can replace a module of ours or of the library. -B leaves no bytecode in a clone.
helper_module() {
  local folder=$1 module=$2
  shift 2
  "$python" -I -B -c '
import importlib, sys
sys.path.insert(0, sys.argv[1])
module = importlib.import_module("claudestrator_helper." + sys.argv[2])
sys.argv[:3] = [sys.argv[2]]
module.main()' "$folder" "$module" "$@"
}
