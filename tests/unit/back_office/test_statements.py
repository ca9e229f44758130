"""Statements of users' accounts: who may read them, what they say, in JSON and in CSV."""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from bursa.back_office.roles import Role
from bursa.kernel import keys
from tests.doubles.exchange import NOON_MS, TENANT
from tests.unit.back_office.office import OTHER, Office, give_term, opened_office
from tests.unit.back_office.people import (
    ALICE,
    BOB,
    CREDIT,
    EVE,
    OLGA,
    ROLES,
    approve,
    ask,
    user_path,
)
from tests.unit.conftest import Response

DAY_MS = 86_400_000


@pytest.fixture
def office() -> Iterator[Office]:
    with opened_office() as found:
        found.add(BOB, ROLES[BOB])
        yield found


def path_of(office: Office, who: str = EVE) -> str:
    return f"/admin/users/{office.people[TENANT, who]}/statement"


def read(office: Office, who: str = EVE, **query: str | list[str]) -> Response:
    whole: dict[str, str | list[str]] = {"from_ms": "0", "to_ms": str(NOON_MS + DAY_MS)}
    return office.send(ALICE, "GET", path_of(office, who), query=whole | query)


def move(office: Office, word: str, amount: str) -> str:
    asked = ask(office, ALICE, user_path(office, word), CREDIT | {"amount": amount})
    done = approve(office, BOB, asked.body["proposal"])
    assert done.status == 200, done
    return str(done.body["after"]["reference"])


def test_a_statement_names_what_the_back_office_did(office: Office) -> None:
    references = [move(office, "credit", "12.5"), move(office, "debit", "2.25")]
    whole = read(office)
    assert whole.status == 200, whole
    (usdt,) = [one for one in whole.body["assets"] if one["asset"] == "USDT"]
    assert usdt["opening"] == "0"
    ours = usdt["movements"][-2:]
    assert [(one["kind"], one["amount"]) for one in ours] == [
        ("credit", "12.5"),
        ("debit", "-2.25"),
    ]
    assert [one["reference"] for one in ours] == references
    assert ours[-1]["balance"] == usdt["closing"]
    total = sum(Decimal(one["amount"]) for one in usdt["movements"])
    assert Decimal(usdt["opening"]) + total == Decimal(usdt["closing"])


def test_a_period_ends_before_its_end_and_begins_with_what_was_there(office: Office) -> None:
    move(office, "credit", "10")
    (before,) = [one for one in read(office).body["assets"] if one["asset"] == "USDT"]
    middle = str(before["movements"][-1]["time_ms"])
    office.exchange.time_ms += 60_000
    move(office, "credit", "5")
    first = read(office, to_ms=middle).body
    assert first["final"]
    second = read(office, from_ms=middle).body
    (usdt,) = [one for one in second["assets"] if one["asset"] == "USDT"]
    assert [one["amount"] for one in usdt["movements"]] == ["10", "5"]
    openings = [one["closing"] for one in first["assets"] if one["asset"] == "USDT"]
    assert usdt["opening"] == (openings or ["0"])[0]


def test_in_csv_it_opens_moves_and_closes(office: Office) -> None:
    move(office, "credit", "12.5")
    response = read(office, format="csv")
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("text/csv")
    assert response.headers["Content-Disposition"].startswith('attachment; filename="statement-t1-')
    rows = list(csv.DictReader(io.StringIO(str(response.body))))
    usdt = [row for row in rows if row["asset"] == "USDT"]
    assert (usdt[0]["kind"], usdt[-1]["kind"]) == ("opening", "closing")
    moved = sum(Decimal(row["amount"]) for row in usdt[1:-1])
    assert Decimal(usdt[0]["balance"]) + moved == Decimal(usdt[-1]["balance"])
    assert (usdt[0]["time_ms"], usdt[-1]["time_ms"]) == ("0", str(NOON_MS + DAY_MS))


def test_who_never_had_anything_has_an_empty_statement(office: Office) -> None:
    found = read(office, BOB)
    assert (found.status, found.body["assets"]) == (200, [])


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"from_ms": []}, "missing_from_ms"),
        ({"from_ms": "-1"}, "invalid_from_ms"),
        ({"from_ms": "1.5"}, "invalid_from_ms"),
        ({"from_ms": "٣"}, "invalid_from_ms"),
        ({"from_ms": "1" * 14}, "invalid_from_ms"),
        ({"to_ms": "now"}, "invalid_to_ms"),
        ({"from_ms": "5", "to_ms": "5"}, "invalid_period"),
        ({"from_ms": str(NOON_MS + DAY_MS)}, "invalid_period"),
        ({"format": "xml"}, "invalid_format"),
        ({"asset": "USDT"}, "unknown_parameter"),
    ],
    ids=str,
)
def test_a_period_that_is_none_is_refused(office: Office, query: Any, code: str) -> None:
    asked = {name: text for name, text in ({"from_ms": "0"} | query).items() if text != []}
    response = office.send(ALICE, "GET", path_of(office), query=asked)
    assert (response.status, response.body["code"]) == (400, code)


def test_a_user_of_another_tenant_is_not_there(office: Office) -> None:
    theirs = f"/admin/users/{office.people[OTHER, OLGA]}/statement"
    nobodys = "/admin/users/nobody/statement"
    for path in (theirs, nobodys):
        response = office.send(ALICE, "GET", path, query={"from_ms": "0"})
        assert (response.status, response.body["code"]) == (404, "unknown_user")


def test_what_a_regulator_reads_is_logged_first(office: Office) -> None:
    give_term(office, ALICE, NOON_MS + DAY_MS)
    office.send(ALICE, "GET", path_of(office), query={"from_ms": "0"}, role=Role.REGULATOR)
    (entry,) = office.entries()
    assert (entry["action"], entry["about"]) == (
        "read_statements",
        f"user:{office.people[TENANT, EVE]}",
    )


def test_rows_of_before_transfers_make_no_statement(office: Office) -> None:
    """Until they are rebuilt, something would be missing."""
    move(office, "credit", "1")
    office.exchange._dynamodb.put_item(
        TableName="progress",
        Item={
            "pk": {"S": keys.progress(0)},
            "sk": {"S": keys.READ_MODELS_SCHEMA},
            "shard": {"N": "0"},
            "schema": {"N": "2"},
        },
    )
    response = read(office)
    assert (response.status, response.body["code"]) == (503, "read_models_unavailable")
