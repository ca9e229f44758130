"""The read models of public market data: books, trades and candles.

Beside the definitions of markets, in a module of its own: whoever only needs those, as the trading
API does, does not load what unpacks books.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from bursa.aws.failures import unavailable
from bursa.kernel import keys
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import TenantId
from bursa.kernel.pages import Page
from bursa.read_models.book_format import CandleRow, unpack_candle
from bursa.read_models.book_parts import BookTorn
from bursa.read_models.book_table_dynamodb import BookTable
from bursa.read_models.candles import Candle
from bursa.read_models.rows import BookRow, TradeRow, from_attributes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


# Keys of candles sort below it, as they begin with a digit.
_END = "~"


class MarketDataTables:
    """Books, public trades and candles."""

    def __init__(self, client: "DynamoDBClient", markets_table: str, trades_table: str) -> None:
        self._client = client
        self._books = BookTable(client, markets_table, consistent=False)
        self._newest_books = BookTable(client, markets_table, consistent=True)
        self._trades_table = trades_table

    def book(self, tenant: TenantId, market: str, depth: int) -> BookRow | None:
        """Read a market's book, ``depth`` levels of it at least; None before its first command."""
        with _reading():
            try:
                return self._books.best(str(tenant), market, depth)
            except BookTorn:
                raise Unavailable("read_models_unavailable", "Ask again in a moment.") from None

    def newest_trades(
        self, tenant: TenantId, market: str, *, before: str | None, limit: int
    ) -> Page[TradeRow]:
        """List public trades, newest first."""
        partition = keys.market_data(tenant, market)
        start: dict[str, Any] = {}
        if before is not None:
            start = {"ExclusiveStartKey": {"pk": {"S": partition}, "sk": {"S": before}}}
        with _reading():
            response = self._client.query(
                TableName=self._trades_table,
                KeyConditionExpression="pk = :market",
                ExpressionAttributeValues={":market": {"S": partition}},
                ScanIndexForward=False,
                Limit=limit,
                **start,
            )
        items = response["Items"]
        more = "LastEvaluatedKey" in response
        return Page(
            [from_attributes(TradeRow, item) for item in items],
            items[-1]["sk"]["S"] if more and items else None,
        )

    def trades_from(
        self, tenant: TenantId, market: str, first: int, limit: int
    ) -> Sequence[TradeRow]:
        """List public trades from an id on, the oldest first."""
        with _reading():
            response = self._client.query(
                TableName=self._trades_table,
                KeyConditionExpression="pk = :market AND sk >= :first",
                ExpressionAttributeValues={
                    ":market": {"S": keys.market_data(tenant, market)},
                    ":first": {"S": keys.trade(first)},
                },
                Limit=limit,
            )
        return [from_attributes(TradeRow, item) for item in response["Items"]]

    # --- candles; all reads are consistent, so that none is missing that was there before a book -

    def newest_book(self, tenant: TenantId, market: str) -> BookRow | None:
        """Read a market's book, with its best level at least; None before its first command."""
        with _reading():
            return self._newest_books.best(str(tenant), market, 1)

    def candles(
        self, tenant: TenantId, market: str, interval: str, first_ms: int, end_ms: int
    ) -> Sequence[Candle]:
        """Read ended candles that begin in a range without its end, the oldest first."""
        partition = keys.candles(tenant, market, interval)
        found: list[Candle] = []
        start: dict[str, Any] = {}
        while True:
            with _reading():
                response = self._client.query(
                    TableName=self._trades_table,
                    KeyConditionExpression="pk = :candles AND sk BETWEEN :first AND :last",
                    ExpressionAttributeValues={
                        ":candles": {"S": partition},
                        ":first": {"S": keys.candle(first_ms)},
                        ":last": {"S": keys.candle(end_ms - 1)},
                    },
                    ConsistentRead=True,
                    **start,
                )
            found += map(_candle, response["Items"])
            if "LastEvaluatedKey" not in response:
                return found
            start = {"ExclusiveStartKey": response["LastEvaluatedKey"]}

    def candle_before(
        self, tenant: TenantId, market: str, interval: str, time_ms: int
    ) -> Candle | None:
        """Read the last ended candle that begins before a time."""
        partition = keys.candles(tenant, market, interval)
        return self._one_candle(partition, keys.candle(time_ms), forward=False)

    def first_candle(self, tenant: TenantId, market: str, interval: str) -> Candle | None:
        """Read the first ended candle of a market."""
        partition = keys.candles(tenant, market, interval)
        return self._one_candle(partition, _END, forward=True)

    def _one_candle(self, partition: str, before: str, *, forward: bool) -> Candle | None:
        with _reading():
            response = self._client.query(
                TableName=self._trades_table,
                KeyConditionExpression="pk = :candles AND sk < :before",
                ExpressionAttributeValues={":candles": {"S": partition}, ":before": {"S": before}},
                ScanIndexForward=forward,
                Limit=1,
                ConsistentRead=True,
            )
        return next(map(_candle, response["Items"]), None)


def _candle(item: dict[str, Any]) -> Candle:
    return unpack_candle(from_attributes(CandleRow, item).candle)


def _reading() -> AbstractContextManager[None]:
    return unavailable("read_models_unavailable", "Ask again in a moment.")
