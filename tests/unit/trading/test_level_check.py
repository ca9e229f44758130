"""Who may trade by their level: through the function as API Gateway calls it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bursa.compliance.cases import DEFAULT_POLICY
from bursa.compliance.levels import DEFAULT_LEVELS
from bursa.compliance.rules_dynamodb import RulesTable
from bursa.compliance.steps import Rules
from tests.doubles.exchange import TENANT, Exchange, WorkingClock, read_event
from tests.unit.conftest import Context, opened, response_of, started_trading_api

ORDER = {"market": "BTC-USDT", "side": "buy", "type": "limit", "price": "20000", "quantity": "1"}
PLACE, CANCEL = {"op": "place"} | ORDER, {"op": "cancel", "client_order_id": "nobodys"}


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    with opened() as exchange:
        yield exchange


def send(
    exchange: Exchange, level: int, rules: Rules | None, path: str, body: object, method: str = ""
) -> tuple[int, Any]:
    """Send a request of a user of a level to a tenant with these rules."""
    table = RulesTable(exchange._dynamodb, "directory")
    if rules is not None:
        table.write(TENANT, rules)
    # Started anew, because rules are kept for a minute.
    function = started_trading_api(WorkingClock(exchange))
    event = read_event("orders-place") | {"path": path, "resource": path}
    event |= {"body": json.dumps(body) if body else None, "httpMethod": method or "POST"}
    event["requestContext"]["authorizer"] |= {"level": str(level)}
    response = response_of(function.handler(event, Context()))
    return response.status, response.body


def test_a_tenant_that_asks_nobody_lets_everybody_trade(exchange: Exchange) -> None:
    assert RulesTable(exchange._dynamodb, "directory").find(TENANT) is None
    assert send(exchange, 0, None, "/orders", ORDER)[0] == 201


RULES = Rules(DEFAULT_LEVELS, DEFAULT_POLICY, "sandbox")


@pytest.mark.parametrize(
    ("level", "path", "body", "status"),
    [
        (0, "/orders", ORDER, 422),
        (1, "/orders", ORDER, 201),
        (9, "/orders", ORDER, 201),
        (0, "/orders/batch", {"operations": [PLACE]}, 422),
        (0, "/orders/batch", {"operations": [CANCEL, PLACE]}, 422),
        (0, "/orders/batch", {"operations": [CANCEL]}, 200),
        (1, "/orders/batch", {"operations": [CANCEL, PLACE]}, 200),
        # What is refused for its form says so first.
        (0, "/orders", ORDER | {"price": "x"}, 400),
    ],
)
def test_an_order_needs_a_level_that_allows_it_and_a_cancel_none(
    exchange: Exchange, level: int, path: str, body: object, status: int
) -> None:
    found, problem = send(exchange, level, RULES, path, body)
    assert found == status, problem
    if status == 422:
        assert problem["code"] == "level_too_low"
        assert problem["detail"].endswith("apply for level 1 with personal_data.")


def test_who_has_lost_the_level_still_cancels_all(exchange: Exchange) -> None:
    assert send(exchange, 0, RULES, "/orders", None, "DELETE")[0] == 200


def test_a_level_that_the_tenant_has_taken_away_counts_as_its_highest(exchange: Exchange) -> None:
    only = replace(RULES, levels=replace(DEFAULT_LEVELS, levels=DEFAULT_LEVELS.levels[:1]))
    found, problem = send(exchange, 2, only, "/orders", ORDER)
    assert (found, problem["code"]) == (422, "level_too_low")
