"""Every route refuses what it does not know: what is passed over would be taken for done.

The tables are made of the list of all routes, so a new one can't escape them.
"""

from typing import Any

import pytest
from aws_lambda_powertools import Logger, Metrics

from bursa.dialects.native.http_api import RestApi, taken_parameters
from bursa.dialects.native.operation import Operation
from bursa.dialects.native.operations import OPERATIONS
from bursa.kernel.clock import SystemClock
from identity_api import notice_routes
from identity_api import routes as identity_routes
from kyc import routes as kyc_routes
from market_api import routes as market_routes
from sub_accounts import routes as sub_account_routes
from tests.doubles.exchange import read_event
from tests.unit.conftest import (
    Context,
    Idle,
    Response,
    query_parts,
    response_of,
)
from trading_api import fee_routes, order_list_routes
from trading_api import routes as trading_routes

NOT_CALLED: Any = None  # a request that reaches it is a fault of ours, a 500
VALUES = {"market": "BTC-USDT", "status": "open", "limit": "5", "depth": "5", "cursor": "x"}
VALUES |= {"min_sequence": "1", "side": "buy", "settle": "true", "from": "0", "to": "1"}
VALUES |= {"interval": "1m", "from_ms": "1", "to_ms": "2"}
EVERY_NAME = sorted({one.name for each in OPERATIONS for one in each.parameters} | {"symbol"})


def known(operation: Operation) -> list[str]:
    return [one.name for one in operation.parameters if one.location == "query"]


def name_of(operation: Operation) -> str:
    return operation.name


operations = pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)


def apis() -> dict[tuple[str, str], RestApi]:
    """Return the API that each route is in."""
    trading, public, identity, kyc, subs = (
        RestApi(Logger(), Metrics(), SystemClock()) for _ in range(5)
    )
    sub_account_routes.add_routes(subs, NOT_CALLED)
    trading_routes.add_routes(trading, NOT_CALLED)
    fee_routes.add_fee_routes(trading, NOT_CALLED)
    order_list_routes.add_order_list_routes(trading, NOT_CALLED)
    market_routes.add_routes(public, NOT_CALLED, NOT_CALLED, NOT_CALLED)
    identity_routes.add_routes(identity, *[NOT_CALLED] * 5)
    notice_routes.add_notice_routes(identity, NOT_CALLED)
    kyc_routes.add_routes(kyc, NOT_CALLED)
    return {
        ("".join(route.method), route.path.replace("<", "{").replace(">", "}")): api
        for api in (trading, public, identity, kyc, subs)
        for route in api._static_routes + api._dynamic_routes
    }


APIS = apis()


def send(operation: Operation, path: str | None = None, **parts: Any) -> Response:
    """Send a request as API Gateway hands it on; `parts` replace those of its event."""
    method = operation.method.upper()
    event = read_event("orders-place")
    event |= {"httpMethod": method, "path": path or path_of(operation), "body": None}
    event |= query_parts({}) | parts
    context: Any = Context()
    return response_of(APIS[method, operation.path].handle(event, context))


def path_of(operation: Operation) -> str:
    path = operation.path.replace("{market}", "BTC-USDT").replace("{order_id}", "12")
    return path.replace("{client_order_id}", "mine")


def test_routes_take_what_is_documented() -> None:
    documented = {(one.method.upper(), one.path): known(one) for one in OPERATIONS}
    taken = {}
    for (method, path), api in APIS.items():
        for route in api._static_routes + api._dynamic_routes:
            if (route.method, route.path.replace("<", "{").replace(">", "}")) == (method, path):
                taken[method, path] = list(taken_parameters(route.func))

    assert taken == documented


@operations
def test_a_domain_of_its_own_leads_to_the_same_routes(operation: Operation) -> None:
    """Behind it the path begins with what is mapped to the stage; without the prefix it is not."""
    own, plain = (send(operation, path=f"{prefix}{path_of(operation)}") for prefix in ("/v1", ""))
    assert own.status == plain.status != 404


@operations
def test_unknown_misplaced_and_bracketed_parameters(operation: Operation) -> None:
    names = [name for name in EVERY_NAME if name not in known(operation)]
    names += [f"{name}[]" for name in known(operation)] + ["", "Market", "market ", "x" * 500]
    for name in names:
        response = send(operation, **query_parts({name: "ETH-USDT"}))
        assert (response.status, response.body["code"]) == (400, "unknown_parameter"), name
        assert response.body["field"] == name[:64]


@operations
def test_repeated_parameters(operation: Operation) -> None:
    for name in known(operation):
        for values in ([VALUES[name]] * 2, [VALUES[name], "other"]):
            response = send(operation, **query_parts({name: values}))
            assert (response.status, response.body["code"]) == (400, "repeated_parameter")
            assert response.body["field"] == name


@operations
def test_a_parameter_in_either_form_of_the_event_counts(operation: Operation) -> None:
    for part in query_parts({"symbol": "ETH-USDT"}).items():
        response = send(operation, **dict([part]))
        assert (response.status, response.body["code"]) == (400, "unknown_parameter")


@operations
def test_a_body_where_there_is_none(operation: Operation) -> None:
    if operation.method in {"post", "put", "patch"}:
        return
    for body in ("{}", '{"market":"ETH-USDT"}', " "):
        response = send(operation, body=body)
        assert (response.status, response.body["code"]) == (400, "body_not_allowed")


@operations
@pytest.mark.parametrize("end", ["/", "//"])
def test_an_empty_part_of_a_path(operation: Operation, end: str) -> None:
    """A cancel of an empty id must not be a cancel of all."""
    response = send(operation, path_of(operation) + end)
    assert (response.status, response.body["code"]) == (404, "unknown_route")


@operations
@pytest.mark.parametrize("name", ["Idempotency-Key", "idempotency-key", "Prefer", "X-Tenant"])
def test_a_header_that_says_what_is_meant_comes_once(operation: Operation, name: str) -> None:
    response = send(operation, multiValueHeaders={name: ["a", "b"]})
    assert (response.status, response.body["code"]) == (400, "repeated_header")


def test_an_unknown_route_is_that_whatever_else_is_wrong() -> None:
    for operation in (OPERATIONS[0], OPERATIONS[-1]):
        response = send(operation, "/nothing", body="{}", **query_parts({"a": "b"}))
        assert (response.status, response.body["code"]) == (404, "unknown_route")


def test_a_cancel_of_one_market_never_becomes_one_of_all(idle: Idle) -> None:
    """Each of these would have cancelled the orders of all markets."""
    mistakes: list[dict[str, Any]] = [
        {"query": {"symbol": "ETH-USDT"}},
        {"query": {"market[]": "ETH-USDT"}},
        {"query": {"market": ["ETH-USDT", "BTC-USDT"]}},
        {"body": {"market": "ETH-USDT"}},
    ]
    for mistake in mistakes:
        response = idle.send("DELETE", "/orders", **mistake)
        assert response.status == 400
    assert idle.send("DELETE", "/orders/").status == 404
    assert idle.exchange.waiting() == 0


def test_what_a_route_takes_is_read(idle: Idle) -> None:
    query = {"market": "BTC-USDT", "status": "open", "limit": "5"}
    assert idle.send("GET", "/orders", query=query).status == 200
