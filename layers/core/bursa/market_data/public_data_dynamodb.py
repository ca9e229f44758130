"""The read models of public market data: books and trades.

Beside the definitions of markets, in a module of its own: whoever only needs those, as the trading
API does, does not load what unpacks books.
"""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from bursa.aws.failures import unavailable
from bursa.kernel import keys
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import TenantId
from bursa.kernel.pages import Page
from bursa.read_models.book_parts import BookTorn
from bursa.read_models.book_table_dynamodb import BookTable
from bursa.read_models.rows import BookRow, TradeRow, from_attributes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class MarketDataTables:
    """Books and public trades."""

    def __init__(self, client: "DynamoDBClient", markets_table: str, trades_table: str) -> None:
        self._client = client
        self._books = BookTable(client, markets_table, consistent=False)
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


def _reading() -> AbstractContextManager[None]:
    return unavailable("read_models_unavailable", "Ask again in a moment.")
