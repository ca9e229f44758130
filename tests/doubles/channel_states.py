"""Connections and the read models of WebSocket channels, in memory."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from bursa.journal.record import EncodedRecord
from bursa.kernel.keys import open_orders
from bursa.kernel.visitors import parse_holder
from bursa.read_models.candles import Candle
from bursa.read_models.fold import Definitions
from bursa.read_models.memory import MemoryTables
from bursa.read_models.row_writes import (
    Table,
)
from bursa.read_models.rows import (
    READ_MODELS_SCHEMA,
    AssetRow,
    BalanceRow,
    BookRow,
    ConnectionRow,
    FillRow,
    MarketRow,
    OrderRow,
    ProgressRow,
    SubscriptionRow,
    TradeRow,
    from_attributes,
    is_open,
)
from tests.doubles.shard_state import candles_in


class MemoryConnections:
    """Who is connected, and to what."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], frozenset[str]] = {}
        self.rows: dict[tuple[str, str], SubscriptionRow] = {}
        self.connected_at_ms: dict[str, int] = {}
        self.expires_at = 0
        self.counted: dict[str, int] = {}
        self.entries: dict[str, dict[int, Sequence[SubscriptionRow]]] = {}
        self.full_reads = 0
        self.on_written: Callable[[], None] = lambda: None
        self.on_counted: Callable[[], None] = lambda: None
        self.on_announced: Callable[[], None] = lambda: None

    def open(self, connection: ConnectionRow) -> None:
        self.known[connection.account, connection.connection_id] = connection.channels
        self.connected_at_ms[connection.connection_id] = connection.connected_at_ms
        self.expires_at = connection.expires_at

    def channels(self, account: str, connection_id: str) -> frozenset[str]:
        return self.known.get((account, connection_id), frozenset())

    def of_account(self, account: str) -> list[ConnectionRow]:
        tenant = str(parse_holder(account).tenant)
        never = 1 << 40
        return [
            ConnectionRow(tenant, name, account, self.connected_at_ms.get(name, 0), never, keys)
            for (whose, name), keys in self.known.items()
            if whose == account
        ]

    def count_of_tenant(self, tenant: str, now_s: int) -> int:
        return sum(str(parse_holder(account).tenant) == tenant for account, _ in self.known)

    def subscribe(self, connection: ConnectionRow, rows: Sequence[SubscriptionRow]) -> bool:
        key = (connection.account, connection.connection_id)
        if key not in self.known:
            return False
        self.known[key] = self.channels(*key) | connection.channels
        self.rows |= {(row.channel, row.connection_id): row for row in rows}
        self.on_written()
        return True

    def announce(
        self, shard: int, connection: ConnectionRow, rows: Sequence[SubscriptionRow]
    ) -> None:
        tenant = connection.tenant
        number = self.counted[tenant] = self.counted.get(tenant, 0) + 1
        self.on_counted()
        self.entries.setdefault(tenant, {})[number] = rows
        self.on_announced()

    def announcements(self, shard: int) -> Mapping[str, Mapping[int, int]]:
        return {tenant: {0: count} for tenant, count in self.counted.items()}

    def announced(
        self, tenant: str, row: int, first: int, last: int
    ) -> Mapping[int, Sequence[SubscriptionRow]]:
        entries = self.entries.get(tenant, {})
        return {number: rows for number, rows in entries.items() if first <= number <= last}

    def unsubscribe(self, account: str, connection_id: str, keys: Sequence[str]) -> None:
        if (account, connection_id) in self.known:
            self.known[account, connection_id] -= set(keys)
        for key in keys:
            self.rows.pop((key, connection_id), None)

    def forget(self, account: str, connection_id: str, heard: Collection[str] = ()) -> None:
        keys = self.known.pop((account, connection_id), frozenset()) | set(heard)
        for key in keys:
            self.rows.pop((key, connection_id), None)

    def subscriptions(self, tenant: str) -> Sequence[SubscriptionRow]:
        self.full_reads += 1
        return [row for row in self.rows.values() if row.tenant == tenant]


class MemoryChannelStates:
    """Reads the tables in memory."""

    def __init__(self, tables: MemoryTables) -> None:
        self.tables = tables
        self.committed: Callable[[], int] = lambda: 0
        self.journal: Sequence[EncodedRecord] = ()

    def progress(self, shard: int) -> ProgressRow | None:
        progress = self.tables.progress()
        return progress if progress and progress.shard == shard else None

    def is_current(self, shard: int) -> bool:
        return self.tables.schema() == READ_MODELS_SCHEMA

    def book(self, tenant: str, market: str, depth: int) -> BookRow | None:
        book = self.tables.book(tenant, market)
        return None if book is None else book.to_row()

    def journal_end(self, shard: int, known: int) -> int:
        return max(known, self.committed())

    def definitions(self, shard: int) -> Definitions:
        return self.tables.definitions()

    def records(
        self, shard: int, first_sequence: int, last_sequence: int
    ) -> Iterator[EncodedRecord]:
        for record in self.journal:
            if first_sequence <= record.first_sequence <= last_sequence:
                yield record

    def market(self, tenant: str, symbol: str) -> MarketRow | None:
        item = self.tables.items[Table.MARKETS].get((tenant, f"market#{symbol}"))
        return None if item is None else from_attributes(MarketRow, item)

    def markets(self, tenant: str) -> list[MarketRow]:
        return [
            from_attributes(MarketRow, item)
            for (partition, sort), item in sorted(self.tables.items[Table.MARKETS].items())
            if partition == tenant and sort.startswith("market#")
        ]

    def asset(self, tenant: str, symbol: str) -> AssetRow | None:
        item = self.tables.items[Table.MARKETS].get((tenant, f"asset#{symbol}"))
        return None if item is None else from_attributes(AssetRow, item)

    def candles(
        self, tenant: str, market: str, interval: str, first_ms: int, end_ms: int
    ) -> list[Candle]:
        return candles_in(self.tables, (tenant, market, interval), first_ms, end_ms)

    def trades(self, tenant: str, market: str, limit: int) -> list[TradeRow]:
        items = sorted(self.tables.items[Table.TRADES].items(), reverse=True)
        # Candles are rows of the same table.
        partition = f"{tenant}#{market}"
        rows = [item for (found, _), item in items if found == partition]
        return [from_attributes(TradeRow, item) for item in rows[:limit]]

    def open_orders(self, account: str, limit: int) -> list[OrderRow]:
        items = self.tables.items[Table.ORDERS]
        names = sorted((sk for pk, sk in items if pk == open_orders(account)), reverse=True)
        rows = (items[account, name] for name in names)
        return [from_attributes(OrderRow, row) for row in rows if is_open(row)][:limit]

    def fills(self, account: str, limit: int) -> list[FillRow]:
        items = sorted(self.tables.items[Table.FILLS].items(), reverse=True)
        rows = [item for (partition, _), item in items if partition == account]
        return [from_attributes(FillRow, item) for item in rows[:limit]]

    def balances(self, account: str) -> list[BalanceRow]:
        return [
            from_attributes(BalanceRow, item)
            for (partition, _), item in self.tables.items[Table.BALANCES].items()
            if partition == account
        ]
