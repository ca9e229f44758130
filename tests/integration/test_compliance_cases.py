"""Cases and rules of compliance on a table: kept whole, found by state and time, per tenant."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from bursa.compliance.case_queue import CasePlace
from bursa.compliance.cases import (
    DEFAULT_POLICY,
    CasePolicy,
    CaseState,
    Hit,
    Submission,
    open_case,
    submit,
)
from bursa.compliance.cases_dynamodb import CasesTable
from bursa.compliance.levels import DEFAULT_LEVELS
from bursa.compliance.steps import (
    Decided,
    FilesChecked,
    Outcome,
    ProviderReported,
    Rules,
    Screened,
    advance,
)
from bursa.kernel.calendar_time import DAY_MS
from bursa.kernel.errors import Conflict, Unavailable
from bursa.kernel.identifiers import TenantId

T1, T2 = TenantId(1), TenantId(2)
NOW = 1_790_000_000_000
RULES = Rules(DEFAULT_LEVELS, CasePolicy(four_eyes=True))
SUBMITTED = submit(
    open_case("t1", "anna"),
    Submission(2, DEFAULT_LEVELS[2].needs, NOW + 300 * DAY_MS),
    DEFAULT_LEVELS,
    DEFAULT_POLICY,
    NOW,
)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[CasesTable]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    kinds: dict[str, Any] = {"pk": "S", "sk": "S", "state_key": "S", "changed_at_ms": "N"}
    kinds |= {"due_key": "S", "next_at_ms": "N"}
    with mock_aws():
        boto3.client("dynamodb").create_table(
            TableName="compliance",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": kind} for name, kind in kinds.items()
            ],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": index,
                    "KeySchema": [
                        {"AttributeName": partition, "KeyType": "HASH"},
                        {"AttributeName": sort, "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
                for index, partition, sort in (
                    ("cases-by-state", "state_key", "changed_at_ms"),
                    ("cases-by-due", "due_key", "next_at_ms"),
                )
            ],
        )
        yield CasesTable("compliance", {T1: RULES}.get)


def test_a_case_is_kept_whole(table: CasesTable) -> None:
    case = advance(SUBMITTED, FilesChecked("f", 1), RULES, NOW)
    case = advance(case, Screened("s", 1, (Hit("9", "d", 900),)), RULES, NOW + 1)
    case = advance(
        case, ProviderReported("p", 1, "sandbox", Outcome.REVIEW, "unclear"), RULES, NOW + 2
    )
    case = advance(case, Decided("d", 1, "mia", Outcome.APPROVE, "seen"), RULES, NOW + 3)
    assert case.proposal is not None
    saved = table.save(replace(case, cleared=frozenset({("1", "a"), ("2", "b")})))
    assert saved.version == 1
    assert table.find(T1, "anna") == saved


def test_of_two_changes_at_once_one_is_refused(table: CasesTable) -> None:
    first = table.save(SUBMITTED)
    with pytest.raises(Conflict) as caught:
        table.save(SUBMITTED)
    assert caught.value.code == "case_changed"
    table.save(first)
    with pytest.raises(Conflict):
        table.save(first)


def test_another_tenant_has_another_user_of_the_same_name(table: CasesTable) -> None:
    table.save(SUBMITTED)
    assert table.find(T2, "anna") is None
    assert table.find(T1, "ann") is None
    assert table.in_state(T2, CaseState.SUBMITTED) == []
    assert table.due(T2, NOW + 900 * DAY_MS) == []


def test_the_queue_has_those_first_that_wait_longest(table: CasesTable) -> None:
    for user, at_ms in (("b", NOW + 5), ("a", NOW), ("c", NOW + 9)):
        case = open_case("t1", user).enter(CaseState.DECIDING, at_ms, "sandbox", "unclear")
        table.save(case)
    table.save(SUBMITTED)
    assert [one.user for one in table.in_state(T1, CaseState.DECIDING)] == ["a", "b", "c"]
    assert [one.user for one in table.in_state(T1, CaseState.DECIDING, limit=2)] == ["a", "b"]


def test_cases_are_due_when_time_changes_them(table: CasesTable) -> None:
    case = table.save(SUBMITTED)
    due_at_ms = case.due_at_ms or 0
    assert table.due(T1, due_at_ms - 1) == []
    assert table.due(T1, due_at_ms) == [case]
    # What waits for a person is never due.
    waiting = replace(case, due_at_ms=None, level_ends_at_ms=None)
    table.save(waiting.enter(CaseState.DECIDING, NOW, "system", "late"))
    assert table.due(T1, due_at_ms) == []


def test_a_tenant_has_the_default_rules_until_it_has_its_own(table: CasesTable) -> None:
    assert table.rules(T1) == RULES
    assert table.rules(T2) == Rules(DEFAULT_LEVELS, DEFAULT_POLICY)


def test_without_the_table_nothing_is_known(table: CasesTable) -> None:
    missing = CasesTable("another", lambda _tenant: None)
    with pytest.raises(Unavailable) as caught:
        missing.find(T1, "anna")
    assert caught.value.code == "compliance_unavailable"


def test_cases_of_a_state_are_read_page_by_page(table: CasesTable) -> None:
    for number in range(5):
        case = replace(SUBMITTED, user=f"user-{number}")
        table.save(case.enter(CaseState.DECIDING, NOW + number // 2, "system", "late"))
    table.save(replace(SUBMITTED, tenant="t2", user="theirs"))
    seen: list[str] = []
    after = None
    while True:
        places, after = table.page(T1, CaseState.DECIDING, 2, after)
        seen += [place.user for place in places]
        if after is None:
            break
    assert sorted(seen) == [f"user-{number}" for number in range(5)]
    assert len(seen) == len(set(seen))
    later, _ = table.page(T1, CaseState.DECIDING, 9, since_ms=NOW + 1)
    assert sorted(place.user for place in later) == ["user-2", "user-3", "user-4"]
    theirs, _ = table.page(T2, CaseState.SUBMITTED, 9)
    assert [place.user for place in theirs] == ["theirs"]
    # Where another tenant's page ended is nowhere in one's own.
    foreign, _ = table.page(T2, CaseState.SUBMITTED, 9, CasePlace(0, "user-1"))
    assert [place.user for place in foreign] == ["theirs"]
