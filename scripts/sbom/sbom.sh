#!/usr/bin/env bash
# Writes what a release is made of (CycloneDX 1.6, JSON), from the locks: name, version and hashes of
# every package in Lambda, in the worker and on a developer's machine.
#
#   scripts/sbom/sbom.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/../.."

folder=${1:?name the folder to write to}
tool=.local/tools/sbom
lock=scripts/sbom/requirements.txt

if ! cmp -s "$lock" "$tool/installed"; then
  echo "sbom: installing cyclonedx-bom into $tool"
  rm -rf "$tool"
  .venv/bin/python -m venv "$tool"
  "$tool/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
    --requirement "$lock"
  cp "$lock" "$tool/installed"
fi

write() {
  PYTHONWARNINGS=ignore::UserWarning "$tool/bin/cyclonedx-py" requirements "$2" --pyproject pyproject.toml --mc-type application \
    --spec-version 1.6 --output-format JSON --output-reproducible --validate \
    --output-file "$folder/$1.cdx.json"
  echo "sbom: $folder/$1.cdx.json"
}

mkdir -p "$folder"
write lambda layers/dependencies/requirements.txt
write worker worker/deploy/requirements.txt
write development requirements.lock
