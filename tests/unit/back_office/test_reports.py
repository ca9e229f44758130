"""Reports of a tenant's markets: who may read them, what they say, in JSON and in CSV."""

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

import pytest

from bursa.back_office.roles import Role
from bursa.kernel import keys
from bursa.kernel.calendar_time import date_of
from tests.doubles.exchange import ALICE as BUYER
from tests.doubles.exchange import BOB as SELLER
from tests.doubles.exchange import BTC_IDR, BTC_USDT, NOON_MS
from tests.unit.back_office.office import OTHER, Office, give_term, opened_office
from tests.unit.back_office.people import ALICE, OLGA
from tests.unit.conftest import Response
from wire import codec
from wire import layout as w

DAY_MS = 86_400_000
TODAY = NOON_MS // DAY_MS
PATH = "/admin/reports/trading"
DAYS: Final = {"first_day": str(date_of(TODAY)), "last_day": str(date_of(TODAY + 1))}
BTC_UNIT = 10**8


@pytest.fixture
def office() -> Iterator[Office]:
    with opened_office() as found:
        yield found


def read(office: Office, **query: str) -> Response:
    return office.send(ALICE, "GET", PATH, query={**DAYS, **query})


def trade(office: Office, price: int, lots: int) -> None:
    """Have the second user sell to the first: it makes, and pays 0.1 %; the first pays 0.2 %."""
    place = codec.encode_place
    office.exchange.commit(
        [
            place(SELLER.number, BTC_USDT, w.SIDE_SELL, price, lots),
            place(BUYER.number, BTC_USDT, w.SIDE_BUY, price, lots),
        ]
    )


def test_a_report_tells_what_traded_each_day_and_what_of_it_were_fees(office: Office) -> None:
    trade(office, 60_000_00, BTC_UNIT)
    office.exchange.time_ms += DAY_MS
    trade(office, 50_000_00, BTC_UNIT // 2)
    response = read(office)
    assert response.status == 200, response
    body = response.body
    assert {name: body[name] for name in DAYS} == DAYS
    assert not body["final"]
    first, second = body["days"]
    assert [first["day"], second["day"]] == [DAYS["first_day"], DAYS["last_day"]]
    assert [first["trades"], first["volume"], first["base_fees"]] == [1, "1", "0.002"]
    assert [second["trades"], second["volume"], second["base_fees"]] == [1, "0.5", "0.001"]
    (market,) = body["markets"]
    assert (market["market"], market["trades"], market["volume"]) == ("BTC-USDT", 2, "1.5")
    fees = {one["asset"]: one["amount"] for one in body["fees"]}
    assert fees == {"BTC": "0.003", "USDT": market["quote_fees"]}
    balances = office.exchange.engine.state.balances
    fee_account = w.account_number(1, w.FEE_ACCOUNT_INDEX)
    assert balances[fee_account, 1].available == 300_000


def test_a_day_that_is_over_is_final_and_one_that_is_not_asked_for_is_left_out(
    office: Office,
) -> None:
    trade(office, 60_000_00, BTC_UNIT)
    office.exchange.time_ms += DAY_MS
    trade(office, 60_000_00, BTC_UNIT)
    before = read(office, last_day=DAYS["first_day"]).body
    assert before["final"]
    assert [one["day"] for one in before["days"]] == [DAYS["first_day"]]
    assert read(office, first_day=DAYS["last_day"]).body["markets"][0]["trades"] == 1


def test_in_csv_there_is_a_row_for_each_day_of_each_market(office: Office) -> None:
    trade(office, 60_000_00, BTC_UNIT)
    response = read(office, format="csv")
    assert response.status == 200
    name = f"trading-{DAYS['first_day']}-{DAYS['last_day']}.csv"
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    (row,) = csv.DictReader(io.StringIO(str(response.body)))
    (day,) = read(office).body["days"]
    assert row == {name: str(value) for name, value in day.items()}
    assert list(row)[:2] == ["day", "market"]


def test_another_tenant_sees_nothing_of_it(office: Office) -> None:
    trade(office, 60_000_00, BTC_UNIT)
    response = office.send(OLGA, "GET", PATH, query=dict[str, Any](DAYS), tenant=OTHER)
    assert (response.status, response.body["days"], response.body["fees"]) == (200, [], [])


def test_where_nothing_traded_a_report_is_empty(office: Office) -> None:
    office.exchange.commit([codec.encode_place(BUYER.number, BTC_IDR, w.SIDE_BUY, 1, 1)])
    body = read(office).body
    assert (body["days"], body["markets"], body["fees"]) == ([], [], [])


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"first_day": []}, "missing_first_day"),
        ({"last_day": []}, "missing_last_day"),
        ({"first_day": ""}, "invalid_first_day"),
        ({"first_day": "2026-02-30"}, "invalid_first_day"),
        ({"last_day": "30.11.2026"}, "invalid_last_day"),
        ({"last_day": "\u0662\u0660\u0662\u0666-11-30"}, "invalid_last_day"),
        ({"last_day": "2026-11-19T00:00:00Z"}, "invalid_last_day"),
        ({"first_day": "2026-11-30", "last_day": "2026-11-29"}, "invalid_last_day"),
        ({"first_day": "2025-11-29", "last_day": "2026-11-30"}, "too_many_days"),
        ({"first_day": "0000-01-01", "last_day": "9999-12-31"}, "too_many_days"),
        ({"format": "xlsx"}, "invalid_format"),
        ({"market": "BTC-USDT"}, "unknown_parameter"),
    ],
    ids=str,
)
def test_days_that_are_none_are_refused(
    office: Office, query: dict[str, str | list[str]], code: str
) -> None:
    asked = {name: text for name, text in {**DAYS, **query}.items() if text != []}
    response = office.send(ALICE, "GET", PATH, query=asked)
    assert (response.status, response.body["code"]) == (400, code)


def test_a_year_is_not_too_many_days(office: Office) -> None:
    response = read(office, first_day="2026-01-01", last_day="2026-12-31")
    assert response.status == 200, response


def test_a_regulators_read_is_logged_first(office: Office) -> None:
    give_term(office, ALICE, NOON_MS + DAY_MS)
    office.send(ALICE, "GET", PATH, query=dict[str, Any](DAYS), role=Role.REGULATOR)
    (entry,) = office.entries()
    assert (entry["action"], entry["about"]) == ("read_reports", "report:trading")


def test_rows_of_before_candles_make_no_report(office: Office) -> None:
    """Until they are rebuilt, days would be missing."""
    office.exchange._dynamodb.put_item(
        TableName="progress",
        Item={
            "pk": {"S": keys.progress(0)},
            "sk": {"S": keys.READ_MODELS_SCHEMA},
            "shard": {"N": "0"},
            "schema": {"N": "4"},
        },
    )
    response = read(office)
    assert (response.status, response.body["code"]) == (503, "read_models_unavailable")
