#!/usr/bin/env bash
# Writes requirements.lock and, as subsets of it, what the Lambda layer and the worker are made of.
# The locks hold names, versions, hashes and markers. Where packages come from is configured on the
# machine and must not be written here.
set -euo pipefail
cd "$(dirname "$0")/.."

write() {
  local output=$1
  shift
  echo "lock: $output"
  # Locked versions are kept where they are still allowed; UPGRADE=1 takes the newest of everything.
  if [ -e "$output" ]; then cp "$output" "$output.new"; fi
  .venv/bin/python -m uv pip compile --quiet --universal --python-version 3.11 \
    --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
    ${UPGRADE:+--upgrade} --output-file "$output.new" "$@" >/dev/null
  { echo "# Written by \`make lock\`; edit the .in file instead."; cat "$output.new"; } >"$output"
  rm "$output.new"
}

write requirements.lock requirements.in
write layers/dependencies/requirements.txt layers/dependencies/requirements.in -c requirements.lock
write worker/deploy/requirements.txt worker/deploy/requirements.in -c requirements.lock
write scripts/sbom/requirements.txt scripts/sbom/requirements.in
write scripts/lint/requirements.lock scripts/lint/requirements.in
write scripts/iam/requirements.lock scripts/iam/requirements.in
for client in ccxt binance-connector python-binance freqtrade nautilus schemathesis; do
  write "tests/clients/$client.lock" "tests/clients/$client.in"
done
echo "lock: scripts/iam/package-lock.json"
(cd scripts/iam && npm install --package-lock-only --omit-lockfile-registry-resolved \
  --ignore-scripts --no-audit --no-fund --loglevel error >/dev/null)
