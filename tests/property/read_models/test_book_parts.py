"""Whatever writers do to a book at once, what is stored of it is what the facts make of it.

Bounds are so small here that books of a few levels are divided, bases are written all the time and
cells of change rows are written over at once. Between any two steps of a writer, others may write,
and any step may be its last.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.counted_books import BooksClient, CountedTables
from bursa.read_models import book_parts, book_table_dynamodb, book_zones, books
from bursa.read_models.book_format import unpack_levels
from bursa.read_models.book_items import whole_items
from bursa.read_models.book_parts import BookParts, BookTorn
from bursa.read_models.book_table_dynamodb import BookTable
from bursa.read_models.books import Book
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from bursa.read_models.row_writes import RowWrite, Table
from bursa.read_models.rows import BookRow
from tests.doubles.shard import ALICE, BOB, BTC_USDT, Shard, buy, sell, stream_records
from tests.property.read_models.test_fold import histories
from wire import codec
from wire import events as e
from wire import layout as w

Sides = tuple[dict[int, int], dict[int, int]]
PRICES = 24
DEPTHS = (1, 2, 4, 9, 50)


@contextmanager
def small_bounds() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in (books, book_parts, book_table_dynamodb):
            patch.setattr(module, "BEST_LEVELS", 2, raising=False)
        patch.setattr(book_parts, "PAGE_LEVELS", 2)
        for name, value in {
            "NEAR_LEVELS": 4,
            "READ_LEVELS_MAX": 3,
            "CHANGED_LEVELS_TO_DIVIDE": 2,
            "CHANGE_ROWS_MAX": 3,
            "CHANGED_LEVELS_MIN": 4,
            "CHANGED_LEVELS_MAX": {book_zones.NEAR: 6, book_zones.FAR: 9},
            "RING_CELLS": 9,
            "CELLS_TRIED_MAX": 3,
        }.items():
            patch.setattr(book_zones, name, value)
        yield


facts = st.lists(
    st.tuples(st.booleans(), st.integers(1, PRICES), st.integers(0, 3)), min_size=1, max_size=60
)


def states_of(changes: list[tuple[bool, int, int]]) -> tuple[list[Any], list[Sides]]:
    """Return the facts, and the levels of each side after each of them, from none on."""
    bids: dict[int, int] = {}
    asks: dict[int, int] = {}
    made, states = [], [(dict(bids), dict(asks))]
    for sequence, (buys, away, quantity) in enumerate(changes, 1):
        # Of either side, the best prices come first.
        price = 100 - away if buys else 100 + away
        side = w.SIDE_BUY if buys else w.SIDE_SELL
        made.append((0, e.Level(sequence, 1, side, price, quantity)))
        levels = bids if buys else asks
        levels[price] = quantity
        if not quantity:
            del levels[price]
        states.append((dict(bids), dict(asks)))
    return made, states


class Crash(Exception):  # noqa: N818 - the name is what it means
    """A writer ends here."""


class SharedTables(CountedTables):
    """Tables that several writers write; between any two steps the stored book is checked."""

    def __init__(self, data: st.DataObject, changes: list[tuple[bool, int, int]]) -> None:
        super().__init__()
        self.facts, self.states = states_of(changes)
        self._data = data
        self._depth = 0
        self.disturbed = True
        self.crashes = 0
        self._writers: list[Book | None] = [None, None, None]

    def step(self) -> None:
        """Check what is stored; perhaps let others write; perhaps end the writer."""
        self.check()
        if not self.disturbed:
            return
        choice = self._data.draw(st.sampled_from(["go on", "go on", "go on", "others", "crash"]))
        if choice == "others" and self._depth < 3:
            for _ in range(self._data.draw(st.integers(1, 4))):
                self.write_something()
        if choice == "crash":
            self.crashes += 1
            raise Crash

    def write_something(self) -> None:
        """Let a writer that is not writing store the book, up to some fact."""
        number = self._data.draw(st.sampled_from(range(len(self._writers))))
        book, self._writers[number] = self._writers[number], None
        self._depth += 1
        try:
            if book is None:
                book = self.book("t1", "BTC-USDT") or Book("t1", "BTC-USDT")
            end = self._data.draw(st.integers(book.sequence, len(self.facts)))
            if not book.apply(self.facts[:end]):
                return
            row = self.put_book(book.to_parts(), book.stored)
            if row is not None:
                book.has_been_stored(row)
                self._writers[number] = book
        except Crash:
            pass
        finally:
            self._depth -= 1

    def check(self) -> None:
        """Check that both readers see the book as it was at the sequence of its row."""
        book = self.book("t1", "BTC-USDT")
        if book is None:
            return
        bids, asks = self.states[book.sequence]
        assert (book.bids, book.asks) == (bids, asks)
        for depth in DEPTHS:
            client: Any = BooksClient(self)
            row = BookTable(client, "", consistent=False).best("t1", "BTC-USDT", depth)
            assert row is not None
            assert unpack_levels(row.bids)[:depth] == sorted(bids.items(), reverse=True)[:depth]
            assert unpack_levels(row.asks)[:depth] == sorted(asks.items())[:depth]

    def _put_fixed(self, row_write: RowWrite) -> None:
        self.step()
        super()._put_fixed(row_write)

    def _put_higher(self, change: RowWrite) -> bool:
        self.step()
        return super()._put_higher(change)

    def _put_instead_of(self, row: RowWrite, previous: BookRow | None) -> bool:
        self.step()
        return super()._put_instead_of(row, previous)

    def _remove_replaced(self, parts: BookParts) -> None:
        self.step()
        super()._remove_replaced(parts)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=facts, data=st.data())
def test_stored_book_is_what_the_facts_make_of_it_whoever_writes_it(
    changes: list[tuple[bool, int, int]], data: st.DataObject
) -> None:
    with small_bounds():
        tables = SharedTables(data, changes)
        for _ in range(data.draw(st.integers(1, 12))):
            tables.write_something()
        tables.check()

        tables.disturbed = False
        book = tables.book("t1", "BTC-USDT") or Book("t1", "BTC-USDT")
        for fact in tables.facts[book.sequence :]:
            book.apply([fact])
            row = tables.put_book(book.to_parts(), book.stored)
            assert row is not None or tables.crashes >= book_zones.CELLS_TRIED_MAX
            if row is None:
                break
            book.has_been_stored(row)
            tables.check()
        cells = [sort for _, sort in tables.items[Table.MARKETS] if "change" in sort]
        # The rings of both zones; one that a slow writer filled again goes with the next.
        assert len(cells) <= 2 * 2 * book_zones.RING_CELLS


deep_histories = st.lists(
    st.lists(
        st.one_of(
            st.builds(buy, st.just(ALICE), st.integers(60, 99), st.integers(1, 9)),
            st.builds(sell, st.just(BOB), st.integers(95, 140), st.integers(1, 9)),
            st.builds(codec.encode_cancel, st.sampled_from([ALICE, BOB]), st.integers(9, 90)),
            st.builds(codec.encode_cancel_all, st.sampled_from([ALICE, BOB])),
        ),
        min_size=1,
        max_size=12,
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=st.one_of(deep_histories, histories), data=st.data())
def test_stored_book_is_the_engines_after_each_batch_however_it_comes(
    history: list[list[bytes]], data: st.DataObject
) -> None:
    shard = Shard()
    engine_books = {}
    for batch in [[], *history]:
        shard.run(*batch)
        engine_books[shard.engine.sequence] = shard.engine.book(BTC_USDT)
    with small_bounds():
        tables = MemoryTables(0)
        processes = [Projector(0, shard, tables, unexpected) for _ in range(2)]
        seen = 0
        while seen < len(shard.records):
            seen = data.draw(st.integers(seen + 1, len(shard.records)))
            # Some come again, some never or out of order; the last one comes.
            others = data.draw(st.lists(st.sampled_from(shard.records[:seen]), max_size=6))
            come = [*others, shard.records[seen - 1]]
            data.draw(st.sampled_from(processes)).project(stream_records(come))
            progress = tables.progress()
            assert progress is not None
            book = tables.book("t1", "BTC-USDT")
            sides = ([], []) if book is None else sorted_sides(book)
            assert sides == engine_books.get(progress.sequence, sides)
        # And a rebuild, whose parts are others, finds nothing that differs.
        expected = MemoryTables(0)
        Projector(0, shard, expected, unexpected).project(stream_records(shard.records))
        markets = Table.MARKETS
        assert whole_items(tables.items[markets]) == whole_items(expected.items[markets])


def sorted_sides(book: Book) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    return sorted(book.bids.items(), reverse=True), sorted(book.asks.items())


def unexpected(error: Exception) -> None:
    raise AssertionError(error)


def test_torn_book_is_told_in_small_bounds_too() -> None:
    """The checks above can fail."""
    made, _ = states_of([(True, away, 1) for away in range(1, 12)])
    with small_bounds():
        tables = MemoryTables(0)
        book = Book("t1", "BTC-USDT")
        book.apply(made)
        assert tables.put_book(book.to_parts(), None)
        far = next(key for key in tables.items[Table.MARKETS] if "base#far" in key[1])
        del tables.items[Table.MARKETS][far]
        with pytest.raises(BookTorn):
            tables.book("t1", "BTC-USDT")
