"""What is taken away when a tenant is deleted: the ways in, who its users were, and its keys.

Of each user goes what is noted of sessions and security, its API keys and second factor, and what
it was told; the row of the directory that leads there goes last, so that a removal which broke off
finds it again. docs/onboarding.md lists every kind of row, and a test holds both to it.

Journal and read models stay: they name accounts by number, and the law wants them for years. The
profile stays too, so that the number is never given again.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from bursa.accounts.sub_accounts_dynamodb import seats_from
from bursa.aws.failures import unavailable
from bursa.kernel import keys
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.life import TenantRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    _Row = Mapping[str, Any]

_AT_ONCE: Final = 8


class UserPools(Protocol):
    """The user pools of tenants."""

    def remove(self, issuer: str) -> None:
        """Delete the users of an issuer, and its pool if a tenant's opening made it."""


class Stacks(Protocol):
    """The stacks of tenants."""

    def remove(self, tenant: TenantId) -> None:
        """Delete a tenant's stacks."""


class Keys(Protocol):
    """The keys of tenants."""

    def schedule_deletion(self, tenant: TenantId) -> None:
        """Have a tenant's keys deleted in thirty days."""


class Owned(NamedTuple):
    """What tenants have of their own in AWS."""

    pools: UserPools
    keys: Keys
    stacks: Stacks


class RemovalTables(NamedTuple):
    """Names of the tables that are about users themselves."""

    directory: str
    identity: str
    notices: str


class TenantRemoval:
    """Takes a tenant's ways in out of the directory, after its users and its keys."""

    def __init__(self, client: "DynamoDBClient", tables: RemovalTables, owned: Owned) -> None:
        self._client = client
        self._tables = tables
        self._table = tables.directory
        self._owned = owned

    def remove(self, record: TenantRecord) -> None:
        """Delete the tenant's users, keys, issuer, name and host names; safe to repeat.

        Raises `Unavailable` ``removal_unfinished``.
        """
        tenant = TenantId.parse(record.tenant)
        with unavailable("removal_unfinished", "Delete the tenant again; it goes on from there."):
            self._owned.pools.remove(record.issuer)
            # Before the stack takes their aliases away.
            self._owned.keys.schedule_deletion(tenant)
            self._owned.stacks.remove(tenant)
            self._remove_each(tenant, keys.SUB_ACCOUNTS_PREFIX, self._remove_sub_accounts)
            self._remove_each(tenant, keys.USER_PREFIX, self._remove_user)
            for host in self._hosts(tenant):
                self._delete_entry(keys.host(host), keys.TENANT, tenant)
            self._delete_entry(keys.issuer(record.issuer), keys.TENANT, tenant)
            self._delete_entry(keys.DEPLOYMENT, keys.tenant_name(record.name), tenant)

    def _remove_each(
        self, tenant: TenantId, prefix: str, remove: "Callable[[TenantId, _Row], None]"
    ) -> None:
        """Remove what leads to more, and then each itself; many at once, or it takes hours."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for page in self._pages(self._table, str(tenant), prefix, "sk, account, seats"):
                # Raises what the first of them raised.
                list(pool.map(lambda row: remove(tenant, row), page))

    def _remove_user(self, tenant: TenantId, row: "_Row") -> None:
        subject = row["sk"]["S"].removeprefix(keys.USER_PREFIX)
        self._empty(self._tables.identity, keys.user_records(tenant, subject))
        if "account" in row:
            self._empty(self._tables.identity, row["account"]["S"])
            self._empty(self._tables.notices, row["account"]["S"])
        self._delete(str(tenant), row["sk"]["S"])

    def _remove_sub_accounts(self, tenant: TenantId, row: "_Row") -> None:
        owner = AccountId(tenant, int(row["sk"]["S"].removeprefix(keys.SUB_ACCOUNTS_PREFIX)))
        for seat in seats_from(owner, row["seats"]["S"]):
            self._empty(self._tables.identity, str(seat.account))
        self._delete(str(tenant), row["sk"]["S"])

    def _empty(self, table: str, partition: str) -> None:
        for page in self._pages(table, partition, "", "sk"):
            for row in page:
                self._client.delete_item(TableName=table, Key=_key(partition, row["sk"]["S"]))

    def _pages(
        self, table: str, partition: str, prefix: str, names: str
    ) -> "Iterator[Sequence[_Row]]":
        condition, values = "pk = :partition", {":partition": {"S": partition}}
        if prefix:
            condition += " AND begins_with(sk, :prefix)"
            values[":prefix"] = {"S": prefix}
        pages = self._client.get_paginator("query").paginate(
            TableName=table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ProjectionExpression=names,
        )
        for page in pages:
            yield page["Items"]

    def _hosts(self, tenant: TenantId) -> list[str]:
        row = self._client.get_item(
            TableName=self._table,
            Key=_key(str(tenant), keys.PROFILE),
            ProjectionExpression="hosts",
            ConsistentRead=True,
        )
        return sorted(row.get("Item", {}).get("hosts", {}).get("SS", []))

    def _delete(self, partition: str, sort: str) -> None:
        self._client.delete_item(TableName=self._table, Key=_key(partition, sort))

    def _delete_entry(self, partition: str, sort: str, tenant: TenantId) -> None:
        """Delete what leads to a tenant, unless it leads to another by now."""
        try:
            self._client.delete_item(
                TableName=self._table,
                Key=_key(partition, sort),
                ConditionExpression="attribute_not_exists(pk) OR tenant = :tenant",
                ExpressionAttributeValues={":tenant": {"S": str(tenant)}},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return


def _key(partition: str, sort: str) -> "dict[str, AttributeValueTypeDef]":
    return {"pk": {"S": partition}, "sk": {"S": sort}}
