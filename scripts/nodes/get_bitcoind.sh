#!/usr/bin/env bash
# Has bitcoind unpacked into .local/nodes, once, by the tool that stands in `shared` beside this
# checkout, and writes where it is. Says so where that tool is away.
set -euo pipefail
cd "$(dirname "$0")/../.."

tool=.local/nodes/bitcoind
program=$PWD/$tool/bitcoind
unpack=../shared/tools/get-bitcoind.sh

if [ -n "${BITCOIND:-}" ]; then
  echo "$BITCOIND"
  exit
fi
if ! [ -e "$tool/ready" ]; then
  [ -x "$unpack" ] || { echo "bitcoind: no $unpack here; name one as BITCOIND" >&2; exit 1; }
  # Two processes of the tests may ask at once.
  mkdir -p .local/nodes
  exec 9>.local/nodes/bitcoind.lock
  flock 9
  if ! [ -e "$tool/ready" ]; then
    rm -rf "$tool"
    "$unpack" "$PWD/$tool" >/dev/null
    touch "$tool/ready"
  fi
fi
echo "$program"
