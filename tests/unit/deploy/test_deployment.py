"""Deployments on a stubbed CloudFormation: what is asked for, and what stops them."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from scripts.deploy import recorded
from scripts.deploy.account import Account, Change
from scripts.deploy.deployment import Deployment
from scripts.deploy.errors import DeployError
from scripts.deploy.options import Options
from scripts.deploy.signing import SIGNING_PROFILE

REGION = "eu-central-1"
CHANGE_SET = f"arn:aws:cloudformation:{REGION}:111122223333:changeSet/deploy/1"
ARTIFACTS = {"ArtifactBucket": "artifacts-1"}
NOTHING = "The submitted information didn't contain changes."


@dataclass
class Packages:
    """Counts what is built and published, and may fail."""

    done: list[str] = field(default_factory=list)

    def build(self, parameters: Mapping[str, str]) -> None:
        self.done.append("build")

    def publish(self, bucket: str, profile: str) -> str:
        self.done.append(f"publish to {bucket}{profile and ', signed by '}{profile}")
        return "https://bucket/template.yaml"

    def publish_worker(self, bucket: str) -> str:
        self.done.append(f"worker to {bucket}")
        return f"worker/{'a' * 64}.tar.gz"


class Zones:
    """A network with subnets a1, a2 in one zone and b1 in another."""

    def zones(self, subnets: list[str]) -> dict[str, str]:
        return {name: f"zone-{name[0]}" for name in subnets}


@dataclass
class Images:
    """Amazon Linux, whose newest image is another one from time to time."""

    newest_id: str = "ami-00000000000000002"

    def newest(self) -> str:
        return self.newest_id


class Stack:
    """A stubbed CloudFormation: answers in the order in which they were prepared."""

    def __init__(self) -> None:
        self.client = boto3.client(
            "cloudformation",
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - opens nothing
        )
        self.stubber = Stubber(self.client)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.client.meta.events.register("before-parameter-build.*.*", self._remember)

    def _remember(self, params: dict[str, Any], model: Any, **_more: object) -> None:
        self.asked.append((model.name, dict(params)))

    def calls(self, name: str) -> list[dict[str, Any]]:
        return [params for called, params in self.asked if called == name]

    def answers(self, operation: str, answer: Mapping[str, Any]) -> None:
        self.stubber.add_response(operation, dict(answer))

    def absent(self) -> None:
        self.stubber.add_client_error(
            "describe_stacks", "ValidationError", "Stack with id x does not exist"
        )

    def present(
        self,
        parameters: Mapping[str, str],
        outputs: Mapping[str, str] = ARTIFACTS,
        status: str = "UPDATE_COMPLETE",
    ) -> None:
        self.answers(
            "describe_stacks",
            {
                "Stacks": [
                    {
                        "StackName": "bursa",
                        "CreationTime": "2026-11-02T09:00:00Z",
                        "StackStatus": status,
                        "Parameters": [
                            {"ParameterKey": key, "ParameterValue": value}
                            for key, value in parameters.items()
                        ],
                        "Outputs": [
                            {"OutputKey": key, "OutputValue": value}
                            for key, value in outputs.items()
                        ],
                    }
                ]
            },
        )

    def proposes(self, *changes: dict[str, Any]) -> None:
        self.answers("create_change_set", {"Id": CHANGE_SET, "StackId": "stack"})
        for _look in ("waits for it", "reads it"):
            self.answers(
                "describe_change_set", {"Status": "CREATE_COMPLETE", "Changes": list(changes)}
            )

    def proposes_nothing(self, reason: str = NOTHING) -> None:
        self.answers("create_change_set", {"Id": CHANGE_SET, "StackId": "stack"})
        self.answers("describe_change_set", {"Status": "FAILED", "StatusReason": reason})
        self.answers("delete_change_set", {})


@pytest.fixture
def stack() -> Iterator[Stack]:
    made = Stack()
    with made.stubber:
        yield made


def change(
    name: str, kind: str, action: str = "Modify", replacement: str = "False"
) -> dict[str, Any]:
    body = {"LogicalResourceId": name, "ResourceType": kind, "Action": action}
    if action == "Modify":
        body["Replacement"] = replacement
    return {"Type": "Resource", "ResourceChange": body}


CODE = change("TradingApi", "AWS::Lambda::Function")


def deploy(stack: Stack, options: Options, packages: Packages | None = None) -> list[Change]:
    """Run a deployment, and return the changes that it has shown of the stack itself."""
    shown: list[Change] = []
    names = iter("123456789")

    def show(title: str, changes: tuple[Change, ...], found: list[Change]) -> None:
        del title, found
        shown[:] = changes

    Deployment(
        account=Account(stack.client, sleep=lambda _seconds: None),
        packages=packages or Packages(),
        network=Zones(),
        images=Images(),
        show=show,
        step=lambda _title: contextlib.nullcontext(),
        say=lambda _sentence: None,
        name=lambda: f"deploy-{next(names)}",
    ).run(options)
    stack.stubber.assert_no_pending_responses()
    return shown


def asked_for(call: Mapping[str, Any]) -> dict[str, str | None]:
    """Return a change set's parameters; None for those that keep their value."""
    return {row["ParameterKey"]: row.get("ParameterValue") for row in call["Parameters"]}


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
    assert asked_for(first)["DeletionProtection"] == "false"
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
    assert all(asked[name] is None for name in running if name != "Architecture")
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


PROFILE = f"arn:aws:signer:{REGION}:111122223333:/signing-profiles/Bursa/AbCdEf0123"


@pytest.mark.parametrize(
    ("running", "wanted", "signs", "parameter"),
    [
        pytest.param({}, {}, "", "", id="unless asked for, nothing is signed"),
        pytest.param({}, {SIGNING_PROFILE: PROFILE}, PROFILE, PROFILE, id="asked for"),
        pytest.param({SIGNING_PROFILE: PROFILE}, {}, PROFILE, None, id="and later too"),
        pytest.param({SIGNING_PROFILE: PROFILE}, {SIGNING_PROFILE: ""}, "", "", id="no more"),
    ],
)
def test_code_is_signed_by_the_profile_that_the_functions_ask_for(
    stack: Stack, running: dict[str, str], wanted: dict[str, str], signs: str, parameter: str | None
) -> None:
    stack.present(running)
    stack.present({})
    stack.proposes_nothing()
    stack.proposes(CODE)
    stack.answers("execute_change_set", {})
    stack.present({})
    packages = Packages()

    deploy(stack, Options("bursa", REGION, wanted), packages)

    assert packages.done[-1] == f"publish to artifacts-1{signs and ', signed by '}{signs}"
    assert asked_for(stack.calls("CreateChangeSet")[-1])[SIGNING_PROFILE] == parameter


OLD, NEW = "ami-00000000000000001", Images().newest_id
FLEET = {"WorkerFleet": "true", "WorkerVpcId": "vpc-1", "WorkerSubnetIds": "a1,b1"}


@pytest.mark.parametrize(
    ("running", "wanted", "image"),
    [
        pytest.param({}, FLEET, NEW, id="a first fleet has the newest"),
        pytest.param(FLEET, {}, NEW, id="one of before has had none of its own"),
        pytest.param({**FLEET, "WorkerImageId": OLD}, {}, None, id="it stays"),
        pytest.param({**FLEET, "WorkerImageId": OLD}, FLEET, None, id="it stays when named again"),
        pytest.param(
            {**FLEET, "WorkerImageId": OLD}, {"WorkerImageId": "latest"}, NEW, id="until asked for"
        ),
        pytest.param(
            {**FLEET, "WorkerImageId": NEW}, {"WorkerImageId": OLD}, OLD, id="or for another"
        ),
        pytest.param({}, {"WorkerImageId": "latest"}, NEW, id="ahead of its fleet"),
        pytest.param({}, {}, "", id="without a fleet there is none"),
    ],
)
def test_a_fleet_keeps_its_image_until_another_is_asked_for(
    stack: Stack, running: Mapping[str, str], wanted: Mapping[str, str], image: str | None
) -> None:
    stack.present(running)
    stack.present({})
    stack.proposes_nothing()
    stack.proposes(CODE)
    stack.answers("execute_change_set", {})
    stack.present({})

    deploy(stack, Options("bursa", REGION, wanted))

    assert asked_for(stack.calls("CreateChangeSet")[-1])["WorkerImageId"] == image


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


def test_subnets_of_one_zone_are_refused_before_anything_is_built(stack: Stack) -> None:
    stack.absent()
    packages = Packages()
    wanted = {"WorkerFleet": "true", "WorkerVpcId": "vpc-1", "WorkerSubnetIds": "a1,a2"}
    with pytest.raises(DeployError, match="another zone"):
        deploy(stack, Options("bursa", REGION, wanted), packages)
    assert packages.done == []


def test_an_unknown_parameter_is_refused_before_anything_is_built(stack: Stack) -> None:
    stack.present({})
    packages = Packages()
    with pytest.raises(DeployError, match="no parameter Colour"):
        deploy(stack, Options("bursa", REGION, {"Colour": "red"}), packages)
    assert packages.done == []


def test_a_failure_names_the_resource_that_failed_first(stack: Stack) -> None:
    stack.present({})
    stack.present({})
    stack.proposes_nothing()
    stack.proposes(CODE)
    stack.answers("execute_change_set", {})
    stack.present({}, status="UPDATE_ROLLBACK_COMPLETE")
    event = {"StackId": "s", "EventId": "e", "StackName": "bursa"}
    event |= {"Timestamp": "2026-11-02T09:00:00Z"}
    cancelled = "Resource update cancelled"
    stack.answers(
        "describe_stack_events",
        {
            "StackEvents": [
                event | {"LogicalResourceId": name, "ResourceStatus": status}
                | {"ResourceStatusReason": reason}
                for name, status, reason in (
                    ("Other", "UPDATE_FAILED", cancelled),
                    ("TradingApi", "UPDATE_FAILED", "no such layer"),
                    ("bursa", "UPDATE_IN_PROGRESS", "User Initiated"),
                    ("Older", "CREATE_FAILED", "another time"),
                )
            ]
        },
    )  # fmt: skip
    with pytest.raises(DeployError, match="TradingApi: no such layer"):
        deploy(stack, Options("bursa", REGION))


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
    assert "nothing was changed" in said[-1]


def test_the_recorded_tenth_deployment_is_stopped() -> None:
    with pytest.raises(DeployError, match="Storage/JournalTable"):
        recorded.play(
            recorded.read("tenth"),
            lambda _title, _changes, _found: None,
            lambda _line: None,
            dry_run=True,
        )
