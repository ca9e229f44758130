"""Connections and subscriptions in DynamoDB."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

import pytest

from bursa.aws.table_writer import TableWriter, Write
from bursa.market_data.connections_dynamodb import COUNTED_TOGETHER_S, ConnectionsTable
from bursa.market_data.subscriptions import CONNECTION_KEPT_S
from bursa.read_models.rows import ConnectionRow, SubscriptionRow
from tests.integration.read_models.tables import CONNECTIONS, connection_rows

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CHANNELS = frozenset({"book:BTC-USDT", "orders:t1-1"})


@pytest.fixture
def connections(dynamodb: "DynamoDBClient") -> ConnectionsTable:
    return ConnectionsTable(dynamodb, CONNECTIONS, TableWriter(dynamodb))


def connection(connection_id: str = "a=", channels: frozenset[str] = frozenset()) -> ConnectionRow:
    return ConnectionRow("t1", connection_id, "t1-1", 1_000, 2_000, channels)


def subscribe(
    connections: ConnectionsTable, connection_id: str, channels: frozenset[str] = CHANNELS
) -> bool:
    rows = [
        SubscriptionRow("t1", name, connection_id, 7, 2_000, "t1-1") for name in sorted(channels)
    ]
    return connections.subscribe(connection(connection_id, channels), rows)


def announce(
    connections: ConnectionsTable, shard: int, connection: ConnectionRow, since: int = 0
) -> None:
    name, account = connection.connection_id, connection.account
    rows = [
        SubscriptionRow(connection.tenant, channel, name, since, 2_000, account)
        for channel in sorted(CHANNELS)
    ]
    connections.announce(shard, connection, rows)


def test_connections_are_found_by_account(connections: ConnectionsTable) -> None:
    for number in range(3):
        connections.open(connection(f"{number}="))
    connections.open(ConnectionRow("t1", "b=", "t1-11", 1_000, 2_000, user="bob"))

    assert [row.connection_id for row in connections.of_account("t1-1")] == ["0=", "1=", "2="]
    assert [row.user for row in connections.of_account("t1-11")] == ["bob"]
    assert connections.of_account("t2-1") == []


def channels_of(connections: ConnectionsTable) -> frozenset[str]:
    (row,) = (one for one in connections.of_account("t1-1") if one.connection_id == "a=")
    return row.channels


def items_left(client: "DynamoDBClient") -> int:
    return len(connection_rows(client))


def test_subscriptions_are_found_by_tenant(connections: ConnectionsTable) -> None:
    connections.open(connection("a="))
    connections.open(connection("b="))
    subscribe(connections, "a=")
    subscribe(connections, "b=", frozenset({"orders:t1-1"}))

    assert connections.subscriptions("t1") == [
        SubscriptionRow("t1", "book:BTC-USDT", "a=", 7, 2_000, "t1-1"),
        SubscriptionRow("t1", "orders:t1-1", "a=", 7, 2_000, "t1-1"),
        SubscriptionRow("t1", "orders:t1-1", "b=", 7, 2_000, "t1-1"),
    ]
    assert connections.subscriptions("t2") == []
    assert channels_of(connections) == CHANNELS


def test_announcements_of_a_shards_tenants_are_counted(connections: ConnectionsTable) -> None:
    assert connections.announcements(0) == {}
    for number in range(20):
        announce(connections, 0, connection(f"{number}="))
    announce(connections, 0, ConnectionRow("t2", "x=", "t2-1", 1_000, 2_000))
    announce(connections, 1, connection())

    counted = connections.announcements(0)
    assert {tenant: sum(rows.values()) for tenant, rows in counted.items()} == {"t1": 20, "t2": 1}
    assert [sum(rows.values()) for rows in connections.announcements(1).values()] == [1]


def test_what_was_announced_is_found_by_its_number(connections: ConnectionsTable) -> None:
    for number in range(3):
        announce(connections, 0, connection("a="), since=number)
    ((row, count),) = connections.announcements(0)["t1"].items()

    assert connections.announced("t1", row, 2, count) == {
        number: [
            SubscriptionRow("t1", "book:BTC-USDT", "a=", number - 1, 2_000, "t1-1"),
            SubscriptionRow("t1", "orders:t1-1", "a=", number - 1, 2_000, "t1-1"),
        ]
        for number in (2, 3)
    }
    assert connections.announced("t1", row, 4, 9) == {}
    assert connections.announced("t2", row, 1, 9) == {}


def test_subscribing_adds_up(connections: ConnectionsTable) -> None:
    connections.open(connection("a="))
    subscribe(connections, "a=", frozenset({"orders:t1-1"}))
    subscribe(connections, "a=", frozenset({"balances:t1-1"}))
    assert channels_of(connections) == {"orders:t1-1", "balances:t1-1"}


def test_unsubscribing_takes_away(connections: ConnectionsTable) -> None:
    connections.open(connection("a="))
    subscribe(connections, "a=")
    connections.unsubscribe("t1-1", "a=", ["orders:t1-1", "never:there"])
    assert channels_of(connections) == {"book:BTC-USDT"}
    assert [row.channel for row in connections.subscriptions("t1")] == ["book:BTC-USDT"]


def test_forgetting_leaves_nothing(
    connections: ConnectionsTable, dynamodb: "DynamoDBClient"
) -> None:
    connections.open(connection("a="))
    subscribe(connections, "a=")
    connections.forget("t1-1", "a=")
    connections.forget("t1-1", "a=")
    assert items_left(dynamodb) == 0


class EndsBetween(TableWriter):
    """Writes rows; before the first of them its connection ends."""

    end: Callable[[], None] | None = None

    def run(self, writes: Iterable[Write]) -> None:
        end, self.end = self.end, None
        if end is not None:
            end()
        super().run(writes)


def test_a_connection_that_ends_while_it_subscribes_leaves_nothing(
    dynamodb: "DynamoDBClient",
) -> None:
    writer = EndsBetween(dynamodb)
    connections = ConnectionsTable(dynamodb, CONNECTIONS, writer)
    connections.open(connection("a="))
    writer.end = partial(connections.forget, "t1-1", "a=")

    assert not subscribe(connections, "a=")
    assert items_left(dynamodb) == 0


def test_what_a_feed_has_heard_of_is_dropped_though_no_connection_has_it(
    connections: ConnectionsTable, dynamodb: "DynamoDBClient"
) -> None:
    connections.open(connection("a="))
    subscribe(connections, "a=")
    dynamodb.delete_item(
        TableName=CONNECTIONS, Key={"pk": {"S": "t1-1#connections"}, "sk": {"S": "a="}}
    )
    heard = [row.channel for row in connections.subscriptions("t1")]

    connections.forget("t1-1", "a=", heard)

    assert connections.subscriptions("t1") == []


def test_a_message_after_the_end_of_its_connection_brings_nothing_back(
    connections: ConnectionsTable, dynamodb: "DynamoDBClient"
) -> None:
    connections.open(connection("stays="))
    for _ in range(3):
        connections.open(connection("a="))
        connections.forget("t1-1", "a=")
        assert not subscribe(connections, "a=")
        connections.unsubscribe("t1-1", "a=", ["orders:t1-1"])
        connections.forget("t1-1", "a=")

    assert [row.connection_id for row in connections.of_account("t1-1")] == ["stays="]
    assert items_left(dynamodb) == 1
    assert connections.count_of_tenant("t1", 1_000) == 1


@pytest.mark.parametrize(
    ("attributes", "left"),
    [
        pytest.param({}, 1, id="would stay for good"),
        pytest.param({"expires_at": {"N": "2000"}}, 2, id="expires"),
    ],
)
def test_a_row_that_cannot_be_read_is_passed_over(
    connections: ConnectionsTable,
    dynamodb: "DynamoDBClient",
    attributes: dict[str, dict[str, str]],
    left: int,
) -> None:
    connections.open(connection("b="))
    (item,) = connection_rows(dynamodb)
    broken = {"pk": item["pk"], "sk": {"S": "a="}} | attributes
    dynamodb.put_item(TableName=CONNECTIONS, Item=broken)

    assert [row.connection_id for row in connections.of_account("t1-1")] == ["b="]
    assert items_left(dynamodb) == left
    assert connections.count_of_tenant("t1", 1_000) == 1


def test_every_row_lives_for_a_time_only(
    connections: ConnectionsTable, dynamodb: "DynamoDBClient"
) -> None:
    connections.open(connection("a="))
    connections.open(connection("b="))
    assert subscribe(connections, "b=")
    items = dynamodb.scan(TableName=CONNECTIONS)["Items"]
    assert len(items) == 5
    assert {item["expires_at"]["N"] for item in connection_rows(dynamodb)} == {"2000"}
    assert all("expires_at" in item for item in items)


def test_a_tenants_connections_are_counted_once_each_and_lost_ones_only_for_a_time(
    connections: ConnectionsTable,
) -> None:
    for number in range(5):
        connections.open(connection(f"{number}="))
    for _ in range(2):
        connections.forget("t1-1", "0=")

    assert connections.count_of_tenant("t1", 1_000) == 4
    assert connections.count_of_tenant("t2", 1_000) == 0
    assert connections.count_of_tenant("t1", COUNTED_TOGETHER_S + CONNECTION_KEPT_S) == 0
