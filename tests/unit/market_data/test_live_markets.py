"""What is told of a market as a whole, and what it costs the feed to know it."""

from decimal import Decimal

import pytest

from bursa.market_data import live_markets
from bursa.read_models.book_parts import BookTorn
from bursa.read_models.projector import Projector
from tests.doubles.broadcast import Broadcast
from tests.doubles.ids import IDS
from tests.doubles.shard import ALICE, BOB, BTC_USDT, buy, sell, stream_records
from wire import codec
from wire import layout as w

BOOK, VIEW, TICKER = "book:BTC-USDT", "book:BTC-USDT:20", "ticker:BTC-USDT"
MINUTES = "candles:BTC-USDT:1m"
WEEKS = "candles:BTC-USDT:1w"
DAY_MS = 86_400_000


def test_a_ticker_tells_what_is_new_and_only_then(broadcast: Broadcast) -> None:
    broadcast.audience.listen("a", TICKER)
    broadcast.run(buy(ALICE, 100, 10), sell(BOB, 110, 5))
    broadcast.run(buy(ALICE, 90, 10))  # neither a trade nor a best price
    traded = broadcast.run(sell(BOB, 100, 4))

    first, second = broadcast.audience.received["a"]
    assert (first["data"]["best_bid"], first["data"]["best_ask"]) == ("1", "1.1")
    assert first["data"]["last_price"] is None
    assert (second["sequence"], second["previous_sequence"]) == (
        traded.time_ms,
        first["sequence"],
    )
    assert (second["data"]["last_price"], second["data"]["volume"]) == ("1", "0.00000004")


def test_candles_tell_those_that_ended_and_the_one_that_goes_on(broadcast: Broadcast) -> None:
    broadcast.audience.listen("a", MINUTES)
    broadcast.run(buy(ALICE, 100, 10))
    broadcast.run(sell(BOB, 100, 4))
    broadcast.shard.time_ms += 60_000
    broadcast.run(sell(BOB, 100, 1))

    began, ended = (one["data"] for one in broadcast.audience.received["a"])
    assert [(one["volume"], one["trades"]) for one in began] == [("0.00000004", 1)]
    assert [(one["volume"], one["trades"]) for one in ended] == [
        ("0.00000004", 1),
        ("0.00000001", 1),
    ]
    assert ended[1]["start_ms"] - ended[0]["start_ms"] == 60_000


@pytest.mark.parametrize("are_rows", [True, False], ids=["rows", "records"])
def test_a_week_has_its_days_from_before_the_feed_began(
    broadcast: Broadcast, *, are_rows: bool
) -> None:
    """Days have ended before the feed begins, and end while it follows; and then the week does."""
    broadcast.run(buy(ALICE, 100, 500), sell(BOB, 100, 4))  # on a Tuesday
    for lots in (2, 1):
        broadcast.shard.time_ms += DAY_MS
        broadcast.run(sell(BOB, 100, lots))
    if are_rows:
        records = stream_records(broadcast.shard.records)
        Projector(0, broadcast.shard, broadcast.tables, print).project(records)
    broadcast.audience.listen("a", WEEKS)
    broadcast.run(sell(BOB, 100, 3))
    broadcast.shard.time_ms += DAY_MS
    broadcast.run(sell(BOB, 100, 10))
    broadcast.shard.time_ms += 3 * DAY_MS
    broadcast.run(sell(BOB, 100, 7))

    told = [one["data"] for one in broadcast.audience.received["a"]]
    lots_told = [[int(Decimal(candle["volume"]) * 10**8) for candle in data] for data in told]
    assert lots_told == [[10], [20], [20, 7]]
    ended, begun = told[2]
    monday_ms = broadcast.shard.time_ms // DAY_MS * DAY_MS
    assert (ended["start_ms"], begun["start_ms"]) == (monday_ms - 7 * DAY_MS, monday_ms)
    assert broadcast.state.candles_read == 1


def test_who_begins_with_a_view_gets_all_of_it_and_then_what_comes_into_sight(
    broadcast: Broadcast,
) -> None:
    broadcast.run(*(buy(ALICE, 100 - step, 5) for step in range(25)))
    broadcast.audience.listen("a", VIEW)
    broadcast.run(buy(ALICE, 50, 1))  # out of sight
    broadcast.run(sell(BOB, 100, 5))
    broadcast.audience.listen("late", VIEW)
    broadcast.run(buy(ALICE, 51, 1))

    whole, change = broadcast.audience.received["a"]
    assert (whole["type"], len(whole["data"]["bids"])) == ("snapshot", 20)
    assert change["type"] == "update"
    assert change["previous_sequence"] == whole["sequence"]
    assert change["data"]["bids"] == [["1", "0"], ["0.8", "0.00000005"]]
    (late,) = broadcast.audience.received["late"]
    assert (late["type"], late["sequence"]) == ("snapshot", change["sequence"])
    assert late["data"]["checksum"] == change["data"]["checksum"]


def test_states_of_all_markets_and_own_fills(broadcast: Broadcast) -> None:
    broadcast.audience.listen("a", "markets:", "fills:t1-1")
    broadcast.run(codec.encode_set_market_state(BTC_USDT, w.STATE_CANCEL_ONLY))
    broadcast.run(codec.encode_set_market_state(BTC_USDT, w.STATE_OPEN))
    broadcast.run(buy(ALICE, 100, 10))
    broadcast.run(sell(BOB, 100, 4))

    closed, opened, filled = broadcast.audience.received["a"]
    assert closed["channel"] == "markets"
    assert closed["data"] == [{"market": "BTC-USDT", "status": "cancel_only", "auction": None}]
    assert opened["data"][0]["status"] == "open"
    assert (filled["channel"], filled["data"][0]["trade_id"]) == ("fills", IDS.trade(1))
    assert filled["data"][0]["role"] == "maker"


def test_a_book_is_read_once_and_let_go_when_nobody_follows_it(broadcast: Broadcast) -> None:
    for price in range(100, 105):
        broadcast.run(buy(ALICE, price, 1))
    assert broadcast.state.books_read == []
    broadcast.audience.listen("a", TICKER, VIEW)
    for price in range(105, 110):
        broadcast.run(buy(ALICE, price, 1))
    assert broadcast.state.books_read == ["t1 BTC-USDT"]

    broadcast.audience.gone.add("a")
    broadcast.run(buy(ALICE, 110, 1))
    broadcast.audience.listen("b", "trades:BTC-USDT")
    broadcast.run(buy(ALICE, 111, 1))
    broadcast.audience.listen("c", TICKER)
    broadcast.run(buy(ALICE, 112, 1))
    assert broadcast.state.books_read == ["t1 BTC-USDT"] * 2


def test_what_the_read_models_lack_comes_from_the_journal(broadcast: Broadcast) -> None:
    for price in range(100, 105):
        broadcast.shard.run(buy(ALICE, price, 1))  # neither projected nor seen
    broadcast.audience.listen("a", VIEW)
    broadcast.run(buy(ALICE, 105, 1))

    (whole,) = broadcast.audience.received["a"]
    assert [price for price, _ in whole["data"]["bids"]] == [
        f"1.0{cents}" if cents else "1" for cents in range(5, -1, -1)
    ]
    assert broadcast.state.records_read == 5


def test_a_feed_that_can_not_know_the_book_says_so(
    broadcast: Broadcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_markets, "RECORDS_READ_MAX", 3)
    for price in range(100, 105):
        broadcast.shard.run(buy(ALICE, price, 1))
    broadcast.audience.listen("a", BOOK, VIEW, TICKER)
    broadcast.run(buy(ALICE, 105, 1))

    (levels,) = broadcast.audience.received["a"]
    assert (levels["channel"], levels["data"]["checksum"]) == (BOOK, None)

    read = broadcast.state.records_read
    broadcast.run(buy(ALICE, 106, 1))
    assert broadcast.state.records_read == read  # nor is it tried with every record
    monkeypatch.undo()
    broadcast.now_ms += live_markets.OPENED_AGAIN_MS
    broadcast.run(buy(ALICE, 107, 1))
    assert {one["channel"] for one in broadcast.audience.received["a"]} == {BOOK, VIEW, TICKER}


def test_a_torn_book_stops_nobody(broadcast: Broadcast, monkeypatch: pytest.MonkeyPatch) -> None:
    def torn(tenant: str, market: str) -> None:
        raise BookTorn(market)

    monkeypatch.setattr(broadcast.state, "book", torn)
    broadcast.audience.listen("a", VIEW, "trades:BTC-USDT")
    broadcast.run(buy(ALICE, 100, 1))
    broadcast.run(sell(BOB, 100, 1))
    assert [one["channel"] for one in broadcast.audience.received["a"]] == ["trades:BTC-USDT"]


def test_after_a_lost_record_books_are_read_again(broadcast: Broadcast) -> None:
    broadcast.audience.listen("a", VIEW)
    broadcast.run(buy(ALICE, 100, 1))
    broadcast.shard.run(buy(ALICE, 101, 1))  # this one never comes
    broadcast.run(buy(ALICE, 102, 1))

    first, second = broadcast.audience.received["a"]
    assert (first["type"], second["type"]) == ("snapshot", "snapshot")
    assert [price for price, _ in second["data"]["bids"]] == ["1.02", "1.01", "1"]
