"""Candles are what the tape makes of them, however records came, and after a rebuild."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bursa.kernel import keys
from bursa.kernel.identifiers import TenantId
from bursa.market_data.candles import Period, ReadCandles
from bursa.market_data.intervals import INTERVALS, Interval
from bursa.read_models.book_format import unpack_candle
from bursa.read_models.candles import Candle
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from bursa.read_models.row_writes import Table
from bursa.read_models.rows import BookRow, FillRow, ProgressRow, TradeRow, from_attributes
from tests.doubles.shard import ALICE, BOB, Shard, buy, sell, stream_records
from tests.property.read_models.test_fold import stream_batches, unexpected

TENANT, MARKET = TenantId(1), "BTC-USDT"
MINUTE_MS, DAY_MS = 60_000, 86_400_000
# Of a batch after the one before: the same minute, minutes, hours, days, a month.
pauses = st.sampled_from([1, 20_000, 60_000, 4 * 60_000, 3_600_000, 9 * 3_600_000])
long_pauses = st.sampled_from([DAY_MS, 5 * DAY_MS, 40 * DAY_MS])
orders = st.one_of(
    st.builds(buy, st.just(ALICE), st.integers(98, 102), st.integers(1, 9)),
    st.builds(sell, st.just(BOB), st.integers(98, 102), st.integers(1, 9)),
)
batches = st.tuples(st.one_of(pauses, pauses, long_pauses), st.lists(orders, max_size=5))
histories = st.lists(batches, min_size=1, max_size=12)


class StoredInMemory:
    """What is read, from tables in memory."""

    def __init__(self, tables: MemoryTables, now_ms: int) -> None:
        self._items = tables.items
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def newest_book(self, tenant: TenantId, market: str) -> BookRow | None:
        item = self._items[Table.MARKETS].get((keys.market_data(tenant, market), keys.BOOK))
        return None if item is None else from_attributes(BookRow, item)

    def candles(
        self, tenant: TenantId, market: str, interval: str, first_ms: int, end_ms: int
    ) -> Sequence[Candle]:
        every = self._every(tenant, market, interval)
        return [one for one in every if first_ms <= one.start_ms < end_ms]

    def candle_before(
        self, tenant: TenantId, market: str, interval: str, time_ms: int
    ) -> Candle | None:
        every = self._every(tenant, market, interval)
        return next((one for one in reversed(every) if one.start_ms < time_ms), None)

    def first_candle(self, tenant: TenantId, market: str, interval: str) -> Candle | None:
        return next(iter(self._every(tenant, market, interval)), None)

    def _every(self, tenant: TenantId, market: str, interval: str) -> list[Candle]:
        partition = keys.candles(tenant, market, interval)
        rows = sorted(key for key in self._items[Table.TRADES] if key[0] == partition)
        return [unpack_candle(self._items[Table.TRADES][key]["candle"]["B"]) for key in rows]


class AnyMarket:
    """A catalogue that has every market; which it is does not matter here."""

    def find(self, _tenant: TenantId, symbol: str) -> Any:
        return symbol


def reading(tables: MemoryTables, now_ms: int) -> ReadCandles:
    stored = StoredInMemory(tables, now_ms)
    catalogue: Any = AnyMarket()
    return ReadCandles(catalogue, stored, stored)


def fill_items(tables: MemoryTables) -> Iterator[Any]:
    """Yield the fills of a table that has transfers, too."""
    return (row for row in tables.items[Table.FILLS].values() if "trade_id" in row)


Fees = Callable[[TradeRow, str], int]


def fees_in(tables: MemoryTables) -> Fees:
    """Return what tells which fees both sides of a trade paid of an asset, by their fills."""
    rows = [from_attributes(FillRow, row) for row in fill_items(tables)]

    def fees_of(trade: TradeRow, asset: str) -> int:
        sides = [one for one in rows if one.trade_id == trade.trade_id]
        return sum(one.fee for one in sides if one.fee_asset == asset)

    return fees_of


def of_tape(
    tape: Sequence[TradeRow], interval: Interval, now_ms: int, fees_of: Fees
) -> list[Candle]:
    """Return all candles since the first trade, one trade after the other."""
    found: list[Candle] = []
    starts = interval.starts(interval.start_of(tape[0].time_ms), interval.start_of(now_ms))
    close = 0
    for start_ms in starts:
        end_ms = interval.after(start_ms)
        trades = [one for one in tape if start_ms <= one.time_ms < end_ms]
        bought = [one for one in trades if one.taker_side == "buy"]
        prices = [int(one.price) for one in trades] or [close]
        close = prices[-1]
        found.append(
            Candle(
                start_ms,
                prices[0],
                max(prices),
                min(prices),
                close,
                sum(one.quantity for one in trades),
                sum(one.quote_amount for one in trades),
                len(trades),
                sum(one.quantity for one in bought),
                sum(one.quote_amount for one in bought),
                *(sum(fees_of(one, asset) for one in trades) for asset in ("BTC", "USDT")),
            )
        )
    return found


def tape_of(tables: MemoryTables) -> list[TradeRow]:
    rows = tables.items[Table.TRADES]
    partition = keys.market_data(TENANT, MARKET)
    return [from_attributes(TradeRow, rows[key]) for key in sorted(rows) if key[0] == partition]


def shard_of(history: list[tuple[int, list[bytes]]]) -> Shard:
    shard = Shard()
    for after_ms, commands in history:
        shard.run(*commands, after_ms=after_ms)
    return shard


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories, data=st.data())
def test_candles_are_what_the_tape_makes_of_them(
    history: list[tuple[int, list[bytes]]], data: st.DataObject
) -> None:
    shard = shard_of(history)
    tables = MemoryTables(0)
    processes = [Projector(0, shard, tables, unexpected) for _ in range(2)]
    for batch in data.draw(stream_batches(shard.records)):
        process = data.draw(st.sampled_from(processes))
        assert process.project(stream_records(batch)).failed is None
    now_ms = shard.time_ms + data.draw(st.sampled_from([0, 70_000, 3 * DAY_MS]))
    read = reading(tables, now_ms)
    tape = tape_of(tables)

    rebuilt = MemoryTables(0)
    Projector(0, shard, rebuilt, unexpected).project(stream_records(shard.records))
    assert tables.items == rebuilt.items

    interval = INTERVALS[data.draw(st.sampled_from(list(INTERVALS)))]
    limit = data.draw(st.sampled_from([1, 3, 1_000]))
    newest = read(TENANT, MARKET, interval, Period(), limit).items
    if not tape:
        assert newest == []
        return
    expected = of_tape(tape, interval, now_ms, fees_in(tables))
    assert newest == expected[-limit:]

    from_ms = data.draw(st.integers(tape[0].time_ms - DAY_MS, now_ms + DAY_MS))
    to_ms = from_ms + data.draw(st.sampled_from([1, MINUTE_MS, 2 * DAY_MS, 100 * DAY_MS]))
    ranged = read(TENANT, MARKET, interval, Period(from_ms, to_ms), limit).items
    assert ranged == [one for one in expected if from_ms <= one.start_ms < to_ms][:limit]
    until = read(TENANT, MARKET, interval, Period(None, to_ms), limit).items
    assert until == [one for one in expected if one.start_ms < to_ms][-limit:]


class Overtaken(MemoryTables):
    """Tables in which another process goes on just after someone has read how far they are."""

    def __init__(self) -> None:
        super().__init__(0)
        self.then: Callable[[], object] = int

    def progress(self) -> ProgressRow | None:
        progress = super().progress()
        then, self.then = self.then, int
        then()
        return progress


def test_a_process_that_another_overtook_ends_no_candle_too_small() -> None:
    """It still has the book as it was, and is given the record after one that it never saw."""
    shard, tables = Shard(), Overtaken()
    slow, fast = (Projector(0, shard, tables, unexpected) for _ in range(2))
    shard.run(sell(BOB, 100, 50), buy(ALICE, 100, 10))
    slow.project(stream_records(shard.records))
    shard.run(buy(ALICE, 100, 20))
    fast.project(stream_records(shard.records[-1:]))
    shard.run(buy(ALICE, 100, 5))
    shard.run(buy(ALICE, 100, 6), after_ms=MINUTE_MS)
    last = stream_records(shard.records[-2:])
    tables.then = lambda: fast.project(last)

    slow.project(last)

    read = reading(tables, shard.time_ms)
    candles = read(TENANT, MARKET, INTERVALS["1m"], Period(), 10).items
    assert [one.volume for one in candles] == [35, 6]
