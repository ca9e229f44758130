"""What a book costs to store, and to read: DynamoDB's units, in one item and in parts.

    python -m benchmarks.bench_book
    python -m benchmarks.bench_book --levels 10000 --writes 1024 --ways

Facts are made from a seed: each command changes one level of a book that has about so many levels a
side, at any time: half of them take a level away, half put one where there is none. They are either
near the best price, as most orders are, or anywhere, as if the orders that are cancelled were drawn
from the whole book. A write is of so many commands as came within one batch of the stream.

Counted are units by DynamoDB's own rules, removals included (`benchmarks.counted_books`). What is
in use is counted in its own code, by what it puts into tables and takes from them; with ``--ways``,
beside it, what else was tried (`benchmarks.book_ways`). Nothing depends on the machine.
"""

import argparse
import random
import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from statistics import mean
from typing import NamedTuple

from benchmarks.book_ways import Log, OneItem, Pieces, Snapshot, Way, pack_columns
from benchmarks.counted_books import CountedTables
from bursa.read_models.books import Book
from bursa.read_models.fold import BookFact
from bursa.read_models.hourly_statistics import HOUR_MS, HOURS_KEPT, HourStatistics
from wire import events as e
from wire import layout as w

_LOOKS = 40  # at what reading takes, during the writes
_MILLION = 1_000_000
_MIDDLE = 6_000_000
_REACH = 600_000
_NEAR_LEVELS = 200  # mean distance from the best price, in levels
_QUANTITY_MAX = 10**8
_TIME_MS = 1_700_000_000_000
# Who reads, how many levels of each side (None: all), and whether consistently.
READERS = {
    "REST, 100": (100, False),
    "REST, 1,000": (1_000, False),
    "WebSocket": (500, True),
    "projector": (None, True),
}


class Levels:
    """Makes facts about a book that keeps about so many levels a side."""

    def __init__(self, seed: int, levels: int, *, near: bool) -> None:
        self._rng = random.Random(seed)  # noqa: S311 - the same facts every time
        self._near = near
        rng = self._rng
        # Twice as many prices as levels, every other one of which is there at first.
        self._prices = [
            sorted(rng.sample(range(_MIDDLE - _REACH, _MIDDLE), 2 * levels), reverse=True),
            sorted(rng.sample(range(_MIDDLE + 1, _MIDDLE + _REACH), 2 * levels)),
        ]
        self._gone = {price for prices in self._prices for price in prices[1::2]}
        self._sequence = 0

    def all(self) -> Iterator[tuple[int, BookFact]]:
        """Yield every level that is there once."""
        for buys, prices in zip((True, False), self._prices, strict=True):
            for price in prices[::2]:
                yield self._fact(price, self._rng.randint(1, _QUANTITY_MAX), buys=buys)

    def changes(self) -> Iterator[tuple[int, BookFact]]:
        """Yield changes for ever, each of one level: as often gone as there again."""
        while True:
            buys = self._rng.random() < 0.5
            prices = self._prices[not buys]
            price = prices[self._place(len(prices))]
            self._gone ^= {price}
            quantity = 0 if price in self._gone else self._rng.randint(1, _QUANTITY_MAX)
            yield self._fact(price, quantity, buys=buys)

    def _place(self, prices: int) -> int:
        if self._near:
            return min(int(self._rng.expovariate(0.5 / _NEAR_LEVELS)), prices - 1)
        return self._rng.randrange(prices)

    def _fact(self, price: int, quantity: int, *, buys: bool) -> tuple[int, BookFact]:
        self._sequence += 1
        side = w.SIDE_BUY if buys else w.SIDE_SELL
        return _TIME_MS, e.Level(self._sequence, 1, side, price, quantity)


class Counted(NamedTuple):
    """What was counted of one flow.

    Attributes
    ----------
    one_item, parts
        Write units for a million commands, before ADR 0030 and as the book is stored now.
    reads
        Read units of each reader, on average and at most.
    ways
        Write units of other ways for a million commands, and read units of a thousand levels, on
        average and at most.

    """

    one_item: float
    parts: float
    reads: Mapping[str, tuple[float, float]]
    ways: Mapping[str, tuple[float, float, float]]


def other_ways() -> dict[str, Way]:
    """Return what else was tried, by name."""
    return {
        "parts of ADR 0030": Log(),
        "the same, packed more tightly": Log(pack=pack_columns),
        "the same, four writes at once": Log(writes_at_once=4),
        "pieces of 100 levels": Pieces(100),
        "a snapshot each 50,000 commands": Snapshot(50_000),
        "one log, bound 100,000, removed": Log(100_000),
        "one log, bound 100,000, written over": Log(100_000, ring=True),
    }


def count(
    levels: int,
    per_write: int,
    writes: int,
    *,
    near: bool,
    ways: Mapping[str, Way] | None = None,
) -> Counted:
    """Store a book so many times, and count."""
    flow = Levels(7, levels, near=near)
    book = Book("t1", "BTC-USDT")
    book.hours = [
        HourStatistics(_TIME_MS // HOUR_MS - age, *(_QUANTITY_MAX + age,) * 7)
        for age in range(HOURS_KEPT)
    ]
    tables, others = CountedTables(), dict(ways or {}) | {"": OneItem()}
    book.apply(flow.all())
    for way in others.values():
        way.put(book)
    tables.put(book)
    tables.units = 0
    for way in others.values():
        way.units = 0
    changes = flow.changes()
    reads: dict[str, list[float]] = {reader: [] for reader in READERS}
    other_reads: dict[str, list[float]] = {name: [] for name in others}
    for number in range(writes):
        book.apply(list(islice(changes, per_write)))
        for way in others.values():
            way.put(book)
        tables.put(book)
        if number % max(1, writes // _LOOKS) == 0:
            for reader, (depth, consistent) in READERS.items():
                reads[reader].append(tables.read(depth, consistent=consistent))
            for name, way in others.items():
                other_reads[name].append(way.read())
    share = _MILLION / (per_write * writes)
    one_item = others.pop("").units * share
    return Counted(
        one_item,
        tables.units * share,
        {reader: (mean(seen), max(seen)) for reader, seen in reads.items()},
        {
            name: (way.units * share, mean(other_reads[name]), max(other_reads[name]))
            for name, way in others.items()
        },
    )


def main(words: list[str] | None = None) -> int:
    """Print tables."""
    parser = argparse.ArgumentParser(prog="bench_book", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--levels", type=int, default=10_000, help="on each side")
    parser.add_argument("--writes", type=int, default=1_024, help="of the book, to count")
    parser.add_argument("--ways", action="store_true", help="also count what else was tried")
    arguments = parser.parse_args(words)
    print(f"{arguments.levels:,} levels a side: write units per million commands, and")
    print("read units of one look, mean (most)")
    print(
        "where     commands a write     one item        parts      share"
        + "".join(f"{reader:>16}" for reader in READERS)
    )
    for name, near in (("near", True), ("anywhere", False)):
        for per_write in (1, 10, 100, 1_000):
            ways = other_ways() if arguments.ways else {}
            counted = count(arguments.levels, per_write, arguments.writes, near=near, ways=ways)
            whole, parts = counted.one_item, counted.parts
            reads = "".join(
                f"{f'{usual:.1f} ({most:.1f})':>16}" for usual, most in counted.reads.values()
            )
            print(
                f"{name:8}  {per_write:16,}  {whole:13,.0f}  {parts:11,.0f}  "
                f"{parts / whole:9.3f}{reads}",
                flush=True,
            )
            for way, (units, usual, most) in counted.ways.items():
                print(
                    f"  {way:36}{units:16,.0f}  {units / whole:9.3f}"
                    f"{f'{usual:.1f} ({most:.1f})':>32}",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
