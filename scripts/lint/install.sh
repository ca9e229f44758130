#!/usr/bin/env bash
# Installs the policy scanner from its own lock, once; its hundred packages need no part of ours.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=.local/lint/venv
mark=$venv/packages-$(sha256sum scripts/lint/requirements.lock | cut -c1-16)
[ -e "$mark" ] && exit
echo "lint: installing the policy scanner, $(grep -c == scripts/lint/requirements.lock) packages (half a minute, once)"
rm -rf "$venv"
.venv/bin/python -m uv venv --quiet --python .venv/bin/python "$venv"
.venv/bin/python -m uv pip install --quiet --no-deps --require-hashes \
  --python "$venv/bin/python" -r scripts/lint/requirements.lock
touch "$mark"
