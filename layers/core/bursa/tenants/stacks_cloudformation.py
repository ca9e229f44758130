"""The stacks of tenants in CloudFormation, made by a role that can make nothing else."""

import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import TenantId
from bursa.tenants.stacks import (
    MADE_FOR_TENANT,
    NONE_CHOSEN,
    Blueprint,
    StackKind,
    StackState,
    stack_name,
    tag_of,
)

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

_BLUEPRINT = "bursa-blueprint"
_WHOLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})
# What is left of a creation that failed is of no use to the next one.
_REMAINS = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"})
_IN_PROGRESS = "_IN_PROGRESS"
_POLL_S_MIN, _POLL_S_MAX, _PATIENCE_S = 0.1, 5.0, 600.0


class StackOwner(NamedTuple):
    """Whose stacks they are: the deployment's stack by name, and the role that makes them."""

    deployment: str
    role: str


class CloudFormationStacks:
    """The stacks of all tenants of a deployment; see `bursa.tenants.stacks.TenantStacks`."""

    def __init__(
        self,
        client: "CloudFormationClient",
        owner: StackOwner,
        blueprints: Mapping[StackKind, Blueprint],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._owner = owner
        self._blueprints = blueprints
        self._sleep = sleep

    def state(
        self, tenant: TenantId, kind: StackKind, choices: Mapping[str, str] = NONE_CHOSEN
    ) -> StackState:
        """Return how a tenant's stack compares with its blueprint and the tenant's choices."""
        stack = self._find(stack_name(self._owner.deployment, tenant, kind))
        if stack is None or stack["StackStatus"] not in _WHOLE:
            return StackState.ABSENT
        blueprint = self._blueprints[kind].chosen(choices)
        return StackState.CURRENT if _is_current(stack, blueprint) else StackState.OUTDATED

    def ensure(
        self,
        tenant: TenantId,
        kind: StackKind,
        name: str,
        choices: Mapping[str, str] = NONE_CHOSEN,
    ) -> Mapping[str, str]:
        """Make a stack, or bring it up to date, and return its outputs; safe to repeat.

        Raises
        ------
        Unavailable
            ``stack_unfinished``: CloudFormation did not make it; says what CloudFormation says.

        """
        of = stack_name(self._owner.deployment, tenant, kind)
        blueprint = self._blueprints[kind].chosen(choices)
        request = self._request(tenant, kind, name, blueprint)
        stack = self._at_rest(of)
        if stack is not None and stack["StackStatus"] in _REMAINS:
            self._delete(of)
            stack = None
        if stack is None:
            self._client.create_stack(**request, StackPolicyBody=_keeping(blueprint.kept))
        elif not _is_current(stack, blueprint):
            self._client.update_stack(**request)
        stack = self._at_rest(of)
        # An update that was undone leaves the blueprint's old digest.
        if stack is None or stack["StackStatus"] not in _WHOLE or not _is_current(stack, blueprint):
            raise Unavailable(
                "stack_unfinished", f"The stack {of} was not made: {self._why(of)} Do it again."
            )
        return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}

    def remove(self, tenant: TenantId) -> None:
        """Delete a tenant's stacks; safe to repeat. They leave pool and keys behind.

        Raises `Unavailable` ``stack_unfinished``.
        """
        for kind in StackKind:
            of = stack_name(self._owner.deployment, tenant, kind)
            if self._at_rest(of) is not None:
                self._delete(of)

    def _request(
        self, tenant: TenantId, kind: StackKind, name: str, blueprint: Blueprint
    ) -> dict[str, Any]:
        own = {
            StackKind.KEYS: {"NamePrefix": self._owner.deployment, "Tenant": str(tenant)},
            StackKind.USERS: {"TenantName": name},
        }[kind]
        return {
            "StackName": stack_name(self._owner.deployment, tenant, kind),
            "TemplateBody": blueprint.template,
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in {**blueprint.parameters, **own}.items()
            ],
            # CloudFormation puts them on all that it makes.
            "Tags": [
                {"Key": MADE_FOR_TENANT, "Value": tag_of(self._owner.deployment, tenant)},
                {"Key": _BLUEPRINT, "Value": blueprint.digest()},
            ],
            "RoleARN": self._owner.role,
        }

    def _delete(self, of: str) -> None:
        self._client.delete_stack(StackName=of)
        left = self._at_rest(of)
        if left is not None:
            raise Unavailable(
                "stack_unfinished", f"The stack {of} is still there: {self._why(of)} Do it again."
            )

    def _find(self, of: str) -> "StackTypeDef | None":
        try:
            (stack,) = self._client.describe_stacks(StackName=of)["Stacks"]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            return None
        return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack

    def _at_rest(self, of: str) -> "StackTypeDef | None":
        """Return a stack once nothing happens to it any more; None when there is none."""
        waited_s, poll_s = 0.0, _POLL_S_MIN
        while (stack := self._find(of)) is not None:
            if not stack["StackStatus"].endswith(_IN_PROGRESS):
                return stack
            if waited_s >= _PATIENCE_S:
                raise Unavailable("stack_unfinished", f"The stack {of} takes long: look there.")
            self._sleep(poll_s)
            waited_s, poll_s = waited_s + poll_s, min(poll_s * 1.5, _POLL_S_MAX)
        return None

    def _why(self, of: str) -> str:
        """Return what CloudFormation says of the first resource that failed last."""
        try:
            events = self._client.describe_stack_events(StackName=of)["StackEvents"]
        except ClientError as error:
            return str(error)
        failed = [one for one in events if one["ResourceStatus"].endswith("FAILED")]
        if not failed:
            return "it does not say why."
        first = failed[-1]
        return f"{first['LogicalResourceId']}: {first.get('ResourceStatusReason', 'no reason')}."


def _is_current(stack: "StackTypeDef", blueprint: Blueprint) -> bool:
    tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
    return tags.get(_BLUEPRINT) == blueprint.digest()


def _keeping(kept: tuple[str, ...]) -> str:
    """Return a stack policy under which what holds data is neither replaced nor removed."""
    allow = {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"}
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["Update:Delete", "Update:Replace"],
        "Resource": [f"LogicalResourceId/{name}" for name in kept],
    }
    return json.dumps({"Statement": [allow, deny]})
