"""Deployments as they were recorded, to be looked at without an account.

Each file in `scripts/deploy/recorded/` holds the calls of one deployment and CloudFormation's
answers, in their order. They run through the same code as a real one, on a client that is stubbed
with them; botocore checks that calls and answers have the documented shapes.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.stub import Stubber

from scripts.deploy.account import Account
from scripts.deploy.deployment import Deployment, Show
from scripts.deploy.errors import DeployError
from scripts.deploy.options import Options

FOLDER = Path(__file__).with_name("recorded")
NAMES = ("first", "second", "tenth")
STACK, REGION = "bursa", "eu-central-1"


@dataclass(frozen=True, slots=True)
class Recording:
    """One deployment: what it is about, what was asked for, and the calls with their answers."""

    title: str
    parameters: Mapping[str, str]
    calls: list[Mapping[str, Any]]


class NothingBuilt:
    """Builds and uploads nothing; names what a recorded deployment has uploaded."""

    def build(self, parameters: Mapping[str, str]) -> None:
        """Build nothing."""

    def publish(self, bucket: str, profile: str) -> str:
        """Return a URL as the real one would be."""
        del profile
        return f"https://s3.{REGION}.amazonaws.com/{bucket}/templates/recorded.yaml"

    def publish_worker(self, bucket: str) -> str:
        """Return a key as the real one would be."""
        del bucket
        return f"worker/{'0' * 64}.tar.gz"


class TwoZones:
    """A network whose subnets lie in zones of their own."""

    def zones(self, subnets: list[str]) -> dict[str, str]:
        """Return another zone for each subnet."""
        return {name: f"{REGION}{letter}" for name, letter in zip(subnets, "abc", strict=False)}


class OneImage:
    """Amazon Linux with one image."""

    def newest(self) -> str:
        """Return an id as the real one would be."""
        return "ami-0a1b2c3d4e5f60718"


class Plenty:
    """An account whose quotas are never in the way."""

    def value(self, service: str, code: str) -> float:
        """Return much."""
        del service, code
        return 1e6


def read(name: str) -> Recording:
    """Return a recording by its name."""
    content = json.loads((FOLDER / f"{name}.json").read_text())
    return Recording(content["title"], content["parameters"], content["calls"])


def play(recording: Recording, show: Show, say: Callable[[str], None], *, dry_run: bool) -> None:
    """Run a recorded deployment.

    Raises
    ------
    DeployError
        The recorded deployment was stopped.

    """
    client = boto3.client(
        "cloudformation",
        region_name=REGION,
        aws_access_key_id="recorded",
        aws_secret_access_key="recorded",  # noqa: S106 - opens nothing
    )
    with Stubber(client) as stubber:
        for call in recording.calls:
            if "error" in call:
                stubber.add_client_error(call["call"], "ValidationError", call["error"])
            else:
                stubber.add_response(call["call"], call["answer"], call.get("asks"))
        deployment = Deployment(
            account=Account(client, sleep=lambda _seconds: None),
            packages=NothingBuilt(),
            network=TwoZones(),
            images=OneImage(),
            quotas=Plenty(),
            show=show,
            step=_quiet,
            say=say,
            name=lambda: "recorded",
        )
        deployment.run(Options(STACK, REGION, recording.parameters, dry_run=dry_run))


def play_all(show: Show, say: Callable[[str], None]) -> None:
    """Show what the first, the second and the tenth deployment would do."""
    for name in NAMES:
        recording = read(name)
        say(f"\n{recording.title}")
        try:
            play(recording, show, say, dry_run=True)
        except DeployError as error:
            say(str(error))


@contextlib.contextmanager
def _quiet(_title: str) -> Iterator[None]:
    yield
