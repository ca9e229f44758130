"""The AWS account: stacks, change sets and what became of them. Nothing else here calls AWS."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from botocore.exceptions import ClientError

from scripts.deploy.errors import DeployError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import (
        DescribeChangeSetOutputTypeDef,
        ResourceChangeTypeDef,
        StackEventTypeDef,
        StackTypeDef,
    )

_POLL_S = 3.0
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
# How CloudFormation says that there is nothing to do; it counts as a failure there.
_NOTHING = ("didn't contain changes", "No updates are to be performed")
_BEGINNINGS = frozenset({"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"})
_NESTED = "AWS::CloudFormation::Stack"
_NO_CAUSE = "Its events name no cause."
_MENDED_BY_HAND = {
    "ROLLBACK_COMPLETE": "its creation failed and was undone: delete it "
    "(aws cloudformation delete-stack), then deploy again",
    "ROLLBACK_FAILED": "its creation failed and could not be undone: delete it, retaining what "
    "can't be deleted, then deploy again",
    "UPDATE_ROLLBACK_FAILED": "an update failed and could not be undone: mend the cause and run "
    "aws cloudformation continue-update-rollback, then deploy again",
    "DELETE_FAILED": "its deletion failed: delete it, retaining what can't be deleted",
}


class ParameterValue(TypedDict):
    """A parameter of a change set, as CloudFormation takes it."""

    ParameterKey: str
    ParameterValue: NotRequired[str]
    UsePreviousValue: NotRequired[bool]


@dataclass(frozen=True, slots=True)
class RunningStack:
    """A stack that is there.

    Attributes
    ----------
    status
        As CloudFormation calls it.
    parameters, outputs
        By name.

    """

    status: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One resource that a change set touches.

    Attributes
    ----------
    path
        Logical ids from the outermost stack to the resource.
    kind
        Its CloudFormation type.
    action
        Add, Modify, Remove, Import or Dynamic.
    replacement
        True, False or Conditional, as CloudFormation words it; empty where it says nothing.
    causes
        The properties that change.

    """

    path: str
    kind: str
    action: str
    replacement: str = ""
    causes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Changes that wait to be carried out."""

    name: str
    stack: str
    creates: bool
    changes: tuple[Change, ...]


@dataclass(slots=True)
class Account:
    """CloudFormation of one account and region."""

    client: "CloudFormationClient"
    sleep: Callable[[float], None] = time.sleep
    tags: Mapping[str, str] = field(default_factory=dict)

    def stack(self, name: str) -> RunningStack | None:
        """Return a stack, or None when there is none.

        Raises
        ------
        DeployError
            It is in a state in which nothing can be deployed.

        """
        found = self._describe(name)
        if found is None or found["StackStatus"] == "REVIEW_IN_PROGRESS":
            return None
        status = found["StackStatus"]
        if status in _MENDED_BY_HAND:
            raise DeployError(f"Stack {name} is {status}: {_MENDED_BY_HAND[status]}.")
        if status.endswith("_IN_PROGRESS"):
            raise DeployError(f"Stack {name} is {status}: wait until that has ended.")
        return RunningStack(
            status,
            {row["ParameterKey"]: row["ParameterValue"] for row in found.get("Parameters", [])},
            {row["OutputKey"]: row["OutputValue"] for row in found.get("Outputs", [])},
        )

    def propose(
        self,
        stack: str,
        name: str,
        template: Mapping[str, Any],
        parameters: Sequence[ParameterValue],
        *,
        creates: bool,
    ) -> ChangeSet | None:
        """Make a change set of a stack and the stacks in it; None when nothing would change.

        ``template`` is how CloudFormation gets the template: its URL, its body, or the one before.

        Raises
        ------
        DeployError
            CloudFormation refuses the change set; says why.

        """
        response = self.client.create_change_set(
            StackName=stack,
            ChangeSetName=name,
            ChangeSetType="CREATE" if creates else "UPDATE",
            Parameters=list(parameters),  # type: ignore[arg-type]  # its own shape
            Capabilities=_CAPABILITIES,  # type: ignore[arg-type]  # literals
            IncludeNestedStacks=True,
            **template,
        )
        identifier = response["Id"]
        found = self._wait_proposed(identifier)
        if found["Status"] == "FAILED":
            reason = found.get("StatusReason", "no reason given")
            self.client.delete_change_set(ChangeSetName=identifier)
            if any(words in reason for words in _NOTHING):
                return None
            raise DeployError(f"CloudFormation refuses the changes: {reason}")
        return ChangeSet(identifier, stack, creates, tuple(self._changes(identifier, "")))

    def discard(self, change_set: ChangeSet) -> None:
        """Delete a change set, and the empty stack that a first one has brought along."""
        self.client.delete_change_set(ChangeSetName=change_set.name)
        if change_set.creates:
            self.client.delete_stack(StackName=change_set.stack)

    def carry_out(
        self, change_set: ChangeSet, say: Callable[[str], None] = lambda _line: None
    ) -> None:
        """Carry a change set out and wait for the end.

        Raises
        ------
        DeployError
            It failed; names the first resource that did, and why.

        """
        self.client.execute_change_set(ChangeSetName=change_set.name)
        status = ""
        while True:
            self.sleep(_POLL_S)
            found = self._describe(change_set.stack)
            if found is None:
                raise DeployError(f"Stack {change_set.stack} is gone.")
            if found["StackStatus"] != status:
                status = found["StackStatus"]
                say(f"{change_set.stack} is {status}")
            if not status.endswith("_IN_PROGRESS"):
                break
        if status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            raise DeployError(
                f"Stack {change_set.stack} is {status}. {self._first_failure(change_set.stack)}"
            )

    def _describe(self, name: str) -> "StackTypeDef | None":
        try:
            return self.client.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in error.response["Error"]["Message"]:
                return None
            raise

    def _wait_proposed(self, identifier: str) -> "DescribeChangeSetOutputTypeDef":
        while True:
            found = self.client.describe_change_set(ChangeSetName=identifier)
            if found["Status"] in {"CREATE_COMPLETE", "FAILED"}:
                return found
            self.sleep(_POLL_S)

    def _changes(self, identifier: str, path: str) -> Iterator[Change]:
        token: dict[str, Any] = {}
        while True:
            page = self.client.describe_change_set(ChangeSetName=identifier, **token)
            for row in page.get("Changes", []):
                change = row["ResourceChange"]
                inside = f"{path}{change['LogicalResourceId']}"
                yield Change(
                    inside,
                    change["ResourceType"],
                    change["Action"],
                    change.get("Replacement", ""),
                    _causes(change),
                )
                if "ChangeSetId" in change:
                    yield from self._changes(change["ChangeSetId"], f"{inside}/")
            if "NextToken" not in page:
                return
            token = {"NextToken": page["NextToken"]}

    def _first_failure(self, stack: str) -> str:
        """Return what failed first in the last update, with the path of the stacks that it is in.

        Events come newest first, and undoing alone makes pages of them; the last update's end with
        the stack's own beginning. A stack in it only says that something in it has failed.
        """
        failed: StackEventTypeDef | None = None
        pages = self.client.get_paginator("describe_stack_events").paginate(StackName=stack)
        for event in (one for page in pages for one in page["StackEvents"]):
            status = event.get("ResourceStatus", "")
            if event.get("PhysicalResourceId") == event["StackId"]:
                if status in _BEGINNINGS:
                    break
            elif status.endswith("_FAILED") and "cancelled" not in _reason(event):
                failed = event
        if failed is None:
            return _NO_CAUSE
        inside = failed.get("PhysicalResourceId")
        if failed.get("ResourceType") == _NESTED and inside:
            cause = self._first_failure(inside)
            if cause != _NO_CAUSE:
                return f"{failed['LogicalResourceId']}/{cause}"
        return f"{failed['LogicalResourceId']}: {_reason(failed)}"


def _reason(event: "StackEventTypeDef") -> str:
    return event.get("ResourceStatusReason", "")


def _causes(change: "ResourceChangeTypeDef") -> tuple[str, ...]:
    names = {
        detail["Target"].get("Name") or detail["Target"]["Attribute"]
        for detail in change.get("Details", [])
        if "Target" in detail
    }
    return tuple(sorted(names))
