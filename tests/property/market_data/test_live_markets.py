"""The reference client of docs/examples holds what the exchange holds, or knows that it does not.

Two processes of the feeds publish records in any order, some never; messages are lost, processes
start anew, projections are late. Whenever a copy of the client is not stale, it is the book, the
view, the ticker or the candles of its moment.
"""

import json
from bisect import bisect_right
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bursa.dialects.native.feed_messages import book_checksum
from bursa.dialects.native.market_presentation import candle_response, ticker_response
from bursa.dialects.native.socket_requests import handle_request
from bursa.journal.record import JournalRecord
from bursa.kernel.amounts import Lots, Ticks
from bursa.kernel.identifiers import TenantId
from bursa.kernel.markets import Market
from bursa.market_data import resumption, subscriptions
from bursa.market_data.intervals import INTERVALS
from bursa.market_data.listeners import SUBSCRIBERS_FRESH_MS
from bursa.market_data.subscriptions import SNAPSHOT_TRADES, Subscriptions
from bursa.market_data.tickers import MarketTicker
from bursa.market_data.trading_state import TradingState
from bursa.read_models.books import Book
from bursa.read_models.candles import STORED_MS, Candle
from bursa.read_models.definitions import market_from_row
from bursa.read_models.fold import Definitions, fold
from bursa.read_models.rows import BalanceRow, BookRow, FillRow, MarketRow
from tests.doubles.channel_states import MemoryChannelStates
from tests.doubles.feed_example import FEED_CLIENT
from tests.doubles.ids import IDS, PUBLIC_IDS
from tests.doubles.shard import ALICE, BOB, BTC_USDT, NOON_MS, Shard, buy, sell, stream_records
from tests.property.market_data.test_gaps import CLIENT, World, run, steps
from wire import codec
from wire import layout as w

VIEWS = {"book:BTC-USDT": 10_000, "book:BTC-USDT:20": 20, "book:BTC-USDT:100": 100}
CANDLES = ("candles:BTC-USDT:1m", "candles:BTC-USDT:1h", "candles:BTC-USDT:1w")
# What fails is long; to make it short takes minutes.
settings.register_profile(
    "unshrunk",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
UNSHRUNK = settings.get_profile("unshrunk")
LATER_MS = NOON_MS + 3_600_000_000
LISTS = ("trades:BTC-USDT", "markets", "orders", "fills", "balances")
CHANNELS = (*VIEWS, "ticker:BTC-USDT", *CANDLES, *LISTS)
# More levels than the smaller views show.
DEEP = [
    command
    for step in range(1, 31)
    for command in (buy(ALICE, 100 - step, 50), sell(BOB, 100 + step, 50))
]

prices = st.integers(60, 140)
commands = st.one_of(
    st.builds(buy, st.just(ALICE), prices, st.integers(1, 200)),
    st.builds(sell, st.just(BOB), prices, st.integers(1, 200)),
    st.builds(buy, st.just(ALICE), prices, st.integers(1, 200)),
    st.sampled_from([w.STATE_OPEN, w.STATE_AUCTION, w.STATE_CANCEL_ONLY]).map(
        lambda state: codec.encode_set_market_state(BTC_USDT, state)
    ),
)
histories = st.lists(
    st.tuples(
        st.lists(commands, max_size=5),
        st.sampled_from([10, 10, 20_000, 70_000, 4_000_000, 90_000_000]),
    ),
    min_size=1,
    max_size=12,
)


class Truth:
    """What the exchange held at every moment."""

    def __init__(self, shard: Shard) -> None:
        self.books: dict[int, Book] = {}
        self.trades: list[Any] = []
        self.fills: list[FillRow] = []
        self.balances: dict[str, dict[int, BalanceRow]] = {}
        self._times: list[int] = []
        self._definitions = Definitions()
        self._row: BookRow | None = None
        for record in shard.plain():
            self.take(record)

    def take(self, record: JournalRecord) -> None:
        """Take the next record."""
        folded = fold([record], self._definitions)
        self._definitions = folded.definitions
        self.trades += folded.trades
        own = str(CLIENT.account)
        self.fills += (one for one in folded.fills if one.account == own)
        for balance in folded.balances.values():
            if balance.account == own:
                self.balances.setdefault(balance.asset, {})[record.time_ms] = balance
        book = Book.from_row(self._row) if self._row else Book("t1", "BTC-USDT")
        for change in folded.books.values():
            book.apply(change.facts)
        self._row = book.to_row()
        self.books[record.time_ms] = Book.from_row(self._row)
        self._times.append(record.time_ms)

    @property
    def row(self) -> MarketRow:
        """The market's definition."""
        (row,) = self._definitions.markets.values()
        return row

    @property
    def market(self) -> Market:
        """The market."""
        return market_from_row(self.row)

    def balances_at(self, moment: int) -> dict[str, int]:
        """Return when each balance of the client's account changed last up to a moment."""
        found = {}
        for asset, rows in self.balances.items():
            before = (at for at in reversed(rows) if at <= moment)
            if (last := next(before, None)) is not None:
                found[asset] = last
        return found

    def at(self, moment: int) -> Book:
        return self.books[self._times[bisect_right(self._times, moment) - 1]]

    def levels(self, moment: int, depth: int) -> tuple[dict[str, str], dict[str, str]]:
        book, units = self.at(moment), self.market.units
        sides = sorted(book.bids.items(), reverse=True), sorted(book.asks.items())
        return tuple(  # type: ignore[return-value]
            {
                units.price_text(Ticks(price)): units.quantity_text(Lots(lots))
                for price, lots in side[:depth]
            }
            for side in sides
        )

    def ticker(self, moment: int) -> dict[str, Any]:
        book = self.at(moment)
        bids, asks = sorted(book.bids.items(), reverse=True), sorted(book.asks.items())
        ticker = MarketTicker.of_book(self.market, book, bids, asks, moment)
        return dict(ticker_response(ticker))

    def candles(self, moment: int, interval: str) -> dict[int, Any]:
        """Return all candles of an interval, each as it was last up to a moment."""
        asked = INTERVALS[interval]
        parts = {}
        for time_ms, book in self.books.items():
            if time_ms <= moment and book.candles:
                part = book.candles[list(STORED_MS).index(asked.stored)]
                parts[part.start_ms] = part
        whole: dict[int, Candle] = {}
        for part in parts.values():
            start_ms = asked.start_of(part.start_ms)
            before = whole.get(start_ms)
            whole[start_ms] = before.followed_by(part) if before else part.at(start_ms)
        return {
            start_ms: dict(candle_response(candle, self.market.units))
            for start_ms, candle in whole.items()
        }


class Follower(World):
    """The reference client in the place of the other one."""

    def __init__(self, shard: Shard) -> None:
        super().__init__(shard)
        self.states = MemoryChannelStates(self.tables)
        self.states.journal = shard.records
        self.subscriptions = Subscriptions(
            self.connections, self.states, {TenantId(1): 0}.__getitem__
        )
        self.followed: dict[str, Any] = {name: FEED_CLIENT.ChannelCopy(name) for name in CHANNELS}

    def subscribe(self) -> None:
        self._ask({"op": "subscribe", "channels": list(CHANNELS)})

    def resume(self) -> None:
        """Come back: what is not stale is resumed, the rest begins anew."""
        for request in FEED_CLIENT.requests_of(self.followed):
            self._ask(request)

    def _ask(self, request: dict[str, Any]) -> None:
        text = json.dumps(request)
        # As if everything had happened within the time that is replayed.
        always = mock.patch.object(subscriptions, "REPLAYED_MS_MAX", 1 << 40)
        with always, mock.patch.object(resumption, "_LOOK_BACK", 7):
            self._take(list(handle_request(self.subscriptions, CLIENT, text, LATER_MS, PUBLIC_IDS)))

    def _take(self, bodies: list[bytes]) -> None:
        for body in bodies:
            self._receive(body)

    def _receive(self, body: bytes) -> None:
        message: dict[str, Any] = json.loads(body)
        if "channel" in message:
            self.followed[message["channel"]].receive(message)


def shard_of(history: list[tuple[list[bytes], int]]) -> Shard:
    shard = Shard()
    shard.run(*DEEP)
    for batch, after_ms in history:
        shard.run(*batch, after_ms=after_ms)
    return shard


def take(world: Follower, step: tuple[str, int, int]) -> None:
    if step[0] == "resume":
        world.resume()
    else:
        for _ in run(world, [step]):
            pass


def assert_holds_the_truth(world: Follower, truth: Truth) -> None:
    for name, depth in VIEWS.items():
        copy = world.followed[name]
        assert copy.mismatches == 0
        if copy.last is not None and not copy.is_stale:
            assert (copy.bids, copy.asks) == truth.levels(copy.last, depth), name
            bids, asks = (
                side[:10]
                for side in (
                    sorted(truth.at(copy.last).bids.items(), reverse=True),
                    sorted(truth.at(copy.last).asks.items()),
                )
            )
            assert copy.checksum() == book_checksum(bids, asks, truth.market.units)
    assert_lists_hold_the_truth(world, truth)
    copy = world.followed["ticker:BTC-USDT"]
    if copy.last is not None and not copy.is_stale:
        (held,), now = copy.entries.values(), truth.ticker(copy.last)
        unlike = {"sequence", "time_ms", "open", "high", "low", "volume", "quote_volume", "trades"}
        assert {k: v for k, v in held.items() if k not in unlike} == {
            k: v for k, v in now.items() if k not in unlike
        }
    for name in CANDLES:
        copy = world.followed[name]
        if copy.last is not None and not copy.is_stale:
            candles = truth.candles(copy.last, name.rpartition(":")[2])
            assert {key[0]: entry for key, entry in copy.entries.items()}.items() <= candles.items()
            if copy.entries:
                first = min(key[0] for key in copy.entries)
                assert {key[0] for key in copy.entries} == {
                    start for start in candles if start >= first
                }


def assert_lists_hold_the_truth(world: Follower, truth: Truth) -> None:
    """What has happened by the copy's moment is in it, and an entry is never wrong."""
    units = truth.market.units
    for name in ("trades:BTC-USDT", "fills"):
        copy = world.followed[name]
        if copy.last is not None and not copy.is_stale:
            held = {(key[0], entry["quantity"]) for key, entry in copy.entries.items()}
            known = {
                (IDS.trade(row.trade_id), units.quantity_text(Lots(row.quantity)))
                for row in truth.trades
                if row.time_ms <= copy.last
            }
            assert known <= held if len(known) <= SNAPSHOT_TRADES else held
    assert_states_hold_the_truth(world, truth)


def assert_states_hold_the_truth(world: Follower, truth: Truth) -> None:
    """Balances and the market's state are those of the copy's moment."""
    copy = world.followed["balances"]
    if copy.last is not None and not copy.is_stale:
        changed = {entry["asset"]: entry["sequence"] for entry in copy.entries.values()}
        assert changed == truth.balances_at(copy.last) or max(changed.values()) > copy.last
    copy = world.followed["markets"]
    if copy.last is not None and not copy.is_stale:
        book = truth.at(copy.last)
        (entry,) = copy.entries.values()
        assert entry["status"] == TradingState.of_row(book, truth.market.state).state


@settings(UNSHRUNK, max_examples=100)
@given(
    history=histories,
    script=st.lists(st.one_of(steps, st.just(("resume", 0, 0))), min_size=4, max_size=40),
)
def test_a_copy_that_is_not_stale_is_the_truth(
    history: list[tuple[list[bytes], int]], script: list[tuple[str, int, int]]
) -> None:
    world = Follower(shard_of(history))
    truth = Truth(world.shard)
    for step in script:
        take(world, step)
        assert_holds_the_truth(world, truth)


@settings(UNSHRUNK, max_examples=100)
@given(
    history=histories,
    script=st.lists(st.one_of(steps, st.just(("resume", 0, 0))), max_size=20),
    data=st.data(),
)
def test_who_subscribes_again_is_soon_in_step(
    history: list[tuple[list[bytes], int]],
    script: list[tuple[str, int, int]],
    data: st.DataObject,
) -> None:
    world = Follower(shard_of(history))
    for step in script:
        take(world, step)
    world.loses, world.fails_after = False, None
    world.now_ms += SUBSCRIBERS_FRESH_MS
    world.projector.project(stream_records(world.shard.records))
    if data.draw(st.booleans()):
        world.resume()
    else:
        world.subscribe()

    process = data.draw(st.sampled_from(world.processes))
    process.publish(world.shard.records)
    for batch, after_ms in history:
        process.publish([world.shard.run(*batch, after_ms=after_ms)])
        world.projector.project(stream_records(world.shard.records[-1:]))
        world.resume()  # as the client does where it sees a loss

    process.publish([world.shard.run()])
    truth = Truth(world.shard)
    newest = world.shard.records[-1].time_ms
    for name, copy in world.followed.items():
        assert not copy.is_stale, name
    assert_holds_the_truth(world, truth)
    for name, depth in VIEWS.items():
        copy = world.followed[name]
        assert (copy.bids, copy.asks) == truth.levels(newest, depth), name
