"""Lists of an account's orders by status, in one market or in all, from the indexes of the table.

An index is sorted by status and then by age. So what a list excludes is never read: a list of one
status is one range of it, and a list of several is merged from as many ranges, newest first.
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
        highest = keys.ORDER_ID_MAX if before is None else keys.order_of(before) - 1
        size = max(_ROWS_PER_QUERY_MIN, -(-(limit + 1) // len(statuses)))
        ranges = [self._range(account, market, status, highest, size) for status in statuses]
        rows = merge(*ranges, key=lambda row: row.order_id, reverse=True)
        found = list(islice(rows, limit + 1))
        if len(found) <= limit:
            return Page(found)
        return Page(found[:limit], keys.order(found[limit - 1].order_id))

    def _range(
        self, account: AccountId, market: str | None, status: str, highest: int, size: int
    ) -> Iterator[OrderRow]:
        """Yield the orders of one status, read as they are asked for."""
        index, column, partition = keys.ORDERS_BY_STATE, "pk", keys.account(account)
        if market is not None:
            index, column = keys.ORDERS_BY_MARKET, keys.MARKET_ACCOUNT
            partition = keys.account_market(partition, market)
        request: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": index,
            "ScanIndexForward": False,
            "KeyConditionExpression": "#partition = :partition AND #state BETWEEN :low AND :high",
            "ExpressionAttributeNames": {"#partition": column, "#state": keys.STATE_ORDER},
            "ExpressionAttributeValues": {
                ":partition": {"S": partition},
                ":low": {"S": keys.state_order(status, 0)},
                ":high": {"S": keys.state_order(status, highest)},
            },
            "Limit": size,
        }
        while True:
            response = self._client.query(**request)
            for item in response["Items"]:
                yield from_attributes(OrderRow, item)
            if "LastEvaluatedKey" not in response:
                return
            request["ExclusiveStartKey"] = response["LastEvaluatedKey"]
