"""What a book costs to store: write units per million commands, in one item and in parts.

    python -m benchmarks.bench_book
    python -m benchmarks.bench_book --levels 10000 --batches 400

Facts are made from a seed: each command changes one level of a book that has so many levels a side,
either near the best price, as most orders are, or anywhere. A write is of so many commands as came
within one batch of the stream. Counted are DynamoDB's write units by its own rules, removals
included. Nothing is measured that depends on the machine.
"""

import argparse
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from bursa.read_models.book_parts import BookParts
from bursa.read_models.books import Book
from bursa.read_models.fold import BookFact
from bursa.read_models.hourly_statistics import HOUR_MS, HOURS_KEPT, HourStatistics
from bursa.read_models.row_writes import book_part_writes, book_write
from bursa.read_models.rows import Attributes
from wire import events as e
from wire import layout as w

UNIT_BYTES = 1_024
_WRITES_PER_LOOK = 20  # the size of a whole book takes long to find out and changes slowly
_MILLION = 1_000_000
_MIDDLE = 6_000_000
_REACH = 600_000
_NEAR_LEVELS = 200  # mean distance from the best price, in levels
_QUANTITY_MAX = 10**8
_TIME_MS = 1_700_000_000_000


def item_units(item: Attributes) -> int:
    """Write units of an item: its names and values, each begun kilobyte."""
    return -(-sum(len(name) + _bytes(value) for name, value in item.items()) // UNIT_BYTES)


def _bytes(value: dict[str, object]) -> int:
    ((kind, content),) = value.items()
    if kind == "N":
        return 1 + (len(str(content).lstrip("-")) + 1) // 2
    return len(content) if isinstance(content, str | bytes) else 1


@dataclass(slots=True)
class CountedBook:
    """Stores a book in parts and in one item, and counts both."""

    whole: int = 0
    parts: int = 0
    _writes: int = 0
    _whole_units: int = 0
    _stored: list[int] = field(default_factory=list)

    def put(self, book: Book) -> None:
        """Count one write."""
        if self._writes % _WRITES_PER_LOOK == 0:
            whole = book_write(book.to_row())
            self._whole_units = item_units(whole.values | whole.key)
        self._writes += 1
        self.whole += self._whole_units
        parts = book.to_parts()
        self.parts += self._units(parts)
        book.has_been_stored(parts.row)

    def _units(self, parts: BookParts) -> int:
        row = book_write(parts.row)
        written = [item_units(one.values | one.key) for one in book_part_writes(parts)]
        units = item_units(row.values | row.key) + sum(written)
        if parts.replaces:
            units += sum(self._stored)
            self._stored.clear()
        self._stored += written
        return units


class Levels:
    """Makes facts about a book that keeps about so many levels a side."""

    def __init__(self, seed: int, levels: int, *, near: bool) -> None:
        self._rng = random.Random(seed)  # noqa: S311 - the same facts every time
        self._near = near
        rng = self._rng
        self._prices = [
            sorted(rng.sample(range(_MIDDLE - _REACH, _MIDDLE), levels), reverse=True),
            sorted(rng.sample(range(_MIDDLE + 1, _MIDDLE + _REACH), levels)),
        ]
        self._sequence = 0

    def all(self) -> Iterator[tuple[int, BookFact]]:
        """Yield every level once."""
        for buys, prices in zip((True, False), self._prices, strict=True):
            for price in prices:
                yield self._fact(price, self._rng.randint(1, _QUANTITY_MAX), buys=buys)

    def changes(self) -> Iterator[tuple[int, BookFact]]:
        """Yield changes for ever, each of one level: as often gone as there again."""
        gone: dict[int, bool] = {}
        while True:
            buys = self._rng.random() < 0.5
            prices = self._prices[not buys]
            price = prices[self._place(len(prices))]
            is_gone = gone[price] = not gone.get(price, False)
            quantity = 0 if is_gone else self._rng.randint(1, _QUANTITY_MAX)
            yield self._fact(price, quantity, buys=buys)

    def _place(self, levels: int) -> int:
        if self._near:
            return min(int(self._rng.expovariate(1 / _NEAR_LEVELS)), levels - 1)
        return self._rng.randrange(levels)

    def _fact(self, price: int, quantity: int, *, buys: bool) -> tuple[int, BookFact]:
        self._sequence += 1
        side = w.SIDE_BUY if buys else w.SIDE_SELL
        return _TIME_MS, e.Level(self._sequence, 1, side, price, quantity)


def count(levels: int, per_batch: int, batches: int, *, near: bool) -> tuple[float, float]:
    """Return write units per million commands, in one item and in parts."""
    flow = Levels(7, levels, near=near)
    book = Book("t1", "BTC-USDT")
    book.hours = [
        HourStatistics(_TIME_MS // HOUR_MS - age, *(_QUANTITY_MAX + age,) * 7)
        for age in range(HOURS_KEPT)
    ]
    counted = CountedBook()
    book.apply(flow.all())
    counted.put(book)
    counted.whole = counted.parts = 0
    changes = flow.changes()
    for _ in range(batches):
        book.apply(list(islice(changes, per_batch)))
        counted.put(book)
    commands = per_batch * batches
    return counted.whole * _MILLION / commands, counted.parts * _MILLION / commands


def main(words: list[str] | None = None) -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="bench_book", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--levels", type=int, default=10_000, help="on each side")
    parser.add_argument("--batches", type=int, default=300, help="writes of the book to count")
    arguments = parser.parse_args(words)
    print(f"{arguments.levels:,} levels a side; write units per million commands")
    print("where     commands a write     one item        parts      share")
    for name, near in (("near", True), ("anywhere", False)):
        for per_batch in (1, 10, 100, 1_000):
            whole, parts = count(arguments.levels, per_batch, arguments.batches, near=near)
            share = parts / whole
            print(f"{name:8}  {per_batch:16,}  {whole:13,.0f}  {parts:11,.0f}  {share:9.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
