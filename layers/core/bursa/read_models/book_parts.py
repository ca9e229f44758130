"""How a book is stored in parts, and read from them. Pure.

The row of a book holds the best levels of each side, which is all that most readers need and all
that there is of a small book. Of a larger one, a base holds every level as it was at some sequence,
page by page, and change rows hold what changed since, one for each write of the book. So a write
costs what has changed, not what there is; and once much has changed, there is a new base.

Base and change rows are found by their sequence and never change. A new base or change counts from
the moment in which the book's row names it, so a writer that stops halfway, or loses to another,
leaves nothing behind that a reader would see. Rows that nothing names any more are removed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest, nsmallest

from bursa.read_models.book_format import Level, pack_levels, unpack_levels
from bursa.read_models.rows import BookBaseRow, BookChangeRow, BookRow, with_values

# Of each side, in the book's row: the depth that a reader gets who asks for none.
BEST_LEVELS = 100
PAGE_LEVELS = 1_000
# A base is made again when this many rows or levels have changed since. Deep readers read them all.
CHANGE_ROWS_MAX = 256
CHANGED_LEVELS_MIN = 1_000
CHANGED_LEVELS_MAX = 10_000

BIDS, ASKS = "bids", "asks"

# What a book's row says of its other parts; the rest of it says what the book is.
PART_FIELDS = (
    "base_sequence",
    "base_bids",
    "base_asks",
    "change_sequence",
    "change_rows",
    "changed_levels",
)

Side = Mapping[int, int]  # price in ticks -> quantity in lots


class BookTorn(Exception):  # noqa: N818 - the name is what it means to a caller
    """Raised when parts of a book are not there: a new base has replaced them, or they are lost."""


@dataclass(frozen=True, slots=True)
class BookParts:
    """What has to be written so that the stored book is the one in memory.

    Attributes
    ----------
    row
        To be written last, in the place of the one it follows.
    base, change
        Rows that it names and that are not stored yet.
    replaces
        Whether what an older base and its changes hold is no longer needed.

    """

    row: BookRow
    base: tuple[BookBaseRow, ...] = ()
    change: BookChangeRow | None = None
    replaces: bool = False


def best(side: Side, *, descending: bool, count: int = BEST_LEVELS) -> list[Level]:
    """Return the best levels of one side."""
    if descending:
        return nlargest(count, side.items())
    return nsmallest(count, side.items())


def base_rows(row: BookRow, bids: Side, asks: Side) -> tuple[BookBaseRow, ...]:
    """Return all levels in pages, as they are at the sequence of the row."""
    sides = ((BIDS, sorted(bids.items(), reverse=True)), (ASKS, sorted(asks.items())))
    return tuple(
        BookBaseRow(row.tenant, row.market, row.sequence, side, page, pack_levels(levels))
        for side, all_levels in sides
        for page, levels in enumerate(_pages(all_levels))
    )


def pages_of(levels: int) -> int:
    """Return how many pages a side of so many levels has."""
    return -(-levels // PAGE_LEVELS)


def needs_base(row: BookRow, changed: int) -> bool:
    """Whether so many more changed levels are too many for one more change row."""
    allowed = min(max((row.base_bids + row.base_asks) // 2, CHANGED_LEVELS_MIN), CHANGED_LEVELS_MAX)
    return row.change_rows >= CHANGE_ROWS_MAX or row.changed_levels + changed > allowed


def changes_since(row: BookRow, changes: Iterable[BookChangeRow]) -> tuple[Side, Side]:
    """Return what changed since the base: price -> quantity of each side, 0 where a level is gone.

    Rows that the book's row does not lead to are passed over.

    Raises
    ------
    BookTorn
        One is missing.

    """
    known = {change.sequence: change for change in changes}
    following: list[BookChangeRow] = []
    sequence = row.change_sequence
    while sequence != row.base_sequence:
        if sequence not in known:
            raise BookTorn(f"The change of {row.market}'s book at {sequence} is missing.")
        following.append(known[sequence])
        sequence = known[sequence].previous_sequence
    bids: dict[int, int] = {}
    asks: dict[int, int] = {}
    for change in reversed(following):
        bids.update(unpack_levels(change.bids))
        asks.update(unpack_levels(change.asks))
    return bids, asks


def best_of_pages(
    pages: Iterable[Sequence[Level]], changed: Side, *, descending: bool, count: int | None = None
) -> list[Level]:
    """Return the best levels of a side from its base and what changed since; None for all.

    No more pages are taken than it needs.
    """
    known: dict[int, int] = {}
    following = iter(pages)
    while True:
        page = next(following, None)
        known.update(page or ())
        # Nothing is known of what is beyond the last price of the pages taken so far.
        edge = page[-1][0] if page else None
        levels = [
            (price, quantity)
            for price, quantity in {**known, **changed}.items()
            if quantity and (edge is None or (price >= edge if descending else price <= edge))
        ]
        if edge is None or (count is not None and len(levels) >= count):
            return sorted(levels, reverse=descending)[:count]


def holding(row: BookRow, bids: Iterable[Level], asks: Iterable[Level]) -> BookRow:
    """Return a row with other levels in it, best first, and without other parts."""
    return with_values(
        row, bids=pack_levels(bids), asks=pack_levels(asks), **dict.fromkeys(PART_FIELDS, 0)
    )


def _pages(levels: Sequence[Level]) -> Iterator[Sequence[Level]]:
    for start in range(0, len(levels), PAGE_LEVELS):
        yield levels[start : start + PAGE_LEVELS]
