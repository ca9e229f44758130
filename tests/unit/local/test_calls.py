"""Of what kind a call to the emulator is: what policies see of it, and nothing of one row."""

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ministack.core import iam_evaluator  # type: ignore[import-untyped]

from bursa.kernel import keys
from bursa.kernel.identifiers import AccountId, TenantId
from scripts.emulator.calls import (
    Calls,
    kind_of_key,
    kind_of_resource,
    noting,
    rows_context,
)

TENANT = TenantId(7)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        (str(TENANT), "t*"),
        (keys.account(AccountId(TENANT, 12)), "t*"),
        (keys.connection_counts(TENANT), "t*"),
        (keys.issuer("https://pool"), "issuer#*"),
        (keys.host("demo.example"), "host#*"),
        (keys.DEPLOYMENT, "deployment"),
        (keys.progress(3), "shard#3"),
        (keys.announcements(3, 5), "shard#3#*"),
        (keys.journal_partition(3, 9), "3#*"),
        (keys.journal_parts(3, b"batch"), "3#*"),
    ],
)
def test_kinds_of_partition_keys(key: str, kind: str) -> None:
    assert kind_of_key(key) == kind


@pytest.mark.parametrize(
    ("arn", "kind"),
    [
        ("arn:aws:s3:::b/archive/0/heads/12", "arn:aws:s3:::b/archive/0/heads/*"),
        ("arn:aws:s3:::b", "arn:aws:s3:::b"),
        (
            "arn:aws:execute-api:r:1:a/v1/GET/@connections/x",
            "arn:aws:execute-api:r:1:a/v1/GET/@connections/*",
        ),
        (
            "arn:aws:cloudformation:r:1:stack/b-tenant-t7-keys/*",
            "arn:aws:cloudformation:r:1:stack/b-tenant-t*-keys/*",
        ),
        ("arn:aws:dynamodb:r:1:table/t/index/i", "arn:aws:dynamodb:r:1:table/t/index/i"),
        ("arn:aws:s3:::b/exports/t7/0123/users.jsonl", "arn:aws:s3:::b/exports/t*/*"),
        ("arn:aws:s3:::b/archive/audit/t7/heads/1", "arn:aws:s3:::b/archive/audit/t*/*"),
        (
            f"arn:aws:states:r:1:execution:b-operator:job-{'0' * 32}",
            "arn:aws:states:r:1:execution:b-operator:job-*",
        ),
        ("arn:aws:s3:::b/documents/t7/anna/2/selfie-1.png", "arn:aws:s3:::b/documents/t*/*"),
        (f"arn:aws:s3:::b/sanctions/s/{'0' * 64}/sdn.csv", "arn:aws:s3:::b/sanctions/s/*"),
        ("arn:aws:s3:::b/sanctions/s/in-force.json", "arn:aws:s3:::b/sanctions/s/*"),
        ("arn:aws:kms:r:1:alias/b-t7-data", "arn:aws:kms:r:1:alias/b-t*-data"),
    ],
)
def test_kinds_of_resources(arn: str, kind: str) -> None:
    assert kind_of_resource(arn) == kind


KEY = {"pk": {"S": "t1"}, "sk": {"S": "profile"}}
READ = {"pk", "sk", "shard", "limits"}


@pytest.mark.parametrize(
    ("body", "attributes", "more"),
    [
        ({"Key": KEY}, {"pk", "sk"}, {}),
        (
            {
                "Key": KEY,
                "ProjectionExpression": "shard, #limits.reads",
                "ExpressionAttributeNames": {"#limits": "limits"},
            },
            READ,
            {"dynamodb:Select": ["SPECIFIC_ATTRIBUTES"]},
        ),
        (
            {
                "Key": KEY,
                "UpdateExpression": "SET #0 = if_not_exists(#0, :a) REMOVE shard",
                "ConditionExpression": "attribute_exists(pk) AND NOT contains(limits, :b)",
                "ExpressionAttributeNames": {"#0": "state"},
                "ReturnValues": "ALL_NEW",
            },
            READ | {"state"},
            {"dynamodb:ReturnValues": ["ALL_NEW"]},
        ),
        ({"Item": KEY | {"state": {"S": "active"}}}, {"pk", "sk", "state"}, {}),
        (
            {
                "KeyConditionExpression": "account_state = :a AND begins_with(sk, :b)",
                "ExpressionAttributeValues": {":a": {"S": "t1#2#open"}},
            },
            {"account_state", "sk"},
            {},
        ),
        ({"RequestItems": {"tenants": {"Keys": [KEY]}, "others": {"Keys": []}}}, {"pk", "sk"}, {}),
        (
            {"RequestItems": {"tenants": [{"DeleteRequest": {"Key": KEY}}]}},
            {"pk", "sk"},
            {},
        ),
        (
            {
                "TransactItems": [
                    {"Delete": {"TableName": "others", "Key": {"pk": {"S": "host#a"}}}},
                    {"Put": {"TableName": "tenants", "Item": KEY}},
                    {"Update": {"TableName": "tenants", "Key": KEY | {"number": {"N": "1"}}}},
                ]
            },
            {"pk", "sk"},
            {},
        ),
    ],
    ids=[
        "get",
        "projection",
        "update",
        "put",
        "query of an index",
        "batch get",
        "batch write",
        "transaction",
    ],
)
def test_what_conditions_see_of_a_request(
    body: dict[str, Any], attributes: set[str], more: dict[str, list[str]]
) -> None:
    assert rows_context(body, "tenants", "dynamodb:PutItem") == more | {
        "dynamodb:LeadingKeys": ["t*"],
        "dynamodb:Attributes": sorted(attributes),
    }


def test_each_kind_of_call_is_noted_once_whatever_is_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MiniStack asks for decisions by the names that this replaces."""
    decided: list[str] = []

    def decide(_key: str, action: str, *_given: str, **_named: str) -> str:
        decided.append(action)
        return "denied"

    async def ministack(_scope: Any, _receive: Any, _send: Any) -> None:
        body = json.dumps({"TableName": "tenants", "Key": KEY}).encode()
        iam_evaluator._signed_request.set(SimpleNamespace(body=body))
        for signed in (True, False):
            if not signed:
                iam_evaluator._signed_request.set(None)
            given = ("test", "dynamodb:GetItem", "dynamodb", "us-east-1")
            arn = "arn:aws:dynamodb:us-east-1:000000000000:table/tenants"
            assert iam_evaluator.enforce(*given, resource_arn=arn) == "denied"

    monkeypatch.setattr(iam_evaluator, "enforce", decide)
    application = noting(ministack, Calls(tmp_path / "calls.jsonl"))
    scope = {"type": "http", "headers": [(b"User-Agent", b"Botocore/1 md/x app/Worker")]}
    asyncio.run(application(scope, None, None))  # type: ignore[arg-type]

    [line] = (tmp_path / "calls.jsonl").read_text().splitlines()
    noted = json.loads(line)
    assert (noted["caller"], noted["action"]) == ("Worker", "dynamodb:GetItem")
    assert decided == ["dynamodb:GetItem"] * 2
