"""WebSocket connections and their subscriptions in DynamoDB.

All connections of an account, or of a visitor, are in one partition, so that they can be counted
and ended with one query; those of visitors are in a table of their own. All subscriptions of a
tenant are in another, so that a feed learns with one query who listens to what; those that it has
not seen are also among the announced ones, under their number, for a minute. Every row carries
``expires_at``, the table's time to live: what a lost disconnect leaves behind goes by itself.
Nothing but `ConnectionsTable.open` makes a connection's row: a message behind the end of its
connection must not bring it back, uncounted or without an end.
"""

import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from bursa.aws.table_writer import TableWriter
from bursa.kernel import keys
from bursa.kernel.errors import Unavailable
from bursa.kernel.identifiers import TenantId
from bursa.kernel.visitors import parse_holder
from bursa.market_data.subscriptions import CONNECTION_KEPT_S
from bursa.read_models.rows import (
    Attributes,
    ConnectionRow,
    RowError,
    SubscriptionRow,
    from_attributes,
    to_attributes,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

COUNTED_TOGETHER_S = 1_800
# A row takes a thousand writes a second, and each costs the feed a read unit a batch of the stream.
ANNOUNCEMENT_ROWS = 4
# A feed that has not seen an announcement for longer has read all subscriptions since.
ANNOUNCED_KEPT_S = 60
_READ_ATTEMPTS = 4
_IS_KNOWN = "attribute_exists(connected_at_ms)"


class ConnectionsTable:
    """The connections of a deployment."""

    def __init__(self, client: "DynamoDBClient", table: str, writer: TableWriter) -> None:
        self._client = client
        self._table = table
        self._writer = writer

    def open(self, connection: ConnectionRow) -> None:
        """Remember a connection, and count it for its tenant."""
        key = _connection_key(connection.account, connection.connection_id)
        self._client.put_item(TableName=self._table, Item=to_attributes(connection) | key)
        self._count(connection.tenant, connection.connected_at_ms, 1)

    def subscribe(self, connection: ConnectionRow, rows: Sequence[SubscriptionRow]) -> bool:
        """Add channels to a connection; return False, and leave nothing, when it is forgotten."""
        account, name = connection.account, connection.connection_id
        if not self._change_channels(account, name, "ADD", connection.channels):
            return False
        items = (
            (
                self._table,
                to_attributes(row) | _subscription_key(row.tenant, row.channel, row.connection_id),
            )
            for row in rows
        )
        self._writer.run(self._writer.batches(items))
        if self._channels_of(account, name) is None:
            # Forgotten in between, by someone who could not see these rows yet.
            self._delete(account, name, connection.channels)
            return False
        return True

    def announce(
        self, shard: int, connection: ConnectionRow, rows: Sequence[SubscriptionRow]
    ) -> None:
        """Let the shard's feed know of a connection's subscriptions, which it has not seen."""
        # The gateway chose the connection's id: nobody can have all of theirs in one row.
        row = zlib.crc32(connection.connection_id.encode()) % ANNOUNCEMENT_ROWS
        response = self._client.update_item(
            TableName=self._table,
            Key=_announcements_key(shard, row),
            UpdateExpression="ADD #tenant :one",
            ExpressionAttributeNames={"#tenant": connection.tenant},
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues="UPDATED_NEW",
        )
        number = int(response["Attributes"][connection.tenant]["N"])
        self._client.put_item(
            TableName=self._table,
            Item=_announced_key(connection.tenant, row, number)
            | _announced(rows)
            | {"expires_at": {"N": str(connection.connected_at_ms // 1_000 + ANNOUNCED_KEPT_S)}},
        )

    def announced(
        self, tenant: str, row: int, first: int, last: int
    ) -> Mapping[int, Sequence[SubscriptionRow]]:
        """Read what a tenant has announced, by number; one that was just counted may be missing."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :partition AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":partition": {"S": keys.announced(TenantId.parse(tenant), row)},
                ":first": {"S": keys.announcement(first)},
                ":last": {"S": keys.announcement(last)},
            },
            ConsistentRead=True,
        )
        items = (cast("Attributes", item) for page in pages for item in page["Items"])
        return {int(item["sk"]["S"]): _announced_rows(tenant, item) for item in items}

    def announcements(self, shard: int) -> Mapping[str, Mapping[int, int]]:
        """Read how often each tenant of a shard has announced subscriptions, by row.

        Every row only grows, so it is the same only where nothing was announced in between.

        Raises
        ------
        Unavailable
            Not all rows can be read; nothing is known then.

        """
        counted: dict[str, dict[int, int]] = {}
        rows = {keys.announcements(shard, row): row for row in range(ANNOUNCEMENT_ROWS)}
        wanted: Any = {
            "Keys": [_announcements_key(shard, row) for row in rows.values()],
            "ConsistentRead": True,
        }
        for _ in range(_READ_ATTEMPTS):
            response = self._client.batch_get_item(RequestItems={self._table: wanted})
            for item in cast("list[Attributes]", response["Responses"].get(self._table, [])):
                row = rows[item["pk"]["S"]]
                for name in item.keys() - {"pk", "sk"}:
                    counted.setdefault(name, {})[row] = int(item[name]["N"])
            wanted = response.get("UnprocessedKeys", {}).get(self._table)
            if not wanted:
                return counted
        raise Unavailable("announcements_unavailable", "The same records come again.")

    def unsubscribe(self, account: str, connection_id: str, channels: Sequence[str]) -> None:
        """Remove channels from a connection, also from one that is forgotten."""
        self._change_channels(account, connection_id, "DELETE", channels)
        self._delete(account, connection_id, channels)

    def _change_channels(
        self, account: str, connection_id: str, verb: str, channels: Iterable[str]
    ) -> bool:
        """Change a connection's channels; return whether it is known."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_connection_key(account, connection_id),
                UpdateExpression=f"{verb} #channels :channels",
                ConditionExpression=_IS_KNOWN,
                ExpressionAttributeNames={"#channels": "channels"},
                ExpressionAttributeValues={":channels": {"SS": sorted(channels)}},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def forget(self, account: str, connection_id: str, heard: Collection[str] = ()) -> None:
        """Drop a connection that is gone, with its subscriptions; safe to repeat.

        The connection goes last, so that who fails half way leaves it to be found again. `heard`
        are channels that the caller has seen it listen to, whatever its row says.
        """
        listed = frozenset(heard) | (self._channels_of(account, connection_id) or frozenset())
        self._delete(account, connection_id, listed)
        response = self._client.delete_item(
            TableName=self._table,
            Key=_connection_key(account, connection_id),
            ReturnValues="ALL_OLD",
        )
        forgotten = cast("Attributes", response.get("Attributes", {}))
        # A repeat finds no row, so that each connection is taken off its tenant's count once.
        if "connected_at_ms" in forgotten:
            tenant = str(parse_holder(account).tenant)
            self._count(tenant, int(forgotten["connected_at_ms"]["N"]), -1)
        self._delete(account, connection_id, _channels(forgotten) - listed)

    def of_account(self, account: str) -> list[ConnectionRow]:
        """Read all connections of an account; what was written before is among them.

        A row that can't be read is passed over, so that it locks nobody out. It is removed unless
        it expires by itself.
        """
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :account",
            ExpressionAttributeValues={":account": {"S": keys.connections(parse_holder(account))}},
            ConsistentRead=True,
        )
        rows = []
        for item in (cast("Attributes", item) for page in pages for item in page["Items"]):
            try:
                rows.append(from_attributes(ConnectionRow, item))
            except RowError:
                if "expires_at" not in item:
                    self.forget(account, item["sk"]["S"])
        return rows

    def count_of_tenant(self, tenant: str, now_s: int) -> int:
        """Return how many connections a tenant has, as far as they were closed properly.

        Those that began in the same half hour are counted in one row, which expires when the last
        of them can't be open any more: what a lost disconnect leaves in a count goes with it.
        """
        response = self._client.query(
            TableName=self._table,
            KeyConditionExpression="pk = :tenant",
            FilterExpression="expires_at > :now",
            ExpressionAttributeValues={
                ":tenant": {"S": keys.connection_counts(TenantId.parse(tenant))},
                ":now": {"N": str(now_s)},
            },
        )
        return sum(max(0, int(item["opened"]["N"])) for item in response["Items"])

    def _count(self, tenant: str, connected_at_ms: int, change: int) -> None:
        slot = connected_at_ms // 1_000 // COUNTED_TOGETHER_S
        expires_at = (slot + 1) * COUNTED_TOGETHER_S + CONNECTION_KEPT_S
        self._client.update_item(
            TableName=self._table,
            Key={
                "pk": {"S": keys.connection_counts(TenantId.parse(tenant))},
                "sk": {"S": str(slot)},
            },
            UpdateExpression="ADD opened :change SET expires_at = :expires",
            ExpressionAttributeValues={
                ":change": {"N": str(change)},
                ":expires": {"N": str(expires_at)},
            },
        )

    def subscriptions(self, tenant: str) -> list[SubscriptionRow]:
        """Read all subscriptions of a tenant."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :tenant",
            ExpressionAttributeValues={
                ":tenant": {"S": keys.subscriptions(TenantId.parse(tenant))}
            },
            # What has been announced is among them.
            ConsistentRead=True,
        )
        return [from_attributes(SubscriptionRow, item) for page in pages for item in page["Items"]]

    def _channels_of(self, account: str, connection_id: str) -> frozenset[str] | None:
        """Read what a connection listens to; None when it is forgotten."""
        response = self._client.query(
            TableName=self._table,
            KeyConditionExpression="pk = :account AND sk = :connection",
            ExpressionAttributeValues={
                ":account": {"S": keys.connections(parse_holder(account))},
                ":connection": {"S": connection_id},
            },
            ConsistentRead=True,
        )
        items = cast("list[Attributes]", response["Items"])
        return _channels(items[0]) if items else None

    def _delete(self, account: str, connection_id: str, channels: Iterable[str]) -> None:
        tenant = str(parse_holder(account).tenant)
        rows = (
            (self._table, _subscription_key(tenant, channel, connection_id)) for channel in channels
        )
        self._writer.run(self._writer.deletions(rows))


def _channels(item: Attributes) -> frozenset[str]:
    return frozenset(item.get("channels", {}).get("SS", ()))


def _connection_key(account: str, connection_id: str) -> Attributes:
    partition = keys.connections(parse_holder(account))
    return {"pk": {"S": partition}, "sk": {"S": connection_id}}


def _announced(rows: Sequence[SubscriptionRow]) -> Attributes:
    """Write a connection's subscriptions in one item."""
    one = rows[0]
    return {
        "connection_id": {"S": one.connection_id},
        "account": {"S": one.account},
        "listens_until": {"N": str(one.expires_at)},
        "since": {"M": {row.channel: {"N": str(row.since)} for row in rows}},
    }


def _announced_rows(tenant: str, item: Attributes) -> list[SubscriptionRow]:
    name, account = item["connection_id"]["S"], item["account"]["S"]
    until = int(item["listens_until"]["N"])
    return [
        SubscriptionRow(tenant, channel, name, int(since["N"]), until, account)
        for channel, since in item["since"]["M"].items()
    ]


def _announced_key(tenant: str, row: int, number: int) -> Attributes:
    partition = keys.announced(TenantId.parse(tenant), row)
    return {"pk": {"S": partition}, "sk": {"S": keys.announcement(number)}}


def _announcements_key(shard: int, row: int) -> Attributes:
    return {"pk": {"S": keys.announcements(shard, row)}, "sk": {"S": keys.ANNOUNCEMENTS}}


def _subscription_key(tenant: str, channel: str, connection_id: str) -> Attributes:
    partition = keys.subscriptions(TenantId.parse(tenant))
    return {"pk": {"S": partition}, "sk": {"S": keys.subscription(channel, connection_id)}}
