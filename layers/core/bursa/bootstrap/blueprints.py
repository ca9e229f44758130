"""What the stacks of tenants are made from: the product's templates, as the deployment has it.

Functions have them too: they are part of the core layer, in `bursa/tenants/blueprints`. The
deployment itself has its own pool from there.

A tenant's own pool has the settings that the deployment's own pool was given by parameters: the
sender of its mails, its protection, how its users sign in; and the same function is told of it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bursa.tenants.stacks import Blueprint, StackKind

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

BLUEPRINTS = Path(__file__).parents[1] / "tenants" / "blueprints"
# As scripts/deploy has them: of a deployment that is not whole yet.
_PROTECTION, _PROTECTED, _LATER = "DeletionProtection", "true", "later"
TEMPLATES = {StackKind.KEYS: "tenant-keys.yaml", StackKind.USERS: "identity.yaml"}
KEPT = {
    StackKind.KEYS: ("DataKey", "DocumentsKey"),
    StackKind.USERS: ("UserPool", "UserPoolClient"),
}
# An output of the application; the pools' template has it as a parameter.
POOL_EVENTS = "PoolEventsArn"
# Of the template that makes users' pools; the application's parameters have the same names.
SETTINGS_OF_POOLS = (
    "PasswordSignIn",
    _PROTECTION,
    "ThreatProtection",
    "SenderArn",
    "SenderAddress",
)


def blueprints(client: "CloudFormationClient", deployment: str) -> Mapping[StackKind, Blueprint]:
    """Return what a deployment's tenants' stacks are made from."""
    (stack,) = client.describe_stacks(StackName=deployment)["Stacks"]
    given = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}
    settings = {name: given[name] for name in SETTINGS_OF_POOLS if name in given}
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
    settings[POOL_EVENTS] = outputs.get(POOL_EVENTS, "")
    # A tenant's stack is made at once, so that there is nothing to wait for.
    if settings.get(_PROTECTION) == _LATER:
        settings[_PROTECTION] = _PROTECTED
    parameters: Mapping[StackKind, Mapping[str, str]] = {
        StackKind.KEYS: {},
        StackKind.USERS: settings,
    }
    return {
        kind: Blueprint((BLUEPRINTS / name).read_text(), parameters[kind], KEPT[kind])
        for kind, name in TEMPLATES.items()
    }
