"""Where a tenant is opened: the variables of a deployment, and credentials that may do it."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import boto3

from scripts.client import ToolError

_WORD = re.compile(r"(?<!^)(?=[A-Z])")
_SESSION = "onboarding"
_SESSION_S = 3600


def on_this_machine(outputs: Path) -> dict[str, str]:
    """Return the variables of what `make up` runs, and lead this process's clients to it.

    Raises
    ------
    ToolError
        Nothing runs here.

    """
    try:
        running = json.loads(outputs.read_text())
    except FileNotFoundError:
        raise ToolError(
            f"No exchange is running here ({outputs} is missing): `make up`, or name STACK=… and "
            "REGION=… for one on AWS."
        ) from None
    os.environ["AWS_ENDPOINT_URL"] = running["endpoint_url"]
    _use(running["region"], running["access_key_id"], running["secret_access_key"], "")
    return variables(running["stack_outputs"])


def on_aws(stack: str, region: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a stack, and take the role that may open tenants.

    With MFA_SERIAL and MFA_CODE in the environment; without them the caller has that role already.

    Raises
    ------
    ToolError
        One of them is missing, or the stack is no exchange.

    """
    missing = [name for name in ("MFA_SERIAL", "MFA_CODE") if not environment.get(name)]
    if len(missing) == 1:
        raise ToolError(
            f"{missing[0]} must be named too: only a person with a second factor takes the role "
            "that lists markets and moves money (docs/onboarding.md)."
        )
    session = boto3.session.Session(region_name=region)
    stacks = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    rows = stacks[0].get("Outputs", [])
    outputs = {row["OutputKey"]: row["OutputValue"] for row in rows}
    if "FundsRole" not in outputs:
        raise ToolError(f"Stack {stack} is no exchange, or is not complete: it has no FundsRole.")
    if missing:
        os.environ["AWS_DEFAULT_REGION"] = region
        return variables(outputs)
    taken = session.client("sts").assume_role(
        RoleArn=outputs["FundsRole"],
        RoleSessionName=_SESSION,
        DurationSeconds=_SESSION_S,
        SerialNumber=environment["MFA_SERIAL"],
        TokenCode=environment["MFA_CODE"],
    )["Credentials"]
    _use(region, taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"])
    return variables(outputs)


def variables(outputs: Mapping[str, str]) -> dict[str, str]:
    """Return a stack's outputs as variables: JournalTable as JOURNAL_TABLE."""
    return {_WORD.sub("_", name).upper(): value for name, value in outputs.items()}


def keep_secret(path: Path, content: Mapping[str, str]) -> None:
    """Replace a file of secrets by one that nobody else can read."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(content, indent=2) + "\n")
    fresh.replace(path)


def _use(region: str, key: str, secret: str, token: str) -> None:
    os.environ["AWS_DEFAULT_REGION"] = region
    os.environ["AWS_ACCESS_KEY_ID"] = key
    os.environ["AWS_SECRET_ACCESS_KEY"] = secret
    os.environ.pop("AWS_SESSION_TOKEN", None)
    os.environ.pop("AWS_PROFILE", None)
    if token:
        os.environ["AWS_SESSION_TOKEN"] = token
