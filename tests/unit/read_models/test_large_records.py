"""A record of very many rows: others' rows pass it, and whatever happens the rows are the same.

The tables take a thousand write units a second in a partition, on virtual time.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator

import pytest

from bursa.journal.record import EncodedRecord
from bursa.read_models.book_items import whole_items
from bursa.read_models.fold import ReadModelChanges
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from bursa.read_models.row_writes import Table, row_writes
from bursa.read_models.rows import Attributes, ItemKey, ProgressRow, item_key
from tests.doubles.shard import ALICE, BOB, BTC, Shard, buy, sell, stream_records
from wire import codec
from wire import layout as w

CAROL, DAVE = w.account_number(1, 3), w.account_number(1, 4)
UNITS_PER_S = 1_000.0
LARGE = 5_000
# A row and its entries in the indexes.
UNITS = {Table.ORDERS: 3, Table.FILLS: 2}


def unexpected(error: Exception) -> None:
    raise AssertionError(error)


def whole(tables: MemoryTables) -> dict[Table, dict[ItemKey, Attributes]]:
    """Every item, books as what their parts amount to."""
    return tables.items | {Table.MARKETS: whole_items(tables.items[Table.MARKETS])}


class SlowTables(MemoryTables):
    """Tables on virtual time; says when each row could first be read."""

    def __init__(self) -> None:
        super().__init__(0)
        self.now_s = 0.0
        self.seen_s: dict[ItemKey, float] = {}
        self._free_s: defaultdict[tuple[Table, str], float] = defaultdict(float)
        self.positions: list[ProgressRow] = []
        self.fails_at: set[int] = set()
        self.writes = 0

    def write(self, changes: ReadModelChanges) -> None:
        self.writes += 1
        if self.writes in self.fails_at:
            raise ConnectionError(f"write {self.writes}")
        last = self.now_s
        for row in row_writes(changes, 0):
            partition = (row.table, row.key["pk"]["S"])
            start = max(self.now_s, self._free_s[partition])
            self._free_s[partition] = start + UNITS.get(row.table, 1) / UNITS_PER_S
            last = max(last, self._free_s[partition])
            self.seen_s.setdefault(item_key(row.key), self._free_s[partition])
        self.now_s = last
        super().write(changes)

    def advance(self, progress: ProgressRow) -> None:
        super().advance(progress)
        self.positions.append(progress)


class LaterRecords:
    """A journal in which others' records become due while a large one is written."""

    def __init__(self, shard: Shard, tables: SlowTables) -> None:
        self.shard = shard
        self.tables = tables
        self.due: list[tuple[float, list[bytes]]] = []
        self.committed_s: dict[int, float] = {}

    def read(self, first_sequence: int, last_sequence: int) -> Iterator[EncodedRecord]:
        while self.due and self.due[0][0] <= self.tables.now_s:
            at_s, commands = self.due.pop(0)
            record = self.shard.run(*commands)
            self.committed_s[record.last_sequence] = at_s
        return self.shard.read(first_sequence, last_sequence)


def with_orders(count: int) -> Shard:
    """A shard in which Alice has very many open bids."""
    shard = Shard()
    shard.run(*(codec.encode_funds(w.COMMAND_CREDIT, who, BTC, 10**12) for who in (CAROL, DAVE)))
    for start in range(0, count, 1_000):
        shard.run(*(buy(ALICE, 100 + price, 10) for price in range(start, start + 1_000)))
    return shard


def cancel_all(shard: Shard) -> EncodedRecord:
    return shard.run(codec.encode_cancel_all(ALICE))


def sweep(shard: Shard) -> EncodedRecord:
    return shard.run(sell(BOB, 100, 10 * LARGE))


@pytest.fixture(scope="module")
def records() -> tuple[Shard, EncodedRecord]:
    shard = with_orders(LARGE)
    return shard, cancel_all(shard)


@pytest.mark.parametrize("command", [cancel_all, sweep])
def test_others_rows_pass_within_a_second(
    command: Callable[[Shard], EncodedRecord],
) -> None:
    shard = with_orders(LARGE)
    tables = SlowTables()
    journal = LaterRecords(shard, tables)
    projector = Projector(0, journal, tables, unexpected)
    projector.project(stream_records(shard.records))
    tables.now_s += 60
    large = command(shard)
    begin_s = tables.now_s
    journal.due = [
        (begin_s + 0.1 + at_s, [sell(CAROL, 10**6, 10), sell(DAVE, 10**6, 10)]) for at_s in range(8)
    ]

    projector.project(stream_records([large]))

    assert tables.now_s - begin_s > LARGE / UNITS_PER_S
    waits = {
        (account, sequence): tables.seen_s[account, f"order#{sequence - back:019d}"] - at_s
        for sequence, at_s in journal.committed_s.items()
        for account, back in (("t1-3", 1), ("t1-4", 0))
    }
    assert len(waits) == 16
    assert {who: wait for who, wait in waits.items() if wait > 1.0} == {}


def test_position_says_whose_rows_are_complete(records: tuple[Shard, EncodedRecord]) -> None:
    shard, large = records
    tables = SlowTables()
    projector = Projector(0, shard, tables, unexpected)
    before = shard.records[shard.records.index(large) - 1].last_sequence

    projector.project(stream_records(shard.records))

    meanwhile = [row for row in tables.positions if row.ahead_sequence]
    assert meanwhile
    for row in meanwhile:
        assert row.position_of("t1-1")[0] == row.sequence <= before
        assert row.position_of("t1-3")[0] == row.ahead_sequence
    assert tables.positions[-1].sequence == shard.records[-1].last_sequence
    assert tables.positions[-1].behind == frozenset()


@pytest.mark.parametrize("fails_at", [(1,), (2,), (5, 9), (7, 8, 30)])
def test_rows_are_the_same_after_failures(fails_at: tuple[int, ...]) -> None:
    shard = with_orders(1_000)
    cancel_all(shard)
    for price in range(20):
        shard.run(buy(ALICE, 100 + price, 3), sell(BOB, 100 + price, 2), sell(CAROL, 10**6, 1))
    shard.run(codec.encode_cancel_all(BOB), codec.encode_cancel_all(CAROL))
    expected = MemoryTables(0)
    Projector(0, shard, expected, unexpected).project(stream_records(shard.records))
    tables = SlowTables()
    tables.fails_at = set(fails_at)
    projector = Projector(0, shard, tables, unexpected, 40)
    for number in range(len(shard.records)):
        while True:
            try:
                projector.project(stream_records(shard.records[number : number + 1]))
                break
            except ConnectionError:
                if number % 2:
                    projector = Projector(0, shard, tables, unexpected, 40)

    assert whole(tables) == whole(expected)


def test_row_that_a_later_record_changes_is_written_first() -> None:
    """Its later change must not be the row's beginning, or what never changes would be missing."""
    shard = Shard()
    shard.run(*(buy(ALICE, 100 + price, 10) for price in range(100)))
    shard.run(sell(BOB, 150, 3), codec.encode_cancel(ALICE, shard.engine.sequence - 10))
    tables = SlowTables()
    projector = Projector(0, shard, tables, unexpected, 5)
    projector.project(stream_records(shard.records[:2]))
    expected = MemoryTables(0)
    Projector(0, shard, expected, unexpected).project(stream_records(shard.records))
    assert whole(tables) == whole(expected)


def test_bad_record_ahead_is_left_for_the_stream_to_bring() -> None:
    shard = with_orders(1_000)
    large = cancel_all(shard)
    good = shard.run(sell(BOB, 10**6, 10))
    bad = shard.run(sell(BOB, 10**6, 11))
    shard.records[-1] = EncodedRecord(
        **{name: getattr(bad, name) for name in bad.__slots__} | {"body": b"damaged"}
    )
    alarms: list[Exception] = []
    tables = SlowTables()
    projector = Projector(0, shard, tables, alarms.append)
    batch = stream_records(shard.records[:-2])

    assert projector.project(batch).failed is None

    progress = tables.progress()
    assert progress is not None
    assert (alarms, progress.sequence) == ([], good.last_sequence)
    assert large.last_sequence < good.last_sequence
    assert projector.project(stream_records(shard.records[-1:])).failed is not None
    assert len(alarms) == 1
