"""What the stacks of tenants are made from: templates of this checkout, as the deployment has it.

A tenant's own pool has the settings that the deployment's own pool was given by parameters: the
sender of its mails, its protection, how its users sign in.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bursa.tenants.stacks import Blueprint, StackKind
from scripts.deploy.parameters import LATER, PROTECTED, PROTECTION

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

_INFRA = Path(__file__).resolve().parents[2] / "infra"
TEMPLATES = {StackKind.KEYS: "tenant-keys.yaml", StackKind.USERS: "identity.yaml"}
KEPT = {
    StackKind.KEYS: ("DataKey", "DocumentsKey"),
    StackKind.USERS: ("UserPool", "UserPoolClient"),
}
# Of the template that makes users' pools; the application's parameters have the same names.
SETTINGS_OF_POOLS = (
    "PasswordSignIn",
    PROTECTION,
    "ThreatProtection",
    "SenderArn",
    "SenderAddress",
)


def blueprints(client: "CloudFormationClient", deployment: str) -> Mapping[StackKind, Blueprint]:
    """Return what a deployment's tenants' stacks are made from."""
    (stack,) = client.describe_stacks(StackName=deployment)["Stacks"]
    given = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}
    settings = {name: given[name] for name in SETTINGS_OF_POOLS if name in given}
    # A tenant's stack is made at once, so that there is nothing to wait for.
    if settings.get(PROTECTION) == LATER:
        settings[PROTECTION] = PROTECTED
    parameters: Mapping[StackKind, Mapping[str, str]] = {
        StackKind.KEYS: {},
        StackKind.USERS: settings,
    }
    return {
        kind: Blueprint((_INFRA / name).read_text(), parameters[kind], KEPT[kind])
        for kind, name in TEMPLATES.items()
    }
