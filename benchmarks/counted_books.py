"""A book's parts in tables that count DynamoDB's units by its own rules, and read by the real code.

A write takes a unit for each kilobyte, of what is there before or after, whichever is more; so does
a removal. A consistent read takes one for each four kilobytes, any other half of that; a query is
counted by the sum of what it passes. https://docs.aws.amazon.com/amazondynamodb/latest/
developerguide/read-write-operations.html
"""

from collections.abc import Iterator
from typing import Any

from bursa.read_models.book_parts import BookParts
from bursa.read_models.book_table_dynamodb import BookTable
from bursa.read_models.books import Book
from bursa.read_models.memory import MemoryTables
from bursa.read_models.row_writes import RowWrite, Table
from bursa.read_models.rows import Attributes, ItemKey, item_key

WRITE_UNIT_BYTES = 1_024
READ_UNIT_BYTES = 4_096


def item_bytes(item: Attributes) -> int:
    """Size of an item: its names and values."""
    return sum(len(name) + _bytes(value) for name, value in item.items())


def _bytes(value: dict[str, object]) -> int:
    ((kind, content),) = value.items()
    if kind == "N":
        return 1 + (len(str(content).lstrip("-")) + 1) // 2
    return len(content) if isinstance(content, str | bytes) else 1


def write_units(*sizes: int) -> int:
    """Return what it takes to write the larger of these sizes in the place of the other."""
    return -(-max(sizes) // WRITE_UNIT_BYTES)


def read_units(size: int, *, consistent: bool) -> float:
    """Return what it takes to read so many bytes."""
    units = -(-size // READ_UNIT_BYTES)
    return units if consistent else units / 2


class CountedTables(MemoryTables):
    """The read models in memory; counts what books take."""

    def __init__(self) -> None:
        super().__init__(0)
        self.units = 0.0
        self._sizes: dict[ItemKey, int] = {}

    def put(self, book: Book) -> None:
        """Store a book as the projector does."""
        row = self.put_book(book.to_parts(), book.stored)
        if row is None:
            raise AssertionError("nobody else writes here")
        book.has_been_stored(row)

    def read(self, depth: int | None, *, consistent: bool) -> float:
        """Return the units of reading so many levels of each side; None: of all."""
        client: Any = BooksClient(self)
        books = BookTable(client, "", consistent=consistent)
        if depth is None:
            books.whole("t1", "BTC-USDT")
        else:
            books.best("t1", "BTC-USDT", depth)
        return float(client.units)

    def size(self, key: ItemKey) -> int:
        """Return the size of an item."""
        return self._sizes[key]

    def _put(self, row_write: RowWrite) -> None:
        super()._put(row_write)
        key = item_key(row_write.key)
        size = item_bytes(self.items[row_write.table][key])
        self.units += write_units(size, self._sizes.get(key, 0))
        self._sizes[key] = size

    def _remove_replaced(self, parts: BookParts) -> None:
        super()._remove_replaced(parts)
        for key in self._sizes.keys() - self.items[Table.MARKETS].keys():
            self.units += write_units(self._sizes.pop(key))


class BooksClient:
    """As much of DynamoDB's client as a reader of books needs."""

    def __init__(self, tables: CountedTables) -> None:
        self._tables = tables
        self._items = tables.items[Table.MARKETS]
        self.units = 0.0

    def get_item(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - as botocore's
        """Return an item."""
        key = item_key(asked["Key"])
        item = self._items.get(key)
        size = self._tables.size(key) if item else 1
        self.units += read_units(size, consistent=asked["ConsistentRead"])
        return {} if item is None else {"Item": item}

    def get_paginator(self, name: str) -> "BooksClient":
        """Return what makes queries."""
        if name != "query":
            raise AssertionError(name)
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - as botocore's
        """Yield the items between two keys."""
        values = asked["ExpressionAttributeValues"]
        first, last = (values[name]["S"] for name in (":first", ":last"))
        found = sorted(key for key in self._items if first <= key[1] <= last)
        size = sum(map(self._tables.size, found))
        self.units += read_units(max(size, 1), consistent=asked["ConsistentRead"])
        yield {"Items": [self._items[key] for key in found]}
