"""A shard's read models in memory, and its journal."""

from collections.abc import Iterator

from bursa.journal.record import EncodedRecord
from bursa.read_models.books import Book
from bursa.read_models.fold import Definitions
from bursa.read_models.memory import MemoryTables
from bursa.read_models.rows import ProgressRow
from tests.doubles.shard import Shard


class MemoryShardState:
    """What a feed begins with."""

    def __init__(self, tables: MemoryTables, shard: Shard) -> None:
        self._tables = tables
        self._shard = shard
        self.definitions_read = 0
        self.books_read: list[str] = []
        self.records_read = 0

    def definitions(self) -> Definitions:
        self.definitions_read += 1
        return self._tables.definitions()

    def progress(self) -> ProgressRow | None:
        return self._tables.progress()

    def book(self, tenant: str, market: str) -> Book | None:
        self.books_read.append(f"{tenant} {market}")
        return self._tables.book(tenant, market)

    def records(self, first_sequence: int, last_sequence: int) -> Iterator[EncodedRecord]:
        for record in self._shard.read(first_sequence, last_sequence):
            self.records_read += 1
            yield record
