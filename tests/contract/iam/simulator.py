"""What IAM decides, by a simulator of it: one process of Node for all requests of a test run.

The simulator knows what the emulator does not: leading keys, all operators, and what a policy of a
resource adds or takes. Of KMS's encryption contexts it knows nothing, so they go by the name of a
tag of the principal, which the operators compare in the same way.
"""

import json
import os
import subprocess
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from tests.contract.iam.documents import policies_of_resources, policies_of_roles
from tests.contract.iam.recording import Call
from tests.contract.rendering import ACCOUNT, STACK
from tests.contract.templates import ROOT, Json

HOME = ROOT / ".local" / "iam"
PATIENCE_S = 120
# Not roles of ours, with every right that a policy of their own can give.
ANYONE, DEPLOYER, ANALYST = "anyone", "deployer", "analyst"
_ALL = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
_KEPT = {"s3:if-none-match"}


class Decision(StrEnum):
    """What IAM decides; a policy may forbid what another allows."""

    ALLOWED = "Allowed"
    NOT_ALLOWED = "ImplicitlyDenied"
    FORBIDDEN = "ExplicitlyDenied"


def decide(calls: Iterable[Call]) -> dict[Call, Decision]:
    """Return the decision on each call, an example of its kind.

    Raises
    ------
    AssertionError
        With a sentence: the simulator can't be installed, or can't decide.

    """
    requests = list(dict.fromkeys(calls))
    identity = policies_of_roles() | {name: [_ALL] for name in (ANYONE, DEPLOYER, ANALYST)}
    told = {
        "identity": identity,
        "policies": policies_of_resources(),
        "account": ACCOUNT,
        "requests": [_request(call) for call in requests],
    }
    installed = _run([str(ROOT / "scripts" / "iam" / "install.sh")], "")
    assert installed.returncode == 0, installed.stdout + installed.stderr
    text = json.dumps(told).replace("kms:EncryptionContext:", "aws:PrincipalTag/of-")
    done = _run([str(HOME / "node"), str(ROOT / "scripts" / "iam" / "simulate.cjs")], text)
    assert done.returncode == 0, done.stderr
    return dict(zip(requests, map(Decision, json.loads(done.stdout)), strict=True))


def _run(command: list[str], text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - this project's own scripts
        command,
        cwd=ROOT,
        env=os.environ | {"NODE_PATH": str(HOME / "node_modules")},
        input=text,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def _request(call: Call) -> Json:
    name = call.role if call.role in {ANYONE, DEPLOYER, ANALYST} else f"{STACK}-{call.role}Role"
    context: Json = {
        "aws:PrincipalAccount": ACCOUNT,
        "aws:PrincipalIsAWSService": "false",
        "aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/{name}",
        "aws:SecureTransport": "true",
    }
    if call.action.startswith("kms:"):
        context["kms:CallerAccount"] = ACCOUNT
    for key, values in call.context:
        examples = [value if key in _KEPT else _example(value) for value in values]
        context[key] = examples if _is_a_list(key) else examples[0]
    return {
        "role": call.role,
        "principal": f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/session",
        "action": call.action,
        "resource": _example(call.resource),
        "policy": _policy_of(call.resource),
        "context": context,
    }


def _example(kind: str) -> str:
    return kind if kind == "*" else kind.replace("*", "1")


def _is_a_list(key: str) -> bool:
    return key in {"dynamodb:LeadingKeys", "dynamodb:Attributes", "aws:CalledVia"}


def _policy_of(resource: str) -> Any:
    for arn in policies_of_resources():
        if resource == arn or resource.startswith(f"{arn}/"):
            return arn
    return None
