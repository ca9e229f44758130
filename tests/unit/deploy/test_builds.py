"""The build tools are found: those of the environment, and scripts of our own."""

from pathlib import Path

import pytest

from scripts.deploy import builds
from scripts.deploy.errors import DeployError


def builder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> builds.Builder:
    """Return a builder in a checkout whose build of the worker is this script."""
    build = tmp_path / "worker" / "deploy" / "build.sh"
    build.parent.mkdir(parents=True)
    build.write_text(f"#!/bin/sh\n{script}\n")
    build.chmod(0o755)
    monkeypatch.setattr(builds, "ROOT", tmp_path)
    monkeypatch.setattr(builds, "WORKER_ARCHIVE", tmp_path / "worker.tar.gz")
    monkeypatch.setattr(builds, "check_worker_archive", lambda _archive, _lock: None)
    return builds.Builder("eu-central-1", tmp_path / "logs" / "deploy.log")


def test_the_workers_archive_is_built_by_its_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = builder(tmp_path, monkeypatch, 'echo "$AWS_DEFAULT_REGION" > "$1"').worker_archive()
    assert archive.read_text() == "eu-central-1\n"


def test_a_build_that_fails_names_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeployError, match=r"build\.sh .* failed; .*deploy\.log says why"):
        builder(tmp_path, monkeypatch, "echo no compiler; exit 1").worker_archive()
    assert (tmp_path / "logs" / "deploy.log").read_text() == "no compiler\n"
