"""Everything the tables hold of one tenant, as plain values, partition by partition.

No table is scanned: a tenant's accounts and markets name all of its partitions.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from bursa.accounts.sub_accounts_dynamodb import seats_from
from bursa.aws.failures import unavailable
from bursa.kernel import keys
from bursa.kernel.identifiers import AccountId, TenantId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Row = Mapping[str, Any]
# No secret of a second factor has these attributes, so that a role may be allowed them alone.
_EVENT_NAMES = ("pk", "sk", "kind", "account", "user", "at_ms", "address", "about")
_EVENT_ALONE = {
    "ProjectionExpression": ", ".join(f"#{name}" for name in _EVENT_NAMES),
    "ExpressionAttributeNames": {f"#{name}": name for name in _EVENT_NAMES},
}


class ExportTables(NamedTuple):
    """Names of the tables that hold data of tenants for good."""

    directory: str
    markets: str
    trades: str
    orders: str
    fills: str
    balances: str
    identity: str
    notices: str


class TenantTables:
    """One deployment's tables, read by tenant."""

    def __init__(self, client: "DynamoDBClient", tables: ExportTables) -> None:
        self._client = client
        self._tables = tables

    def parts(self, tenant: TenantId) -> Iterator[tuple[str, Iterator[Row]]]:
        """Yield the name of each part of an export, and its rows.

        A row has its keys ``pk`` and ``sk``; numbers are ints, bytes are base64. Raises
        `Unavailable` ``tables_unavailable``.
        """
        directory = list(self._partition(self._tables.directory, str(tenant)))
        yield "directory", iter(directory)
        definitions = list(self._partition(self._tables.markets, str(tenant)))
        yield "markets", iter(definitions)
        symbols = [
            row["sk"].removeprefix(keys.MARKET_PREFIX)
            for row in definitions
            if row["sk"].startswith(keys.MARKET_PREFIX)
        ]
        yield (
            "trades",
            (
                row
                for symbol in symbols
                for row in self._partition(self._tables.trades, keys.market_data(tenant, symbol))
            ),
        )
        accounts = [str(tenant.fee_account)]
        accounts += _main_accounts(directory)
        accounts += [
            str(one.account)
            for row in directory
            if row["sk"].startswith(keys.SUB_ACCOUNTS_PREFIX)
            for one in seats_from(_owner(tenant, row["sk"]), row["seats"])
        ]
        for part in ("orders", "fills", "balances"):
            yield part, self._of_accounts(getattr(self._tables, part), accounts)
        yield "transfers", self._of_accounts(self._tables.fills, accounts, keys.transfers)
        yield "settings", self._of_accounts(self._tables.balances, accounts, keys.account_settings)
        yield "traded", self._of_accounts(self._tables.balances, accounts, keys.traded)
        yield "notices", self._of_accounts(self._tables.notices, _main_accounts(directory))
        yield "security_events", self._security_events(tenant, directory)

    def _security_events(self, tenant: TenantId, directory: list[dict[str, Any]]) -> Iterator[Row]:
        """Yield what happened to users' security, and nothing else that lies beside it."""
        for row in directory:
            if row["sk"].startswith(keys.USER_PREFIX):
                partition = keys.user_records(tenant, row["sk"].removeprefix(keys.USER_PREFIX))
                yield from self._partition(
                    self._tables.identity, partition, keys.SECURITY_EVENT_PREFIX, **_EVENT_ALONE
                )

    def _of_accounts(
        self, table: str, accounts: list[str], partition_of: Callable[[str], str] = str
    ) -> Iterator[Row]:
        for account in sorted(accounts, key=lambda one: AccountId.parse(one).index):
            yield from self._partition(table, partition_of(account))

    def _partition(
        self,
        table: str,
        partition: str,
        prefix: str = "",
        **only: Any,  # noqa: ANN401 - of the query
    ) -> Iterator[dict[str, Any]]:
        condition, values = "pk = :partition", {":partition": {"S": partition}}
        if prefix:
            condition += " AND begins_with(sk, :prefix)"
            values[":prefix"] = {"S": prefix}
        start: dict[str, Any] = {}
        while True:
            with unavailable("tables_unavailable", "Export again; nothing was changed."):
                response = self._client.query(
                    TableName=table,
                    KeyConditionExpression=condition,
                    ExpressionAttributeValues=values,
                    ConsistentRead=True,
                    **only,
                    **start,
                )
            yield from (plain_row(item) for item in response["Items"])
            if "LastEvaluatedKey" not in response:
                return
            start = {"ExclusiveStartKey": response["LastEvaluatedKey"]}


def _main_accounts(directory: list[dict[str, Any]]) -> list[str]:
    return [row["account"] for row in directory if row["sk"].startswith(keys.USER_PREFIX)]


def _owner(tenant: TenantId, sort: str) -> AccountId:
    return AccountId(tenant, int(sort.removeprefix(keys.SUB_ACCOUNTS_PREFIX)))


def plain_row(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored item as values that JSON has."""
    return {name: _plain(value) for name, value in item.items()}


def _plain(value: Mapping[str, Any]) -> Any:  # noqa: ANN401 - what a table may hold
    ((kind, content),) = value.items()
    if kind == "N":
        return int(content)
    if kind == "B":
        return b64encode(bytes(content)).decode()
    if kind == "SS":
        return sorted(content)
    if kind == "L":
        return [_plain(one) for one in content]
    if kind == "M":
        return plain_row(content)
    return content
