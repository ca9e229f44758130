"""Deploys the exchange to AWS: ``make deploy STACK=bursa REGION=eu-central-1``.

Asks nothing. What is not named keeps the value that the running stack has. Ends with 0 when it is
done, 1 when it was stopped or failed, 2 when it was called wrongly; the last line says why.
"""

import os
import sys
import time
from datetime import UTC, datetime

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from scripts.deploy import recorded, report
from scripts.deploy.account import Account, Change
from scripts.deploy.builds import ROOT, Builder
from scripts.deploy.deployment import BuiltPackages, Deployment, Show
from scripts.deploy.errors import DeployError
from scripts.deploy.images import NEWEST_PARAMETER
from scripts.deploy.options import Options, read_options
from scripts.deploy.quotas import ServiceQuotas
from scripts.local.progress import Progress

LOG = ROOT / ".local" / "logs" / "deploy-aws.log"


def main() -> int:
    """Deploy, or show recorded deployments; return the exit status."""
    messages = Console(stderr=True)
    try:
        options = read_options(sys.argv[1:], os.environ)
    except DeployError as error:
        messages.print(f"deploy: {error}", markup=False, highlight=False)
        return 2
    try:
        if options.recorded:
            recorded.play_all(_show(options), Progress(messages).say)
        else:
            _deploy(options, messages)
    except DeployError as error:
        messages.print(f"deploy: {error}", markup=False, highlight=False)
        return 1
    except (BotoCoreError, ClientError) as error:
        messages.print(f"deploy: AWS says: {error}", markup=False, highlight=False)
        return 1
    except KeyboardInterrupt:
        messages.print(
            "deploy: interrupted. An update that has begun goes on in AWS; the same command shows "
            "what is left to do.",
            markup=False,
        )
        return 1
    return 0


def _deploy(options: Options, messages: Console) -> None:
    session = boto3.session.Session(region_name=options.region)
    progress = Progress(messages)
    account = session.client("sts").get_caller_identity()["Account"]
    progress.say(f"account {account}, region {options.region}, stack {options.stack}")
    s3 = session.client("s3", config=Config(s3={"addressing_style": "path"}))
    LOG.unlink(missing_ok=True)
    Deployment(
        account=Account(session.client("cloudformation")),
        packages=BuiltPackages(Builder(options.region, LOG), s3),
        network=_Network(session),
        images=_Images(session),
        quotas=ServiceQuotas(session.client("service-quotas")),
        show=_show(options),
        step=lambda title: progress.step(title, LOG),
        say=progress.say,
        name=lambda: f"deploy-{datetime.fromtimestamp(time.time(), UTC):%Y%m%d-%H%M%S-%f}",
    ).run(options)


class _Network:
    """The subnets of the account."""

    def __init__(self, session: boto3.session.Session) -> None:
        self._ec2 = session.client("ec2")

    def zones(self, subnets: list[str]) -> dict[str, str]:
        """Return the zone of each subnet."""
        found = self._ec2.describe_subnets(SubnetIds=subnets)["Subnets"]
        return {row["SubnetId"]: row["AvailabilityZone"] for row in found}


class _Images:
    """The images that Amazon publishes in the region."""

    def __init__(self, session: boto3.session.Session) -> None:
        self._ssm = session.client("ssm")

    def newest(self) -> str:
        """Return the id of Amazon Linux's newest image for arm64."""
        found = self._ssm.get_parameter(Name=NEWEST_PARAMETER)
        return str(found["Parameter"]["Value"])


def _show(options: Options) -> Show:
    """Return what prints changes, as a table or as JSON."""
    console = Console()

    def show(title: str, changes: tuple[Change, ...], found: list[Change]) -> None:
        if options.as_json:
            print(report.as_json(changes, found))
        else:
            console.print(f"[bold]{title}[/]")
            report.show(console, changes, found)

    return show


if __name__ == "__main__":
    sys.exit(main())
