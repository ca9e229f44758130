#!/usr/bin/env bash
# Writes the worker's archive, which infra/worker-fleet.yaml installs on its instances:
#
#   worker/deploy/build.sh .local/bursa-worker.tar.gz
#
#   WORKER_PLATFORM   wheels are fetched for it; manylinux2014_aarch64 unless told otherwise
#   WORKER_PYTHON_VERSION   3.13 unless told otherwise
set -euo pipefail
cd "$(dirname "$0")/../.."

archive=${1:?name the archive to write}
platform=${WORKER_PLATFORM:-manylinux2014_aarch64}
version=${WORKER_PYTHON_VERSION:-3.13}
python=${PY:-.venv/bin/python}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "build: fetching the packages for $platform, Python $version"
"$python" -m pip download --quiet --disable-pip-version-check --dest "$work/packages" \
  --only-binary :all: --platform "$platform" --platform "${platform/2014/_2_17}" \
  --platform any --python-version "$version" --implementation cp \
  --constraint <(grep -oE '^[A-Za-z0-9._-]+==[^ ;\\]+' requirements.lock) \
  --requirement worker/deploy/requirements.txt

echo "build: packing"
# The same content gives the same archive, byte for byte: its hash decides what is installed.
same=(--owner=0 --group=0 --mtime=@0 --sort=name)
git ls-files engine worker layers/core | LC_ALL=C sort | tar -cf "$work/archive.tar" "${same[@]}" --files-from -
tar -rf "$work/archive.tar" "${same[@]}" -C "$work" packages
mkdir -p "$(dirname "$archive")"
gzip -9 -n <"$work/archive.tar" >"$archive"
echo "build: $archive, $(du -h "$archive" | cut -f1)"
