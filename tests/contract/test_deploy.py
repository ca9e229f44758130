"""What a deployment must not do, seen in the templates as SAM translates them."""

import re
import tomllib
from pathlib import Path

import pytest

from scripts.deploy.guard import HOLDS_DATA
from scripts.deploy.options import STACK_LENGTH_MAX
from tests.contract.rendering import translated
from tests.contract.templates import (
    APPLICATION,
    BY_COMMAND,
    NESTED,
    ROOT,
    Json,
    everywhere,
    listed,
    resources,
)

ARTIFACTS = ROOT / "scripts" / "deploy" / "artifacts.yaml"


def of_type(kind: str) -> dict[str, Json]:
    return {name: body for name, body in translated()["Resources"].items() if body["Type"] == kind}


def test_the_rest_api_has_one_stage() -> None:
    """SAM adds a stage named Stage, without throttle and log, unless told the OpenAPI version."""
    stages = of_type("AWS::ApiGateway::Stage")
    assert [body["Properties"]["StageName"] for body in stages.values()] == ["v1"]
    assert all(
        "StageName" not in one["Properties"]
        for one in of_type("AWS::ApiGateway::Deployment").values()
    )


def test_no_stage_is_made_before_the_role_that_logs() -> None:
    """A stage that logs fails where the account has no role for it yet."""
    (api,) = of_type("AWS::ApiGateway::RestApi").values()
    assert "ApiLogRole" in listed(api["DependsOn"])
    # The stage and its deployment name the API, so they come after it.
    for kind in ("AWS::ApiGateway::Stage", "AWS::ApiGateway::Deployment"):
        for body in of_type(kind).values():
            assert body["Properties"]["RestApiId"] == {"Ref": "RestApi"}
    assert translated()["Resources"]["WebSocketRoutes"]["DependsOn"] == "ApiLogRole"
    # A condition on what others depend on leaves them without it, so there is none.
    assert "Condition" not in resources(APPLICATION)["ApiLogRole"]


@pytest.mark.parametrize("name", ["Role", "Account"])
def test_the_role_that_logs_outlives_its_stack(name: str) -> None:
    """Other APIs of the account log with it, and the account goes on naming it."""
    body = resources(ROOT / "infra" / "api-log-role.yaml")[name]
    assert (body["DeletionPolicy"], body["Condition"]) == ("Retain", "SetsRole")


def test_the_journals_stream_has_two_readers() -> None:
    """A third reader of a DynamoDB stream is throttled, and throttles the others."""
    journal = {"Fn::GetAtt": ["Storage", "Outputs.JournalStreamArn"]}
    readers = of_type("AWS::Lambda::EventSourceMapping")
    sources = [body["Properties"]["EventSourceArn"] for body in readers.values()]
    assert sources.count(journal) == 2
    others = {str(source) for source in sources if source != journal}
    assert others == {
        str({"Fn::GetAtt": [stack, f"Outputs.{name}"]})
        for stack, name in (
            ("KycStorage", "ComplianceStreamArn"),
            ("Notifications", "NoticesQueueArn"),
            ("Storage", "IdentityStreamArn"),
        )
    }


def test_every_nested_stack_is_used() -> None:
    used = {
        body["Properties"]["TemplateURL"].rpartition("/")[2]
        for path in (APPLICATION, *NESTED)
        for body in resources(path, "AWS::CloudFormation::Stack").values()
    }
    assert used == {path.name for path in NESTED if path not in BY_COMMAND}


@pytest.mark.parametrize("path", NESTED, ids=lambda path: path.name)
def test_what_can_not_be_made_again_outlives_its_stack(path: Path) -> None:
    """The guard stops a replacement; these attributes keep the data should one slip through."""
    kept = {"Retain", "RetainExceptOnCreate"}
    rebuilt = {"BalancesTable", "ConnectionsTable", "FillsTable", "MarketsTable", "OrdersTable"}
    rebuilt |= {
        "BudgetsTable",
        "NoncesTable",
        "ProgressTable",
        "PublicConnectionsTable",
        "RepliesTable",
        "TicketsTable",
        "TradesTable",
    }
    rebuilt |= {"CursorKey"}
    for name, body in resources(path).items():
        if body["Type"] in HOLDS_DATA - {"AWS::SQS::Queue"} and name not in rebuilt:
            assert body.get("DeletionPolicy") in kept, name
            assert body.get("UpdateReplacePolicy") == "Retain", name


def test_the_bucket_of_builds_is_closed_and_keeps_every_version() -> None:
    (bucket,) = resources(ARTIFACTS, "AWS::S3::Bucket").values()
    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    (policy,) = resources(ARTIFACTS, "AWS::S3::BucketPolicy").values()
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == (
        "Deny",
        {"Bool": {"aws:SecureTransport": "false"}},
    )


@pytest.mark.parametrize("folder", ["make", "scripts", "worker/deploy"])
def test_nothing_deploys_by_a_dialogue(folder: str) -> None:
    """SAM's dialogue forgets the parameters of the running stack, and so deletes the fleet."""
    texts = [ROOT / "Makefile", *(ROOT / folder).rglob("*.*")]
    for path in texts:
        if path.suffix in {".py", ".sh", ".mk", ""} and path.is_file():
            assert "--guided" not in path.read_text(), path


def test_no_value_of_an_account_is_in_the_settings_of_sam() -> None:
    text = (ROOT / "samconfig.toml").read_text()
    settings = {
        name
        for environment in tomllib.loads(text).values()
        if isinstance(environment, dict)
        for command in environment.values()
        for name in command["parameters"]
    }
    of_an_account = {"parameter_overrides", "profile", "region", "s3_bucket", "role_arn", "tags"}
    assert not settings & of_an_account
    assert re.search(r"\d{12}|arn:aws", text) is None


def test_a_stacks_name_stays_whole_in_the_names_of_its_roles() -> None:
    """By it the keys know the roles. Of 64 characters a role's own name and a suffix are kept."""
    suffix, rest = len("-1U44TLUZ7OR55"), len("-Backup-")
    roles = [name.rpartition(":")[2] for name in everywhere("AWS::IAM::Role")]
    assert STACK_LENGTH_MAX + rest + max(map(len, roles)) + suffix <= 64
