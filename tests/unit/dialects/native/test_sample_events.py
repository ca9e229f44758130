"""The sample events in events/ are what the functions are called with."""

from types import ModuleType

import pytest

from tests.doubles.exchange import EVENTS, read_event
from tests.unit.conftest import Context, Send, as_documented, response_of

SIGNED_IN = sorted(
    path.stem for path in EVENTS.glob("*.json") if path.stem.startswith(("order", "fills-", "bal"))
)
PUBLIC = ["health", "tenant", "markets-list", "market-book"]
# Order 12 is not this account's, and the order under the client id has not been placed.
STATUSES = {
    "orders-place": 201,
    "orders-place-signed": 201,
    "orders-get": 404,
    "orders-cancel": 404,
    "order-lists-place": 201,
    "order-lists-get": 404,
    "order-lists-cancel": 404,
}
STATUSES["orders-get-by-client-id"] = 404


@pytest.mark.parametrize("name", SIGNED_IN)
def test_signed_in_route(trading_api: ModuleType, name: str) -> None:
    event = read_event(name)

    response = response_of(trading_api.handler(event, Context()))

    as_documented(event["httpMethod"], event["path"], response)
    assert response.status == STATUSES.get(name, 200)


@pytest.mark.parametrize("name", PUBLIC)
def test_public_route(market_api: ModuleType, name: str) -> None:
    event = read_event(name)

    response = response_of(market_api.handler(event, Context()))

    as_documented(event["httpMethod"], event["path"], response)
    assert response.status == 200


def test_body_that_the_gateway_took_for_binary(trading_api: ModuleType) -> None:
    event = read_event("orders-place") | {"isBase64Encoded": True, "body": "not base64"}

    response = response_of(trading_api.handler(event, Context()))

    assert (response.status, response.body["code"]) == (400, "invalid_json")


def test_route_without_an_authorizer_refuses(trading_api: ModuleType, send: Send) -> None:
    event = read_event("balances-list")
    del event["requestContext"]["authorizer"]

    response = response_of(trading_api.handler(event, Context()))

    assert (response.status, response.body["code"]) == (401, "unauthenticated")
