"""Deployments on a stubbed CloudFormation: what is asked for, and what stops them."""

from typing import Any

import pytest

from scripts.deploy import recorded
from scripts.deploy.errors import DeployError
from scripts.deploy.options import Options
from tests.doubles.cloudformation import (
    CHANGE_SET,
    CODE,
    REGION,
    NewAccount,
    Packages,
    Stack,
    asked_for,
    change,
    deploy,
)


def test_a_first_deployment_is_protected_only_once_all_of_it_is_there(stack: Stack) -> None:
    stack.absent()
    stack.absent()
    stack.proposes(change("Artifacts", "AWS::S3::Bucket", "Add"))
    stack.answers("execute_change_set", {})
    stack.present({}, status="CREATE_COMPLETE")
    stack.present({}, status="CREATE_COMPLETE")
    stack.proposes(change("Storage", "AWS::CloudFormation::Stack", "Add"))
    stack.answers("execute_change_set", {})
    stack.present({}, status="CREATE_IN_PROGRESS")
    stack.present({}, status="CREATE_COMPLETE")
    stack.present({"DeletionProtection": "false", "TenantName": "acme"})
    stack.proposes(change("Storage", "AWS::CloudFormation::Stack"))
    stack.answers("execute_change_set", {})
    stack.present({}, status="UPDATE_COMPLETE")

    deploy(stack, Options("bursa", REGION, {"TenantName": "acme"}))

    bucket, first, second = stack.calls("CreateChangeSet")
    assert (bucket["ChangeSetType"], bucket["StackName"]) == ("CREATE", "bursa-artifacts")
    assert (first["ChangeSetType"], first["IncludeNestedStacks"]) == ("CREATE", True)
    assert asked_for(first)["DeletionProtection"] == "later"
    assert asked_for(first)["TenantName"] == "acme"
    assert asked_for(first)["LogRetentionDays"] == "30"
    assert (second["ChangeSetType"], second["UsePreviousTemplate"]) == ("UPDATE", True)
    assert asked_for(second)["DeletionProtection"] == "true"
    assert asked_for(second)["TenantName"] is None


def test_a_later_deployment_keeps_every_value_that_is_not_named(stack: Stack) -> None:
    running = {"TenantName": "acme", "LogRetentionDays": "365", "DeletionProtection": "true"}
    running |= {"PasswordSignIn": "false", "Architecture": "x86_64"}
    stack.present(running)
    stack.present({})
    stack.proposes_nothing()
    stack.proposes(CODE)
    stack.answers("execute_change_set", {})
    stack.present(running)

    deploy(stack, Options("bursa", REGION, {"AlarmEmail": "ops@example.com"}))

    asked = asked_for(stack.calls("CreateChangeSet")[-1])
    given = {"Architecture", "DeletionProtection"}
    assert all(asked[name] is None for name in running.keys() - given)
    assert asked["DeletionProtection"] == "true"
    assert asked["AlarmEmail"] == "ops@example.com"
    assert asked["Architecture"] == "x86_64"


def test_a_parameter_that_is_new_gets_its_default(stack: Stack) -> None:
    stack.present({"TenantName": "acme"})
    stack.present({})
    stack.proposes_nothing()
    stack.proposes(CODE)
    stack.answers("execute_change_set", {})
    stack.present({})
    deploy(stack, Options("bursa", REGION))
    assert asked_for(stack.calls("CreateChangeSet")[-1])["LogRetentionDays"] == "30"


def test_a_fleet_that_runs_gets_the_new_archive_without_being_named(stack: Stack) -> None:
    fleet = {"WorkerFleet": "true", "WorkerVpcId": "vpc-1", "WorkerSubnetIds": "a1,b1"}
    stack.present({**fleet, "WorkerArtifactKey": "worker/old.tar.gz"})
    stack.present({})
    stack.proposes_nothing()
    stack.proposes(CODE)
    stack.answers("execute_change_set", {})
    stack.present({})
    packages = Packages()

    deploy(stack, Options("bursa", REGION), packages)

    asked = asked_for(stack.calls("CreateChangeSet")[-1])
    assert asked["WorkerFleet"] is None
    assert asked["WorkerArtifactKey"] == f"worker/{'a' * 64}.tar.gz"
    assert packages.done == ["build", "worker to artifacts-1", "publish to artifacts-1"]


@pytest.mark.parametrize(
    ("dangerous", "named"),
    [
        (change("JournalTable", "AWS::DynamoDB::Table", replacement="True"), "JournalTable"),
        (change("JournalTable", "AWS::DynamoDB::Table", replacement="Conditional"), "JournalTable"),
        (change("JournalTable", "AWS::DynamoDB::Table", "Remove"), "JournalTable"),
        (change("DataKey", "AWS::KMS::Key", replacement="True"), "DataKey"),
        (change("Users", "AWS::Cognito::UserPool", replacement="True"), "Users"),
        (change("Checkpoints", "AWS::S3::Bucket", "Remove"), "Checkpoints"),
        (change("Commands", "AWS::SQS::Queue", replacement="True"), "Commands"),
        (change("Storage", "AWS::CloudFormation::Stack", "Remove"), "Storage"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_would_take_data_away_stops_it(
    stack: Stack, dangerous: dict[str, Any], named: str
) -> None:
    stack.present({})
    stack.present({})
    stack.proposes_nothing()
    stack.proposes(CODE, dangerous)
    stack.answers("delete_change_set", {})
    with pytest.raises(DeployError, match=named):
        deploy(stack, Options("bursa", REGION))
    assert not stack.calls("ExecuteChangeSet")
    stack.stubber.assert_no_pending_responses()


def test_a_replacement_deep_in_the_nested_stacks_is_seen(stack: Stack) -> None:
    stack.present({})
    stack.present({})
    stack.proposes_nothing()
    nested = change("Shard", "AWS::CloudFormation::Stack")
    nested["ResourceChange"]["ChangeSetId"] = CHANGE_SET
    stack.proposes(nested)
    deep = change("CommandQueue", "AWS::SQS::Queue", replacement="True")
    stack.answers(
        "describe_change_set",
        {"Status": "CREATE_COMPLETE", "Changes": [CODE], "NextToken": "more"},
    )
    stack.answers("describe_change_set", {"Status": "CREATE_COMPLETE", "Changes": [deep]})
    stack.answers("delete_change_set", {})
    with pytest.raises(DeployError, match="Shard/CommandQueue"):
        deploy(stack, Options("bursa", REGION))


def test_a_removal_that_is_meant_goes_through_when_named(stack: Stack) -> None:
    stack.present({})
    stack.present({})
    stack.proposes_nothing()
    stack.proposes(change("Fleet", "AWS::CloudFormation::Stack", "Remove"))
    stack.answers("execute_change_set", {})
    stack.present({})
    deploy(stack, Options("bursa", REGION, allowed=frozenset({"Fleet"})))


def test_a_function_may_be_replaced(stack: Stack) -> None:
    stack.present({})
    stack.present({})
    stack.proposes_nothing()
    stack.proposes(change("Layer", "AWS::Lambda::LayerVersion", replacement="True"))
    stack.answers("execute_change_set", {})
    stack.present({})
    deploy(stack, Options("bursa", REGION))


def test_nothing_to_change_is_no_failure(stack: Stack) -> None:
    stack.present({})
    stack.present({})
    stack.proposes_nothing()
    stack.proposes_nothing("No updates are to be performed.")
    deploy(stack, Options("bursa", REGION))
    assert not stack.calls("ExecuteChangeSet")


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("ROLLBACK_COMPLETE", "delete it"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
        ("UPDATE_IN_PROGRESS", "wait"),
    ],
)
def test_a_stack_in_a_bad_state_is_said_before_anything_is_built(
    stack: Stack, status: str, advice: str
) -> None:
    stack.present({}, status=status)
    packages = Packages()
    with pytest.raises(DeployError, match=advice):
        deploy(stack, Options("bursa", REGION), packages)
    assert packages.done == []


@pytest.mark.parametrize(
    ("subnets", "said"),
    [("a1,a2", "another zone"), ("a1", "names 1 subnets"), ("a1,b1,c1", "names 3 subnets")],
)
def test_subnets_that_will_not_do_are_refused_before_anything_is_built(
    stack: Stack, subnets: str, said: str
) -> None:
    stack.absent()
    packages = Packages()
    wanted = {"WorkerFleet": "true", "WorkerVpcId": "vpc-1", "WorkerSubnetIds": subnets}
    with pytest.raises(DeployError, match=said):
        deploy(stack, Options("bursa", REGION, wanted), packages)
    assert packages.done == []


def test_a_quota_that_is_too_small_is_said_before_anything_is_built(stack: Stack) -> None:
    stack.absent()
    packages = Packages()
    with pytest.raises(DeployError, match=r"Nothing was changed\. Lambda executions at once"):
        deploy(stack, Options("bursa", REGION), packages, NewAccount())
    assert packages.done == []
    assert [name for name, _ in stack.asked] == ["DescribeStacks"]


def test_an_unknown_parameter_is_refused_before_anything_is_built(stack: Stack) -> None:
    stack.present({})
    packages = Packages()
    with pytest.raises(DeployError, match="no parameter Colour"):
        deploy(stack, Options("bursa", REGION, {"Colour": "red"}), packages)
    assert packages.done == []


def events(
    stack: str, *rows: tuple[str, str, str, str], more: str = ""
) -> dict[str, list[dict[str, str]] | str]:
    """Return a page of a stack's events: name, physical id, status and reason of each."""
    common = {"StackId": stack, "EventId": "e", "StackName": stack}
    common |= {"Timestamp": "2026-11-02T09:00:00Z"}
    found = [
        common
        | {"LogicalResourceId": name, "PhysicalResourceId": physical, "ResourceStatus": status}
        | {"ResourceStatusReason": reason}
        | {"ResourceType": "AWS::CloudFormation::Stack" if "arn" in physical else "Other"}
        for name, physical, status, reason in rows
    ]
    return {"StackEvents": found} | ({"NextToken": more} if more else {})


NESTED = "arn:aws:cloudformation:eu-central-1:111122223333:stack/bursa-Storage-1/1"


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ([("TradingApi", "t-1", "UPDATE_FAILED", "no such layer")], "TradingApi: no such layer"),
        (
            [("Storage", NESTED, "UPDATE_FAILED", "Embedded stack was not updated: [Orders]")],
            "Storage/OrdersTable: too many indexes",
        ),
        ([], "name no cause"),
    ],
    ids=["of its own", "in a nested stack", "unknown"],
)
def test_a_failure_names_the_resource_that_failed_first(
    stack: Stack, pages: list[tuple[str, str, str, str]], said: str
) -> None:
    stack.present({})
    stack.present({})
    stack.proposes_nothing()
    stack.proposes(CODE)
    stack.answers("execute_change_set", {})
    stack.present({}, status="UPDATE_ROLLBACK_COMPLETE")
    cancelled = ("Other", "o-1", "UPDATE_FAILED", "Resource update cancelled")
    undone = [("Other", f"o-{n}", "DELETE_COMPLETE", "") for n in range(99)]
    stack.answers("describe_stack_events", events("s", *undone, cancelled, more="next"))
    begun = ("bursa", "s", "UPDATE_IN_PROGRESS", "User Initiated")
    older = ("Older", "old", "CREATE_FAILED", "another time")
    stack.answers("describe_stack_events", events("s", *pages, begun, older))
    failed = ("OrdersTable", "orders", "UPDATE_FAILED", "too many indexes")
    begun = ("bursa-Storage-1", NESTED, "UPDATE_IN_PROGRESS", "")
    stack.answers("describe_stack_events", events(NESTED, cancelled, failed, begun, older))
    with pytest.raises(DeployError, match=said):
        deploy(stack, Options("bursa", REGION))
    asked = [call["StackName"] for call in stack.calls("DescribeStackEvents")]
    assert asked == ["bursa", "bursa", *([NESTED] if "/" in said else [])]


def test_a_refused_change_set_says_why(stack: Stack) -> None:
    stack.present({})
    stack.present({})
    stack.proposes_nothing()
    stack.proposes_nothing("Parameter X must match pattern")
    with pytest.raises(DeployError, match="must match pattern"):
        deploy(stack, Options("bursa", REGION))


@pytest.mark.parametrize("name", ["first", "second"])
def test_a_recorded_deployment_runs_through_without_changing_anything(name: str) -> None:
    shown: list[tuple[str, int]] = []
    said: list[str] = []
    recorded.play(
        recorded.read(name),
        lambda title, changes, found: shown.append((title, len(changes) - len(found))),
        said.append,
        dry_run=True,
    )
    assert shown[-1][1] > 0
    assert "stack bursa is as it was" in said[-1]


def test_the_recorded_tenth_deployment_is_stopped() -> None:
    with pytest.raises(DeployError, match="Storage/JournalTable"):
        recorded.play(
            recorded.read("tenth"),
            lambda _title, _changes, _found: None,
            lambda _line: None,
            dry_run=True,
        )
