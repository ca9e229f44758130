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
    changes_since,
    pages_of,
)
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
    row = from_attributes(BookRow, item)
    if not row.base_sequence:
        return Book.from_row(row)
    first = keys.book_change(row.base_sequence + 1)
    changes = [
        from_attributes(BookChangeRow, other)
        for (partition, sort), other in items.items()
        if partition == key[0] and first <= sort <= keys.book_change(row.change_sequence)
    ]
    bids, asks = changes_since(row, changes)
    return Book.from_row(
        row,
        best_of_pages(_pages(items, key[0], row, BIDS, row.base_bids), bids, descending=True),
        best_of_pages(_pages(items, key[0], row, ASKS, row.base_asks), asks, descending=False),
    )


def _pages(
    items: _Items, partition: str, row: BookRow, side: str, levels: int
) -> Iterator[list[Level]]:
    for page in range(pages_of(levels)):
        item = items.get((partition, keys.book_page(row.base_sequence, side, page)))
        if item is None:
            raise BookTorn(f"Page {page} of the {side} of {row.market}'s book is missing.")
        yield unpack_levels(from_attributes(BookBaseRow, item).levels)


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
