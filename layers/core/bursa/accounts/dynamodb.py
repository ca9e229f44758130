"""The read models of an account, as the API reads them: orders, fills, balances.

Every read is within one account's partition, which begins with the tenant.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from bursa.aws.failures import unavailable
from bursa.intake.outcomes import LISTED_MAX
from bursa.kernel import keys
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import AccountId
from bursa.kernel.pages import Page
from bursa.read_models.rows import (
    AnyRow,
    BalanceRow,
    ClientOrderRow,
    FillRow,
    OrderRow,
    from_attributes,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# A filtered list looks at this many rows at least, and gives up a page after this many queries:
# a short page with a cursor is better than a request that reads a whole history.
_ROWS_PER_QUERY_MIN = 100
_QUERIES_PER_PAGE_MAX = 10

_Row = TypeVar("_Row", bound=AnyRow)
_Item = Mapping[str, Mapping[str, Any]]


class OrdersTable:
    """Orders of an account, and the orders that its client order ids name."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def get(self, account: AccountId, order_id: int) -> OrderRow | None:
        """Read one order; None when the account has none of that id."""
        item = self._item(account, keys.order(order_id))
        return None if item is None else from_attributes(OrderRow, item)

    def by_client_ids(
        self, account: AccountId, client_order_ids: Collection[str], *, latest: bool
    ) -> Mapping[str, ClientOrderRow]:
        """Read what became of the newest orders under up to a hundred client order ids."""
        if not client_order_ids:
            return {}
        wanted: Any = {
            "Keys": [
                {"pk": {"S": keys.account(account)}, "sk": {"S": keys.client_order(one)}}
                for one in set(client_order_ids)
            ],
            "ConsistentRead": latest,
        }
        with _reading():
            response = self._client.batch_get_item(RequestItems={self._table: wanted})
        if response.get("UnprocessedKeys"):
            raise Unavailable("read_models_unavailable", "Ask again in a moment.")
        rows = (
            from_attributes(ClientOrderRow, item) for item in response["Responses"][self._table]
        )
        return {row.client_order_id: row for row in rows}

    def newest(
        self,
        account: AccountId,
        *,
        market: str | None,
        statuses: Collection[str] | None,
        open_only: bool,
        before: str | None,
        limit: int,
    ) -> Page[OrderRow]:
        """List orders that match, newest first; open ones come from an index of their own."""
        partition = keys.account(account)
        request: dict[str, Any] = {"TableName": self._table, "ScanIndexForward": False}
        start: dict[str, Any] | None = None
        if before is not None:
            start = {"pk": {"S": partition}, "sk": {"S": before}}
        if open_only:
            request["IndexName"] = keys.OPEN_ORDERS_INDEX
            request["KeyConditionExpression"] = f"{keys.OPEN_ORDERS_KEY} = :account"
            request["ExpressionAttributeValues"] = {":account": {"S": partition}}
            if start is not None:
                start[keys.OPEN_ORDERS_KEY] = {"S": partition}
        else:
            request["KeyConditionExpression"] = "pk = :account AND begins_with(sk, :orders)"
            request["ExpressionAttributeValues"] = {
                ":account": {"S": partition},
                ":orders": {"S": keys.ORDER_PREFIX},
            }

        def matches(row: OrderRow) -> bool:
            return (market is None or row.market == market) and (
                statuses is None or row.status in statuses
            )

        filtered = market is not None or statuses is not None
        return _collect(
            self._client, request, start, OrderRow, matches, limit=limit, filtered=filtered
        )

    def _item(self, account: AccountId, sort: str) -> _Item | None:
        with _reading():
            response = self._client.get_item(
                TableName=self._table,
                Key={"pk": {"S": keys.account(account)}, "sk": {"S": sort}},
                ConsistentRead=True,
            )
        return response.get("Item")


class FillsTable:
    """An account's sides of trades."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def newest(
        self, account: AccountId, *, market: str | None, before: str | None, limit: int
    ) -> Page[FillRow]:
        """List fills, newest first."""
        partition = keys.account(account)
        request = {
            "TableName": self._table,
            "ScanIndexForward": False,
            "KeyConditionExpression": "pk = :account",
            "ExpressionAttributeValues": {":account": {"S": partition}},
        }
        start = None if before is None else {"pk": {"S": partition}, "sk": {"S": before}}

        def matches(row: FillRow) -> bool:
            return market is None or row.market == market

        return _collect(
            self._client,
            request,
            start,
            FillRow,
            matches,
            limit=limit,
            filtered=market is not None,
        )

    def at_placement(self, account: AccountId, order_id: int) -> Sequence[FillRow]:
        """Return what an order traded when it was placed: at the sequence that is its id.

        No more than a reply lists.
        """
        request = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :account AND begins_with(sk, :sequence)",
            "ExpressionAttributeValues": {
                ":account": {"S": keys.account(account)},
                ":sequence": {"S": keys.fills_at(order_id)},
            },
        }
        rows = (from_attributes(FillRow, item) for item in _all_items(self._client, request))
        taken = (row for row in rows if row.order_id == order_id and row.role == "taker")
        return list(islice(taken, LISTED_MAX))


class BalancesTable:
    """Balances of an account."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def all(self, account: AccountId) -> Sequence[BalanceRow]:
        """List balances by asset."""
        request = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :account",
            "ExpressionAttributeValues": {":account": {"S": keys.account(account)}},
            "ConsistentRead": True,
        }
        return [from_attributes(BalanceRow, item) for item in _all_items(self._client, request)]


def _reading() -> AbstractContextManager[None]:
    return unavailable("read_models_unavailable", "Ask again in a moment.")


def _all_items(client: "DynamoDBClient", request: dict[str, Any]) -> Iterator[_Item]:
    start: dict[str, Any] = {}
    while True:
        with _reading():
            response = client.query(**request, **start)
        yield from response["Items"]
        if "LastEvaluatedKey" not in response:
            return
        start = {"ExclusiveStartKey": response["LastEvaluatedKey"]}


def _collect(
    client: "DynamoDBClient",
    request: dict[str, Any],
    start: dict[str, Any] | None,
    row_type: type[_Row],
    matches: Callable[[_Row], bool],
    *,
    limit: int,
    filtered: bool,
) -> Page[_Row]:
    """Read until `limit` rows match; the position of a page's end is a sort key."""
    found: list[_Row] = []
    size = max(limit, _ROWS_PER_QUERY_MIN) if filtered else limit
    for _ in range(_QUERIES_PER_PAGE_MAX):
        begin: dict[str, Any] = {} if start is None else {"ExclusiveStartKey": start}
        with _reading():
            response = client.query(**request, **begin, Limit=size)
        items = response["Items"]
        for index, item in enumerate(items):
            row = from_attributes(row_type, item)
            if not matches(row):
                continue
            found.append(row)
            if len(found) == limit:
                more = index + 1 < len(items) or "LastEvaluatedKey" in response
                return Page(found, item["sk"]["S"] if more else None)
        start = response.get("LastEvaluatedKey")
        if start is None:
            return Page(found)
    return Page(found, start["sk"]["S"] if start else None)
