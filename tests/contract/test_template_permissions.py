"""Who may do what. An emulator grants everything, so the documents themselves are looked at."""

import re

import pytest

from bursa.kernel import keys
from tests.contract.templates import (
    APPLICATION,
    ROOT,
    Json,
    everywhere,
    listed,
    resources,
    statements,
)

PERMISSIONS = ROOT / "infra" / "permissions.yaml"
FLEET = ROOT / "infra" / "worker-fleet.yaml"
# X-Ray and key policies have no resource to name: see the comments where they stand.
WITHOUT_RESOURCES = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
ROLES = everywhere("AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy")
MAY_WRITE_THE_JOURNAL = {"worker-fleet.yaml:WorkerRole"}


def actions(statement: Json) -> set[str]:
    return set(listed(statement["Action"]))


def mentions(statement: Json, what: str) -> bool:
    return what in str(statement["Resource"])


@pytest.mark.parametrize("name", ROLES)
def test_every_action_is_named(name: str) -> None:
    wild = [
        action
        for statement in statements(ROLES[name])
        for action in actions(statement)
        if "*" in action
    ]
    assert not wild


@pytest.mark.parametrize("name", ROLES)
def test_every_resource_is_named(name: str) -> None:
    for statement in statements(ROLES[name]):
        if actions(statement) <= WITHOUT_RESOURCES:
            continue
        for resource in listed(statement["Resource"]):
            text = next(iter(resource.values())) if isinstance(resource, dict) else resource
            assert not re.fullmatch(r"\*|arn:[^/]*:\*", str(text)), statement


@pytest.mark.parametrize("name", ROLES)
def test_nothing_is_granted_by_negation(name: str) -> None:
    for statement in statements(ROLES[name]):
        assert statement["Effect"] == "Allow"
        assert not {"NotAction", "NotResource", "NotPrincipal"} & set(statement)


def test_every_function_has_a_role_of_its_own() -> None:
    functions = resources(APPLICATION, "AWS::Serverless::Function")
    roles = [str(body["Properties"]["Role"]) for body in functions.values()]
    assert len(set(roles)) == len(functions) > 1
    for name, role in zip(functions, roles, strict=True):
        assert f"Permissions', 'Outputs.{name}Role" in role


def test_no_function_brings_policies_besides_its_role() -> None:
    for body in resources(APPLICATION, "AWS::Serverless::Function").values():
        assert "Policies" not in body["Properties"]


def test_managed_policies_are_our_own_but_one() -> None:
    foreign = [
        arn
        for role in everywhere("AWS::IAM::Role").values()
        for arn in role["Properties"].get("ManagedPolicyArns", [])
        if "iam::aws" in str(arn)
    ]
    assert len(foreign) == 1
    assert "AmazonAPIGatewayPushToCloudWatchLogs" in str(foreign)


def test_only_the_worker_may_add_to_the_journal_and_nobody_may_change_it() -> None:
    for name, role in ROLES.items():
        for statement in statements(role):
            if mentions(statement, "${JournalTable}"):
                granted = actions(statement)
                assert not granted & {
                    "dynamodb:BatchWriteItem",
                    "dynamodb:DeleteItem",
                    "dynamodb:UpdateItem",
                }
                assert ("dynamodb:PutItem" in granted) == (name in MAY_WRITE_THE_JOURNAL)


TENANT_TABLES = ("Answers", "Balances", "Connections", "Fills", "Markets", "Orders", "Trades")
LEADING_KEYS = {f"${{{table}Table}}": "t*" for table in TENANT_TABLES} | {
    "${JournalTable}": "0#*",
    "${ProgressTable}": "shard#0",
}


@pytest.mark.parametrize("table", LEADING_KEYS)
def test_rows_are_granted_by_their_leading_key(table: str) -> None:
    found = 0
    for role in ROLES.values():
        for statement in statements(role):
            if mentions(statement, table) and "/index/" not in str(statement["Resource"]):
                (condition,) = statement["Condition"].values()
                assert condition == {"dynamodb:LeadingKeys": [LEADING_KEYS[table]]}
                found += 1
    assert found


def test_the_directory_is_read_by_the_authorizer_alone() -> None:
    readers = {
        name: actions(statement)
        for name, role in ROLES.items()
        for statement in statements(role)
        if mentions(statement, "${DirectoryTable}")
    }
    assert readers == {"permissions.yaml:AuthorizerRole": {"dynamodb:GetItem"}}


def test_commands_are_sent_by_intake_and_received_by_the_worker() -> None:
    use = {
        name: sorted(actions(statement))
        for name, role in ROLES.items()
        for statement in statements(role)
        if statement["Resource"] == {"Ref": "CommandQueueArn"}
    }
    assert use == {
        "permissions.yaml:TradingApiRole": ["sqs:GetQueueAttributes", "sqs:SendMessage"],
        "worker-fleet.yaml:WorkerRole": [
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:ReceiveMessage",
        ],
    }


def key_statements() -> dict[str, Json]:
    (key,) = everywhere("AWS::KMS::Key").values()
    found = key["Properties"]["KeyPolicy"]["Statement"]
    return {statement["Sid"]: statement for statement in found}


def test_the_data_key_is_used_only_through_services_and_by_this_account() -> None:
    open_to_all = [
        statement
        for statement in key_statements().values()
        if statement["Principal"] == {"AWS": "*"}
    ]
    assert len(open_to_all) == 2
    for statement in open_to_all:
        equal = statement["Condition"]["StringEquals"]
        assert equal["kms:CallerAccount"] == {"Ref": "AWS::AccountId"}
        services = {
            str(name["Fn::Sub"]).partition(".")[0] for name in listed(equal["kms:ViaService"])
        }
        assert services <= {"dynamodb", "s3", "sns", "sqs"}


# What each service needs of a caller's key (its own documentation on encryption at rest).
NEEDED = {
    "sending to an encrypted queue": {"kms:Decrypt", "kms:GenerateDataKey"},
    "receiving from it": {"kms:Decrypt"},
    "writing and reading a table": {
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    },
    "putting and getting a snapshot": {"kms:Decrypt", "kms:GenerateDataKey"},
}


@pytest.mark.parametrize("use", NEEDED)
def test_whoever_may_use_the_data_may_use_its_key(use: str) -> None:
    assert NEEDED[use] <= actions(key_statements()["UseThroughTheServicesThatKeepData"])
    assert key_statements()["TablesKeepAGrant"]["Condition"]["Bool"] == {
        "kms:GrantIsForAWSResource": "true"
    }


def test_alarms_reach_the_encrypted_topic() -> None:
    statement = key_statements()["AlarmsToTheEncryptedTopic"]
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert actions(statement) == {"kms:Decrypt", "kms:GenerateDataKey"}


def test_the_bucket_is_closed_to_the_public_and_to_plain_text() -> None:
    (bucket,) = everywhere("AWS::S3::Bucket").values()
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    deny = bucket_statements()["OnlyOverTls"]
    assert deny["Effect"] == "Deny"
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def bucket_statements() -> dict[str, Json]:
    (policy,) = everywhere("AWS::S3::BucketPolicy").values()
    found = policy["Properties"]["PolicyDocument"]["Statement"]
    return {statement["Sid"]: statement for statement in found}


EVIDENCE = keys.evidence(0, 1)


def prefix_of(statement: Json) -> str:
    """The part of a bucket's keys that a statement is about."""
    (resource,) = (next(iter(one.values())) for one in listed(statement["Resource"]))
    assert str(resource).endswith("*")
    return str(resource).partition("/")[2].removesuffix("*")


def test_the_worker_may_add_evidence_and_nothing_else() -> None:
    role = everywhere("AWS::IAM::Role")["worker-fleet.yaml:WorkerRole"]
    reaching = [
        statement
        for statement in statements(role)
        if mentions(statement, "${SnapshotBucket}/")
        and not mentions(statement, "${ArtifactKey}")
        and EVIDENCE.startswith(prefix_of(statement))
    ]
    assert [actions(statement) for statement in reaching] == [{"s3:PutObject"}]


def test_nobody_may_delete_evidence() -> None:
    stays = bucket_statements()["EvidenceStays"]
    assert (stays["Effect"], stays["Principal"]) == ("Deny", {"AWS": "*"})
    assert actions(stays) == {"s3:DeleteObject", "s3:DeleteObjectVersion"}
    assert EVIDENCE.startswith(prefix_of(stays))
    assert "Condition" not in stays


def test_evidence_never_expires() -> None:
    (bucket,) = everywhere("AWS::S3::Bucket").values()
    rules = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    endings = [
        rule["Id"]
        for rule in rules
        if {"ExpirationInDays", "ExpirationDate", "NoncurrentVersionExpiration"} & set(rule)
        and EVIDENCE.startswith(rule.get("Prefix", ""))
    ]
    assert endings == []
    assert any(keys.snapshot(0, 1).startswith(rule.get("Prefix", "-")) for rule in rules)
