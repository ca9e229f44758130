"""The build tools are found, ours and the environment's; what was built says what is in it."""

from pathlib import Path
from typing import Any

import pytest

from scripts.deploy import builds
from scripts.deploy.deployment import BuiltPackages
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


class Builder:
    """Builds files of one line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def application(self, parameters: dict[str, str]) -> Path:
        return self.folder / ",".join(parameters)

    def bills(self) -> Path:
        for name in ("lambda", "worker"):
            (self.folder / f"{name}.cdx.json").write_text(f"in {name}")
        return self.folder

    def package(self, _built: Path, _bucket: str, _profile: str) -> Path:
        packaged = self.folder / "packaged.yaml"
        packaged.write_text("Resources")
        return packaged

    def worker_archive(self) -> Path:
        archive = self.folder / "bursa-worker.tar.gz"
        archive.write_text("archive")
        return archive


class Bucket:
    """An S3 with one bucket."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.meta = self
        self.endpoint_url = "https://s3"

    def put_object(self, *, Key: str, Body: bytes, **_more: str) -> None:  # noqa: N803
        self.objects[Key] = Body


def test_what_is_published_has_its_bill_of_materials_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builds, "BILLS", tmp_path)
    builder: Any = Builder(tmp_path)
    bucket = Bucket()
    packages = BuiltPackages(builder, bucket)
    packages.build({})
    archive = packages.publish_worker("artifacts-1")
    template = packages.publish("artifacts-1", "").removeprefix("https://s3/artifacts-1/")
    assert bucket.objects == {
        archive: b"archive",
        archive.replace(".tar.gz", ".cdx.json"): b"in worker",
        template: b"Resources",
        template.replace(".yaml", ".cdx.json"): b"in lambda",
    }
