"""What is taken away when a tenant is deleted: the ways in, who its users were, and its keys.

Journal and read models stay: they name accounts by number, and the law wants them for years. The
profile stays too, so that the number is never given again.
"""

from typing import TYPE_CHECKING, NamedTuple, Protocol

from bursa.aws.failures import unavailable
from bursa.kernel import keys
from bursa.kernel.identifiers import TenantId
from bursa.tenants.life import TenantRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


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


class TenantRemoval:
    """Takes a tenant's ways in out of the directory, after its users and its keys."""

    def __init__(self, client: "DynamoDBClient", table: str, owned: Owned) -> None:
        self._client = client
        self._table = table
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
            for subject in list(self._users(tenant)):
                self._delete(str(tenant), subject)
            for host in self._hosts(tenant):
                self._delete_entry(keys.host(host), keys.TENANT, tenant)
            self._delete_entry(keys.issuer(record.issuer), keys.TENANT, tenant)
            self._delete_entry(keys.DEPLOYMENT, keys.tenant_name(record.name), tenant)

    def _users(self, tenant: TenantId) -> "Iterator[str]":
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :tenant AND begins_with(sk, :user)",
            ExpressionAttributeValues={
                ":tenant": {"S": str(tenant)},
                ":user": {"S": keys.USER_PREFIX},
            },
            ProjectionExpression="sk",
        )
        for page in pages:
            yield from (item["sk"]["S"] for item in page["Items"])

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
