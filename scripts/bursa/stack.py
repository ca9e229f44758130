"""Which deployment a tool works on: one on AWS, or the one on this machine."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from scripts.client import OUTPUTS, ToolError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

DEFAULT_REGION = "us-east-1"


def cloudformation_client() -> "CloudFormationClient":
    """Return a client of CloudFormation where the last deployment that was looked up runs."""
    return boto3.client("cloudformation")


def stack_outputs(
    stack: str | None, region: str = DEFAULT_REGION, outputs: Path = OUTPUTS
) -> dict[str, str]:
    """Return a deployment's outputs, and lead this process's clients to where it runs.

    Raises
    ------
    ToolError
        No exchange is running on this machine.

    """
    if stack:
        os.environ.setdefault("AWS_DEFAULT_REGION", region)
        stacks = boto3.client("cloudformation").describe_stacks(StackName=stack)
        rows = stacks["Stacks"][0].get("Outputs", [])
        return {row["OutputKey"]: row["OutputValue"] for row in rows}
    try:
        running = json.loads(outputs.read_text())
    except FileNotFoundError:
        raise ToolError(f"No exchange is running here ({outputs} is missing): `make up`.") from None
    os.environ["AWS_ENDPOINT_URL"] = running["endpoint_url"]
    os.environ["AWS_DEFAULT_REGION"] = running["region"]
    os.environ["AWS_ACCESS_KEY_ID"] = running["access_key_id"]
    os.environ["AWS_SECRET_ACCESS_KEY"] = running["secret_access_key"]
    os.environ.pop("AWS_SESSION_TOKEN", None)
    found: dict[str, str] = running["stack_outputs"]
    return found
