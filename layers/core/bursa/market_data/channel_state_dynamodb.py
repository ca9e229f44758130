"""The read models as a WebSocket snapshot needs them: small, recent, consistent where it counts.

Reads are consistent, so they hold all that the progress row says.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar, cast

from bursa.journal.dynamodb import JournalReader
from bursa.journal.record import EncodedRecord
from bursa.kernel import keys
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.settings import ReadModelSettings
from bursa.market_data.public_data_dynamodb import MarketDataTables
from bursa.read_models.book_table_dynamodb import BookTable
from bursa.read_models.candles import Candle
from bursa.read_models.definitions_dynamodb import read_definitions
from bursa.read_models.fold import Definitions
from bursa.read_models.order_lists_dynamodb import OrderLists
from bursa.read_models.rows import (
    LISTS_SCHEMA,
    OPEN_WORDS,
    AnyRow,
    AssetRow,
    Attributes,
    BalanceRow,
    BookRow,
    FillRow,
    MarketRow,
    OrderRow,
    ProgressRow,
    SchemaRow,
    TradeRow,
    from_attributes,
    row_key,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_Row = TypeVar("_Row", bound=AnyRow)


class ChannelStateTables:
    """Reads the tables that the projector writes."""

    def __init__(
        self, client: "DynamoDBClient", settings: ReadModelSettings, journal_table: str
    ) -> None:
        self._journal_table = journal_table
        self._client = client
        self._settings = settings
        self._orders = OrderLists(client, settings.orders_table)
        self._books = BookTable(client, settings.markets_table, consistent=True)
        self._data = MarketDataTables(client, settings.markets_table, settings.trades_table)
        self._current: set[int] = set()
        # Definitions never change in what a snapshot uses of them.
        self._markets: dict[tuple[str, str], MarketRow] = {}
        self._assets: dict[tuple[str, str], AssetRow] = {}

    def progress(self, shard: int) -> ProgressRow | None:
        """Read how far a shard's rows are."""
        key = row_key(keys.progress(shard), keys.READ_MODELS)
        return self._read(ProgressRow, self._settings.progress_table, key)

    def is_current(self, shard: int) -> bool:
        """Return whether a shard's rows are those that snapshots are read from."""
        if shard not in self._current:
            key = row_key(keys.progress(shard), keys.READ_MODELS_SCHEMA)
            row = self._read(SchemaRow, self._settings.progress_table, key)
            if row is None or row.schema < LISTS_SCHEMA:
                return False
            self._current.add(shard)
        return True

    def book(self, tenant: str, market: str, depth: int) -> BookRow | None:
        """Read a market's book, ``depth`` levels of it at least."""
        return self._books.best(tenant, market, depth)

    def journal_end(self, shard: int, known: int) -> int:
        """Find the last committed sequence; ``known`` is one that is not later."""
        head = JournalReader(self._client, self._journal_table, shard).head(known)
        return known if head is None else max(known, head.last_sequence)

    def definitions(self, shard: int) -> Definitions:
        """Read what has been defined in a shard."""
        return read_definitions(self._client, self._settings.progress_table, shard)

    def records(
        self, shard: int, first_sequence: int, last_sequence: int
    ) -> Iterator[EncodedRecord]:
        """Read the records that begin between two sequences, in order."""
        reader = JournalReader(self._client, self._journal_table, shard)
        return reader.read(first_sequence, last_sequence)

    def market(self, tenant: str, symbol: str) -> MarketRow | None:
        """Read a market's definition."""
        known = self._markets.get((tenant, symbol))
        if known is None:
            known = self._definition(MarketRow, tenant, keys.market(symbol))
            if known is not None:
                self._markets[tenant, symbol] = known
        return known

    def asset(self, tenant: str, symbol: str) -> AssetRow | None:
        """Read an asset's definition."""
        known = self._assets.get((tenant, symbol))
        if known is None:
            known = self._definition(AssetRow, tenant, keys.asset(symbol))
            if known is not None:
                self._assets[tenant, symbol] = known
        return known

    def markets(self, tenant: str) -> list[MarketRow]:
        """Read the definitions of all markets of a tenant."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._settings.markets_table,
            KeyConditionExpression="pk = :tenant AND begins_with(sk, :markets)",
            ExpressionAttributeValues={
                ":tenant": {"S": str(TenantId.parse(tenant))},
                ":markets": {"S": keys.MARKET_PREFIX},
            },
            ConsistentRead=True,
        )
        return [from_attributes(MarketRow, item) for page in pages for item in page["Items"]]

    def candles(
        self, tenant: str, market: str, interval: str, first_ms: int, end_ms: int
    ) -> Sequence[Candle]:
        """Read ended candles that begin in a range without its end, the oldest first."""
        return self._data.candles(TenantId.parse(tenant), market, interval, first_ms, end_ms)

    def trades(self, tenant: str, market: str, limit: int) -> list[TradeRow]:
        """Read the last public trades, newest first."""
        partition = keys.market_data(TenantId.parse(tenant), market)
        return self._newest(TradeRow, self._settings.trades_table, partition, limit)

    def fills(self, account: str, limit: int) -> list[FillRow]:
        """Read an account's last fills, newest first."""
        partition = keys.account(AccountId.parse(account))
        return self._newest(FillRow, self._settings.fills_table, partition, limit)

    def _newest(self, row_type: type[_Row], table: str, partition: str, limit: int) -> list[_Row]:
        response = self._client.query(
            TableName=table,
            KeyConditionExpression="pk = :partition",
            ExpressionAttributeValues={":partition": {"S": partition}},
            ScanIndexForward=False,
            ConsistentRead=True,
            Limit=limit,
        )
        return [from_attributes(row_type, item) for item in response["Items"]]

    def open_orders(self, account: str, limit: int) -> list[OrderRow]:
        """Read an account's open orders, newest first."""
        page = self._orders.newest(AccountId.parse(account), None, OPEN_WORDS, None, limit)
        return list(page.items)

    def balances(self, account: str) -> list[BalanceRow]:
        """Read an account's balances."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._settings.balances_table,
            KeyConditionExpression="pk = :account",
            ExpressionAttributeValues={":account": {"S": keys.account(AccountId.parse(account))}},
            ConsistentRead=True,
        )
        return [from_attributes(BalanceRow, item) for page in pages for item in page["Items"]]

    def _definition(self, row_type: type[_Row], tenant: str, sort: str) -> _Row | None:
        key = row_key(str(TenantId.parse(tenant)), sort)
        return self._read(row_type, self._settings.markets_table, key)

    def _read(self, row_type: type[_Row], table: str, key: Attributes) -> _Row | None:
        response = self._client.get_item(TableName=table, Key=key, ConsistentRead=True)
        item = cast("Attributes | None", response.get("Item"))
        return None if item is None else from_attributes(row_type, item)
