"""Books in parts: nothing is lost at any depth, and a write costs what has changed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from benchmarks.bench_book import count
from bursa.kernel import keys
from bursa.read_models.book_format import Level, unpack_levels
from bursa.read_models.book_items import whole_items
from bursa.read_models.book_parts import (
    BEST_LEVELS,
    BookParts,
    BookTorn,
    best_of_pages,
    changes_since,
    in_zone,
    zones_of,
)
from bursa.read_models.book_zones import (
    CELLS_TRIED_MAX,
    CHANGE_ROWS_MAX,
    READ_LEVELS_MAX,
    RING_CELLS,
)
from bursa.read_models.books import Book
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from bursa.read_models.row_writes import Table, put_in_ring
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
        row = self.tables.put_book(parts, self.book.stored)
        assert row is not None
        self.book.has_been_stored(row)
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
    assert len(stored.parts()) == 3  # 1,500 levels of the near zone, 1,000 of the far one
    assert stored.again().bids == stored.book.bids


def test_change_is_one_row_in_its_zone_however_large_the_book_is(stored: Stored) -> None:
    parts = stored.put(bid(2_501, 7, 0), bid(2_502, 2_501, 3))
    assert (parts.base, parts.replaces) == ((), ())
    far, near = sorted(parts.changes, key=lambda change: change.zone)
    assert (unpack_levels(far.bids), unpack_levels(near.bids)) == ([(7, 0)], [(2_501, 3)])
    assert stored.again().bids == stored.book.bids
    assert unpack_levels(stored.row.bids)[0] == (2_501, 3)


def test_write_that_changes_no_level_needs_no_row(stored: Stored) -> None:
    market = e.Market(2_501, 1, w.STATE_OPEN, 9, 0, 0, 0)
    stored.book.apply([(0, market)])
    parts = stored.book.to_parts()
    assert (parts.changes, parts.base) == ((), ())
    assert parts.row.sequence == 2_501


def test_after_many_changes_a_zone_has_a_new_base_and_nothing_is_removed_but_the_old(
    stored: Stored,
) -> None:
    far_page = next(sort for sort in stored.parts() if "base#far" in sort)
    sequences = range(2_501, 2_501 + 2 * CHANGE_ROWS_MAX + 10)
    # All of them in the near zone, which begins at 1,001.
    written = [stored.put(bid(number, number % 1_500 + 1_001, number)) for number in sequences]
    assert [parts.replaces for parts in written if parts.base] == 2 * [("book#base#near#",)]
    near = zones_of(stored.row).near.base_sequence
    assert {sort for sort in stored.parts() if "base" in sort} == {
        far_page,
        *(keys.book_page("near", near, "bids", 1_001, page) for page in (0, 1)),
    }
    assert stored.again().bids == stored.book.bids


def test_cells_of_change_rows_are_written_over(stored: Stored) -> None:
    for number in range(2_501, 2_501 + 3 * RING_CELLS):
        stored.put(bid(number, number % 1_500 + 1_001, number))
    changes = [sort for sort in stored.parts() if "change" in sort]
    assert len(changes) == RING_CELLS
    assert stored.again().bids == stored.book.bids


def test_book_whose_near_zone_is_emptied_is_divided_anew_in_time(stored: Stored) -> None:
    written = []
    for number in range(2_501, 4_001):
        # Whoever sells takes the best bid; what has changed by then pays for dividing.
        written.append(stored.put(bid(number, 5_001 - number, 0)))
        near = len(in_zone(stored.book.bids, "near", zones_of(stored.row).bid_edge, buys=True))
        assert near >= READ_LEVELS_MAX - CHANGE_ROWS_MAX
    assert 1 <= sum(len(parts.replaces) == 2 for parts in written) <= 4
    assert stored.again().bids == stored.book.bids


def test_book_that_gets_small_again_is_one_row(stored: Stored) -> None:
    stored.put(*(bid(2_500 + price, price, 0) for price in range(1, 2_460)))
    assert stored.parts() == []
    assert stored.again().bids == stored.book.bids == dict(unpack_levels(stored.row.bids))


def test_what_an_interrupted_write_leaves_behind_is_not_seen_and_goes(stored: Stored) -> None:
    interrupted = stored.again()
    interrupted.apply([bid(2_501, 1, 777), bid(2_502, 2_500, 778)])
    parts = interrupted.to_parts()
    # Only its change rows are written; then the same facts come in other portions.
    assert stored.tables.put_book(replace(parts, row=stored.row), None) is None
    stored.put(bid(2_501, 1, 777))
    assert zones_of(stored.row).far.last_change == 2
    stored.put(bid(2_502, 2_500, 778), bid(2_503, 3, 999))
    assert stored.again().bids == stored.book.bids


def test_writer_that_finds_every_cell_taken_gives_up(stored: Stored) -> None:
    for number in range(1, CELLS_TRIED_MAX + 1):
        change = BookChangeRow("t1", "BTC-USDT", 9_999, 1, "near", number, 0, b"", b"")
        assert put_in_ring(change, stored.tables._put_higher) == change
    stored.book.apply([bid(2_501, 2_500, 1)])
    assert stored.tables.put_book(stored.book.to_parts(), stored.book.stored) is None


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
    stray = BookChangeRow("t1", "BTC-USDT", 2_502, 1, "far", 2, 0, b"", b"")
    change = next(
        from_attributes(BookChangeRow, item)
        for key, item in stored.tables.items[Table.MARKETS].items()
        if "change" in key[1]
    )
    assert changes_since(stored.row, "far", [stray, change]) == ({5: 1}, {})


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


def test_book_stored_in_the_form_before_zones_asks_for_a_rebuild(stored: Stored) -> None:
    items = stored.tables.items[Table.MARKETS]
    items[KEY] = {name: value for name, value in items[KEY].items() if name != "zones"}
    items[KEY]["base_sequence"] = {"N": "2500"}
    with pytest.raises(BookTorn, match="make rebuild"):
        stored.again()


@pytest.mark.parametrize("near", [True, False], ids=["near the best price", "anywhere"])
@pytest.mark.parametrize(("per_write", "writes"), [(1, 300), (10, 300), (100, 150), (1_000, 256)])
def test_storing_a_deep_book_costs_less_than_a_tenth_of_before(
    *, near: bool, per_write: int, writes: int
) -> None:
    counted = count(10_000, per_write, writes, near=near)
    assert counted.parts < counted.one_item / 10
    assert counted.reads["REST, 100"][1] == 0.5
    assert counted.reads["REST, 1,000"][1] <= 12
    assert counted.reads["WebSocket"][1] <= 22
    assert counted.reads["projector"][1] <= 160
