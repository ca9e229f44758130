"""WebSocket connections and their subscriptions in DynamoDB.

All connections of an account are in one partition, so that they can be counted and ended with one
query. All subscriptions of a tenant are in another, so that a feed learns with one query who
listens to what. Every row carries ``expires_at``, the table's time to live: what a lost disconnect
leaves behind goes by itself.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, cast

from bursa.aws.table_writer import TableWriter
from bursa.kernel import keys
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.read_models.rows import (
    Attributes,
    ConnectionRow,
    SubscriptionRow,
    from_attributes,
    to_attributes,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class ConnectionsTable:
    """The connections of a deployment."""

    def __init__(self, client: "DynamoDBClient", table: str, writer: TableWriter) -> None:
        self._client = client
        self._table = table
        self._writer = writer

    def open(self, connection: ConnectionRow) -> None:
        """Remember a connection."""
        key = _connection_key(connection.account, connection.connection_id)
        self._client.put_item(TableName=self._table, Item=to_attributes(connection) | key)

    def channels(self, account: str, connection_id: str) -> frozenset[str]:
        """Read what a connection listens to; nothing when it is unknown."""
        response = self._client.get_item(
            TableName=self._table, Key=_connection_key(account, connection_id), ConsistentRead=True
        )
        return _channels(cast("Attributes", response.get("Item", {})))

    def subscribe(self, connection: ConnectionRow, rows: Sequence[SubscriptionRow]) -> None:
        """Add channels to a connection, which need not be known yet."""
        values = to_attributes(connection)
        added = values.pop("channels")
        names = {f"#{name}": name for name in (*values, "channels")}
        kept = [f"#{name} = if_not_exists(#{name}, :{name})" for name in values]
        self._client.update_item(
            TableName=self._table,
            Key=_connection_key(connection.account, connection.connection_id),
            UpdateExpression=f"SET {', '.join(kept)} ADD #channels :channels",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={f":{name}": value for name, value in values.items()}
            | {":channels": added},
        )
        items = (
            (
                self._table,
                to_attributes(row) | _subscription_key(row.tenant, row.channel, row.connection_id),
            )
            for row in rows
        )
        self._writer.run(self._writer.batches(items))

    def unsubscribe(self, account: str, connection_id: str, channels: Sequence[str]) -> None:
        """Remove channels from a connection."""
        self._client.update_item(
            TableName=self._table,
            Key=_connection_key(account, connection_id),
            UpdateExpression="DELETE #channels :channels",
            ExpressionAttributeNames={"#channels": "channels"},
            ExpressionAttributeValues={":channels": {"SS": sorted(channels)}},
        )
        self._delete(account, connection_id, channels)

    def forget(self, account: str, connection_id: str) -> None:
        """Drop a connection that is gone, with its subscriptions; safe to repeat."""
        response = self._client.delete_item(
            TableName=self._table,
            Key=_connection_key(account, connection_id),
            ReturnValues="ALL_OLD",
        )
        self._delete(
            account, connection_id, _channels(cast("Attributes", response.get("Attributes", {})))
        )

    def of_account(self, account: str) -> list[ConnectionRow]:
        """Read all connections of an account; what was written before is among them."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :account",
            ExpressionAttributeValues={
                ":account": {"S": keys.connections(AccountId.parse(account))}
            },
            ConsistentRead=True,
        )
        return [from_attributes(ConnectionRow, item) for page in pages for item in page["Items"]]

    def subscriptions(self, tenant: str) -> list[SubscriptionRow]:
        """Read all subscriptions of a tenant."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :tenant",
            ExpressionAttributeValues={
                ":tenant": {"S": keys.subscriptions(TenantId.parse(tenant))}
            },
        )
        return [from_attributes(SubscriptionRow, item) for page in pages for item in page["Items"]]

    def _delete(self, account: str, connection_id: str, channels: Iterable[str]) -> None:
        tenant = str(AccountId.parse(account).tenant)
        rows = (
            (self._table, _subscription_key(tenant, channel, connection_id)) for channel in channels
        )
        self._writer.run(self._writer.deletions(rows))


def _channels(item: Attributes) -> frozenset[str]:
    return frozenset(item.get("channels", {}).get("SS", ()))


def _connection_key(account: str, connection_id: str) -> Attributes:
    partition = keys.connections(AccountId.parse(account))
    return {"pk": {"S": partition}, "sk": {"S": connection_id}}


def _subscription_key(tenant: str, channel: str, connection_id: str) -> Attributes:
    partition = keys.subscriptions(TenantId.parse(tenant))
    return {"pk": {"S": partition}, "sk": {"S": keys.subscription(channel, connection_id)}}
