"""The worker's archive: the same from the same sources, and nothing in it that was not locked."""

import hashlib
import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from scripts.deploy.errors import DeployError
from scripts.deploy.worker_archive import check_worker_archive
from tests.contract.templates import ROOT

BUILD = ROOT / "worker" / "deploy" / "build.sh"
WHEEL, OTHER = b"a wheel", b"another wheel"
ARM, INTEL = (b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little") for machine in (183, 62))
ENGINE = "engine/_core.cpython-313-aarch64-linux-gnu.so"
# Stands for Python: downloads one package and compiles one engine, whoever asks.
FAKE_PYTHON = """#!/bin/bash
case "$*" in
  -c*) echo 3.13 ;;
  *"pip download"*)
    [[ "$*" == *"--require-hashes"* ]] || exit 3
    while [ "$1" != --dest ]; do shift; done
    mkdir -p "$2"; echo wheel >"$2/msgspec-1-py3.whl" ;;
  *engine.build*)
    while [ "$1" != --into ]; do shift; done
    mkdir -p "$2"; echo "$CC" >"$2/_core.so" ;;
esac
"""


@pytest.mark.parametrize("machine", ["aarch64"])
def test_the_same_sources_give_the_same_archive_whatever_the_umask(
    tmp_path: Path, machine: str
) -> None:
    python = tmp_path / "python"
    python.write_text(FAKE_PYTHON)
    python.chmod(0o755)
    digests = set()
    for umask in (0o022, 0o077):
        archive = tmp_path / f"{umask}.tar.gz"
        done = subprocess.run(  # noqa: S603 - our own script
            [str(BUILD), str(archive)],
            env={
                "PATH": os.environ["PATH"],
                "PY": str(python),
                "WORKER_CC": "cc-for-it",
                "WORKER_MACHINE": machine,
            },
            umask=umask,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        digests.add(hashlib.sha256(archive.read_bytes()).hexdigest())
        with tarfile.open(archive) as content:
            members = content.getmembers()
        assert {member.mtime for member in members} == {0}
        assert {member.mode for member in members} <= {0o755, 0o644}
        assert {"engine/_core.so", "packages/msgspec-1-py3.whl"} <= {one.name for one in members}
    assert len(digests) == 1


def archive(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path / "worker.tar.gz", "w:gz") as content:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            content.addfile(member, io.BytesIO(data))
    return path / "worker.tar.gz"


def lock(path: Path) -> Path:
    digest = hashlib.sha256(WHEEL).hexdigest()
    (path / "requirements.txt").write_text(f"python-dateutil==2.9 \\\n    --hash=sha256:{digest}\n")
    return path / "requirements.txt"


NAME = "packages/python_dateutil-2.9-py3-none-any.whl"
BAD = {
    "a package that is not locked": ({NAME: OTHER, ENGINE: ARM}, "is not in"),
    "a package too much": ({NAME: WHEEL, "packages/evil-1.whl": OTHER, ENGINE: ARM}, "evil-1"),
    "no package": ({ENGINE: ARM}, "lacks python-dateutil"),
    "no engine": ({NAME: WHEEL}, "no engine"),
    "an engine for another machine": ({NAME: WHEEL, ENGINE: INTEL}, "no engine"),
}


@pytest.mark.parametrize(("files", "said"), BAD.values(), ids=BAD)
def test_an_archive_that_is_not_what_was_locked_is_not_published(
    tmp_path: Path, files: dict[str, bytes], said: str
) -> None:
    with pytest.raises(DeployError, match=said):
        check_worker_archive(archive(tmp_path, files), lock(tmp_path))


def test_an_archive_of_what_was_locked_is_published(tmp_path: Path) -> None:
    check_worker_archive(archive(tmp_path, {NAME: WHEEL, ENGINE: ARM}), lock(tmp_path))
