"""Books in parts: nothing is lost at any depth, and a write costs what has changed."""

from collections.abc import Iterator, Sequence

import pytest

from benchmarks.bench_book import count
from bursa.read_models import book_parts
from bursa.read_models.book_format import Level, unpack_levels
from bursa.read_models.book_items import whole_items
from bursa.read_models.book_parts import (
    BEST_LEVELS,
    BookParts,
    BookTorn,
    best_of_pages,
    changes_since,
)
from bursa.read_models.books import Book
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from bursa.read_models.row_writes import Table
from bursa.read_models.rows import BookChangeRow, BookRow, from_attributes
from tests.doubles.shard import ALICE, BOB, Shard, buy, sell, stream_records
from wire import codec
from wire import events as e
from wire import layout as w

KEY = ("t1#BTC-USDT", "book")


def unexpected(error: Exception) -> None:
    raise AssertionError(error)


def level(sequence: int, side: int, price: int, quantity: int) -> tuple[int, e.Level]:
    return 0, e.Level(sequence, 1, side, price, quantity)


def bid(sequence: int, price: int, quantity: int) -> tuple[int, e.Level]:
    return level(sequence, w.SIDE_BUY, price, quantity)


class Stored:
    """A book in memory, and as it is stored."""

    def __init__(self) -> None:
        self.tables = MemoryTables(0)
        self.book = Book("t1", "BTC-USDT")

    def put(self, *facts: tuple[int, e.Level]) -> BookParts:
        self.book.apply(facts)
        parts = self.book.to_parts()
        assert self.tables.put_book(parts, self.book.stored)
        self.book.has_been_stored(parts.row)
        return parts

    @property
    def row(self) -> BookRow:
        return from_attributes(BookRow, self.tables.items[Table.MARKETS][KEY])

    def again(self) -> Book:
        book = self.tables.book("t1", "BTC-USDT")
        assert book is not None
        return book

    def parts(self) -> list[str]:
        return [sort for _, sort in self.tables.items[Table.MARKETS] if sort != "book"]


@pytest.fixture
def stored() -> Stored:
    """A book of 2,500 bids."""
    stored = Stored()
    stored.put(*(bid(price, price, price) for price in range(1, 2_501)))
    return stored


def test_small_book_is_one_row() -> None:
    stored = Stored()
    stored.put(*(bid(price, price, 1) for price in range(1, BEST_LEVELS + 1)))
    assert stored.parts() == []
    assert len(unpack_levels(stored.row.bids)) == BEST_LEVELS


def test_large_book_has_its_best_levels_in_the_row_and_all_in_a_base(stored: Stored) -> None:
    assert [price for price, _ in unpack_levels(stored.row.bids)] == list(range(2_500, 2_400, -1))
    assert len(stored.parts()) == 3
    assert stored.again().bids == stored.book.bids


def test_change_is_one_row_however_large_the_book_is(stored: Stored) -> None:
    parts = stored.put(bid(2_501, 7, 0), bid(2_502, 2_501, 3))
    assert (parts.base, parts.replaces) == ((), False)
    assert parts.change is not None
    assert unpack_levels(parts.change.bids) == [(7, 0), (2_501, 3)]
    assert stored.again().bids == stored.book.bids
    assert unpack_levels(stored.row.bids)[0] == (2_501, 3)


def test_write_that_changes_no_level_needs_no_row(stored: Stored) -> None:
    market = e.Market(2_501, 1, w.STATE_OPEN, 9, 0, 0, 0)
    stored.book.apply([(0, market)])
    parts = stored.book.to_parts()
    assert (parts.change, parts.base) == (None, ())
    assert parts.row.sequence == 2_501


def test_after_many_changes_there_is_a_new_base_and_nothing_else(stored: Stored) -> None:
    sequences = range(2_501, 2_501 + 2 * book_parts.CHANGE_ROWS_MAX + 10)
    written = [stored.put(bid(number, number % 2_500 + 1, number)) for number in sequences]
    assert sum(bool(parts.base) for parts in written) == 2
    newest = stored.row.base_sequence
    assert all(int(sort.split("#")[2]) >= newest for sort in stored.parts())
    assert stored.again().bids == stored.book.bids


def test_book_that_gets_small_again_is_one_row(stored: Stored) -> None:
    stored.put(*(bid(2_500 + price, price, 0) for price in range(1, 2_460)))
    assert stored.parts() == []
    assert stored.again().bids == stored.book.bids == dict(unpack_levels(stored.row.bids))


def test_what_an_interrupted_write_leaves_behind_is_not_seen_and_goes(stored: Stored) -> None:
    interrupted = stored.again()
    interrupted.apply([bid(2_501, 1, 777)])
    change = interrupted.to_parts().change
    assert change is not None
    interrupted.apply([bid(2_600, 2, 888)])
    # Only their parts are written; then the same facts come in other portions.
    assert not stored.tables.put_book(BookParts(stored.row, change=change), None)
    stored.put(bid(2_501, 1, 777), bid(2_502, 3, 999))
    assert stored.again().bids == stored.book.bids
    stored.put(*(bid(2_502 + price, price, 5) for price in range(1, 2_501)))
    assert not [sort for sort in stored.parts() if "change" in sort]


def test_slower_writer_loses_and_harms_nothing(stored: Stored) -> None:
    slow = stored.again()
    stored.put(bid(2_501, 5, 1), bid(2_502, 6, 1))
    slow.apply([bid(2_501, 5, 1)])
    assert not stored.tables.put_book(slow.to_parts(), slow.stored)
    assert stored.again().bids == stored.book.bids


@pytest.mark.parametrize("part", ["base", "change"])
def test_lost_part_is_noticed(stored: Stored, part: str) -> None:
    stored.put(bid(2_501, 5, 1))
    items = stored.tables.items[Table.MARKETS]
    lost = next(key for key in items if part in key[1])
    del items[lost]
    with pytest.raises(BookTorn, match="missing"):
        stored.again()
    assert len(unpack_levels(whole_items(items)[KEY]["bids"]["B"])) == BEST_LEVELS


def pages(*given: Sequence[Level]) -> Iterator[Sequence[Level]]:
    yield from given
    raise AssertionError("more pages were read than it needs")


@pytest.mark.parametrize(
    ("changed", "count", "expected"),
    [
        pytest.param({}, 2, [(9, 1), (8, 1)], id="of the page"),
        pytest.param({9: 0}, 2, [(8, 1), (7, 1)], id="the best is gone"),
        pytest.param({10: 4}, 2, [(10, 4), (9, 1)], id="a better one is new"),
        pytest.param({8: 5}, 2, [(9, 1), (8, 5)], id="one has changed"),
        pytest.param({1: 5}, 3, [(9, 1), (8, 1), (7, 1)], id="one beyond the page is new"),
    ],
)
def test_no_more_pages_are_read_than_needed(
    changed: dict[int, int], count: int, expected: list[Level]
) -> None:
    page = [(9, 1), (8, 1), (7, 1)]
    assert best_of_pages(pages(page), changed, descending=True, count=count) == expected


def test_pages_are_read_on_until_there_are_enough() -> None:
    two = [[(1, 1), (2, 1)], [(3, 1), (5, 1)]]
    changed = {1: 0, 4: 7}
    levels = best_of_pages(two, changed, descending=False, count=9)
    assert levels == [(2, 1), (3, 1), (4, 7), (5, 1)]


def test_changes_that_the_row_does_not_lead_to_are_passed_over(stored: Stored) -> None:
    stored.put(bid(2_501, 5, 1))
    stray = BookChangeRow("t1", "BTC-USDT", 2_502, 2_400, b"", b"")
    change = next(
        from_attributes(BookChangeRow, item)
        for key, item in stored.tables.items[Table.MARKETS].items()
        if "change" in key[1]
    )
    assert changes_since(stored.row, [stray, change]) == ({5: 1}, {})


# --- what it is for -------------------------------------------------------------------------------


def test_honest_levels_behind_ten_thousand_of_dust_outlive_it() -> None:
    """Review M14: they vanished for good once a projector had restarted."""
    shard, tables = Shard(), MemoryTables(0)
    dust, honest = range(20_001, 30_001), range(10_001, 10_051)
    for start in range(0, 10_000, 1_000):
        shard.run(*(sell(BOB, 60_000 - price, 10) for price in dust[start : start + 1_000]))
    shard.run(*(sell(BOB, 60_000 - price, 10) for price in honest))
    seen = 0

    def project() -> None:
        """Project what is new, as a projector that has just started."""
        nonlocal seen
        Projector(0, shard, tables, unexpected).project(stream_records(shard.records[seen:]))
        seen = len(shard.records)

    project()
    book = tables.book("t1", "BTC-USDT")
    assert book is not None
    assert len(book.asks) == 10_050
    orders = [shard.engine.order(number) for number in range(1, shard.engine.sequence + 1)]
    cancelled = [
        codec.encode_cancel(BOB, order.order_id)
        for order in orders
        if order is not None and order.price < 40_000
    ]
    assert len(cancelled) == 10_000
    shard.run(*cancelled)
    project()

    book = tables.book("t1", "BTC-USDT")
    assert book is not None
    bids, asks = shard.engine.book(1, 100_000)
    assert (sorted(book.bids.items()), sorted(book.asks.items())) == (bids, asks)
    assert len(asks) == 50


def test_book_does_not_depend_on_how_records_come() -> None:
    shard = Shard()
    for price in range(1_000, 1_400):
        shard.run(buy(ALICE, price, 5), buy(ALICE, price - 500, 7), sell(BOB, price + 700, 9))
    shard.run(codec.encode_cancel_all(BOB))
    expected = MemoryTables(0)
    Projector(0, shard, expected, unexpected).project(stream_records(shard.records))
    tables = MemoryTables(0)
    for start in range(0, len(shard.records), 3):
        Projector(0, shard, tables, unexpected).project(
            stream_records(shard.records[start : start + 3])
        )
    markets = Table.MARKETS
    assert tables.items[markets] != expected.items[markets]
    assert whole_items(tables.items[markets]) == whole_items(expected.items[markets])


@pytest.mark.parametrize("near", [True, False], ids=["near the best price", "anywhere"])
@pytest.mark.parametrize(("per_batch", "batches"), [(1, 300), (10, 300), (100, 150)])
def test_storing_a_deep_book_costs_less_than_a_tenth_of_before(
    *, near: bool, per_batch: int, batches: int
) -> None:
    whole, parts = count(10_000, per_batch, batches, near=near)
    assert parts < whole / 10
