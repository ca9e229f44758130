"""The read models in memory, under the same conditions as in DynamoDB.

A rebuild projects the whole journal into this and compares it with what is live.
"""

from bursa.kernel import keys
from bursa.read_models.book_items import whole_book
from bursa.read_models.book_parts import BookParts, is_replaced
from bursa.read_models.books import Book
from bursa.read_models.fold import Definitions, ReadModelChanges
from bursa.read_models.row_writes import (
    AMOUNT,
    NUMBER,
    RING,
    SEQUENCE,
    RowWrite,
    Table,
    WriteMode,
    book_key,
    book_partition,
    book_write,
    fixed_book_writes,
    progress_write,
    put_in_ring,
    row_writes,
    schema_write,
)
from bursa.read_models.rows import (
    AssetRow,
    Attributes,
    BookRow,
    ItemKey,
    MarketRow,
    ProgressRow,
    SchemaRow,
    from_attributes,
    is_open,
    item_key,
    row_key,
)
from bursa.read_models.traded_rows import not_added


class MemoryTables:
    """The read models that follow one shard; ``items`` is all of them, by table and key."""

    def __init__(self, shard: int) -> None:
        self._shard = shard
        self.items: dict[Table, dict[ItemKey, Attributes]] = {table: {} for table in Table}

    def progress(self) -> ProgressRow | None:
        """Read how far the rows are."""
        item = self._get(Table.PROGRESS, row_key(keys.progress(self._shard), keys.READ_MODELS))
        return None if item is None else from_attributes(ProgressRow, item)

    def schema(self) -> int:
        """Read which rows there are; 0 where that is not known."""
        item = self._get(Table.PROGRESS, schema_write(self._shard).key)
        return 0 if item is None else from_attributes(SchemaRow, item).schema

    def begin(self) -> None:
        """Write that there are the rows of today's schema."""
        self._put(schema_write(self._shard))

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

    def book(self, tenant: str, market: str) -> Book | None:
        """Read a market's book; raises `BookTorn` when a part of it is lost."""
        return whole_book(self.items[Table.MARKETS], item_key(book_key(tenant, market)))

    def put_book(self, parts: BookParts, previous: BookRow | None) -> BookRow | None:
        """Replace the book of that row (None: there is none); return its row, if that was done."""
        for row_write in fixed_book_writes(parts):
            self._put_fixed(row_write)
        changes = [put_in_ring(change, self._put_higher) for change in parts.changes]
        if None in changes:
            return None
        parts = parts.numbered([change for change in changes if change is not None])
        if not self._put_instead_of(book_write(parts.row), previous):
            return None
        self._remove_replaced(parts)
        return parts.row

    def advance(self, progress: ProgressRow) -> None:
        """Write how far the rows are; never back."""
        stored = self.progress()
        position = (progress.sequence, progress.ahead_sequence)
        if stored is None or (stored.sequence, stored.ahead_sequence) < position:
            self._put(progress_write(progress))

    def write(self, changes: ReadModelChanges) -> None:
        """Write every row but books and progress."""
        for row_write in row_writes(changes, self._shard):
            self._write(row_write)

    def _put_fixed(self, row_write: RowWrite) -> None:
        self._put(row_write)

    def _put_higher(self, change: RowWrite) -> bool:
        there = self._get(change.table, change.key)
        if there is not None and int(there[NUMBER]["N"]) >= int(change.values[NUMBER]["N"]):
            return False
        self._put(change)
        return True

    def _put_instead_of(self, row: RowWrite, previous: BookRow | None) -> bool:
        there = self._get(row.table, row.key)
        if _version(there) != (previous and (previous.sequence, previous.ring)):
            return False
        self._put(row)
        return True

    def _remove_replaced(self, parts: BookParts) -> None:
        rows = self.items[Table.MARKETS]
        partition = book_partition(parts.row)
        for key in [key for key in rows if key[0] == partition]:
            if key[1].startswith(parts.replaces) and is_replaced(key[1], parts.row):
                del rows[key]

    def _write(self, row_write: RowWrite) -> None:
        self._write_row(row_write)
        if row_write.name is not None:
            stored = self._get(row_write.table, row_write.key)
            if stored is not None and is_open(stored):
                self._write_row(row_write.name)

    def _write_row(self, row_write: RowWrite) -> None:
        if row_write.mode is WriteMode.FIXED:
            self._put(row_write)
        elif row_write.mode is WriteMode.GONE:
            self.items[row_write.table].pop(item_key(row_write.key), None)
        elif row_write.mode is WriteMode.FIRST:
            if self._get(row_write.table, row_write.key) is None:
                self._put(row_write)
        elif row_write.mode is WriteMode.ADDED:
            self._add(row_write)
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

    def _add(self, row_write: RowWrite) -> None:
        additions = not_added(row_write.additions, self._sequence(row_write))
        if not additions:
            return
        stored = self._get(row_write.table, row_write.key) or {AMOUNT: {"N": "0"}}
        amount = int(stored[AMOUNT]["N"]) + sum(additions.values())
        self.items[row_write.table][item_key(row_write.key)] = (
            row_write.values
            | row_write.key
            | {AMOUNT: {"N": str(amount)}, SEQUENCE: {"N": str(max(additions))}}
        )

    def _put(self, row_write: RowWrite) -> None:
        self.items[row_write.table][item_key(row_write.key)] = row_write.values | row_write.key

    def _sequence(self, row_write: RowWrite) -> int:
        item = self._get(row_write.table, row_write.key)
        return int(item[SEQUENCE]["N"]) if item else 0

    def _get(self, table: Table, key: Attributes) -> Attributes | None:
        return self.items[table].get(item_key(key))


def _version(item: Attributes | None) -> tuple[int, int] | None:
    return None if item is None else (int(item[SEQUENCE]["N"]), int(item[RING]["N"]))
