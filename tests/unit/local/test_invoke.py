"""What `make invoke` shows, and what it says when something is missing."""

import io
from typing import Any

import docker
import pytest

from scripts import invoke
from scripts.local.environment import LocalError

LOG = ["START RequestId: 1\n", '{"level":"INFO"}\n', "END RequestId: 1\n", "REPORT RequestId: 1\n"]
TRACEBACK = ["Traceback (most recent call last):\n", "KeyboardInterrupt\n"]


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        ([*LOG, *TRACEBACK], LOG),
        ([LOG[0], *TRACEBACK], [LOG[0], *TRACEBACK]),
        ([LOG[0], *TRACEBACK, *LOG[2:], *TRACEBACK], [LOG[0], *TRACEBACK, *LOG[2:]]),
    ],
    ids=["success", "no report", "the function's own"],
)
def test_the_log_ends_with_the_report(lines: list[str], shown: list[str]) -> None:
    output = io.StringIO()
    invoke.show_log(lines, output)
    assert output.getvalue() == "".join(shown)


class NoImages:
    """A Docker without images."""

    @property
    def images(self) -> "NoImages":
        return self

    def get(self, name: str) -> Any:
        raise docker.errors.ImageNotFound(name)


def test_a_missing_image_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "from_env", NoImages)
    with pytest.raises(LocalError, match=r"docker pull \S+/python:3\.13-x86_64"):
        invoke.require_image("python3.13")


def test_a_missing_docker_is_said_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # Its own client would leave the socket that finds nobody to the garbage collector.
    def nobody() -> None:
        raise docker.errors.DockerException("Connection aborted: no such file")

    monkeypatch.setattr(docker, "from_env", nobody)
    with pytest.raises(LocalError, match=r"apt install docker\.io.*no such file"):
        invoke.bridge_address()
