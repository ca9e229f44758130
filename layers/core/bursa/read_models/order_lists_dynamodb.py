"""Lists of an account's orders by status, in one market or in all, newest first.

Closed orders are in the indexes of the table, where each status has a partition of its own, sorted
by age; an index follows its table within milliseconds. Open orders are not: their names are in a
partition of the table, and each order that is named is then read from its own row. Both reads are
consistent, so a list holds every open order up to the progress that was read before it, and none
that is closed, whatever became of its name.

What a list excludes is never read, but for names: a page looks through a thousand at most, and ends
early where few of those are asked for.
"""

from collections.abc import Collection, Iterator, Sequence
from heapq import merge
from typing import TYPE_CHECKING, Any, NamedTuple

from bursa.kernel import keys
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import AccountId
from bursa.kernel.pages import Page
from bursa.read_models.rows import (
    OPEN_WORDS,
    OrderRow,
    from_attributes,
    row_key,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ROWS_PER_QUERY_MIN = 20
# Some 100 bytes each, so that they are 25 read units.
_NAMES_PER_PAGE_MAX = 1_000
# DynamoDB's own bound on a BatchGetItem.
_KEYS_PER_READ_MAX = 100
_READ_ATTEMPTS = 3


class _Listed(NamedTuple):
    """The next order of a list; the row is None where the page has to end before the list does."""

    order_id: int
    row: OrderRow | None


class OrderLists:
    """The orders' table by status. AWS's errors are raised as they are."""

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

        A page may be short although there are more: its position says whether it is the last.
        Reads at most two and a half times the rows of a full page; of open orders each once.
        """
        closed = [status for status in statuses if status not in OPEN_WORDS]
        size = max(_ROWS_PER_QUERY_MIN, -(-(limit + 1) // max(1, len(closed))))
        lists = [self._closed(account, market, status, before, size) for status in closed]
        if len(closed) < len(statuses):
            lists.append(self._open(account, market, statuses, before, limit))
        found: list[OrderRow] = []
        for order_id, row in merge(*lists, key=lambda listed: listed.order_id, reverse=True):
            if row is None:
                return Page(found, keys.order(order_id))
            if found and found[-1].order_id == order_id:
                continue  # it was closed while the lists were read
            if len(found) == limit:
                return Page(found, keys.order(found[-1].order_id))
            found.append(row)
        return Page(found)

    def _closed(
        self, account: AccountId, market: str | None, status: str, before: str | None, size: int
    ) -> Iterator[_Listed]:
        """Yield the closed orders of one status, read as they are asked for."""
        owner = keys.account(account)
        index, column = keys.ORDERS_BY_STATE, keys.ACCOUNT_STATE
        partition = keys.account_state(owner, status)
        if market is not None:
            index, column = keys.ORDERS_BY_MARKET, keys.MARKET_STATE
            partition = keys.market_state(owner, market, status)
        request = self._request(column, partition, before, size) | {"IndexName": index}
        while True:
            response = self._client.query(**request)
            for item in response["Items"]:
                row = from_attributes(OrderRow, item)
                yield _Listed(row.order_id, row)
            if "LastEvaluatedKey" not in response:
                return
            request["ExclusiveStartKey"] = response["LastEvaluatedKey"]

    def _open(
        self,
        account: AccountId,
        market: str | None,
        statuses: Collection[str],
        before: str | None,
        limit: int,
    ) -> Iterator[_Listed]:
        """Yield the orders that are named as open and have one of the statuses."""
        partition = keys.open_orders(keys.account(account))
        wanted = sorted(OPEN_WORDS.intersection(statuses))
        size = min(limit + 1, _NAMES_PER_PAGE_MAX)
        request = self._request("pk", partition, before, size) | {"ConsistentRead": True}
        if market is not None or len(wanted) < len(OPEN_WORDS):
            request |= _filter(request["ExpressionAttributeValues"], market, wanted)
            request["Limit"] = _NAMES_PER_PAGE_MAX
        looked_at = read = 0
        while True:
            response = self._client.query(**request)
            order_ids = [int(name["order_id"]["N"]) for name in response["Items"]]
            while order_ids:
                # Once there are enough for the page, one more tells whether there is another.
                at_once = min(_KEYS_PER_READ_MAX, max(1, limit - read))
                some, order_ids = order_ids[:at_once], order_ids[at_once:]
                rows = self._rows(account, some)
                read += len(some)
                for order_id in some:
                    row = rows.get(order_id)
                    if row is not None and row.status in statuses:
                        yield _Listed(order_id, row)
            last = response.get("LastEvaluatedKey")
            if last is None:
                return
            looked_at += request["Limit"]
            if looked_at >= _NAMES_PER_PAGE_MAX:
                yield _Listed(int(last["sk"]["S"].removeprefix(keys.ORDER_PREFIX)), None)
                return
            request["ExclusiveStartKey"] = last

    def _request(
        self, column: str, partition: str, before: str | None, size: int
    ) -> dict[str, Any]:
        request: dict[str, Any] = {
            "TableName": self._table,
            "ScanIndexForward": False,
            "KeyConditionExpression": f"{column} = :partition",
            "ExpressionAttributeValues": {":partition": {"S": partition}},
            "Limit": size,
        }
        if before is not None:
            request["KeyConditionExpression"] += " AND sk < :before"
            request["ExpressionAttributeValues"][":before"] = {"S": before}
        return request

    def _rows(self, account: AccountId, order_ids: Sequence[int]) -> dict[int, OrderRow]:
        """Read orders consistently; raises `Unavailable` when some stay unread."""
        owner = keys.account(account)
        wanted: Any = {
            "Keys": [row_key(owner, keys.order(order_id)) for order_id in order_ids],
            "ConsistentRead": True,
        }
        rows: dict[int, OrderRow] = {}
        for _ in range(_READ_ATTEMPTS):
            response = self._client.batch_get_item(RequestItems={self._table: wanted})
            for item in response["Responses"].get(self._table, ()):
                row = from_attributes(OrderRow, item)
                rows[row.order_id] = row
            wanted = response.get("UnprocessedKeys", {}).get(self._table)
            if not wanted:
                return rows
        raise Unavailable("read_models_unavailable", "Ask again in a moment.")


def _filter(
    values: dict[str, dict[str, str]], market: str | None, statuses: Sequence[str]
) -> dict[str, Any]:
    """Return the filter on names, and add its values to those of the query."""
    values |= {f":status{position}": {"S": status} for position, status in enumerate(statuses)}
    matches = [f"#status IN ({', '.join(f':status{n}' for n in range(len(statuses)))})"]
    names = {"#status": "status"}
    if market is not None:
        values[":market"] = {"S": market}
        names["#market"] = "market"
        matches.append("#market = :market")
    return {"FilterExpression": " AND ".join(matches), "ExpressionAttributeNames": names}
