"""What anyone may read by the Binance dialect."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bursa.dialects.binance.ids import trade_number
from bursa.dialects.binance.symbols import Symbols
from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.identifiers import TenantId
from bursa.kernel.markets import Market, MarketState, MarketUnits
from tests.doubles.binance import BinanceClient, keep_key
from tests.doubles.exchange import ALICE, BOB, NOON_MS, TENANT, WorkingClock, read_event
from tests.unit.conftest import opened
from tests.unit.dialects.binance.conftest import started_binance_api
from wire import codec
from wire import layout as w

LIMIT: dict[str, Any] = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC"}


@pytest.fixture(scope="module")
def client() -> Iterator[BinanceClient]:
    """After two trades, with an order on each side."""
    with opened() as exchange:
        clock = WorkingClock(exchange)
        api = started_binance_api(clock)
        alice = BinanceClient(api, clock, keep_key(ALICE))
        bob = BinanceClient(api, clock, keep_key(BOB))
        for client, side, price, quantity in (
            (bob, "SELL", "20000", "1"),
            (alice, "BUY", "20000", "0.4"),
            (alice, "BUY", "20000", "0.6"),
            (bob, "SELL", "21000", "2"),
            (alice, "BUY", "19000", "3"),
        ):
            placed = client.signed(
                "POST", "/api/v3/order", **LIMIT, side=side, price=price, quantity=quantity
            )
            assert placed.status == 200, placed
        yield alice


def test_ping_and_time(client: BinanceClient) -> None:
    assert client.public("/api/v3/ping").body == {}
    assert client.public("/api/v3/time").body == {"serverTime": client.clock.now_ms()}
    assert client.public("/sapi/v1/system/status").body == {"status": 0, "msg": "normal"}
    client.headers["X-MBX-TIME-UNIT"] = "MICROSECOND"
    try:
        assert client.public("/api/v3/time").body == {"serverTime": client.clock.now_ms() * 1_000}
        client.headers["X-MBX-TIME-UNIT"] = "SECOND"
        assert client.public("/api/v3/time").error[0] == -1194
    finally:
        client.headers.clear()


def test_the_rules(client: BinanceClient) -> None:
    info = client.public("/api/v3/exchangeInfo").body
    assert [one["symbol"] for one in info["symbols"]] == ["BTCUSDT", "BTCIDR"]
    assert info["rateLimits"] == [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 250},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 250},
    ]
    symbol = info["symbols"][0]
    assert symbol["status"] == "TRADING"
    assert symbol["permissionSets"] == [["SPOT"]]
    assert symbol["orderTypes"] == [
        "LIMIT",
        "LIMIT_MAKER",
        "MARKET",
        "STOP_LOSS",
        "STOP_LOSS_LIMIT",
        "TAKE_PROFIT",
        "TAKE_PROFIT_LIMIT",
    ]
    filters = {one["filterType"]: one for one in symbol["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.01000000"
    assert filters["LOT_SIZE"] | {"maxQty": ""} == {
        "filterType": "LOT_SIZE",
        "minQty": "0.00000001",
        "maxQty": "",
        "stepSize": "0.00000001",
    }
    assert filters["TRAILING_DELTA"] == {
        "filterType": "TRAILING_DELTA",
        "minTrailingAboveDelta": 10,
        "maxTrailingAboveDelta": 2_000,
        "minTrailingBelowDelta": 10,
        "maxTrailingBelowDelta": 2_000,
    }
    assert filters["NOTIONAL"]["minNotional"] == "1.00000000"
    one = client.public("/api/v3/exchangeInfo", symbol="BTCIDR").body["symbols"]
    two = client.public("/api/v3/exchangeInfo", symbols='["BTCUSDT","BTCIDR"]').body["symbols"]
    none = client.public("/api/v3/exchangeInfo", permissions="MARGIN").body["symbols"]
    assert (len(one), len(two), len(none)) == (1, 2, 0)


def test_a_book(client: BinanceClient) -> None:
    book = client.public("/api/v3/depth", symbol="BTCUSDT", limit=5).body
    assert book["bids"] == [["19000.00000000", "3.00000000"]]
    assert book["asks"] == [["21000.00000000", "2.00000000"]]
    assert book["lastUpdateId"] > 0
    assert client.raw(read_event("binance-depth")).body == book


def test_trades(client: BinanceClient) -> None:
    first, second = client.public("/api/v3/trades", symbol="BTCUSDT").body
    assert (first["qty"], second["qty"]) == ("0.40000000", "0.60000000")
    assert (first["id"], second["id"]) == (trade_number(1), trade_number(2))
    assert first["isBuyerMaker"] is False
    assert client.public("/api/v3/trades", symbol="BTCUSDT", limit=1).body == [second]

    both = client.public("/api/v3/aggTrades", symbol="BTCUSDT").body
    assert [one["a"] for one in both] == [first["id"], second["id"]]
    assert (both[0]["f"], both[0]["l"], both[0]["q"]) == (first["id"], first["id"], first["qty"])


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"fromId": 2}, [2]),
        ({"fromId": 1, "limit": 1}, [1]),
        ({"fromId": 0}, [1, 2]),
        ({"startTime": 0}, [1, 2]),
        ({"startTime": 0, "limit": 1}, [1]),
        ({"endTime": NOON_MS * 2, "limit": 1}, [2]),
        ({"endTime": 1}, []),
        ({"startTime": NOON_MS * 2}, []),
    ],
)
def test_trades_of_a_range(client: BinanceClient, asked: dict[str, int], found: list[int]) -> None:
    if asked.get("fromId"):
        asked = asked | {"fromId": trade_number(asked["fromId"])}
    trades = client.public("/api/v3/aggTrades", symbol="BTCUSDT", **asked).body
    assert [one["a"] for one in trades] == [trade_number(one) for one in found]


@pytest.mark.parametrize("path", ["klines", "uiKlines"])
def test_candles(client: BinanceClient, path: str) -> None:
    day_ms = 86_400_000
    opened_ms = client.clock.now_ms() // day_ms * day_ms
    day: list[Any] = [
        opened_ms,
        *("20000.00000000",) * 4,
        "1.00000000",
        opened_ms + day_ms - 1,
        "20000.00000000",
        2,
        "1.00000000",
        "20000.00000000",
        "0",
    ]
    asked: dict[str, Any] = {"symbol": "BTCUSDT", "interval": "1d"}
    assert client.public(f"/api/v3/{path}", **asked).body == [day]
    assert client.public(f"/api/v3/{path}", **asked, timeZone="00:00", limit=5).body == [day]
    assert client.public(f"/api/v3/{path}", **asked, startTime=0, limit=1).body == [day]
    # The end is part of the range here.
    assert client.public(f"/api/v3/{path}", **asked, endTime=opened_ms).body == [day]
    assert client.public(f"/api/v3/{path}", **asked, endTime=opened_ms - 1).body == []
    assert client.public(f"/api/v3/{path}", **asked, startTime=opened_ms + 1).body == []
    client.headers["X-MBX-TIME-UNIT"] = "MICROSECOND"
    try:
        ((opened, *_, closed, _, _, _, _, _),) = client.public(f"/api/v3/{path}", **asked).body
    finally:
        client.headers.clear()
    assert (opened, closed) == (opened_ms * 1_000, (opened_ms + day_ms) * 1_000 - 1)


def test_historical_trades(client: BinanceClient) -> None:
    path = "/api/v3/historicalTrades"
    both = client.public("/api/v3/trades", symbol="BTCUSDT").body
    assert client.public(path, symbol="BTCUSDT").body == both
    for asked, found in (
        ({"fromId": 0}, both),
        ({"fromId": 0, "limit": 1}, both[:1]),
        ({"fromId": both[1]["id"]}, both[1:]),
        ({"fromId": both[1]["id"] + 1}, []),
    ):
        assert client.public(path, symbol="BTCUSDT", **asked).body == found


def test_tickers(client: BinanceClient) -> None:
    day = client.public("/api/v3/ticker/24hr", symbol="BTCUSDT").body
    assert (day["lastPrice"], day["volume"], day["count"]) == ("20000.00000000", "1.00000000", 2)
    assert (day["quoteVolume"], day["weightedAvgPrice"]) == ("20000.00000000", "20000.00000000")
    assert (day["priceChange"], day["priceChangePercent"]) == ("0.00000000", "0.000")
    assert (day["bidPrice"], day["askQty"]) == ("19000.00000000", "2.00000000")
    mini = client.public("/api/v3/ticker/24hr", symbol="BTCUSDT", type="MINI").body
    assert "bidPrice" not in mini
    every = client.public("/api/v3/ticker/24hr").body
    assert [one["symbol"] for one in every] == ["BTCUSDT", "BTCIDR"]
    assert every[1]["count"] == 0

    price = client.public("/api/v3/ticker/price", symbol="BTCUSDT").body
    assert price == {"symbol": "BTCUSDT", "price": "20000.00000000"}
    best = client.public("/api/v3/ticker/bookTicker", symbols='["BTCUSDT"]').body
    assert best == [
        {
            "symbol": "BTCUSDT",
            "bidPrice": "19000.00000000",
            "bidQty": "3.00000000",
            "askPrice": "21000.00000000",
            "askQty": "2.00000000",
        }
    ]
    average = client.public("/api/v3/avgPrice", symbol="BTCUSDT").body
    assert (average["mins"], average["price"]) == (5, "20000.00000000")
    empty = client.public("/api/v3/avgPrice", symbol="BTCIDR").body
    assert empty["price"] == "0.00000000"


WRONG: dict[str, tuple[str, dict[str, Any], tuple[int, int]]] = {
    "unknown symbol": ("depth", {"symbol": "XYZUSDT"}, (400, -1121)),
    "one of some": ("ticker/price", {"symbols": '["BTCUSDT","XYZUSDT"]'}, (400, -1121)),
    "no symbol": ("depth", {}, (400, -1102)),
    "empty": ("depth", {"symbol": ""}, (400, -1102)),
    "empty limit": ("depth", {"symbol": "BTCUSDT", "limit": ""}, (400, -1105)),
    "no number": ("depth", {"symbol": "BTCUSDT", "limit": "ten"}, (400, -1100)),
    "nothing": ("depth", {"symbol": "BTCUSDT", "limit": "0"}, (400, -1130)),
    "unknown parameter": ("ping", {"x": 1}, (400, -1104)),
    "both": ("ticker/price", {"symbol": "BTCUSDT", "symbols": '["BTCUSDT"]'}, (400, -1128)),
    "no list": ("ticker/price", {"symbols": "BTCUSDT"}, (400, -1100)),
    "twice": ("ticker/price", {"symbols": '["BTCUSDT","BTCUSDT"]'}, (400, -1100)),
    "type": ("ticker/24hr", {"type": "TINY"}, (400, -1139)),
    "status": ("ticker/24hr", {"symbolStatus": "OPEN"}, (400, -1122)),
    "range": ("aggTrades", {"symbol": "BTCUSDT", "fromId": 1, "endTime": 2}, (400, -1128)),
    "no interval": ("klines", {"symbol": "BTCUSDT"}, (400, -1102)),
    "seconds": ("klines", {"symbol": "BTCUSDT", "interval": "1s"}, (400, -1120)),
    "an interval in capitals": ("klines", {"symbol": "BTCUSDT", "interval": "1D"}, (400, -1120)),
    "candles of nothing": ("klines", {"symbol": "XYZ", "interval": "1m"}, (400, -1121)),
    "candles of another zone": (
        "uiKlines",
        {"symbol": "BTCUSDT", "interval": "1d", "timeZone": "8"},
        (400, -1130),
    ),
    "candles backwards": (
        "klines",
        {"symbol": "BTCUSDT", "interval": "1d", "startTime": 2, "endTime": 1},
        (400, -1130),
    ),
    "trades by no number": ("historicalTrades", {"symbol": "BTCUSDT", "fromId": "x"}, (400, -1100)),
}


@pytest.mark.parametrize(("path", "asked", "expected"), WRONG.values(), ids=WRONG)
def test_what_is_refused(
    client: BinanceClient, path: str, asked: dict[str, Any], expected: tuple[int, int]
) -> None:
    answer = client.public(f"/api/v3/{path}", **asked)
    assert (answer.status, answer.body["code"]) == expected


def test_a_path_that_there_is_none_of(client: BinanceClient) -> None:
    assert client.public("/fapi/v1/exchangeInfo").status == 404
    assert client.send("PATCH", "/api/v3/order", "", "", {}).error[0] == -1020


def _units(symbol: str) -> MarketUnits:
    base, quote = symbol.split("-")
    return MarketUnits(symbol, base, quote, 8, 8, 1, 1)


class Listing:
    """Markets that read the same without their hyphens."""

    def __init__(self, *symbols: str) -> None:
        self._markets = [
            Market(
                number,
                _units(symbol),
                MarketState.OPEN,
                Units(0),
                Ticks(1),
                Lots(1),
            )
            for number, symbol in enumerate(symbols, start=1)
        ]

    def all(self, _tenant: TenantId) -> list[Market]:
        return sorted(self._markets, key=lambda market: market.symbol)


@pytest.mark.parametrize("symbols", [("A-BC", "AB-C"), ("AB-C", "A-BC")])
def test_of_two_that_read_the_same_the_first_has_the_name(symbols: tuple[str, str]) -> None:
    found = Symbols(Listing(*symbols, "X-Y")).all(TENANT)  # type: ignore[arg-type]
    assert {name: market.symbol for name, market in found.items()} == {
        "ABC": symbols[0],
        "XY": "X-Y",
    }


def test_a_market_that_is_closed(client: BinanceClient) -> None:
    client.clock.exchange.commit([codec.encode_set_market_state(2, w.STATE_HALTED)])
    client.clock.slept_ms += 40_000
    symbols = client.public("/api/v3/exchangeInfo", symbol="BTCIDR").body["symbols"]
    assert symbols[0]["status"] == "HALT"
    placed = client.signed(
        "POST",
        "/api/v3/order",
        **(LIMIT | {"symbol": "BTCIDR"}),
        side="SELL",
        price="1000000",
        quantity="1",
    )
    assert placed.error == (-2010, "Market is closed.")


def test_an_address_may_begin_with_a_tenant(client: BinanceClient) -> None:
    client.tenant = "/t1"
    try:
        assert client.public("/api/v3/ping").status == 200
        assert client.signed("GET", "/api/v3/account").status == 200
        client.tenant = "/t2"
        unknown = client.public("/api/v3/ping")
        assert unknown.status == 404
        assert json.dumps(unknown.body)
    finally:
        client.tenant = ""
