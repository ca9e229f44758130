#!/usr/bin/env bash
# Writes the worker's archive, which infra/worker-fleet.yaml installs on its instances: sources, the
# compiled engine, and the packages of the lock as wheels.
#
#   worker/deploy/build.sh .local/bursa-worker.tar.gz
#
#   WORKER_MACHINE   of the instances: aarch64 unless told otherwise
#   WORKER_CC        a C compiler for it; else one is looked for
#   PY               the Python whose version the instances have too
#
# The same sources give the same archive, byte for byte, wherever it is built with one compiler: its
# hash decides what is installed.
set -euo pipefail
cd "$(dirname "$0")/../.."

archive=${1:?name the archive to write}
machine=${WORKER_MACHINE:-aarch64}
python=${PY:-.venv/bin/python}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')

# GCC first, since the engine's flags were measured with it. 2.34 is the C library of Amazon Linux.
find_compiler() {
  if [ -n "${WORKER_CC:-}" ]; then
    echo "$WORKER_CC"
  elif [ "$(uname -m)" = "$machine" ] && command -v cc >/dev/null; then
    echo cc
  elif command -v "$machine-linux-gnu-gcc" >/dev/null; then
    echo "$machine-linux-gnu-gcc"
  elif "$python" -c 'import ziglang' 2>/dev/null; then
    echo "$python -m ziglang cc -target $machine-linux-gnu.2.34"
  else
    echo "build: no C compiler for $machine: install gcc-${machine/_/-}-linux-gnu (Debian, Ubuntu)," \
      "or ziglang with \`$python -m pip install ziglang\`, or name one in WORKER_CC." >&2
    return 1
  fi
}
compiler=$(find_compiler)

echo "build: fetching the packages for $machine, Python $version"
"$python" -m pip download --quiet --disable-pip-version-check --dest "$work/packages" \
  --only-binary :all: --platform "manylinux2014_$machine" --platform "manylinux_2_17_$machine" \
  --platform any --python-version "$version" --implementation cp \
  --no-deps --require-hashes --requirement worker/deploy/requirements.txt

echo "build: compiling the engine with $compiler"
CC="$compiler" CFLAGS="-s -Wl,--build-id=none ${CFLAGS:-}" PYTHONPATH=.:layers/core \
  "$python" -m engine.build --into "$work/engine" --machine "$machine"

echo "build: packing"
same=(--owner=0 --group=0 --numeric-owner --mtime=@0 --sort=name --format=gnu
  --mode=u+rwX,go+rX,go-w)
git ls-files engine worker layers/core | LC_ALL=C sort |
  tar -cf "$work/archive.tar" "${same[@]}" --files-from -
tar -rf "$work/archive.tar" "${same[@]}" -C "$work" engine packages
mkdir -p "$(dirname "$archive")"
gzip -9 -n <"$work/archive.tar" >"$archive"
echo "build: $archive, $(du -h "$archive" | cut -f1)"
