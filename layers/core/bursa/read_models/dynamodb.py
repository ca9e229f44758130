"""The read models of one shard in DynamoDB.

A row that changes is written on the condition that the stored one is older, so a projector that
comes late, or twice, changes nothing.
"""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from bursa.aws.table_writer import BATCH_ITEMS_MAX, TableWriter, Write
from bursa.kernel import keys
from bursa.kernel.settings import ReadModelSettings
from bursa.read_models.book_parts import BookParts
from bursa.read_models.book_table_dynamodb import BookTable, BookWriter
from bursa.read_models.books import Book
from bursa.read_models.definitions_dynamodb import read_definitions
from bursa.read_models.fold import Definitions, ReadModelChanges
from bursa.read_models.row_writes import (
    AHEAD,
    AMOUNT,
    SEQUENCE,
    RowWrite,
    Table,
    WriteMode,
    progress_write,
    row_writes,
    schema_write,
)
from bursa.read_models.rows import (
    Attributes,
    BookRow,
    ProgressRow,
    SchemaRow,
    from_attributes,
    is_open,
    row_key,
)
from bursa.read_models.traded_rows import not_added

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def table_name(settings: ReadModelSettings, table: Table) -> str:
    """Return the name that a read model's table has in this deployment."""
    return str(getattr(settings, f"{table.value}_table"))


class ReadModelTables:
    """The read models that follow one shard."""

    def __init__(
        self, client: "DynamoDBClient", settings: ReadModelSettings, shard: int, writer: TableWriter
    ) -> None:
        self._client = client
        self._settings = settings
        self._shard = shard
        self._writer = writer
        self._books = BookTable(client, settings.markets_table, consistent=True)
        self._book_writer = BookWriter(
            client, settings.markets_table, settings.trades_table, writer
        )

    # --- reading ----------------------------------------------------------------------------------

    def progress(self) -> ProgressRow | None:
        """Read how far the rows are."""
        item = self._get(
            self._settings.progress_table, row_key(keys.progress(self._shard), keys.READ_MODELS)
        )
        return None if item is None else from_attributes(ProgressRow, item)

    def schema(self) -> int:
        """Read which rows there are; 0 where that is not known."""
        item = self._get(
            self._settings.progress_table,
            row_key(keys.progress(self._shard), keys.READ_MODELS_SCHEMA),
        )
        return 0 if item is None else from_attributes(SchemaRow, item).schema

    def definitions(self) -> Definitions:
        """Read what has been defined in the shard."""
        return read_definitions(self._client, self._settings.progress_table, self._shard)

    def book(self, tenant: str, market: str) -> Book | None:
        """Read a market's book; raises `BookTorn` when a part of it is lost."""
        return self._books.whole(tenant, market)

    def _get(self, table: str, key: Attributes) -> Attributes | None:
        response = self._client.get_item(TableName=table, Key=key, ConsistentRead=True)
        return cast("Attributes | None", response.get("Item"))

    # --- writing ----------------------------------------------------------------------------------

    def put_book(self, parts: BookParts, previous: BookRow | None) -> BookRow | None:
        """Replace the book of that row (None: there is none); return its row, if that was done."""
        return self._book_writer.put(parts, previous)

    def begin(self) -> None:
        """Write that there are the rows of today's schema."""
        row = schema_write(self._shard)
        item = (table_name(self._settings, row.table), row.values | row.key)
        self._writer.run(self._writer.batches([item]))

    def advance(self, progress: ProgressRow) -> None:
        """Write how far the rows are; never back."""
        row = progress_write(progress)
        table = table_name(self._settings, row.table)
        self._writer.put_further(table, row.values | row.key, AHEAD)

    def write(self, changes: ReadModelChanges) -> None:
        """Write every row but books and progress."""
        self._writer.run(self._writes(changes))

    def _writes(self, changes: ReadModelChanges) -> Iterator[Write]:
        """Yield writes as they are asked for: a large record's would not all fit into memory."""
        fixed: list[tuple[str, Attributes]] = []
        gone: list[tuple[str, Attributes]] = []
        for row in row_writes(changes, self._shard):
            if row.mode is WriteMode.FIXED:
                fixed.append((table_name(self._settings, row.table), row.values | row.key))
            elif row.mode is WriteMode.GONE:
                gone.append((table_name(self._settings, row.table), row.key))
            else:
                yield partial(self._write, row)
            if len(fixed) == BATCH_ITEMS_MAX:
                yield from self._writer.batches(fixed)
                fixed = []
            if len(gone) == BATCH_ITEMS_MAX:
                yield from self._writer.deletions(gone)
                gone = []
        yield from self._writer.batches(fixed)
        yield from self._writer.deletions(gone)

    def _write(self, row: RowWrite) -> None:
        """Write a row on its condition, and where it is an open order's its name."""
        stored = self._conditional(row)
        if row.name is not None and (not stored or is_open(stored)):
            self._conditional(row.name)

    def _conditional(self, row: RowWrite) -> Attributes | None:
        """Write a row, or return what is stored instead."""
        table = table_name(self._settings, row.table)
        if row.mode is WriteMode.FIRST:
            self._writer.put_first(table, row.values | row.key)
            return None
        if row.mode is WriteMode.ADDED:
            self._add(table, row)
            return None
        if row.mode is WriteMode.WHOLE:
            return self._writer.put_newer_or_find(table, row.values | row.key)
        return self._writer.update_newer_or_find(table, row.key, row.values, row.removed)

    def _add(self, table: str, row: RowWrite) -> None:
        """Add what the stored amount lacks; another projector may add some of it meanwhile."""
        additions = row.additions
        while additions:
            sequences = min(additions), max(additions)
            addition = AMOUNT, sum(additions.values())
            stored = self._writer.add_or_find(table, row.key, row.values, addition, sequences)
            if stored is None:
                return
            additions = not_added(additions, int(stored[SEQUENCE]["N"]))
