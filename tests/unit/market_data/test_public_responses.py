"""Public routes are made once a second or so, whoever asks, and a tenant gets only its own."""

import json
from types import ModuleType
from typing import Any

import pytest
from botocore.client import BaseClient

from bursa.aws.clients import dynamodb_client
from bursa.kernel.identifiers import TenantId
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.profile import TenantProfile
from tests.doubles.exchange import BOB, BTC_USDT, Exchange, read_event
from tests.unit.conftest import Context, query_parts
from wire import codec
from wire import layout as w

PATHS = {
    "/health": 2,
    "/openapi.json": 0,
    "/markets": 1,
    "/markets/BTC-USDT": 1,
    "/markets/BTC-USDT/book": 1,
    "/markets/BTC-USDT/trades": 1,
    "/markets/BTC-USDT/ticker": 1,
}


class Caller:
    """Asks one process, and counts its calls of AWS."""

    def __init__(self, market_api: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        self.api = market_api
        self.calls: list[str] = []
        self._now_ms = market_api.services.clock.monotonic_ms()
        clock = market_api.services.clock
        monkeypatch.setattr(clock, "monotonic_ms", lambda: self._now_ms, raising=False)
        call = BaseClient._make_api_call  # type: ignore[attr-defined]

        def counted(client: BaseClient, name: str, parameters: dict[str, Any]) -> Any:
            self.calls.append(name)
            return call(client, name, parameters)

        monkeypatch.setattr(BaseClient, "_make_api_call", counted)

    def pass_time(self, milliseconds: float) -> None:
        self._now_ms += milliseconds

    def get(self, path: str, host: str = "127.0.0.1:4566", **headers: str) -> dict[str, Any]:
        event = read_event("market-book")
        event |= {"path": path, "resource": path} | query_parts({})
        event["headers"] |= {name.replace("_", "-"): value for name, value in headers.items()}
        event["requestContext"]["domainName"] = host
        response: dict[str, Any] = self.api.handler(event, Context())
        return response


@pytest.fixture
def caller(market_api: ModuleType, exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> Caller:
    return Caller(market_api, monkeypatch)


@pytest.mark.parametrize("path", PATHS)
def test_a_flood_costs_a_few_calls_a_second(caller: Caller, path: str) -> None:
    caller.get(path)
    caller.calls.clear()
    for _ in range(500):
        assert caller.get(path)["statusCode"] == 200
        caller.pass_time(2)
    # A second has passed: twice for market data, whose definitions are kept longer.
    assert len(caller.calls) <= 2 * PATHS[path] + 1


@pytest.mark.parametrize("path", PATHS)
def test_who_has_it_already_is_told_so(caller: Caller, path: str) -> None:
    headers = caller.get(path)["multiValueHeaders"]
    etag = headers["ETag"][0]
    assert headers["Cache-Control"][0].startswith("public, max-age=")
    assert headers["X-Content-Type-Options"] == ["nosniff"]

    again = caller.get(path, If_None_Match=f'"other", {etag}')

    assert (again["statusCode"], again.get("body")) == (304, None)
    assert caller.get(path, If_None_Match='"other"')["statusCode"] == 200


def test_market_data_is_half_a_second_old_at_most(caller: Caller, exchange: Exchange) -> None:
    path = "/markets/BTC-USDT/book"
    before = caller.get(path)["body"]
    exchange.commit([codec.encode_place(BOB.number, BTC_USDT, w.SIDE_SELL, 2_000_000, 50_000_000)])
    assert caller.get(path)["body"] == before
    caller.pass_time(501)
    assert json.loads(caller.get(path)["body"])["asks"] == [["20000", "0.5"]]


def test_tenants_share_no_response(caller: Caller, exchange: Exchange) -> None:
    directory = DirectoryTable(dynamodb_client(), "directory")
    other = TenantProfile(TenantId(2), 0, "second", "https://other", frozenset({"web"}))
    directory.add_tenant(other)
    directory.add_host(TenantId(2), "second.example")
    exchange.commit(
        [
            codec.encode_define_asset(11, 2, 8, "BTC"),
            codec.encode_define_asset(12, 2, 2, "USDT"),
            codec.encode_define_market(11, 2, 11, 12, lot_units=9, tick_units=1, symbol="BTC-USDT"),
            codec.encode_place(BOB.number, BTC_USDT, w.SIDE_SELL, 2_000_000, 50_000_000),
        ]
    )
    for path in ("/markets", *(path for path in PATHS if path.startswith("/markets/"))):
        own = caller.get(path)
        assert caller.get(path, host="second.example")["body"] != own["body"]
        assert caller.get(path, X_Tenant="t2")["body"] != own["body"]
        assert own["multiValueHeaders"]["Vary"] == ["X-Tenant"]


def test_a_refusal_is_not_kept(caller: Caller) -> None:
    for _ in range(2):
        response = caller.get("/markets/DOGE-USDT/book")
        assert response["statusCode"] == 404
        assert response["multiValueHeaders"]["Cache-Control"] == ["no-store"]
