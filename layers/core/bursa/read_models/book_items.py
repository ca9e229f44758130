"""Books put together from the items of the markets' table, however they are stored. Pure.

Two tables may hold the same book in different parts, because when a base is made depends on how
records came. So they are compared by what the parts amount to.
"""

from collections.abc import Iterator, Mapping

from bursa.kernel import keys
from bursa.read_models.book_format import Level, unpack_levels
from bursa.read_models.book_parts import (
    ASKS,
    BIDS,
    PART_FIELDS,
    BookTorn,
    best_of_pages,
    book_row,
    changes_since,
    page_key,
    pages_of,
    zones_of,
)
from bursa.read_models.book_zones import ZONES
from bursa.read_models.books import Book
from bursa.read_models.rows import (
    Attributes,
    BookBaseRow,
    BookChangeRow,
    BookRow,
    ItemKey,
    from_attributes,
    to_attributes,
)

_Items = Mapping[ItemKey, Attributes]


def whole_book(items: _Items, key: ItemKey) -> Book | None:
    """Put a book together from the items of the markets' table; raises `BookTorn`."""
    item = items.get(key)
    if item is None:
        return None
    row = book_row(item)
    if row.zones is None:
        return Book.from_row(row)
    sides: dict[str, list[Level]] = {BIDS: [], ASKS: []}
    for zone in ZONES:
        changed = changes_since(row, zone, _changes(items, key[0], row, zone))
        for side, of_side in zip(sides, changed, strict=True):
            pages = _pages(items, key[0], row, zone, side)
            sides[side] += best_of_pages(pages, of_side, descending=side == BIDS)
    return Book.from_row(row, sides[BIDS], sides[ASKS])


def _changes(items: _Items, partition: str, row: BookRow, zone: str) -> Iterator[BookChangeRow]:
    for first, last in zones_of(row).of(zone).cells():
        for one in range(first, last + 1):
            item = items.get((partition, keys.book_change(zone, row.ring, one)))
            if item is not None:
                yield from_attributes(BookChangeRow, item)


def _pages(
    items: _Items, partition: str, row: BookRow, zone: str, side: str
) -> Iterator[list[Level]]:
    zones = zones_of(row)
    for page in range(pages_of(zones.of(zone).levels(side))):
        item = items.get((partition, page_key(zones, zone, side, page)))
        if item is None:
            raise BookTorn(f"Page {page} of the {zone} {side} of {row.market}'s book is missing.")
        yield unpack_levels(from_attributes(BookBaseRow, item).levels)


def newest_ring(items: _Items, key: ItemKey) -> int:
    """Return the highest ring that a book has or had, of which rows may be left; 0: none."""
    rings = [int(items[key].get("ring", {}).get("N", "0"))] if key in items else []
    for partition, sort in items:
        part = keys.book_part(sort) if sort.startswith(keys.BOOK_PARTS_PREFIX) else None
        if partition == key[0] and part is not None and part[0] == "change":
            rings.append(part[2])
    return max(rings, default=0)


def whole_items(items: _Items) -> dict[ItemKey, Attributes]:
    """Return the items of the markets' table with each book in one item, instead of its parts.

    A book that lacks a part keeps the levels that its row holds.
    """
    by_partition: dict[str, dict[ItemKey, Attributes]] = {}
    for key, item in items.items():
        by_partition.setdefault(key[0], {})[key] = item
    return {
        key: _whole_item(by_partition[key[0]], key) if key[1] == keys.BOOK else item
        for key, item in items.items()
        if not key[1].startswith(keys.BOOK_PARTS_PREFIX)
    }


def _whole_item(items: _Items, key: ItemKey) -> Attributes:
    item = {name: value for name, value in items[key].items() if name not in PART_FIELDS}
    try:
        book = whole_book(items, key)
    except BookTorn:
        book = None
    if book is None:
        return item
    row = to_attributes(book.to_row())
    return item | {BIDS: row[BIDS], ASKS: row[ASKS]}
