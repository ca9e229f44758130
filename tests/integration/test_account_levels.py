"""Levels in the directory, and what waits: by version, per tenant, and nothing else of a user."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from bursa.aws.clients import dynamodb_client
from bursa.compliance.account_levels_dynamodb import AccountLevelsTable
from bursa.compliance.case_stream_dynamodb import changed_cases
from bursa.compliance.cases import DEFAULT_POLICY, Submission, open_case, submit
from bursa.compliance.cases_dynamodb import CasesTable
from bursa.compliance.levels import DEFAULT_LEVELS
from bursa.compliance.providers import Reference
from bursa.compliance.rules_dynamodb import KeptRules, RulesTable
from bursa.compliance.steps import Rules
from bursa.compliance.waits_dynamodb import WaitsTable
from bursa.kernel.identifiers import TenantId
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.profile import TenantProfile
from tests.doubles.tables import create_tables

T1, T2 = TenantId(1), TenantId(2)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = dynamodb_client()
        create_tables(client, ["directory", "compliance"])
        directory = DirectoryTable(client, "directory")
        for tenant in (T1, T2):
            issuer = f"https://cognito-idp.us-east-1.amazonaws.com/us-east-1_{tenant}"
            directory.add_tenant(TenantProfile(tenant, 0, f"n{tenant}", issuer, frozenset({"c"})))
            directory.open_account(tenant, "anna")
        yield client


def level(client: Any, tenant: TenantId = T1) -> int:
    user = DirectoryTable(client, "directory").user_of(tenant, "anna")
    assert user is not None
    return user.level


def test_a_level_is_read_with_the_account(client: Any) -> None:
    levels = AccountLevelsTable(client, "directory")
    assert level(client) == 0
    levels.set(T1, "anna", 2, 3, ends_vouching=False)
    assert (level(client), level(client, T2)) == (2, 0)
    levels.set(T1, "anna", 0, 4, ends_vouching=True)
    assert level(client) == 0


def test_an_earlier_version_changes_nothing(client: Any) -> None:
    """The stream may bring a change again after a later one."""
    levels = AccountLevelsTable(client, "directory")
    levels.set(T1, "anna", 0, 5, ends_vouching=True)
    for version in (4, 5):
        levels.set(T1, "anna", 3, version, ends_vouching=False)
    assert level(client) == 0


def test_of_a_user_who_is_gone_nothing_is_written(client: Any) -> None:
    AccountLevelsTable(client, "directory").set(T1, "bert", 3, 1, ends_vouching=False)
    assert DirectoryTable(client, "directory").user_of(T1, "bert") is None


def test_what_an_operator_vouches_for_counts_until_there_is_a_hit(client: Any) -> None:
    directory = DirectoryTable(client, "directory")
    levels = AccountLevelsTable(client, "directory")
    directory.vouch(T1, "anna", 2)
    assert (level(client), level(client, T2)) == (2, 0)
    levels.set(T1, "anna", 1, 1, ends_vouching=False)
    assert level(client) == 2
    levels.set(T1, "anna", 0, 2, ends_vouching=True)
    # The case says who that is now, and the file of a later run does not.
    directory.vouch(T1, "anna", 2)
    assert level(client) == 0
    directory.vouch(T1, "bert", 2)
    assert directory.user_of(T1, "bert") is None


def test_rules_are_a_tenants_own_and_read_with_what_intake_needs(client: Any) -> None:
    table, rules = RulesTable(client, "directory"), Rules(DEFAULT_LEVELS, DEFAULT_POLICY, "sandbox")
    directory = DirectoryTable(client, "directory")
    table.write(T1, rules)
    assert (table.find(T1), table.find(T2)) == (rules, None)
    levels = [getattr(directory.intake_profile(tenant), "levels", 0) for tenant in (T1, T2)]
    assert levels == [DEFAULT_LEVELS, None]


def test_kept_rules_are_read_again_after_half_a_minute(client: Any) -> None:
    class Clock:
        time_ms = 0.0

        def monotonic_ms(self) -> float:
            return self.time_ms

    table, clock = RulesTable(client, "directory"), Clock()
    kept = KeptRules(table, clock)
    assert kept(T1) is None
    table.write(T1, Rules(DEFAULT_LEVELS, DEFAULT_POLICY))
    assert kept(T1) is None
    clock.time_ms = 30_000
    assert kept(T1) == Rules(DEFAULT_LEVELS, DEFAULT_POLICY)


def test_the_latest_token_of_an_attempt_is_found(client: Any) -> None:
    waits = WaitsTable(client, "compliance")
    first, second = Reference(T1, "anna", 1), Reference(T1, "anna", 2)
    assert waits.find(first) is None
    waits.keep(first, "one")
    waits.keep(first, "two")
    waits.keep(second, "three")
    assert (waits.find(first), waits.find(second)) == ("two", "three")
    assert waits.find(Reference(T2, "anna", 1)) is None


def test_a_case_is_read_from_the_stream_as_it_was_saved(client: Any) -> None:
    submission = Submission(2, DEFAULT_LEVELS[2].needs, personal_version=4)
    case = submit(open_case("t1", "anna"), submission, DEFAULT_LEVELS, DEFAULT_POLICY, 1_000)
    saved = CasesTable("compliance", lambda _tenant: None).save(case)
    image = boto3.client("dynamodb").get_item(
        TableName="compliance", Key={"pk": {"S": "t1#anna"}, "sk": {"S": "case"}}
    )["Item"]
    other = {"pk": {"S": "t1#anna"}, "sk": {"S": "wait#1"}, "token": {"S": "x"}}
    event = {
        "Records": [
            {"dynamodb": {"Keys": row, "NewImage": row, "SequenceNumber": str(number)}}
            for number, row in enumerate((other, image))
        ]
    }
    ((identifier, before, after),) = changed_cases(event)
    assert (identifier, before, after) == ("1", None, saved)
    gone = {"Records": [{"dynamodb": {"Keys": image, "OldImage": image, "SequenceNumber": "9"}}]}
    assert list(changed_cases(gone)) == []
