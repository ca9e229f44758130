"""The read models in memory, under the same conditions as in DynamoDB.

A rebuild projects the whole journal into this and compares it with what is live.
"""

from bursa.kernel import keys
from bursa.read_models.fold import Definitions, Views
from bursa.read_models.row_writes import (
    SEQUENCE,
    Kind,
    PlacedRow,
    Table,
    book_key,
    place,
    place_book,
    place_progress,
    row_key,
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
        """Replace the book of that sequence (0: there is none); tells whether it was so."""
        placed = place_book(row)
        if self._sequence(placed) != previous_sequence:
            return False
        self._put(placed)
        return True

    def advance(self, progress: ProgressRow) -> None:
        """Write how far the rows are; never back."""
        self._write(place_progress(progress))

    def write(self, views: Views) -> None:
        """Write every row but books and progress."""
        for placed in place(views, self._shard):
            self._write(placed)

    def _write(self, placed: PlacedRow) -> None:
        if placed.kind is Kind.FIXED:
            self._put(placed)
        elif self._sequence(placed) < int(placed.values[SEQUENCE]["N"]):
            if placed.kind is Kind.WHOLE:
                self._put(placed)
            else:
                self._change(placed)

    def _change(self, placed: PlacedRow) -> None:
        item = dict(self._get(placed.table, placed.key) or placed.key)
        item |= placed.values
        for name in placed.removed:
            item.pop(name, None)
        self.items[placed.table][item_key(item)] = item

    def _put(self, placed: PlacedRow) -> None:
        self.items[placed.table][item_key(placed.key)] = placed.values | placed.key

    def _sequence(self, placed: PlacedRow) -> int:
        item = self._get(placed.table, placed.key)
        return int(item[SEQUENCE]["N"]) if item else 0

    def _get(self, table: Table, key: Attributes) -> Attributes | None:
        return self.items[table].get(item_key(key))


def item_key(item: Attributes) -> ItemKey:
    """Name an item within its table."""
    return item["pk"]["S"], item["sk"]["S"]
