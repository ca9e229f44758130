"""Lists of an account's orders by status, in one market or in all, from the indexes of the table.

Each status has a partition of its own, sorted by age. So what a list excludes is never read: a list
of one status is one partition, and a list of several is merged from as many, newest first.
"""

from collections.abc import Collection, Iterator
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any

from bursa.kernel import keys
from bursa.kernel.identifiers import AccountId
from bursa.kernel.pages import Page
from bursa.read_models.rows import OrderRow, from_attributes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ROWS_PER_QUERY_MIN = 20


class OrderIndex:
    """The indexes of the orders' table. AWS's errors are raised as they are."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def newest(
        self,
        account: AccountId,
        market: str | None,
        statuses: Collection[str],
        before: str | None,
        limit: int,
    ) -> Page[OrderRow]:
        """List orders of some statuses, newest first, from before a position on.

        Reads at most two and a half times the rows of a full page.
        """
        size = max(_ROWS_PER_QUERY_MIN, -(-(limit + 1) // len(statuses)))
        lists = [self._orders(account, market, status, before, size) for status in statuses]
        rows = merge(*lists, key=lambda row: row.order_id, reverse=True)
        found = list(islice(rows, limit + 1))
        if len(found) <= limit:
            return Page(found)
        return Page(found[:limit], keys.order(found[limit - 1].order_id))

    def _orders(
        self, account: AccountId, market: str | None, status: str, before: str | None, size: int
    ) -> Iterator[OrderRow]:
        """Yield the orders of one status, read as they are asked for."""
        owner = keys.account(account)
        index, column = keys.ORDERS_BY_STATE, keys.ACCOUNT_STATE
        partition = keys.account_state(owner, status)
        if market is not None:
            index, column = keys.ORDERS_BY_MARKET, keys.MARKET_STATE
            partition = keys.market_state(owner, market, status)
        request: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": index,
            "ScanIndexForward": False,
            "KeyConditionExpression": f"{column} = :partition",
            "ExpressionAttributeValues": {":partition": {"S": partition}},
            "Limit": size,
        }
        if before is not None:
            request["KeyConditionExpression"] += " AND sk < :before"
            request["ExpressionAttributeValues"][":before"] = {"S": before}
        while True:
            response = self._client.query(**request)
            for item in response["Items"]:
                yield from_attributes(OrderRow, item)
            if "LastEvaluatedKey" not in response:
                return
            request["ExclusiveStartKey"] = response["LastEvaluatedKey"]
