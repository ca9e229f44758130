"""How a book is stored in parts, and read from them. Pure.

The row of a book holds the best levels of each side, which is all that most readers need and all
that there is of a small book. A larger one is divided into zones (`bursa.read_models.book_zones`).
Of each, a base holds every level as it was at some sequence, page by page, and change rows hold
what changed since, one for each write of the book that changed anything there. So a write costs
what has changed, not what there is; and once much has changed, the zone gets a new base.

What is written counts from the moment in which the book's row names it, so a writer that stops
halfway, or loses to another, leaves nothing behind that a reader would see. A page of a base never
changes. Change rows are kept in a ring: what nothing names any more is written over, because to
remove it would cost as much as it did to write it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import nlargest, nsmallest

from bursa.kernel import keys
from bursa.read_models.book_format import (
    BookError,
    Level,
    pack_levels,
    pack_numbers,
    unpack_levels,
    unpack_numbers,
)
from bursa.read_models.book_zones import Zones, from_numbers, to_numbers, zone_of
from bursa.read_models.candles import EndedCandle
from bursa.read_models.rows import (
    Attributes,
    BookBaseRow,
    BookChangeRow,
    BookRow,
    from_attributes,
    with_values,
)

# Of each side, in the book's row: the depth that a reader gets who asks for none.
BEST_LEVELS = 100
PAGE_LEVELS = 1_000

BIDS, ASKS = "bids", "asks"

# What a book's row says of its other parts; the rest of it says what the book is.
PART_FIELDS = ("zones", "ring")
# What a deep book's row of the form before zones has (docs/adr/0030).
_EARLIER_FORM = "base_sequence"

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
    base, changes
        Rows that it names and that are not stored yet.
    replaces
        Beginnings of the sort keys below which there may be rows that are no longer needed.
    candles
        That have ended since the row before, which still has them; this one does not.

    """

    row: BookRow
    base: tuple[BookBaseRow, ...] = ()
    changes: tuple[BookChangeRow, ...] = ()
    replaces: tuple[str, ...] = ()
    candles: tuple[EndedCandle, ...] = ()

    def numbered(self, changes: Sequence[BookChangeRow]) -> "BookParts":
        """Return them with change rows that are kept in other cells."""
        if tuple(changes) == self.changes:
            return self
        zones = zones_of(self.row)
        for change in changes:
            zone = replace(zones.of(change.zone), last_change=change.number)
            zones = zones.having(change.zone, zone)
        row = with_zones(self.row, zones)
        return replace(self, row=row, changes=tuple(changes))


def zones_of(row: BookRow) -> Zones:
    """Return the zones of a book that has any; raises `BookTorn` when they can't be read."""
    try:
        return from_numbers(unpack_numbers(row.zones or b""))
    except (BookError, ValueError):
        raise BookTorn(f"The row of {row.market}'s book does not say what its parts are.") from None


def with_zones(row: BookRow, zones: Zones) -> BookRow:
    """Return a book's row that names these parts."""
    return with_values(row, zones=pack_numbers(to_numbers(zones)))


def check_form(item: Attributes) -> None:
    """Raise `BookTorn` for the row of a deep book as an earlier version stored it."""
    if "zones" not in item and int(item.get(_EARLIER_FORM, {}).get("N", "0")):
        raise BookTorn("The book is stored in an earlier form: it needs `make rebuild`.")


def book_row(item: Attributes) -> BookRow:
    """Read a book's row whose other parts are wanted; raises `BookTorn`."""
    check_form(item)
    return from_attributes(BookRow, item)


def is_replaced(sort: str, row: BookRow) -> bool:
    """Whether a part by this sort key can never be named again, now that there is this row."""
    part = keys.book_part(sort)
    if part is None:
        return True
    kind, zone, number = part
    if row.zones is None:
        return number <= (row.sequence if kind == "base" else row.ring)
    if kind == "base":
        return number < zones_of(row).of(zone).base_sequence
    return number < row.ring


def best(side: Side, *, descending: bool, count: int = BEST_LEVELS) -> list[Level]:
    """Return the best levels of one side."""
    if descending:
        return nlargest(count, side.items())
    return nsmallest(count, side.items())


def in_zone(side: Side, zone: str, edge: int, *, buys: bool) -> dict[int, int]:
    """Return the levels of a side that are in a zone."""
    return {price: side[price] for price in side if (zone_of(price, edge, buys=buys) == zone)}


def base_rows(
    row: BookRow, zones: Zones, zone: str, bids: Side, asks: Side
) -> tuple[BookBaseRow, ...]:
    """Return all levels of a zone in pages, as they are at the sequence of the row."""
    sides = ((BIDS, sorted(bids.items(), reverse=True)), (ASKS, sorted(asks.items())))
    return tuple(
        BookBaseRow(
            row.tenant,
            row.market,
            row.sequence,
            zone,
            side,
            zones.edge(side),
            page,
            pack_levels(levels),
        )
        for side, all_levels in sides
        for page, levels in enumerate(_pages(all_levels))
    )


def page_key(zones: Zones, zone: str, side: str, page: int) -> str:
    """Return the sort key of a page of a zone's base."""
    return keys.book_page(zone, zones.of(zone).base_sequence, side, zones.edge(side), page)


def pages_of(levels: int) -> int:
    """Return how many pages a side of so many levels has."""
    return -(-levels // PAGE_LEVELS)


def changes_since(row: BookRow, zone: str, changes: Iterable[BookChangeRow]) -> tuple[Side, Side]:
    """Return what changed in a zone since its base: price -> quantity, 0 where a level is gone.

    Rows that the book's row does not lead to are passed over.

    Raises
    ------
    BookTorn
        One is missing.

    """
    of_zone = zones_of(row).of(zone)
    known = {change.number: change for change in changes}
    following: list[BookChangeRow] = []
    number = of_zone.last_change
    while number != of_zone.base_change:
        if number not in known:
            raise BookTorn(f"Change {number} of {row.market}'s book, {zone}, is missing.")
        following.append(known[number])
        number = known[number].previous
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
    return with_values(row, bids=pack_levels(bids), asks=pack_levels(asks), zones=None)


def _pages(levels: Sequence[Level]) -> Iterator[Sequence[Level]]:
    for start in range(0, len(levels), PAGE_LEVELS):
        yield levels[start : start + PAGE_LEVELS]
