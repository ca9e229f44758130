"""The read models in memory, under the same conditions as in DynamoDB.

A rebuild projects the whole journal into this and compares it with what is live.
"""

from bursa.kernel import keys
from bursa.read_models.fold import Definitions, ReadModelChanges
from bursa.read_models.row_writes import (
    SEQUENCE,
    RowWrite,
    Table,
    WriteMode,
    book_key,
    book_write,
    progress_write,
    row_key,
    row_writes,
)
from bursa.read_models.rows import (
    AssetRow,
    Attributes,
    BookRow,
    MarketRow,
    ProgressRow,
    from_attributes,
)

ItemKey = tuple[str, str]


class MemoryTables:
    """The read models that follow one shard; ``items`` is all of them, by table and key."""

    def __init__(self, shard: int) -> None:
        self._shard = shard
        self.items: dict[Table, dict[ItemKey, Attributes]] = {table: {} for table in Table}

    def progress(self) -> ProgressRow | None:
        """Read how far the rows are."""
        item = self._get(Table.PROGRESS, row_key(keys.progress(self._shard), keys.READ_MODELS))
        return None if item is None else from_attributes(ProgressRow, item)

    def definitions(self) -> Definitions:
        """Read what has been defined in the shard."""
        definitions = Definitions()
        for (_, sort), item in self.items[Table.PROGRESS].items():
            if sort.startswith(keys.ASSET_PREFIX):
                asset = from_attributes(AssetRow, item)
                definitions.assets[asset.number] = asset
            elif sort.startswith(keys.MARKET_PREFIX):
                market = from_attributes(MarketRow, item)
                definitions.markets[market.number] = market
        return definitions

    def book(self, tenant: str, market: str) -> BookRow | None:
        """Read a market's book."""
        item = self._get(Table.MARKETS, book_key(tenant, market))
        return None if item is None else from_attributes(BookRow, item)

    def put_book(self, row: BookRow, previous_sequence: int) -> bool:
        """Replace the book of that sequence (0: there is none); return whether it did."""
        row_write = book_write(row)
        if self._sequence(row_write) != previous_sequence:
            return False
        self._put(row_write)
        return True

    def advance(self, progress: ProgressRow) -> None:
        """Write how far the rows are; never back."""
        self._write(progress_write(progress))

    def write(self, changes: ReadModelChanges) -> None:
        """Write every row but books and progress."""
        for row_write in row_writes(changes, self._shard):
            self._write(row_write)

    def _write(self, row_write: RowWrite) -> None:
        if row_write.mode is WriteMode.FIXED:
            self._put(row_write)
        elif self._sequence(row_write) < int(row_write.values[SEQUENCE]["N"]):
            if row_write.mode is WriteMode.WHOLE:
                self._put(row_write)
            else:
                self._change(row_write)

    def _change(self, row_write: RowWrite) -> None:
        item = dict(self._get(row_write.table, row_write.key) or row_write.key)
        item |= row_write.values
        for name in row_write.removed:
            item.pop(name, None)
        self.items[row_write.table][item_key(item)] = item

    def _put(self, row_write: RowWrite) -> None:
        self.items[row_write.table][item_key(row_write.key)] = row_write.values | row_write.key

    def _sequence(self, row_write: RowWrite) -> int:
        item = self._get(row_write.table, row_write.key)
        return int(item[SEQUENCE]["N"]) if item else 0

    def _get(self, table: Table, key: Attributes) -> Attributes | None:
        return self.items[table].get(item_key(key))


def item_key(item: Attributes) -> ItemKey:
    """Name an item within its table."""
    return item["pk"]["S"], item["sk"]["S"]
