"""A shard's read models in memory, and its journal."""

from collections.abc import Iterator

from bursa.journal.record import EncodedRecord
from bursa.kernel import keys
from bursa.kernel.identifiers import TenantId
from bursa.read_models.book_format import unpack_candle
from bursa.read_models.books import Book
from bursa.read_models.candles import Candle
from bursa.read_models.fold import Definitions
from bursa.read_models.memory import MemoryTables
from bursa.read_models.row_writes import Table
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
        self.candles_read = 0

    def definitions(self) -> Definitions:
        self.definitions_read += 1
        return self._tables.definitions()

    def progress(self) -> ProgressRow | None:
        return self._tables.progress()

    def book(self, tenant: str, market: str) -> Book | None:
        self.books_read.append(f"{tenant} {market}")
        return self._tables.book(tenant, market)

    def candles(
        self, tenant: str, market: str, interval: str, first_ms: int, end_ms: int
    ) -> list[Candle]:
        self.candles_read += 1
        return candles_in(self._tables, (tenant, market, interval), first_ms, end_ms)

    def records(self, first_sequence: int, last_sequence: int) -> Iterator[EncodedRecord]:
        for record in self._shard.read(first_sequence, last_sequence):
            self.records_read += 1
            yield record


def candles_in(
    tables: MemoryTables, of: tuple[str, str, str], first_ms: int, end_ms: int
) -> list[Candle]:
    """Return the ended candles of a market's interval that begin in a range, the oldest first."""
    tenant, market, interval = of
    partition = keys.candles(TenantId.parse(tenant), market, interval)
    rows = sorted(key for key in tables.items[Table.TRADES] if key[0] == partition)
    every = (unpack_candle(tables.items[Table.TRADES][key]["candle"]["B"]) for key in rows)
    return [one for one in every if first_ms <= one.start_ms < end_ms]
