"""The limits of a market: by two people, all together, and only what the engine can keep."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.back_office.office import OTHER, Office, opened_office
from tests.unit.back_office.people import ALICE, BOB, CLEO, FINN, OLGA, ROLES, approve, ask

PATH = "/admin/markets/BTC-USDT/limits"
LIMITS: dict[str, Any] = {
    "min_notional": "10",
    "max_quantity": "5",
    "max_price": "0",
    "collar_ppm": 200_000,
    "market_collar_ppm": 50_000,
    "breaker_ppm": 100_000,
    "reference_interval_ms": 60_000,
    "least_orders": 100,
    "auction_ms": 120_000,
    "reason": "A calmer market",
}


@pytest.fixture
def office() -> Iterator[Office]:
    with opened_office() as found:
        for who in (BOB, CLEO, FINN):
            found.add(who, ROLES[who])
        yield found


def test_two_people_set_them_and_the_engine_has_them(office: Office) -> None:
    asked = ask(office, CLEO, PATH, LIMITS)
    assert asked.body["state"] == "proposed", asked
    assert approve(office, FINN, asked.body["proposal"]).body["code"] == "role_may_not"
    done = approve(office, BOB, asked.body["proposal"])
    assert done.status == 200, done
    assert done.body["after"] == {name: LIMITS[name] for name in LIMITS if name != "reason"}
    (market,) = [one for one in office.exchange.engine.state.markets.values() if one.tenant == 1][
        :1
    ]
    limits = market.limits
    assert (limits.collar_ppm, limits.breaker_ppm) == (200_000, 100_000)
    assert limits.least_value == 100 * limits.min_notional
    assert limits.max_price == 0 < limits.max_quantity
    shown = office.send(ALICE, "GET", "/admin/markets").body["items"]
    (one,) = [one for one in shown if one["market"] == "BTC-USDT"]
    assert (one["collar_ppm"], one["auction_ms"]) == (200_000, 120_000)
    outcome = office.entries()[-1]
    assert outcome["before"]["collar_ppm"] != 200_000
    assert outcome["result"] == "done"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"collar_ppm": -1}, 400, "invalid_collar_ppm"),
        ({"breaker_ppm": 4_000_001}, 400, "invalid_breaker_ppm"),
        ({"auction_ms": 86_400_001}, 400, "invalid_auction_ms"),
        ({"least_orders": 10**30}, 400, "invalid_least_orders"),
        ({"min_notional": "90000000", "least_orders": 10**6}, 400, "least_orders_too_large"),
        ({"min_notional": "9000000000000"}, 400, "min_notional_too_large"),
        ({"max_quantity": "90000000000"}, 400, "max_quantity_too_large"),
        ({"max_price": "900000000000000"}, 400, "max_price_too_large"),
        ({"min_notional": "-1"}, 400, "min_notional_not_positive"),
        ({"min_notional": "1e3"}, 400, "invalid_min_notional"),
        ({"max_quantity": "0.000000001"}, 400, "max_quantity_off_lot"),
        ({"max_quantity": "5x"}, 400, "invalid_max_quantity"),
        ({"max_price": "-5"}, 400, "max_price_not_positive"),
        ({"max_price": None}, 400, "not_a_string"),
        ({"collar_ppm": 1.5}, 400, "wrong_type"),
        ({"collar_ppm": True}, 400, "wrong_type"),
        ({"tick_size": "1"}, 400, "unknown_field"),
    ],
    ids=str,
)
def test_what_is_no_limit_is_not_proposed(
    office: Office, changes: dict[str, Any], status: int, code: str
) -> None:
    response = ask(office, ALICE, PATH, LIMITS | changes)
    assert (response.status, response.body["code"]) == (status, code)
    assert not office.entries()


def test_a_market_of_another_tenant_is_not_there(office: Office) -> None:
    response = office.send(OLGA, "POST", PATH, LIMITS, tenant=OTHER)
    assert (response.status, response.body["code"]) == (404, "unknown_market")
