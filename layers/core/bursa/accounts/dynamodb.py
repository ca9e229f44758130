"""The read models of an account, as the API reads them: orders, fills, balances, settings.

Every read is within one account's partition, which begins with the tenant.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

from bursa.accounts.time_search import DatedRow, first_number_at
from bursa.aws.failures import unavailable
from bursa.kernel import keys
from bursa.kernel.amounts import Lots
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import AccountId
from bursa.kernel.pages import Page
from bursa.read_models.account_rows import AccountRow
from bursa.read_models.order_lists_dynamodb import OrderLists
from bursa.read_models.rows import (
    OPEN_WORDS,
    AnyRow,
    BalanceRow,
    ClientOrderRow,
    FillRow,
    OrderRow,
    from_attributes,
)
from bursa.read_models.transfer_rows import TransferRow
from wire import layout as w

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Of the fills of one command, so many are read at first, and then four times as many each time.
_FIRST_FILLS_READ = 25

# A BatchGetItem's bound.
_OPEN_READ_AT_ONCE = 100

_ALL_STATUSES = tuple(w.STATUS_NAMES.values())

_Row = TypeVar("_Row", bound=AnyRow)
_Item = Mapping[str, Mapping[str, Any]]


class OrdersTable:
    """Orders of an account, and the orders that its client order ids name."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._lists = OrderLists(client, table)

    def get(self, account: AccountId, order_id: int) -> OrderRow | None:
        """Read one order; None when the account has none of that id."""
        item = self._item(account, keys.order(order_id))
        return None if item is None else from_attributes(OrderRow, item)

    def of_list(self, account: AccountId, list_id: int) -> Sequence[OrderRow]:
        """Read the orders of a list: their ids are in a row, and the last is the list's."""
        first = max(0, list_id - w.STAGED_MAX)
        with _reading():
            response = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :account AND sk BETWEEN :first AND :last",
                ExpressionAttributeValues={
                    ":account": {"S": keys.account(account)},
                    ":first": {"S": keys.order(first)},
                    ":last": {"S": keys.order(list_id)},
                },
                ConsistentRead=True,
            )
        rows = [from_attributes(OrderRow, item) for item in response["Items"]]
        return [row for row in rows if list_id and row.list_id == list_id]

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
        before: str | None,
        limit: int,
        latest: bool = False,
    ) -> Page[OrderRow]:
        """List orders that match, newest first, and read no others."""
        if market is not None or statuses is not None:
            with _reading():
                return self._lists.newest(account, market, statuses or _ALL_STATUSES, before, limit)
        request = self._all(account) | {"ConsistentRead": latest}
        start = None if before is None else _key(account, before)
        return _page(self._client, request, start, OrderRow, limit)

    def position_at(self, account: AccountId, time_ms: int) -> str | None:
        """Find the position before which all orders were placed before a time; None: all were."""

        def dated(row: OrderRow | None) -> DatedRow | None:
            return None if row is None else DatedRow(row.order_id, row.created_at_ms)

        def newest_below(order_id: int | None) -> DatedRow | None:
            start = None if order_id is None else _key(account, keys.order(order_id))
            page = _page(self._client, self._all(account), start, OrderRow, 1)
            return dated(next(iter(page.items), None))

        def oldest() -> DatedRow | None:
            return dated(_oldest(self._client, self._all(account), OrderRow))

        found = first_number_at(time_ms, newest_below, oldest)
        return None if found is None else keys.order(found)

    def _all(self, account: AccountId) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :account AND begins_with(sk, :orders)",
            "ExpressionAttributeValues": {
                ":account": {"S": keys.account(account)},
                ":orders": {"S": keys.ORDER_PREFIX},
            },
        }

    def open(self, account: AccountId) -> Iterator[OrderRow]:
        """Yield all orders of an account that are open, the newest first."""
        before: str | None = None
        while True:
            page = self.newest(
                account, market=None, statuses=OPEN_WORDS, before=before, limit=_OPEN_READ_AT_ONCE
            )
            yield from page.items
            before = page.next_position
            if before is None:
                return

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
        self,
        account: AccountId,
        *,
        market: str | None,
        before: str | None,
        limit: int,
        latest: bool = False,
    ) -> Page[FillRow]:
        """List fills, newest first; those of a market come from an index of their own."""
        # An index can't be read consistently.
        request = self._all(account) | {"ConsistentRead": latest and market is None}
        start = None if before is None else _key(account, before)
        if market is not None:
            partition = {"S": keys.account_market(keys.account(account), market)}
            request["IndexName"] = keys.FILLS_BY_MARKET
            request["KeyConditionExpression"] = f"{keys.MARKET_ACCOUNT} = :partition"
            request["ExpressionAttributeValues"] = {":partition": partition}
            start = start and start | {keys.MARKET_ACCOUNT: partition}
        return _page(self._client, request, start, FillRow, limit)

    def position_at(self, account: AccountId, time_ms: int) -> str | None:
        """Find the position before which all fills are from before a time; None: all are."""

        def dated(row: FillRow | None) -> DatedRow | None:
            return None if row is None else DatedRow(row.sequence, row.time_ms)

        def newest_below(sequence: int | None) -> DatedRow | None:
            start = None if sequence is None else _key(account, keys.fills_at(sequence))
            page = _page(self._client, self._all(account), start, FillRow, 1)
            return dated(next(iter(page.items), None))

        def oldest() -> DatedRow | None:
            return dated(_oldest(self._client, self._all(account), FillRow))

        found = first_number_at(time_ms, newest_below, oldest)
        return None if found is None else keys.fills_at(found)

    def _all(self, account: AccountId) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :partition",
            "ExpressionAttributeValues": {":partition": {"S": keys.account(account)}},
        }

    def at_placement(
        self, account: AccountId, order_id: int, filled: Lots, most: int
    ) -> Sequence[FillRow]:
        """Return what an order traded when it was placed, in order of the trades.

        They are at the sequence that is its id, with what else the account traded there: a stop
        that was triggered, say. Reads little more of it than is returned, and twice as many rows as
        may be returned at most.

        Parameters
        ----------
        filled
            How much of the order has been filled until now.
        most
            How many to return at most.

        """
        if not filled:
            return []
        return _first_fills(self._at_sequence(account, order_id, most), order_id, filled, most)

    def _at_sequence(self, account: AccountId, sequence: int, most: int) -> Iterator[FillRow]:
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :account AND begins_with(sk, :sequence)",
            "ExpressionAttributeValues": {
                ":account": {"S": keys.account(account)},
                ":sequence": {"S": keys.fills_at(sequence)},
            },
        }
        for size in _sizes_of_pages(most):
            with _reading():
                response = self._client.query(**request, Limit=size)
            for item in response["Items"]:
                yield from_attributes(FillRow, item)
            if "LastEvaluatedKey" not in response:
                return
            request["ExclusiveStartKey"] = response["LastEvaluatedKey"]


def _sizes_of_pages(most: int) -> Iterator[int]:
    """Yield sizes that add up to ``most``, and ``most`` again."""
    size, left = _FIRST_FILLS_READ, most
    while left:
        yield min(size, left)
        left -= min(size, left)
        size *= 4
    if most:
        yield most


def _first_fills(
    rows: Iterable[FillRow], order_id: int, filled: int, most: int
) -> Sequence[FillRow]:
    """Return an order's fills as a taker, which follow each other among an account's rows."""
    found: list[FillRow] = []
    others = 0
    for row in rows:
        others += 1
        if row.order_id == order_id and row.role == "taker":
            found.append(row)
            filled -= row.quantity
            others = 0
        # Before each may be its other side, where the account traded with itself.
        if filled <= 0 or len(found) == most or (found and others > 1):
            break
    return found


class TransfersTable:
    """What came into an account and went out of it other than by trades; in the table of fills."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def newest(self, account: AccountId, *, before: str | None, limit: int) -> Page[TransferRow]:
        """List transfers, newest first."""
        partition = {"S": keys.transfers(keys.account(account))}
        request: dict[str, Any] = {
            "TableName": self._table,
            "ConsistentRead": True,
            "KeyConditionExpression": "pk = :partition",
            "ExpressionAttributeValues": {":partition": partition},
        }
        start = None if before is None else {"pk": partition, "sk": {"S": before}}
        return _page(self._client, request, start, TransferRow, limit)


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


class AccountSettings:
    """The settings of accounts; in the table of balances."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def settings(self, account: AccountId) -> AccountRow | None:
        """Return them; None for an account whose settings nobody has set."""
        partition = keys.account_settings(keys.account(account))
        request = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :settings",
            "ExpressionAttributeValues": {":settings": {"S": partition}},
            "ConsistentRead": True,
        }
        found = [from_attributes(AccountRow, item) for item in _all_items(self._client, request)]
        return found[0] if found else None


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


def _key(account: AccountId, sort: str) -> dict[str, Any]:
    return {"pk": {"S": keys.account(account)}, "sk": {"S": sort}}


def _oldest(client: "DynamoDBClient", request: dict[str, Any], row_type: type[_Row]) -> _Row | None:
    """Read the first row; None where there is none."""
    with _reading():
        response = client.query(**request, Limit=1)
    items = response["Items"]
    return from_attributes(row_type, items[0]) if items else None


def _page(
    client: "DynamoDBClient",
    request: dict[str, Any],
    start: dict[str, Any] | None,
    row_type: type[_Row],
    limit: int,
) -> Page[_Row]:
    """Read one page, newest first; the position of its end is a sort key."""
    begin: dict[str, Any] = {} if start is None else {"ExclusiveStartKey": start}
    with _reading():
        response = client.query(**request, **begin, ScanIndexForward=False, Limit=limit)
    items = response["Items"]
    more = "LastEvaluatedKey" in response
    rows = [from_attributes(row_type, item) for item in items]
    return Page(rows, items[-1]["sk"]["S"] if more and items else None)
