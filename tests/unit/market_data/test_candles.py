"""Candles as anybody reads them."""

from types import ModuleType
from typing import Any

import pytest

from bursa.market_data.candles import Period
from bursa.market_data.intervals import INTERVALS
from tests.doubles.exchange import ALICE, BOB, BTC_USDT, NOON_MS, Exchange, WorkingClock
from tests.unit.market_data.test_queries import get
from wire import codec
from wire import layout as w

MINUTE_MS = 60_000
PATH = "/markets/BTC-USDT/candles"
START_MS = NOON_MS - NOON_MS % 3_600_000 + 2 * 3_600_000


def trade(exchange: Exchange, price: int, lots: int, *, bought: bool = True) -> None:
    maker, taker = (BOB, ALICE) if bought else (ALICE, BOB)
    sides = (w.SIDE_SELL, w.SIDE_BUY) if bought else (w.SIDE_BUY, w.SIDE_SELL)
    exchange.commit(
        [
            codec.encode_place(maker.number, BTC_USDT, sides[0], price, lots),
            codec.encode_place(taker.number, BTC_USDT, sides[1], price, lots),
        ]
    )


@pytest.fixture
def traded(exchange: Exchange, market_api: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Exchange:
    """Three trades in the first minute, one in the second, none in the third and fourth, one."""
    for after_ms, price, lots, bought in (
        (0, 2_000_000, 10_000_000, True),
        (20_000, 2_100_000, 20_000_000, False),
        (59_000, 1_900_000, 30_000_000, True),
        (60_000, 2_000_000, 10_000_000, True),
        (4 * MINUTE_MS, 2_200_000, 10_000_000, False),
    ):
        exchange.time_ms = START_MS + after_ms
        trade(exchange, price, lots, bought=bought)
    clock = WorkingClock(exchange)
    monkeypatch.setattr(market_api.services.clock, "now_ms", clock.now_ms, raising=False)
    monkeypatch.setattr(
        market_api.services.clock,
        "monotonic_ms",
        iter(range(0, 10**9, 1_000)).__next__,
        raising=False,
    )
    return exchange


def closes(body: dict[str, Any]) -> list[tuple[int, str]]:
    return [((one["start_ms"] - START_MS) // MINUTE_MS, one["close"]) for one in body["items"]]


def test_a_candle_says_what_traded_and_what_takers_bought(
    market_api: ModuleType, traded: Exchange
) -> None:
    response = get(market_api, PATH, interval="1m")

    assert (response.status, response.body["market"]) == (200, "BTC-USDT")
    assert response.body["interval"] == "1m"
    assert response.body["items"][0] == {
        "start_ms": START_MS,
        "open": "20000",
        "high": "21000",
        "low": "19000",
        "close": "19000",
        "volume": "0.6",
        "quote_volume": "11900",
        "trades": 3,
        "taker_buy_volume": "0.4",
        "taker_buy_quote_volume": "7700",
    }


def test_where_nothing_traded_it_is_flat(market_api: ModuleType, traded: Exchange) -> None:
    body = get(market_api, PATH, interval="1m").body

    assert closes(body) == [(0, "19000"), (1, "20000"), (2, "20000"), (3, "20000"), (4, "22000")]
    assert body["items"][3] == {
        "start_ms": START_MS + 3 * MINUTE_MS,
        **dict.fromkeys(("open", "high", "low", "close"), "20000"),
        **dict.fromkeys(("volume", "quote_volume"), "0"),
        "trades": 0,
        **dict.fromkeys(("taker_buy_volume", "taker_buy_quote_volume"), "0"),
    }


def test_time_goes_on_without_trades(market_api: ModuleType, traded: Exchange) -> None:
    traded.time_ms = START_MS + 6 * MINUTE_MS + 1

    assert closes(get(market_api, PATH, interval="1m").body)[-3:] == [
        (4, "22000"),
        (5, "22000"),
        (6, "22000"),
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"limit": "1"}, [4]),
        ({"limit": "2"}, [3, 4]),
        ({"from_ms": 1}, [1, 2, 3, 4]),
        ({"from_ms": 1, "limit": "2"}, [1, 2]),
        ({"from_ms": 2, "limit": "1"}, [2]),
        ({"from_ms": 1, "to_ms": 3}, [1, 2]),
        ({"to_ms": 2, "limit": "1"}, [1]),
        ({"from_ms": "0"}, [0, 1, 2, 3, 4]),
        ({"from_ms": "0", "limit": "1"}, [0]),
        ({"from_ms": "0", "to_ms": "1"}, []),
        ({"to_ms": "1"}, []),
        ({"to_ms": "0"}, []),
        ({"from_ms": 5}, []),
        ({"from_ms": "9999999999999"}, []),
    ],
    ids=str,
)
def test_ranges(
    market_api: ModuleType, traded: Exchange, query: dict[str, Any], found: list[int]
) -> None:
    sent: dict[str, Any] = {
        name: str(START_MS + value * MINUTE_MS) if isinstance(value, int) else value
        for name, value in query.items()
    }
    body = get(market_api, PATH, interval="1m", **sent).body
    assert [minute for minute, _ in closes(body)] == found


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        # It opens with its first trade.
        ("3m", [("20000", "21000", "19000", "20000", 4), ("22000", "22000", "22000", "22000", 1)]),
        ("5m", [("20000", "22000", "19000", "22000", 5)]),
        ("1d", [("20000", "22000", "19000", "22000", 5)]),
        ("1w", [("20000", "22000", "19000", "22000", 5)]),
        ("1M", [("20000", "22000", "19000", "22000", 5)]),
    ],
)
def test_longer_intervals(
    market_api: ModuleType, traded: Exchange, interval: str, expected: list[tuple[Any, ...]]
) -> None:
    items = get(market_api, PATH, interval=interval).body["items"]
    shown = ("open", "high", "low", "close", "trades")
    found = [tuple(one[name] for name in shown) for one in items]
    assert found == expected


def test_there_is_none_before_the_first_trade(market_api: ModuleType) -> None:
    assert get(market_api, "/markets/BTC-IDR/candles", interval="1h").body["items"] == []


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        ("/markets/DOGE-USDT/candles", {"interval": "1m"}, 404, "unknown_market"),
        (PATH, {}, 400, "invalid_interval"),
        (PATH, {"interval": "1s"}, 400, "invalid_interval"),
        (PATH, {"interval": "1m", "limit": "1001"}, 400, "invalid_limit"),
        (PATH, {"interval": "1m", "from_ms": "x"}, 400, "invalid_from_ms"),
        (PATH, {"interval": "1m", "to_ms": "-1"}, 400, "invalid_to_ms"),
        (PATH, {"interval": "1m", "from_ms": "5", "to_ms": "5"}, 400, "invalid_to_ms"),
    ],
)
def test_bad_query(
    market_api: ModuleType, path: str, query: dict[str, Any], status: int, code: str
) -> None:
    response = get(market_api, path, **query)
    assert (response.status, response.body["code"]) == (status, code)


@pytest.mark.parametrize("name", INTERVALS)
def test_times_between_the_same_candles_are_one_range(name: str) -> None:
    """So what is kept of one serves the other, however many milliseconds there are."""
    interval = INTERVALS[name]
    first_ms = interval.start_of(START_MS)
    second_ms = interval.after(first_ms)
    expected = Period(second_ms, interval.after(second_ms))
    for after_ms in (1, 2, 59_999):
        period = Period(first_ms + after_ms, second_ms + after_ms)
        assert period.of_starts(interval) == expected
    assert expected.of_starts(interval) == expected
    assert Period().of_starts(interval) == Period()


def test_ranges_of_any_milliseconds_and_lengths_are_read_once(
    market_api: ModuleType, traded: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market_api.services.clock, "monotonic_ms", lambda: 0)
    read, data = [], market_api.services.routes._read_candles._data
    candles = data.candles

    def counted(*asked: Any) -> Any:
        read.append(asked)
        return candles(*asked)

    monkeypatch.setattr(data, "candles", counted)
    found = [
        closes(
            get(
                market_api,
                PATH,
                interval="1m",
                from_ms=str(START_MS + 1 + number),
                to_ms=str(START_MS + 3 * MINUTE_MS + 1 + number),
                limit=str(1 + number),
            ).body
        )
        for number in range(4)
    ]

    assert [[minute for minute, _ in one] for one in found] == [[1], [1, 2], [1, 2, 3], [1, 2, 3]]
    assert len(read) == 1


def test_every_read_is_consistent(
    market_api: ModuleType, traded: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = market_api.services.routes._read_candles._data
    client, asked = data._client, []
    for name in ("get_item", "query"):
        send = getattr(client, name)

        def noted(send: Any = send, **request: Any) -> Any:
            is_book = request.get("Key", {}).get("sk") == {"S": "book"}
            if is_book or request["TableName"] == data._trades_table:
                asked.append((is_book, request.get("ConsistentRead", False)))
            return send(**request)

        monkeypatch.setattr(client, name, noted)
    get(market_api, PATH, interval="1m")

    assert set(asked) == {(True, True), (False, True)}
