"""Other ways to store a book than the one in use, as far as it takes to count their units.

They were tried (docs/adr/0062), and are here so that anyone can try them again beside the one in
use. Each says what a write of a book takes, and what a reader of a thousand levels takes.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import zstandard

from benchmarks.counted_books import item_bytes, read_units, write_units
from bursa.read_models.book_format import Level, pack_levels
from bursa.read_models.book_parts import best
from bursa.read_models.books import Book
from bursa.read_models.row_writes import book_write
from bursa.read_models.rows import BookRow

# Key, tenant, market, sequences, side: what an item has beside its levels.
PART_BYTES = 150
PAGE_LEVELS = 1_000
DEEP = 1_000

Pack = Callable[[Iterable[Level]], bytes]


class Way:
    """A way to store a book; ``units`` are all that writes have taken."""

    def __init__(self) -> None:
        self.units = 0.0

    def put(self, book: Book) -> None:
        """Store a book that has changed at ``changed_bids`` and ``changed_asks``."""
        raise NotImplementedError

    def read(self) -> float:
        """Return the units of reading a thousand levels a side now, as a client of REST does."""
        raise NotImplementedError


class OneItem(Way):
    """All levels in the row, as before ADR 0030."""

    _LOOKS = 20  # the size of a whole book takes long to find out and changes slowly

    def __init__(self) -> None:
        super().__init__()
        self._writes = 0
        self._size = 0

    def put(self, book: Book) -> None:
        """Write the row."""
        if self._writes % self._LOOKS == 0:
            self._size = row_bytes(book, None)
        self._writes += 1
        self.units += write_units(self._size)

    def read(self) -> float:
        """Read the row."""
        return read_units(self._size, consistent=False)


class Log(Way):
    """A base and change rows for the whole book, all removed when there is a new base: ADR 0030.

    With other bounds, another packing, or cells of change rows that are written over, what was
    tried since.
    """

    def __init__(
        self,
        changed_max: int = 10_000,
        pack: Pack = pack_levels,
        *,
        ring: bool = False,
        writes_at_once: int = 1,
    ) -> None:
        super().__init__()
        self._changed_max, self._pack, self._ring = changed_max, pack, ring
        self._writes_at_once = writes_at_once
        self._waiting = 0
        self._changed: tuple[set[int], set[int]] = (set(), set())
        self._pages: list[int] = []
        self._changes: list[int] = []
        self._changed_levels = 0
        self._row = 0

    def put(self, book: Book) -> None:
        """Write the row, and a change row or a base."""
        self._changed[0].update(book.changed_bids)
        self._changed[1].update(book.changed_asks)
        self._waiting += 1
        if self._waiting < self._writes_at_once and self._pages:
            return
        self._row = row_bytes(book, 100)
        self.units += write_units(self._row)
        levels = sum(map(len, self._changed))
        full = self._changed_levels + levels > self._changed_max or len(self._changes) >= 256
        if full or not self._pages:
            self._base(book)
        else:
            self._changes.append(PART_BYTES + sum(map(len, self._packed(book))))
            self._changed_levels += levels
            self.units += write_units(self._changes[-1])
        self._waiting = 0
        self._changed = (set(), set())

    def _packed(self, book: Book) -> list[bytes]:
        sides = zip((book.bids, book.asks), self._changed, strict=True)
        return [self._pack((p, side.get(p, 0)) for p in sorted(prices)) for side, prices in sides]

    def _base(self, book: Book) -> None:
        removed = self._pages if self._ring else self._pages + self._changes
        self.units += sum(map(write_units, removed))
        self._pages = [
            PART_BYTES + len(self._pack(page))
            for side in (sorted(book.bids.items(), reverse=True), sorted(book.asks.items()))
            for page in pages(side, PAGE_LEVELS)
        ]
        self.units += sum(map(write_units, self._pages))
        self._changes.clear()
        self._changed_levels = 0

    def read(self) -> float:
        """Read the row, all change rows and a page of each side."""
        changes = read_units(sum(self._changes), consistent=False) if self._changes else 0
        page = read_units(max(self._pages), consistent=False)
        return read_units(self._row, consistent=False) + changes + 2 * page


class Pieces(Way):
    """Pieces by price, of so many levels when they are cut, each written when it changes."""

    def __init__(self, levels: int) -> None:
        super().__init__()
        self._levels = levels
        self._cuts: tuple[list[int], list[int]] | None = None
        self._row = 0
        self._piece = 0

    def put(self, book: Book) -> None:
        """Write the row and the pieces in which something has changed."""
        if self._cuts is None:
            bids, asks = (sorted(side)[:: self._levels] for side in (book.bids, book.asks))
            self._cuts = bids, asks
        self._row = row_bytes(book, 100)
        self.units += write_units(self._row)
        sides = ((book.bids, book.changed_bids), (book.asks, book.changed_asks))
        for (side, changed), cuts in zip(sides, self._cuts, strict=True):
            pieces: dict[int, list[Level]] = {bisect_right(cuts, price): [] for price in changed}
            for price in sorted(side):
                if (piece := bisect_right(cuts, price)) in pieces:
                    pieces[piece].append((price, side[price]))
            sizes = [PART_BYTES + len(pack_levels(levels)) for levels in pieces.values()]
            self.units += sum(map(write_units, sizes))
            self._piece = max([self._piece, *sizes])

    def read(self) -> float:
        """Read the row and as many pieces as hold a thousand levels, and one more, of each side."""
        pieces = -(-DEEP // self._levels) + 1
        size = read_units(self._piece * pieces, consistent=False)
        return read_units(self._row, consistent=False) + 2 * size


class Snapshot(Way):
    """What readers ask for in each write, all levels at times; the rest is in the journal only."""

    def __init__(self, commands: int) -> None:
        super().__init__()
        self._commands = commands
        self._before = 0
        self._row = 0
        self._stored = 0

    def put(self, book: Book) -> None:
        """Write the row with a thousand levels and, after so many commands, all levels."""
        self._row = row_bytes(book, DEEP)
        self.units += write_units(self._row)
        if book.sequence - self._before < self._commands and self._stored:
            return
        self._before = book.sequence
        self.units += self._stored
        self._stored = write_units(row_bytes(book, None))
        self.units += self._stored

    def read(self) -> float:
        """Read the row."""
        return read_units(self._row, consistent=False)


def row_bytes(book: Book, levels: int | None) -> int:
    """Return the size of a book's row with so many levels of each side, or all."""
    row = book_write(book.to_row()) if levels is None else book_write(_best_row(book, levels))
    return item_bytes(row.values | row.key)


def _best_row(book: Book, levels: int) -> BookRow:
    bids = dict(best(book.bids, descending=True, count=levels))
    asks = dict(best(book.asks, descending=False, count=levels))
    small = Book(book.tenant, book.market, book.sequence, book.time_ms, bids, asks, book.hours)
    return small.to_row()


def pages(levels: Sequence[Level], size: int) -> list[Sequence[Level]]:
    """Cut one side into pages."""
    return [levels[start : start + size] for start in range(0, len(levels), size)]


def pack_columns(levels: Iterable[Level]) -> bytes:
    """Pack levels more tightly: a bit for what is gone, and the bytes of each rank together."""
    before = 0
    distances, quantities = [], []
    for price, quantity in levels:
        distances.append(abs(price - before) << 1 | (quantity == 0))
        before = price
        if quantity:
            quantities.append(quantity)
    return zstandard.compress(_planes(islice(distances, 1, None)) + _planes(quantities))


def _planes(numbers: Iterable[int]) -> bytes:
    words = array("Q", numbers)
    width = (max(words, default=0).bit_length() + 7) // 8
    plain = words.tobytes()
    return bytes([width]) + b"".join(plain[rank::8] for rank in range(width))
