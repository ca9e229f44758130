"""Public routes are made once a second or so, whoever asks, and a tenant gets only its own."""

import json
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl

import pytest
from botocore.client import BaseClient

from bursa.aws.clients import dynamodb_client
from bursa.dialects.native.public_responses import KEPT_LENGTHS, KEPT_MAX, PublicResponses
from bursa.kernel.identifiers import TenantId
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.profile import TenantProfile
from tests.doubles.exchange import ALICE, BOB, BTC_USDT, Exchange, read_event
from tests.unit.conftest import Context, query_parts
from wire import codec
from wire import layout as w

PATHS = {
    "/health": 3,
    "/openapi.json": 0,
    # Its profile and its branding; markets are kept longer.
    "/tenant": 2,
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

    def get(
        self, path: str, host: str = "127.0.0.1:4566", query: str = "", **headers: str
    ) -> dict[str, Any]:
        event = read_event("market-book")
        event |= {"path": path, "resource": path} | query_parts(dict(parse_qsl(query)))
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
        assert own["multiValueHeaders"]["Vary"] == ["Origin, X-Tenant"]


@pytest.mark.parametrize(("list_name", "name"), [("book", "depth"), ("trades", "limit")])
def test_every_length_of_a_list_is_cut_from_a_few(
    caller: Caller, list_name: str, name: str
) -> None:
    path = f"/markets/BTC-USDT/{list_name}"
    caller.get(path)
    caller.calls.clear()
    for text in [*map(str, range(1, 1_001, 7)), "0100", "00100", "1", "1000"]:
        assert caller.get(path, query=f"{name}={text}")["statusCode"] == 200

    assert len(caller.calls) <= 2 * len(KEPT_LENGTHS)


def test_a_list_has_the_length_that_is_asked_for_and_goes_on_from_there(
    caller: Caller, exchange: Exchange
) -> None:
    for price in range(5):
        exchange.commit(
            [
                codec.encode_place(
                    whose.number, BTC_USDT, side, 2_000_000 + 100 * price, 50_000_000
                )
                for whose, side in ((BOB, w.SIDE_SELL), (ALICE, w.SIDE_BUY), (BOB, w.SIDE_SELL))
            ]
        )
        exchange.commit([codec.encode_cancel_all(ALICE.number)])
    path = "/markets/BTC-USDT/trades"
    every = json.loads(caller.get(path)["body"])["items"]
    assert len(every) >= 3

    two = json.loads(caller.get(path, query="limit=2")["body"])
    then = caller.get(path, query=f"limit=2&cursor={two['next_cursor']}")

    assert two["items"] == every[:2]
    assert json.loads(then["body"])["items"] == every[2:4]
    book = json.loads(caller.get("/markets/BTC-USDT/book")["body"])
    one = json.loads(caller.get("/markets/BTC-USDT/book", query="depth=1")["body"])
    assert one == book | {"asks": book["asks"][:1], "bids": book["bids"][:1]}


def test_a_tenant_with_many_responses_clears_none_of_the_others() -> None:
    class Still:
        def monotonic_ms(self) -> float:
            return 0.0

    kept, made = PublicResponses(Still()), []
    kept.find(TenantId(1), "markets", None, lambda: made.append("first"))
    for number in range(3 * KEPT_MAX):
        kept.find(TenantId(2), number, None, lambda: None)
    kept.find(TenantId(1), "markets", None, lambda: made.append("again"))

    assert made == ["first"]


def test_a_refusal_is_not_kept(caller: Caller) -> None:
    for _ in range(2):
        response = caller.get("/markets/DOGE-USDT/book")
        assert response["statusCode"] == 404
        assert response["multiValueHeaders"]["Cache-Control"] == ["no-store"]


def test_a_page_before_is_kept_like_the_newest(caller: Caller, exchange: Exchange) -> None:
    for price in range(2_000_000, 2_000_400, 100):
        sell, buy = (
            codec.encode_place(whose.number, BTC_USDT, side, price, 50_000_000)
            for whose, side in ((BOB, w.SIDE_SELL), (ALICE, w.SIDE_BUY))
        )
        exchange.commit([sell, buy])
    path = "/markets/BTC-USDT/trades"
    newest = json.loads(caller.get(path, query="limit=1")["body"])
    query = f"limit=2&cursor={newest['next_cursor']}"
    before = caller.get(path, query=query)
    caller.calls.clear()

    for _ in range(100):
        assert caller.get(path, query=query)["body"] == before["body"]

    assert caller.calls == []
    trades = [trade["price"] for trade in json.loads(before["body"])["items"]]
    assert len(trades) == 2
    assert trades[0] != newest["items"][0]["price"]
    assert caller.get(path, query="cursor=x")["statusCode"] == 400
