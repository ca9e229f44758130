"""A subscriber gets what was committed since its snapshot, whether or not anything follows.

Commits, feed, projector and the subscription itself take turns in every order that they can; then
there is silence, and the client must know everything.
"""

import json
from collections.abc import Callable, Iterable, Sequence

import pytest

from bursa.dialects.native.socket_requests import handle_request
from bursa.journal.record import EncodedRecord
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.market_data.clients import Client
from bursa.market_data.feed import Feeds, Messages, Sent, ShardFeed
from bursa.market_data.subscriptions import Subscriptions
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from tests.doubles.channel_states import MemoryChannelStates, MemoryConnections
from tests.doubles.ids import PUBLIC_IDS, encode_for_clients
from tests.doubles.shard import ALICE, Shard, buy, stream_records
from tests.doubles.shard_state import MemoryShardState

CLIENT = Client(AccountId.parse("t1-1"), "conn=", "alice", 1 << 33)
CHANNELS = ("book:BTC-USDT", "orders", "balances")
SUBSCRIBE = json.dumps({"op": "subscribe", "channels": CHANNELS})

# When the order is placed, and which of the two who follow the journal is first to see it.
WHEN = (
    "before",
    "as the rows are written",
    "as it is counted",
    "as it is announced",
    "during the wait",
    "after",
)
FIRST = ("feed", "projector", "feed at once, projector late")


def unexpected(error: Exception) -> None:
    raise AssertionError(error)


class World:
    """A shard on virtual time, its feed, its projector, and a client that subscribes once."""

    def __init__(self, when: str, first: str) -> None:
        self.when, self.first = when, first
        self.is_placed = False
        self.pending: list[Callable[[], None]] = []
        self.looks = 0
        self.shard = Shard()
        self.tables = MemoryTables(0)
        self.projector = Projector(0, self.shard, self.tables, unexpected)
        self.connections = MemoryConnections()
        self.states = MemoryChannelStates(self.tables)
        self.states.committed = lambda: self.shard.records[-1].last_sequence
        self.now_ms = 0
        self.subscriptions = Subscriptions(
            self.connections, self.states, {TenantId(1): 0}.__getitem__, sleep_ms=self.sleep
        )
        self.feeds = Feeds(
            lambda shard: ShardFeed(
                MemoryShardState(self.tables, self.shard),
                self.connections,
                self,
                encode_for_clients,
                lambda: self.now_ms,
                shard=shard,
            )
        )
        self.inbox: list[bytes] = []
        self.subscriptions.connect(CLIENT, self.now_ms)
        # Others of the tenant have listened before; so the feed knows that nobody does now.
        self.connections.counted["t1"] = 7
        self.projector.project(stream_records(self.shard.records))
        self.feeds.publish(self.shard.records)

    def close(self, connection_ids: Iterable[str], bodies: Sequence[bytes]) -> None:
        raise AssertionError(connection_ids)

    def end(self, connection_ids: Iterable[str], bodies: Sequence[bytes]) -> None:
        raise AssertionError(connection_ids)

    def send(self, messages: Messages) -> Sent:
        for bodies in messages[CLIENT.tenant, CLIENT.connection_id].values():
            self.inbox += bodies
        return Sent()

    def subscribe(self) -> None:
        self.inbox += handle_request(self.subscriptions, CLIENT, SUBSCRIBE, self.now_ms, PUBLIC_IDS)

    def held(self) -> dict[str, int]:
        """Return up to which sequence the client has got everything, by channel."""
        messages = [json.loads(body) for body in self.inbox]
        return {
            name: max(message["sequence"] for message in messages if message.get("channel") == name)
            for name in CHANNELS
        }

    def feed(self, record: EncodedRecord) -> None:
        self.feeds.publish([record])

    def project(self, record: EncodedRecord) -> None:
        self.projector.project(stream_records([record]))

    def place(self) -> None:
        """Commit an order, once; one sees it now, the other when it is waited for, or later."""
        if self.is_placed:
            return
        self.is_placed = True
        record = self.shard.run(buy(ALICE, 100, 5))
        steps = [lambda: self.feed(record), lambda: self.project(record)]
        if self.first == "projector":
            steps.reverse()
        steps[0]()
        self.pending.append(steps[1])

    def sleep(self, duration_ms: int) -> None:
        self.now_ms += duration_ms
        self.looks += 1
        if self.when == "during the wait":
            self.place()
        if self.looks >= (3 if "late" in self.first else 1):
            self.go_on()

    def go_on(self) -> None:
        """Let those who are behind see what they have not seen."""
        while self.pending:
            self.pending.pop(0)()

    def interrupt(self) -> None:
        """Place the order at the moment that the case is about."""
        if self.when == "as the rows are written":
            self.connections.on_written = self.place
        elif self.when == "as it is counted":
            self.connections.on_counted = self.place
        elif self.when == "as it is announced":
            self.connections.on_announced = self.place
        elif self.when == "during the wait":
            # What it waits for: a record that the projector has not seen yet.
            unseen = self.shard.run(buy(ALICE, 60, 1))
            self.feed(unseen)
            self.pending.append(lambda: self.project(unseen))


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("first", FIRST)
def test_silence_hides_nothing(when: str, first: str) -> None:
    world = World(when, first)
    # Somebody else's record, for which nobody listens, within the same second.
    quiet = world.shard.run(buy(ALICE, 50, 1))
    world.feed(quiet)
    world.project(quiet)
    if when == "before":
        world.place()
    world.interrupt()

    world.subscribe()
    world.place()
    world.go_on()

    assert world.now_ms <= 1_000
    assert world.held() == dict.fromkeys(CHANNELS, world.shard.records[-1].time_ms)


def test_a_subscriber_waits_no_longer_than_it_should() -> None:
    world = World("before", "feed")
    world.place()
    world.pending.clear()  # the projector has stopped
    world.subscribe()
    assert 1_000 < world.now_ms < 2_000
    messages = [json.loads(body) for body in world.inbox][1:]
    # Each snapshot is behind, so each is followed by what makes the client ask again.
    assert [message["type"] for message in messages] == ["snapshot", "missed"] * len(CHANNELS)
    assert [message["sequence"] for message in messages[1::2]] == [
        message["sequence"] + 1 for message in messages[::2]
    ]
    assert [message["previous_sequence"] for message in messages[1::2]] == [
        message["sequence"] for message in messages[::2]
    ]
