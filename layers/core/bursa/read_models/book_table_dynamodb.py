"""The books of markets in DynamoDB, in parts: see `bursa.read_models.book_parts`.

What a reader takes is bounded by the levels it asks for and by what has changed since the base,
not by the levels there are; the best ones are a single item.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, TypeVar, cast

from bursa.aws.table_writer import TableWriter
from bursa.kernel import keys
from bursa.read_models.book_format import Level, unpack_levels
from bursa.read_models.book_parts import (
    ASKS,
    BEST_LEVELS,
    BIDS,
    BookParts,
    BookTorn,
    best_of_pages,
    book_row,
    changes_since,
    holding,
    is_replaced,
    page_key,
    pages_of,
    zones_of,
)
from bursa.read_models.book_zones import FAR, NEAR, ZONES
from bursa.read_models.books import Book
from bursa.read_models.row_writes import (
    NUMBER,
    RING,
    SEQUENCE,
    RowWrite,
    Table,
    book_key,
    book_partition,
    book_write,
    fixed_book_writes,
    put_in_ring,
)
from bursa.read_models.rows import (
    Attributes,
    BookBaseRow,
    BookChangeRow,
    BookRow,
    from_attributes,
    row_key,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# A new base may replace the parts that a reader is about to read; the next one is long in coming.
_ATTEMPTS = 3
_Result = TypeVar("_Result")


class BookTable:
    """Reads books.

    Reads are consistent if the caller wants it, and whenever something was missing: a read that is
    not costs half. What is read is of one sequence either way, or missing, because each part says
    which one it is.
    """

    def __init__(self, client: "DynamoDBClient", table: str, *, consistent: bool) -> None:
        self._client = client
        self._table = table
        self._consistent = consistent

    def best(self, tenant: str, market: str, depth: int) -> BookRow | None:
        """Read a book's row, whose sides hold at least the best ``depth`` levels, or all.

        Raises
        ------
        BookTorn
            A part is missing, and stays so.

        """

        def read(reading: "_Reading", item: Attributes) -> BookRow:
            if depth <= BEST_LEVELS:
                return from_attributes(BookRow, item)
            return reading.deep(book_row(item), depth)

        return self._untorn(tenant, market, read)

    def whole(self, tenant: str, market: str) -> Book | None:
        """Read all of a book; raises `BookTorn`."""
        return self._untorn(tenant, market, lambda reading, item: reading.whole(book_row(item)))

    def _untorn(
        self, tenant: str, market: str, read: Callable[["_Reading", Attributes], _Result]
    ) -> _Result | None:
        for attempt in range(1, _ATTEMPTS + 1):
            consistent = self._consistent or attempt > 1
            reading = _Reading(self._client, self._table, consistent=consistent)
            item = reading.item(book_key(tenant, market))
            if item is None:
                return None
            try:
                return read(reading, item)
            except BookTorn:
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError


class _Reading:
    """One attempt to read a book."""

    def __init__(self, client: "DynamoDBClient", table: str, *, consistent: bool) -> None:
        self._client = client
        self._table = table
        self._consistent = consistent

    def item(self, key: Attributes) -> Attributes | None:
        response = self._client.get_item(
            TableName=self._table, Key=key, ConsistentRead=self._consistent
        )
        return cast("Attributes | None", response.get("Item"))

    def deep(self, row: BookRow, depth: int) -> BookRow:
        """Return the row with so many levels of each side, or all."""
        if row.zones is None:
            return row
        zones = zones_of(row)
        bids, asks = self._sides(row, NEAR, depth)
        missing = [side for side, levels in ((BIDS, bids), (ASKS, asks)) if len(levels) < depth]
        if any(zones.has_far(side) for side in missing):
            far_bids, far_asks = self._sides(row, FAR, depth)
            bids, asks = bids + far_bids, asks + far_asks
        return holding(row, bids, asks)

    def whole(self, row: BookRow) -> Book:
        """Return the book of the row with all levels."""
        if row.zones is None:
            return Book.from_row(row)
        near, far = (self._sides(row, zone, None) for zone in ZONES)
        return Book.from_row(row, near[0] + far[0], near[1] + far[1])

    def _sides(self, row: BookRow, zone: str, count: int | None) -> tuple[list[Level], list[Level]]:
        bids, asks = changes_since(row, zone, self._changes(row, zone))
        return (
            best_of_pages(self._pages(row, zone, BIDS), bids, descending=True, count=count),
            best_of_pages(self._pages(row, zone, ASKS), asks, descending=False, count=count),
        )

    def _changes(self, row: BookRow, zone: str) -> Iterator[BookChangeRow]:
        for first, last in zones_of(row).of(zone).cells():
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="pk = :market AND sk BETWEEN :first AND :last",
                ExpressionAttributeValues={
                    ":market": {"S": book_partition(row)},
                    ":first": {"S": keys.book_change(zone, row.ring, first)},
                    ":last": {"S": keys.book_change(zone, row.ring, last)},
                },
                ConsistentRead=self._consistent,
            )
            for page in pages:
                for item in cast("list[Attributes]", page["Items"]):
                    yield from_attributes(BookChangeRow, item)

    def _pages(self, row: BookRow, zone: str, side: str) -> Iterator[list[Level]]:
        """Yield pages, read one by one as they are asked for."""
        zones = zones_of(row)
        for page in range(pages_of(zones.of(zone).levels(side))):
            item = self.item(row_key(book_partition(row), page_key(zones, zone, side, page)))
            if item is None:
                raise BookTorn(
                    f"Page {page} of the {zone} {side} of {row.market}'s book is missing."
                )
            yield unpack_levels(from_attributes(BookBaseRow, item).levels)


class BookWriter:
    """Writes books, and what traded in intervals that have ended."""

    def __init__(
        self, client: "DynamoDBClient", table: str, trades_table: str, writer: TableWriter
    ) -> None:
        self._client = client
        self._table = table
        self._tables = {Table.MARKETS: table, Table.TRADES: trades_table}
        self._writer = writer

    def put(self, parts: BookParts, previous: BookRow | None) -> BookRow | None:
        """Write a book in the place of the one of that row; return its row, if that was done."""
        stored = self.put_parts(parts)
        if stored is None:
            return None
        row_write = book_write(stored.row)
        item = row_write.values | row_write.key
        if previous is None:
            done = self._writer.put_first(self._table, item)
        else:
            # The ring too: a rebuild may have written other parts at the same sequence.
            expected = {SEQUENCE: previous.sequence, RING: previous.ring}
            done = self._writer.put_instead_of(self._table, item, expected)
        if not done:
            return None
        self.remove_replaced(stored)
        return stored.row

    def put_parts(self, parts: BookParts) -> BookParts | None:
        """Write what the row names, which counts once the row does.

        Returns
        -------
        BookParts | None
            With change rows where there was a cell for them; None when all are taken.

        """
        changes: dict[str, BookChangeRow] = {}

        def put_change(change: BookChangeRow) -> None:
            if (one := put_in_ring(change, self._put_higher)) is not None:
                changes[change.zone] = one

        fixed = (
            (self._tables[one.table], one.values | one.key) for one in fixed_book_writes(parts)
        )
        writes = (partial(put_change, change) for change in parts.changes)
        self._writer.run(chain(self._writer.batches(fixed), writes))
        if len(changes) < len(parts.changes):
            return None
        return parts.numbered([changes[change.zone] for change in parts.changes])

    def _put_higher(self, change: RowWrite) -> bool:
        return self._writer.put_newer(self._table, change.values | change.key, NUMBER)

    def remove_replaced(self, parts: BookParts) -> None:
        """Remove the parts that no row names any more; those left behind by a crash as well."""
        for beginning in parts.replaces:
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="pk = :market AND begins_with(sk, :parts)",
                ExpressionAttributeValues={
                    ":market": {"S": book_partition(parts.row)},
                    ":parts": {"S": beginning},
                },
                ProjectionExpression="pk, sk",
            )
            replaced = (
                (self._table, cast("Attributes", item))
                for page in pages
                for item in page["Items"]
                if is_replaced(item["sk"]["S"], parts.row)
            )
            self._writer.run(self._writer.deletions(replaced))
