#!/usr/bin/env bash
# Runs the container tests where Docker is there or can be had: as root on Debian or Ubuntu it is
# installed, and a daemon that this starts ends with it. Elsewhere it says what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() {
  echo "containers: skipped: $*"
  exit 0
}

if ! docker info >/dev/null 2>&1; then
  if ! command -v dockerd >/dev/null; then
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null ||
      skip "Docker does not respond; install it (on Debian and Ubuntu: apt install docker.io) and start it"
    echo "containers: installing Docker"
    { apt-get update -qq && apt-get -o DPkg::Lock::Timeout=300 install -y -qq \
      --no-install-recommends docker.io iptables mmdebstrap; } >/dev/null 2>&1 ||
      skip "Docker could not be installed"
  fi
  data=$(mktemp -d)
  setsid dockerd --data-root "$data/docker" --exec-root "$data/run" --pidfile "$data/pid" \
    >"$data/log" 2>&1 &
  daemon=$!
  ends() {
    kill "$daemon" 2>/dev/null && wait "$daemon" || true
    umount "$data"/run/netns/* 2>/dev/null || true # the daemon leaves its own namespace mounted
    rm -rf "$data"
  }
  trap ends EXIT
  for _ in $(seq 60); do
    docker info >/dev/null 2>&1 && break
    sleep 0.5
  done
  docker info >/dev/null 2>&1 || { tail -n 3 "$data/log"; skip "no Docker daemon runs here"; }
fi
.venv/bin/python -m pytest -q -n 0 -m containers tests/containers "$@"
