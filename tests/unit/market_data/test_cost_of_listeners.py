"""What a feed reads to know its listeners: who subscribes again costs what it announces."""

from typing import Any

from bursa.kernel import keys
from bursa.kernel.identifiers import TenantId
from bursa.market_data.connections_dynamodb import ConnectionsTable
from bursa.market_data.feed import ShardFeed
from bursa.market_data.listeners import SUBSCRIBERS_FRESH_MS
from bursa.read_models.memory import MemoryTables
from bursa.read_models.rows import ConnectionRow, SubscriptionRow, to_attributes
from tests.doubles.ids import encode_for_clients
from tests.doubles.metered_tables import MeteredTable
from tests.doubles.shard_state import MemoryShardState

CONNECTIONS, CHANNELS, ROUNDS = 1_000, 10, 20
EVER = 1 << 33
# Four rows that count, and one item that was announced.
UNITS_OF_A_ROUND = 4 + 1


class Client(MeteredTable):
    """The table of connections, with what else the feed and its subscribers call."""

    def __init__(self) -> None:
        super().__init__("connections")
        self.counters: dict[str, int] = {}
        self.is_late = False

    def put_item(self, **request: Any) -> None:
        if not self.is_late:
            self.put(request["Item"])

    def update_item(self, **request: Any) -> dict[str, Any]:
        row = request["Key"]["pk"]["S"]
        self.counters[row] = self.counters.get(row, 0) + 1
        return {"Attributes": {"t1": {"N": str(self.counters[row])}}}

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        ((table, wanted),) = request["RequestItems"].items()
        self.units += len(wanted["Keys"])
        found = [
            key | {"t1": {"N": str(self.counters[key["pk"]["S"]])}}
            for key in wanted["Keys"]
            if key["pk"]["S"] in self.counters
        ]
        return {"Responses": {table: found}}


class World:
    """A tenant with many listeners, on virtual time."""

    def __init__(self) -> None:
        client: Any = Client()
        self.client: Client = client
        unused: Any = None
        self.connections = ConnectionsTable(client, "connections", unused)
        self.now_ms = 0
        self.feed = ShardFeed(
            MemoryShardState(MemoryTables(0), unused),
            self.connections,
            unused,
            encode_for_clients,
            lambda: self.now_ms,
        )
        for number in range(CONNECTIONS):
            for row in self.rows(f"L0SM9coFvHcCIhw={number}", f"t1-{number}"):
                partition = keys.subscriptions(TenantId(1))
                key = {
                    "pk": {"S": partition},
                    "sk": {"S": keys.subscription(row.channel, row.connection_id)},
                }
                client.put(to_attributes(row) | key)
        self.subscribe("someone=")

    def rows(self, name: str, account: str, since: int = 0) -> list[SubscriptionRow]:
        channels = [f"book:M{number}-USDT" for number in range(CHANNELS)]
        return [SubscriptionRow("t1", one, name, since, EVER, account) for one in channels]

    def subscribe(self, name: str, since: int = 0) -> None:
        rows = self.rows(name, "t1-1", since)
        self.connections.announce(0, ConnectionRow("t1", name, "t1-1", self.now_ms, EVER), rows)

    def units(self) -> float:
        """Return what a round of the feed reads."""
        before = self.client.units
        self.feed.publish([])
        return self.client.units - before


def test_one_account_that_subscribes_again_and_again_is_not_paid_by_all_listeners() -> None:
    """Each of its messages made the feed read all of the tenant: 20 rounds, 7,300 units."""
    world = World()
    whole = world.units()
    assert whole > 350

    again = 0.0
    for number in range(ROUNDS):
        world.now_ms += SUBSCRIBERS_FRESH_MS // ROUNDS - 1
        world.subscribe("again=", since=number)
        again += world.units()

    assert again <= ROUNDS * UNITS_OF_A_ROUND
    world.now_ms += SUBSCRIBERS_FRESH_MS
    assert world.units() == whole


def test_what_was_counted_and_is_not_there_yet_is_looked_for_again() -> None:
    world = World()
    world.units()
    world.client.is_late = True
    world.subscribe("late=", since=1)
    world.client.is_late = False
    looked = [world.units() for _ in range(2)]
    world.subscribe("late=", since=2)
    after = world.units()

    assert [*looked, after] == [UNITS_OF_A_ROUND] * 3
