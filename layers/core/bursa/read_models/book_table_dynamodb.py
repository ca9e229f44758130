"""The books of markets in DynamoDB, in parts: see `bursa.read_models.book_parts`.

What a reader takes is bounded by the levels it asks for and by what has changed since the base,
not by the levels there are; the best ones are a single item.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar, cast

from bursa.aws.table_writer import TableWriter
from bursa.kernel import keys
from bursa.kernel.identifiers import TenantId
from bursa.read_models.book_format import Level, unpack_levels
from bursa.read_models.book_parts import (
    ASKS,
    BEST_LEVELS,
    BIDS,
    BookParts,
    BookTorn,
    best_of_pages,
    changes_since,
    holding,
    pages_of,
)
from bursa.read_models.books import Book
from bursa.read_models.row_writes import BASE_SEQUENCE, book_key, book_part_writes, book_write
from bursa.read_models.rows import (
    Attributes,
    BookBaseRow,
    BookChangeRow,
    BookRow,
    from_attributes,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# A new base may replace the parts that a reader is about to read; the next one is long in coming.
_ATTEMPTS = 3
_Result = TypeVar("_Result")


class BookTable:
    """Reads books. Parts are always read consistently, the row as the caller wants it."""

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
        return self._untorn(tenant, market, lambda row: self._deep(row, depth))

    def whole(self, tenant: str, market: str) -> Book | None:
        """Read all of a book; raises `BookTorn`."""
        return self._untorn(tenant, market, self._whole)

    def _untorn(
        self, tenant: str, market: str, read: Callable[[BookRow], _Result]
    ) -> _Result | None:
        for attempt in range(1, _ATTEMPTS + 1):
            response = self._client.get_item(
                TableName=self._table,
                Key=book_key(tenant, market),
                ConsistentRead=self._consistent or attempt > 1,
            )
            item = cast("Attributes | None", response.get("Item"))
            if item is None:
                return None
            try:
                return read(from_attributes(BookRow, item))
            except BookTorn:
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError

    def _deep(self, row: BookRow, depth: int) -> BookRow:
        if not row.base_sequence or depth <= BEST_LEVELS:
            return row
        bids, asks = self._sides(row, depth)
        return holding(row, bids, asks)

    def _whole(self, row: BookRow) -> Book:
        if not row.base_sequence:
            return Book.from_row(row)
        return Book.from_row(row, *self._sides(row, None))

    def _sides(self, row: BookRow, count: int | None) -> tuple[list[Level], list[Level]]:
        changed_bids, changed_asks = changes_since(row, self._changes(row))
        return (
            best_of_pages(
                self._pages(row, BIDS, row.base_bids), changed_bids, descending=True, count=count
            ),
            best_of_pages(
                self._pages(row, ASKS, row.base_asks), changed_asks, descending=False, count=count
            ),
        )

    def _changes(self, row: BookRow) -> list[BookChangeRow]:
        if not row.change_rows:
            return []
        items = self._query(
            row,
            "sk BETWEEN :first AND :last",
            {
                ":first": {"S": keys.book_change(row.base_sequence + 1)},
                ":last": {"S": keys.book_change(row.change_sequence)},
            },
        )
        return [from_attributes(BookChangeRow, item) for item in items]

    def _pages(self, row: BookRow, side: str, levels: int) -> Iterator[list[Level]]:
        """Yield pages, read one by one as they are asked for."""
        partition = {"pk": book_key(row.tenant, row.market)["pk"]}
        for page in range(pages_of(levels)):
            key = partition | {"sk": {"S": keys.book_page(row.base_sequence, side, page)}}
            response = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
            item = response.get("Item")
            if item is None:
                raise BookTorn(f"Page {page} of the {side} of {row.market}'s book is missing.")
            yield unpack_levels(from_attributes(BookBaseRow, item).levels)

    def _query(self, row: BookRow, condition: str, values: dict[str, Any]) -> Iterator[Attributes]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression=f"pk = :market AND {condition}",
            ExpressionAttributeValues=values | {":market": book_key(row.tenant, row.market)["pk"]},
            ConsistentRead=True,
        )
        for page in pages:
            yield from cast("list[Attributes]", page["Items"])


class BookWriter:
    """Writes books."""

    def __init__(self, client: "DynamoDBClient", table: str, writer: TableWriter) -> None:
        self._client = client
        self._table = table
        self._writer = writer

    def put(self, parts: BookParts, previous: BookRow | None) -> bool:
        """Write a book in the place of the one of that row; return whether it did."""
        self.put_parts(parts)
        row_write = book_write(parts.row)
        item = row_write.values | row_write.key
        if previous is None:
            done = self._writer.put_first(self._table, item)
        else:
            # The base too: a rebuild may have written another at the same sequence.
            expected = {"sequence": previous.sequence, BASE_SEQUENCE: previous.base_sequence}
            done = self._writer.put_instead_of(self._table, item, expected)
        if done and parts.replaces:
            self._remove_replaced(parts.row)
        return done

    def put_parts(self, parts: BookParts) -> None:
        """Write what the row names, which counts once the row does."""
        writes = book_part_writes(parts)
        self._writer.run(
            self._writer.batches((self._table, write.values | write.key) for write in writes)
        )

    def _remove_replaced(self, row: BookRow) -> None:
        """Remove the parts that no row names any more; those left behind by a crash as well."""
        partition = keys.market_data(TenantId.parse(row.tenant), row.market)
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :market AND begins_with(sk, :parts)",
            ExpressionAttributeValues={
                ":market": {"S": partition},
                ":parts": {"S": keys.BOOK_PARTS_PREFIX},
            },
            ProjectionExpression="pk, sk",
        )
        replaced = (
            (self._table, cast("Attributes", item))
            for page in pages
            for item in page["Items"]
            if keys.book_part_sequence(item["sk"]["S"]) < (row.base_sequence or row.sequence + 1)
        )
        self._writer.run(self._writer.deletions(replaced))
