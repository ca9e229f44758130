"""What anybody reads."""

from types import ModuleType
from typing import Any

import pytest

from bursa.aws.clients import dynamodb_client
from bursa.journal.lease import LeaseRow
from bursa.journal.lease_dynamodb import DynamoLeases
from bursa.kernel.clock import SystemClock
from bursa.kernel.identifiers import TenantId
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.profile import TenantProfile
from tests.doubles.exchange import ALICE, BOB, BTC, BTC_USDT, USDT, Exchange, read_event
from tests.doubles.ids import IDS
from tests.unit.conftest import (
    Context,
    Response,
    as_documented,
    query_parts,
    response_of,
    started,
)
from wire import codec
from wire import layout as w


def get(
    market_api: ModuleType,
    path: str,
    *,
    host: str = "127.0.0.1:4566",
    headers: dict[str, str] | None = None,
    **query: str,
) -> Response:
    event = read_event("market-book")
    event |= {"path": path, "resource": path} | query_parts({**query})
    event["headers"] |= headers or {}
    event["requestContext"]["domainName"] = host
    return as_documented("GET", path, response_of(market_api.handler(event, Context())))


@pytest.fixture
def traded(exchange: Exchange) -> Exchange:
    """Three asks, of which one is taken in part, and a bid."""
    exchange.commit(
        [
            codec.encode_place(BOB.number, BTC_USDT, w.SIDE_SELL, 2_000_000, 50_000_000),
            codec.encode_place(BOB.number, BTC_USDT, w.SIDE_SELL, 2_000_100, 100_000_000),
            codec.encode_place(BOB.number, BTC_USDT, w.SIDE_SELL, 2_000_200, 100_000_000),
            codec.encode_place(ALICE.number, BTC_USDT, w.SIDE_BUY, 1_999_900, 30_000_000),
            codec.encode_place(ALICE.number, BTC_USDT, w.SIDE_BUY, 2_000_000, 20_000_000),
        ]
    )
    return exchange


def test_markets(market_api: ModuleType) -> None:
    status, body, _ = get(market_api, "/markets")

    assert status == 200
    assert [market["market"] for market in body["items"]] == ["BTC-IDR", "BTC-USDT"]
    assert body["items"][1] == {
        "market": "BTC-USDT",
        "base": "BTC",
        "quote": "USDT",
        "status": "open",
        "tick_size": "0.01",
        "lot_size": "0.00000001",
        "min_notional": "1",
        "max_price": "10995116277.75",
        "max_quantity": "2814749.76710655",
        "iceberg_parts_max": 1_000,
        "fees": {"maker_ppm": 1000, "taker_ppm": 2000},
        "price_protection": {
            "limit_ppm": 0,
            "market_ppm": 0,
            "breaker_ppm": 0,
            "auction_ms": 120_000,
        },
    }
    assert (body["items"][0]["tick_size"], body["items"][0]["lot_size"]) == ("1000", "0.00001")
    assert get(market_api, "/markets/BTC-USDT").body == body["items"][1] | {"auction": None}


def test_an_auction_says_what_it_would_trade(
    market_api: ModuleType, traded: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("market_api.routes.MARKET_DATA_KEPT_MS", 0)

    def auction() -> tuple[str, Any]:
        body = get(market_api, "/markets/BTC-USDT").body
        return body["status"], body["auction"]

    traded.commit([codec.encode_set_market_state(BTC_USDT, w.STATE_AUCTION)])
    assert auction() == (
        "auction",
        {"indicative_price": None, "indicative_quantity": "0"},
    )
    bid = codec.encode_place(ALICE.number, BTC_USDT, w.SIDE_BUY, 2_000_100, 50_000_000)
    traded.commit([bid, codec.encode_advance_time(traded.time_ms)])
    status, told = auction()
    assert (status, told["indicative_quantity"]) == ("auction", "0.5")

    traded.commit([codec.encode_set_market_state(BTC_USDT, w.STATE_OPEN)])
    assert auction() == ("open", None)
    uncrossed = get(market_api, "/markets/BTC-USDT/ticker").body["last_price"]
    assert uncrossed == told["indicative_price"]


def test_book(market_api: ModuleType, traded: Exchange) -> None:
    status, body, _ = get(market_api, "/markets/BTC-USDT/book")

    assert status == 200
    assert body["bids"] == [["19999", "0.3"]]
    assert body["asks"] == [["20000", "0.3"], ["20001", "1"], ["20002", "1"]]
    assert body["sequence"] == traded.records[-1].time_ms
    assert get(market_api, "/markets/BTC-USDT/book", depth="1").body["asks"] == body["asks"][:1]


def test_book_where_nothing_happened(market_api: ModuleType) -> None:
    status, body, _ = get(market_api, "/markets/BTC-IDR/book")

    assert (status, body["bids"], body["asks"]) == (200, [], [])


def test_trades_page_by_page(market_api: ModuleType, traded: Exchange) -> None:
    traded.commit([codec.encode_place(ALICE.number, BTC_USDT, w.SIDE_BUY, 2_000_000, 10_000_000)])

    whole = get(market_api, "/markets/BTC-USDT/trades").body
    first = get(market_api, "/markets/BTC-USDT/trades", limit="1").body
    cursor = first["next_cursor"]
    second = get(market_api, "/markets/BTC-USDT/trades", limit="1", cursor=cursor).body

    assert [(trade["trade_id"], trade["quantity"]) for trade in whole["items"]] == [
        (IDS.trade(2), "0.1"),
        (IDS.trade(1), "0.2"),
    ]
    assert whole["items"][0]["side"] == "buy"
    assert first["items"] + second["items"] == whole["items"]
    assert "account" not in str(whole)


def test_ticker(market_api: ModuleType, traded: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(market_api.services.clock, "now_ms", lambda: traded.time_ms, raising=False)

    status, body, _ = get(market_api, "/markets/BTC-USDT/ticker")

    assert status == 200
    assert (body["last_price"], body["last_quantity"]) == ("20000", "0.2")
    assert (body["best_bid"], body["best_ask"]) == ("19999", "20000")
    assert (body["open"], body["high"], body["low"]) == ("20000", "20000", "20000")
    assert (body["volume"], body["quote_volume"], body["trades"]) == ("0.2", "4000", 1)


def test_ticker_where_nothing_happened(market_api: ModuleType) -> None:
    body = get(market_api, "/markets/BTC-IDR/ticker").body

    assert (body["last_price"], body["best_bid"], body["volume"]) == (None, None, "0")


NOW_MS = 1_800_000_000_000


def lead(waits_ms: int, shard: int = 0) -> None:
    """Write what a worker does whose oldest command has waited for so long."""
    row = LeaseRow("owner", 1, 1, released=False, watermark_ms=NOW_MS - waits_ms, busy=())
    DynamoLeases(dynamodb_client(), "progress", shard).swap(None, row)


@pytest.fixture
def at_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SystemClock, "now_ms", lambda _: NOW_MS)


def health_of(orders: str, market_data: str, status: str) -> dict[str, Any]:
    components = {"orders": orders, "market_data": market_data}
    return {"status": status, "components": components, "version": "development"}


@pytest.mark.usefixtures("at_now", "exchange")
@pytest.mark.parametrize(
    ("waits_ms", "orders"),
    [(-20, "ok"), (0, "ok"), (5_000, "ok"), (5_001, "slow"), (15_000, "slow"), (15_001, "down")],
)
def test_health_says_whether_orders_are_decided(
    market_api: ModuleType, waits_ms: int, orders: str
) -> None:
    """And nothing else: review L3, sequences, counts and times are the activity of all tenants."""
    lead(waits_ms)
    assert get(market_api, "/health").body == health_of(orders, "ok", orders)


@pytest.mark.usefixtures("at_now", "exchange")
def test_where_no_worker_has_ever_led_nothing_is_decided(market_api: ModuleType) -> None:
    assert get(market_api, "/health").body == health_of("down", "ok", "down")


@pytest.mark.usefixtures("at_now")
@pytest.mark.parametrize("shards", ["0", "1,0"])
@pytest.mark.parametrize(
    ("waits_ms", "expected"),
    [
        (0, health_of("ok", "behind", "behind")),
        (9_000, health_of("slow", "behind", "slow")),
        (20_000, health_of("down", "behind", "down")),
    ],
)
def test_health_is_that_of_the_worst_shard(
    exchange: Exchange,
    monkeypatch: pytest.MonkeyPatch,
    shards: str,
    waits_ms: int,
    expected: dict[str, Any],
) -> None:
    monkeypatch.setenv("SHARDS", shards)
    exchange.project = False
    exchange.commit([])
    lead(waits_ms)
    lead(0, shard=1)

    assert get(started("market_api.app"), "/health").body == expected


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        ("/markets/DOGE-USDT", {}, 404, "unknown_market"),
        ("/markets/DOGE-USDT/book", {}, 404, "unknown_market"),
        ("/markets/DOGE-USDT/trades", {}, 404, "unknown_market"),
        ("/markets/DOGE-USDT/ticker", {}, 404, "unknown_market"),
        ("/markets/BTC-USDT/book", {"depth": "0"}, 400, "invalid_depth"),
        ("/markets/BTC-USDT/book", {"depth": "1001"}, 400, "invalid_depth"),
        ("/markets/BTC-USDT/book", {"depth": "x"}, 400, "invalid_depth"),
        ("/markets/BTC-USDT/trades", {"limit": "1001"}, 400, "invalid_limit"),
        ("/markets/BTC-USDT/trades", {"cursor": "AAAA"}, 400, "invalid_cursor"),
        ("/orders", {}, 404, "unknown_route"),
    ],
)
def test_bad_query(
    market_api: ModuleType, path: str, query: dict[str, Any], status: int, code: str
) -> None:
    response = get(market_api, path, **query)

    assert (response.status, response.body["code"]) == (status, code)


def test_market_defined_a_moment_ago_is_found(
    market_api: ModuleType, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert get(market_api, "/markets/BTC-NEW").status == 404
    defined = codec.encode_define_market(
        9, 1, BTC, USDT, lot_units=1, tick_units=1, symbol="BTC-NEW"
    )
    exchange.commit([defined])
    assert get(market_api, "/markets/BTC-NEW").status == 404
    later = market_api.services.clock.monotonic_ms() + 1_001
    monkeypatch.setattr(market_api.services.clock, "monotonic_ms", lambda: later, raising=False)

    assert get(market_api, "/markets/BTC-NEW").status == 200


# --- two tenants behind one function ------------------------------------------------------------


@pytest.fixture
def second_tenant(exchange: Exchange) -> str:
    """A second brand at a host name of its own, with a market of the same name but other steps."""
    tenant = TenantId(2)
    directory = DirectoryTable(dynamodb_client(), "directory")
    directory.add_tenant(TenantProfile(tenant, 0, "second", "https://other", frozenset({"web"})))
    directory.add_host(tenant, "second.example")
    exchange.commit(
        [
            codec.encode_define_asset(11, 2, 8, "BTC"),
            codec.encode_define_asset(12, 2, 2, "USDT"),
            codec.encode_define_market(
                11, 2, 11, 12, lot_units=100_000, tick_units=1, symbol="BTC-USDT"
            ),
        ]
    )
    return "second.example"


@pytest.mark.parametrize(
    ("host", "headers", "markets"),
    [
        pytest.param("second.example", {}, 1, id="second tenant's host"),
        pytest.param("SECOND.example", {}, 1, id="host names have no case"),
        pytest.param("127.0.0.1:4566", {"X-Tenant": "t2"}, 1, id="named"),
        pytest.param("127.0.0.1:4566", {"x-tenant": "t2"}, 1, id="named in lower case"),
        pytest.param("127.0.0.1:4566", {}, 2, id="any host"),
        pytest.param("second.example", {"X-Tenant": "t1"}, 2, id="first, at the second's host"),
    ],
)
def test_markets_are_those_of_the_tenant(
    market_api: ModuleType, second_tenant: str, host: str, headers: dict[str, str], markets: int
) -> None:
    body = get(market_api, "/markets", host=host, headers=headers).body
    assert len(body["items"]) == markets


def test_tenants_with_a_market_of_one_name_share_nothing(
    market_api: ModuleType, traded: Exchange, second_tenant: str
) -> None:
    own, others = (
        get(market_api, "/markets/BTC-USDT/book", host=host)
        for host in (second_tenant, "127.0.0.1:4566")
    )
    assert (own.body["bids"], own.body["asks"]) == ([], [])
    assert others.body["asks"]
    assert get(market_api, "/markets/BTC-USDT", host=second_tenant).body["lot_size"] == "0.001"
    assert get(market_api, "/markets/BTC-USDT/trades", host=second_tenant).body["items"] == []


def test_cursor_of_one_tenant_is_refused_by_another(
    market_api: ModuleType, traded: Exchange, second_tenant: str
) -> None:
    traded.commit([codec.encode_place(ALICE.number, BTC_USDT, w.SIDE_BUY, 2_000_000, 10_000_000)])
    cursor = get(market_api, "/markets/BTC-USDT/trades", limit="1").body["next_cursor"]

    path = "/markets/BTC-USDT/trades"
    response = get(market_api, path, host=second_tenant, cursor=cursor)
    assert (response.status, response.body["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize("path", ["/markets", "/markets/BTC-USDT", "/markets/BTC-USDT/ticker"])
def test_unknown_tenant_is_not_found(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("TENANTS_SHARE_HOSTS", "false")
    strict = started("market_api.app")

    response = get(strict, path, host="nobody.example", headers={"X-Tenant": "t1"})

    assert (response.status, response.body["code"]) == (404, "unknown_tenant")
