"""Stacks of tenants on a CloudFormation that may fail, and their keys (moto)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import TenantId
from bursa.tenants.keys_kms import TenantKeys
from bursa.tenants.stacks import Blueprint, StackKind, StackState, key_aliases
from bursa.tenants.stacks_cloudformation import CloudFormationStacks, StackOwner

T1, T2 = TenantId(1), TenantId(2)
KIND = StackKind.USERS
OWNER = StackOwner("bursa", "arn:aws:iam::123456789012:role/tenants")
IN_PROGRESS = "CREATE_IN_PROGRESS"


def blueprint(**settings: str) -> Mapping[StackKind, Blueprint]:
    return {KIND: Blueprint("a template", settings, ("UserPool",))}


@dataclass
class Stack:
    """A stack, and what it is asked about next: the last status stays."""

    statuses: list[str]
    tags: list[Any]
    outputs: dict[str, str]


@dataclass
class CloudFormation:
    """CloudFormation, which takes a while for everything, and fails so often to make a stack."""

    fails: int = 0
    leaves: str = "ROLLBACK_COMPLETE"
    stacks: dict[str, Stack] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    slept_s: float = 0.0

    def describe_stacks(self, StackName: str) -> Any:  # noqa: N803 - AWS's name
        stack = self.stacks.get(StackName)
        if stack is None:
            error = {"Error": {"Code": "ValidationError", "Message": f"{StackName} does not exist"}}
            raise ClientError(error, "DescribeStacks")  # type: ignore[arg-type]
        status = stack.statuses[0] if len(stack.statuses) == 1 else stack.statuses.pop(0)
        if status == "DELETE_COMPLETE":
            del self.stacks[StackName]
        outputs = [{"OutputKey": key, "OutputValue": stack.outputs[key]} for key in stack.outputs]
        return {"Stacks": [{"StackStatus": status, "Tags": stack.tags, "Outputs": outputs}]}

    def describe_stack_events(self, StackName: str) -> Any:  # noqa: N803 - AWS's name
        """Return the newest first, as AWS does."""
        assert StackName in self.stacks
        failures = [("UserPoolClient", "Creation cancelled"), ("UserPool", "Limit exceeded")]
        rest = {"ResourceStatus": "ROLLBACK_IN_PROGRESS", "LogicalResourceId": "x"}
        return {
            "StackEvents": [
                rest,
                *(
                    {
                        "ResourceStatus": "CREATE_FAILED",
                        "LogicalResourceId": name,
                        "ResourceStatusReason": why,
                    }
                    for name, why in failures
                ),
            ]
        }

    def create_stack(self, **asked: Any) -> None:
        assert asked["StackName"] not in self.stacks
        self.calls.append("create")
        last = self.leaves if self.fails else "CREATE_COMPLETE"
        self.fails = max(0, self.fails - 1)
        outputs = {one["ParameterKey"]: one["ParameterValue"] for one in asked["Parameters"]}
        stack = Stack([IN_PROGRESS, IN_PROGRESS, last], asked["Tags"], outputs)
        self.stacks[asked["StackName"]] = stack

    def update_stack(self, **asked: Any) -> None:
        self.calls.append("update")
        stack = self.stacks[asked["StackName"]]
        if self.fails:
            self.fails -= 1
            stack.statuses = ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]
            return
        stack.tags, stack.statuses = asked["Tags"], ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]

    def delete_stack(self, StackName: str) -> None:  # noqa: N803 - AWS's name
        self.calls.append("delete")
        self.stacks[StackName].statuses = ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]

    def sleep(self, seconds: float) -> None:
        self.slept_s += seconds


def opened(client: CloudFormation, **settings: str) -> CloudFormationStacks:
    fake: Any = client
    return CloudFormationStacks(fake, OWNER, blueprint(**settings), client.sleep)


def test_a_stack_is_made_once_found_again_and_of_one_tenant() -> None:
    client = CloudFormation()
    stacks = opened(client)
    assert stacks.state(T1, KIND) is StackState.ABSENT
    assert stacks.ensure(T1, KIND, "brand") == {"TenantName": "brand"}
    assert stacks.state(T1, KIND) is StackState.CURRENT
    assert stacks.state(T2, KIND) is StackState.ABSENT
    assert stacks.ensure(T1, KIND, "brand") == {"TenantName": "brand"}
    assert (client.calls, list(client.stacks)) == (["create"], ["bursa-tenant-t1-users"])


def test_another_blueprint_is_an_update_which_may_fail_and_be_done_again() -> None:
    client = CloudFormation()
    opened(client).ensure(T1, KIND, "brand")
    stacks = opened(client, PasswordSignIn="false")
    assert stacks.state(T1, KIND) is StackState.OUTDATED
    client.fails = 1
    with pytest.raises(Unavailable):
        stacks.ensure(T1, KIND, "brand")
    assert stacks.state(T1, KIND) is StackState.OUTDATED
    stacks.ensure(T1, KIND, "brand")
    assert stacks.state(T1, KIND) is StackState.CURRENT
    assert client.calls == ["create", "update", "update"]


def test_another_choice_of_the_tenant_is_an_update_of_its_stack_alone() -> None:
    client = CloudFormation()
    stacks = opened(client)
    for tenant in (T1, T2):
        stacks.ensure(tenant, KIND, f"brand-{tenant}", {"SignUp": "closed"})
    assert stacks.state(T1, KIND, {"SignUp": "open"}) is StackState.OUTDATED
    stacks.ensure(T1, KIND, "brand-t1", {"SignUp": "open"})
    assert stacks.state(T1, KIND, {"SignUp": "open"}) is StackState.CURRENT
    assert stacks.state(T2, KIND, {"SignUp": "closed"}) is StackState.CURRENT
    assert client.calls == ["create", "create", "update"]


def test_stacks_are_removed_and_those_of_others_stay() -> None:
    client = CloudFormation()
    stacks = opened(client)
    for tenant in (T1, T2):
        stacks.ensure(tenant, KIND, f"brand-{tenant}")
    for _ in range(2):
        stacks.remove(T1)
    assert list(client.stacks) == ["bursa-tenant-t2-users"]
    assert client.calls == ["create", "create", "delete"]


@pytest.mark.parametrize("leaves", ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"])
def test_what_a_failed_creation_left_is_cleared_away_by_the_next(leaves: str) -> None:
    client = CloudFormation(fails=1, leaves=leaves)
    stacks = opened(client)
    with pytest.raises(Unavailable, match="UserPool: Limit exceeded") as refused:
        stacks.ensure(T1, KIND, "brand")
    assert refused.value.code == "stack_unfinished"
    assert stacks.state(T1, KIND) is StackState.ABSENT
    stacks.ensure(T1, KIND, "brand")
    assert client.calls == ["create", "delete", "create"]
    assert stacks.state(T1, KIND) is StackState.CURRENT


def test_a_stack_that_another_run_is_making_is_waited_for() -> None:
    client = CloudFormation()
    opened(client).ensure(T1, KIND, "brand")
    client.stacks["bursa-tenant-t1-users"].statuses.insert(0, IN_PROGRESS)
    opened(client).ensure(T1, KIND, "brand")
    assert client.calls == ["create"]
    assert client.slept_s > 0


def test_nobody_waits_for_ever() -> None:
    client = CloudFormation(stacks={"bursa-tenant-t1-users": Stack([IN_PROGRESS], [], {})})
    with pytest.raises(Unavailable, match="takes long"):
        opened(client).ensure(T1, KIND, "brand")
    assert client.slept_s >= 600


def test_keys_of_one_tenant_are_scheduled_for_deletion_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        _schedule_twice(boto3.client("kms", region_name="us-east-1"))


def _schedule_twice(kms: Any) -> None:
    ids: dict[str, str] = {}
    for tenant in (T1, T2):
        for alias in key_aliases("bursa", tenant):
            ids[alias] = kms.create_key()["KeyMetadata"]["KeyId"]
            kms.create_alias(AliasName=alias, TargetKeyId=ids[alias])
    keys = TenantKeys(kms, "bursa")
    for _ in range(2):
        keys.schedule_deletion(T1)
    states = {
        alias: kms.describe_key(KeyId=number)["KeyMetadata"]["KeyState"]
        for alias, number in ids.items()
    }
    assert [states[alias] for alias in key_aliases("bursa", T1)] == ["PendingDeletion"] * 2
    assert [states[alias] for alias in key_aliases("bursa", T2)] == ["Enabled"] * 2
    keys.schedule_deletion(TenantId(9))
