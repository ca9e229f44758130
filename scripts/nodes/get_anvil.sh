#!/usr/bin/env bash
# Installs anvil, an Ethereum node for tests, from its own lock into .local/nodes, once (43 MB), and
# writes where it is. Needs npm; says so where there is none.
set -euo pipefail
cd "$(dirname "$0")/../.."

here=scripts/nodes
tool=.local/nodes/anvil
mark=$tool/packages-$(sha256sum <"$here/package-lock.json" | cut -c1-16)
program=$PWD/$tool/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil
is_installed() { [ -e "$mark" ] && [ -x "$program" ]; }

if ! is_installed; then
  command -v npm >/dev/null || { echo "anvil: no npm here" >&2; exit 1; }
  # Two processes of the tests may ask at once.
  mkdir -p .local/nodes
  exec 9>.local/nodes/anvil.lock
  flock 9
  if ! is_installed; then
    rm -rf "$tool"
    mkdir -p "$tool"
    cp "$here/package.json" "$here/package-lock.json" "$tool"
    npm ci --prefix "$tool" --ignore-scripts --no-audit --no-fund --loglevel error >/dev/null
    touch "$mark"
  fi
fi
echo "$program"
