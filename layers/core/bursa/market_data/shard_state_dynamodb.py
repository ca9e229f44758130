"""What a feed begins with: a shard's read models, and the journal behind them."""

from collections.abc import Iterator, Sequence

from bursa.journal.dynamodb import JournalReader
from bursa.journal.record import EncodedRecord
from bursa.kernel.identifiers import TenantId
from bursa.market_data.public_data_dynamodb import MarketDataTables
from bursa.read_models.books import Book
from bursa.read_models.candles import Candle
from bursa.read_models.dynamodb import ReadModelTables
from bursa.read_models.fold import Definitions
from bursa.read_models.rows import ProgressRow


class StoredShardState:
    """One shard's definitions, books and records."""

    def __init__(
        self, tables: ReadModelTables, data: MarketDataTables, journal: JournalReader
    ) -> None:
        self._tables = tables
        self._data = data
        self._journal = journal

    def definitions(self) -> Definitions:
        """Read what has been defined in the shard."""
        return self._tables.definitions()

    def progress(self) -> ProgressRow | None:
        """Read how far the rows are."""
        return self._tables.progress()

    def book(self, tenant: str, market: str) -> Book | None:
        """Read a market's book; raises `BookTorn` when a part of it is lost."""
        return self._tables.book(tenant, market)

    def candles(
        self, tenant: str, market: str, interval: str, first_ms: int, end_ms: int
    ) -> Sequence[Candle]:
        """Read ended candles that begin in a range without its end, the oldest first."""
        return self._data.candles(TenantId.parse(tenant), market, interval, first_ms, end_ms)

    def records(self, first_sequence: int, last_sequence: int) -> Iterator[EncodedRecord]:
        """Read records in order from a sequence on, up to a sequence."""
        return self._journal.read(first_sequence, last_sequence)
