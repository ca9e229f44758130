#!/usr/bin/env bash
# Makes .venv from the lock and compiles the engine; does nothing when both are up to date.
# Needs Python 3.11 or later with venv. Without a C compiler the engine runs interpreted.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv
log=.local/logs/setup.log

fail() {
  echo "setup: $*" >&2
  exit 1
}

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 python; do
    [ -n "$candidate" ] || continue
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      echo "$candidate"
      return
    fi
  done
  fail "Python 3.11 or later was not found; install it, or name it with PYTHON=/path/to/python3."
}

fingerprint() {
  sha256sum "$@" | sha256sum | cut -c1-16
}

# One line that counts packages: on a terminal it is updated, elsewhere printed every twenty packages.
count_packages() {
  local total=$1 done=0 line
  while read -r line; do
    case "$line" in
      Collecting*)
        done=$((done + 1))
        if [ -t 1 ]; then
          printf '\r\033[K  %d of %d  %s' "$done" "$total" "${line#Collecting }"
        elif [ $((done % 20)) = 0 ]; then
          echo "  $done of $total packages"
        fi
        ;;
      Installing\ collected*)
        [ -t 1 ] && printf '\r\033[K'
        echo "  installing them"
        ;;
    esac
  done
}

make_venv() {
  local python total
  python=$(find_python)
  "$python" -c 'import venv, ensurepip' >/dev/null 2>&1 ||
    fail "$python has no venv module; install it (on Debian and Ubuntu: apt install python3-venv)."
  echo "setup: a virtual environment with $("$python" --version) in $venv (a minute, once)"
  rm -rf "$venv"
  "$python" -m venv "$venv" >"$log" 2>&1 || fail "venv failed; see $log."
  total=$(grep -c '==' requirements.lock)
  "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --progress-bar off \
    --no-deps --require-hashes -r requirements.lock 2>>"$log" | tee -a "$log" |
    count_packages "$total" || {
    tail -n 5 "$log" >&2
    fail "installing the packages failed; the full log is $log."
  }
}

compile_engine() {
  if ! command -v cc >/dev/null 2>&1 && ! command -v gcc >/dev/null 2>&1; then
    echo "setup: no C compiler found; the engine runs interpreted, some twenty times slower"
    return
  fi
  echo "setup: compiling the engine"
  PYTHONPATH=.:layers/core "$venv/bin/python" -m engine.build >>"$log" 2>&1 || {
    tail -n 5 "$log" >&2
    fail "compiling the engine failed; the full log is $log."
  }
}

mkdir -p "$(dirname "$log")"
packages_mark=$venv/packages-$(fingerprint requirements.lock)
if [ ! -e "$packages_mark" ]; then
  make_venv
  touch "$packages_mark"
fi
if [ -e engine/build.py ]; then
  engine_mark=$venv/engine-$(fingerprint engine/*.py engine/core/*.py layers/core/wire/*.py)
  if [ ! -e "$engine_mark" ]; then
    compile_engine
    rm -f "$venv"/engine-*
    touch "$engine_mark"
  fi
fi
