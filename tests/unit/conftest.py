"""An exchange in miniature for the tests of the REST side."""

import importlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from moto import mock_aws
from pydantic import TypeAdapter

from bursa.bootstrap.public_ids import open_cursors, open_ids
from bursa.bootstrap.sub_accounts import sub_account_services
from bursa.bootstrap.trading import open_trading
from bursa.dialects.native.fee_routes import FeeRoutes
from bursa.dialects.native.http_api import RestApi
from bursa.dialects.native.operation import Operation
from bursa.dialects.native.operations import OPERATIONS
from bursa.dialects.native.order_list_routes import OrderListRoutes
from bursa.dialects.native.problems import Problem
from bursa.dialects.native.responses import PendingOrder
from bursa.dialects.native.trading_routes import TradingRoutes
from bursa.kernel.clock import SystemClock
from bursa.kernel.identifiers import AccountId
from bursa.kernel.settings import TradingApiSettings, read_settings
from engine.reference import Engine
from sub_accounts.routes import add_routes as add_sub_account_routes
from tests.doubles.exchange import (
    ALICE,
    Exchange,
    WorkingClock,
    create_resources,
    environment,
    read_event,
)
from tests.doubles.openings import open_exchange
from trading_api.fee_routes import add_fee_routes
from trading_api.order_list_routes import add_order_list_routes
from trading_api.routes import add_routes


class Response(NamedTuple):
    status: int
    body: dict[str, Any]
    headers: dict[str, str]


Send = Callable[..., Response]


@contextmanager
def opened(engine: Engine | None = None) -> Iterator[Exchange]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name, value in environment().items():
            patch.setenv(name, value)
        yield Exchange(create_resources(), engine) if engine else open_exchange()


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    with opened() as exchange:
        yield exchange


@pytest.fixture
def clock(exchange: Exchange) -> WorkingClock:
    return WorkingClock(exchange)


@pytest.fixture
def trading_api(clock: WorkingClock) -> ModuleType:
    return started_trading_api(clock)


@pytest.fixture
def market_api(exchange: Exchange) -> ModuleType:
    return started("market_api.app")


@pytest.fixture
def send(trading_api: ModuleType) -> Send:
    return partial(signed_in_request, trading_api)


class Idle(NamedTuple):
    exchange: Exchange
    send: Send


@pytest.fixture(scope="module")
def idle() -> Iterator[Idle]:
    """One exchange for all requests that must change nothing: its worker never works."""
    with opened() as exchange:
        exchange.asleep = True
        yield Idle(
            exchange, partial(signed_in_request, started_trading_api(WorkingClock(exchange)))
        )


def started(name: str) -> ModuleType:
    """Load a function again, as a cold start does."""
    return importlib.reload(importlib.import_module(name))


def started_trading_api(clock: WorkingClock) -> ModuleType:
    """Start it with the miniature's clock."""
    module = started("trading_api.app")
    trading = open_trading(read_settings(TradingApiSettings), clock)
    app = RestApi(
        module.logger,
        module.metrics,
        SystemClock(),
        trading.budgets,
        module.signed_requests,
    )
    cursors = open_cursors(trading.cursor_key)
    routes = TradingRoutes(
        trading.catalogue, trading.use_cases, cursors, open_ids(), trading.levels
    )
    add_routes(app, routes)
    lists = OrderListRoutes(
        trading.catalogue, trading.use_cases, cursors, open_ids(), trading.levels
    )
    add_order_list_routes(app, lists)
    add_fee_routes(app, FeeRoutes(trading.fees, trading.catalogue))
    vars(module).update(app=app, trading=trading)
    return module


def started_sub_accounts(clock: WorkingClock) -> ModuleType:
    """Start it with the miniature's clock."""
    module = started("sub_accounts.app")
    services = sub_account_services(clock)
    app = RestApi(
        module.logger,
        module.metrics,
        SystemClock(),
        services.budgets,
        services.signed_requests,
    )
    add_sub_account_routes(app, services.routes)
    vars(module).update(app=app, services=services)
    return module


def signed_in_request(
    trading_api: ModuleType,
    method: str,
    path: str,
    body: object = None,
    *,
    account: AccountId = ALICE,
    headers: dict[str, str] | None = None,
    query: dict[str, str | list[str]] | None = None,
    scopes: str = "",
) -> Response:
    """Send a request to the signed-in routes, as API Gateway hands it on."""
    event = read_event("orders-place")
    event |= {"httpMethod": method, "path": path, "resource": path}
    event["requestContext"]["authorizer"]["account"] = str(account)
    event["requestContext"]["authorizer"] |= {"scopes": scopes} if scopes else {}
    event["headers"] |= headers or {}
    event |= query_parts(query or {})
    event["body"] = body if body is None or isinstance(body, str) else json.dumps(body)
    return as_documented(method, path, response_of(trading_api.handler(event, Context())))


def query_parts(query: Mapping[str, str | list[str]]) -> dict[str, Any]:
    """Return the parts of an event that have a request's query parameters: the last, and all."""
    every = {name: [one] if isinstance(one, str) else one for name, one in query.items()}
    return {
        "queryStringParameters": {name: values[-1] for name, values in every.items()} or None,
        "multiValueQueryStringParameters": every or None,
    }


def as_documented(method: str, path: str, response: Response) -> Response:
    """Check that a response has the shape that the API's description states."""
    operation = documented_operation(method, path)
    if operation is None:
        shape: Any = Problem
    elif response.status == operation.status:
        shape = operation.response
    elif operation.also is not None and response.status == 200:
        shape = operation.also
    else:
        shape = PendingOrder if response.status == 202 else Problem
    adapter = TypeAdapter(shape)
    known = adapter.dump_python(adapter.validate_json(json.dumps(response.body)), mode="json")
    assert known == response.body, "the answer has fields that are not documented"
    return response


def documented_operation(method: str, path: str) -> Operation | None:
    for operation in OPERATIONS:
        pattern = re.sub(r"{\w+}", "[^/]+", operation.path)
        if operation.method == method.lower() and re.fullmatch(pattern, path):
            return operation
    return None


def response_of(response: dict[str, Any]) -> Response:
    """Return a response; what is left of a budget differs from one to the next, so it is left out.

    Where the budget is the reason of the response, it stays.
    """
    headers = {
        name: values[0]
        for name, values in response["multiValueHeaders"].items()
        if response["statusCode"] == 429 or not name.startswith("X-RateLimit-")
    }
    text = response["body"]
    is_json = "json" in headers.get("Content-Type", "json")
    return Response(response["statusCode"], json.loads(text) if is_json else text, headers)


class Context:
    """What Lambda says about an invocation."""

    function_name = "test"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:test"
    aws_request_id = "0b0e6f0c-0000-4000-8000-000000000003"
