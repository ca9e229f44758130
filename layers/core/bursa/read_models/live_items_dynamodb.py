"""The stored items of one shard's read models, for a rebuild to compare and mend."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Self, cast

from botocore.exceptions import ClientError

from bursa.aws.table_writer import TableWriter
from bursa.kernel import keys
from bursa.kernel.settings import ReadModelSettings
from bursa.read_models.book_items import newest_ring, whole_items
from bursa.read_models.book_table_dynamodb import BookWriter
from bursa.read_models.books import Book
from bursa.read_models.dynamodb import ReadModelTables, table_name
from bursa.read_models.rebuild import Difference
from bursa.read_models.row_writes import (
    SEQUENCE,
    Table,
    book_write,
)
from bursa.read_models.rows import (
    Attributes,
    BookRow,
    ItemKey,
    from_attributes,
    item_key,
    row_key,
    with_values,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_REGISTRY = (keys.READ_MODELS, keys.ASSET_PREFIX, keys.MARKET_PREFIX)


class LiveItemTables:
    """Reads and mends the tables of one shard's read models."""

    def __init__(
        self,
        client: "DynamoDBClient",
        settings: ReadModelSettings,
        shard: int,
        read_models: ReadModelTables,
        writer: TableWriter,
    ) -> None:
        self._client = client
        self._settings = settings
        self._shard_partition = keys.progress(shard)
        self._read_models = read_models
        self._writer = writer
        self._book_writer = BookWriter(
            client, settings.markets_table, settings.trades_table, writer
        )

    def sequence(self) -> int:
        """Return how far the live rows are; 0 when there are none."""
        progress = self._read_models.progress()
        return progress.sequence if progress else 0

    def is_behind(self) -> bool:
        """Return whether rows of a large record are being written, so that some are further."""
        progress = self._read_models.progress()
        return progress is not None and progress.ahead_sequence > 0

    def scan(self, table: Table, tenants: frozenset[str]) -> Iterator[tuple[ItemKey, Attributes]]:
        """Yield every item of a table that belongs to these tenants, or to the shard itself.

        A book is one item with all its levels, however it is stored.
        """
        items = self._scan(table, tenants)
        yield from whole_items(dict(items)).items() if table is Table.MARKETS else items

    def _scan(self, table: Table, tenants: frozenset[str]) -> Iterator[tuple[ItemKey, Attributes]]:
        pages = self._client.get_paginator("scan").paginate(
            TableName=table_name(self._settings, table), ConsistentRead=True
        )
        for page in pages:
            for item in cast("list[Attributes]", page["Items"]):
                key = item_key(item)
                if self._is_ours(table, key, tenants):
                    yield key, item

    def get(self, table: Table, key: ItemKey) -> Attributes | None:
        """Read one item; a book is one with all its levels."""
        if _is_book(table, key):
            return whole_items(dict(self._partition(table, key[0]))).get(key)
        response = self._client.get_item(
            TableName=table_name(self._settings, table), Key=row_key(*key), ConsistentRead=True
        )
        return cast("Attributes | None", response.get("Item"))

    def _partition(self, table: Table, partition: str) -> Iterator[tuple[ItemKey, Attributes]]:
        pages = self._client.get_paginator("query").paginate(
            TableName=table_name(self._settings, table),
            KeyConditionExpression="pk = :partition",
            ExpressionAttributeValues={":partition": {"S": partition}},
            ConsistentRead=True,
        )
        for page in pages:
            for item in cast("list[Attributes]", page["Items"]):
                yield item_key(item), item

    def put_missing(self, items: Iterable[tuple[Table, Attributes]]) -> None:
        """Write rows that never change."""
        self._writer.run(
            self._writer.batches((table_name(self._settings, table), item) for table, item in items)
        )

    def mend(self, differences: Iterable[Difference]) -> Sequence[Difference]:
        """Write what is expected, or delete what is not, unless the stored row has changed.

        Returns
        -------
        Sequence
            Those that were passed over, as a newer row is there.

        """
        passed: list[Difference] = []
        others: list[Difference] = []

        def mend(difference: Difference) -> None:
            if not self._mend(difference):
                passed.append(difference)

        for difference in differences:
            if _is_book(difference.table, difference.key) and difference.expected is not None:
                # It writes its parts through the same threads, so it is in none of them itself.
                if not self._mend_book(difference.table, difference.key, difference.expected):
                    passed.append(difference)
            else:
                others.append(difference)
        self._writer.run(partial(mend, difference) for difference in others)
        return passed

    def _mend(self, difference: Difference) -> bool:
        if difference.expected is not None:
            return self._put_unless_newer(difference.table, difference.expected)
        seen = (difference.live or {}).get(SEQUENCE)
        return self._delete(difference.table, difference.key, seen)

    def _mend_book(self, table: Table, key: ItemKey, whole: Attributes) -> bool:
        """Store a whole book in parts that have nothing in common with those that are there.

        Its ring is new, so that a projector that still has the book as it was reads this one.
        """
        there = dict(self._partition(table, key[0]))
        row = with_values(from_attributes(BookRow, whole), ring=newest_ring(there, key) + 1)
        parts = self._book_writer.put_parts(Book.from_row(row).to_parts())
        if parts is None:
            raise AssertionError("a book without change rows has found no place for them")
        row_write = book_write(parts.row)
        if not self._put_unless_newer(table, row_write.values | row_write.key):
            return False
        self._book_writer.remove_replaced(replace(parts, replaces=(keys.BOOK_PARTS_PREFIX,)))
        return True

    def _put_unless_newer(self, table: Table, item: Attributes) -> bool:
        name = table_name(self._settings, table)
        sequence = item.get(SEQUENCE)
        if sequence is None:
            self._client.put_item(TableName=name, Item=item)
            return True
        with _ConditionPasses() as condition:
            self._client.put_item(
                TableName=name,
                Item=item,
                ConditionExpression="attribute_not_exists(#s) OR #s <= :s",
                ExpressionAttributeNames={"#s": SEQUENCE},
                ExpressionAttributeValues={":s": sequence},
            )
        return not condition.failed

    def _delete(self, table: Table, key: ItemKey, seen: dict[str, str] | None) -> bool:
        name = table_name(self._settings, table)
        if seen is None:
            self._client.delete_item(TableName=name, Key=row_key(*key))
            return True
        with _ConditionPasses() as condition:
            self._client.delete_item(
                TableName=name,
                Key=row_key(*key),
                ConditionExpression="#s = :s",
                ExpressionAttributeNames={"#s": SEQUENCE},
                ExpressionAttributeValues={":s": seen},
            )
        return not condition.failed

    def _is_ours(self, table: Table, key: ItemKey, tenants: frozenset[str]) -> bool:
        partition, sort = key
        if table is Table.PROGRESS:
            return partition == self._shard_partition and sort.startswith(_REGISTRY)
        return partition.partition("#")[0].partition("-")[0] in tenants


def _is_book(table: Table, key: ItemKey) -> bool:
    return table is Table.MARKETS and key[1] == keys.BOOK


class _ConditionPasses:
    """Passes over a failed condition, and remembers it: a newer row is there."""

    failed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> bool:
        self.failed = (
            isinstance(error, ClientError)
            and error.response["Error"]["Code"] == "ConditionalCheckFailedException"
        )
        return self.failed
