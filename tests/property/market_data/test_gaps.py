"""Whatever the stream, the functions and the network do, no client has a gap without knowing it."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bursa.dialects.native.feed_messages import channel_name
from bursa.dialects.native.socket_requests import handle_request
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.market_data import feed
from bursa.market_data.channel_changes import channel_changes
from bursa.market_data.clients import Client
from bursa.market_data.conflation import conflated
from bursa.market_data.feed import RECORDS_KEPT_MS, Feeds, Messages, Sent, ShardFeed
from bursa.market_data.listeners import SUBSCRIBERS_FRESH_MS
from bursa.market_data.messages import ChannelMessage
from bursa.market_data.subscriptions import Subscriptions
from bursa.read_models.fold import Definitions, fold
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from tests.doubles.channel_states import MemoryChannelStates, MemoryConnections
from tests.doubles.feed_client import ChannelCopy
from tests.doubles.ids import PUBLIC_IDS, encode_for_clients
from tests.doubles.shard import ALICE, BOB, Shard, buy, sell, stream_records
from tests.doubles.shard_state import MemoryShardState
from tests.property.read_models.test_fold import histories, shard_of, unexpected

CLIENT = Client(AccountId.parse("t1-1"), "conn=", "alice", 1 << 33)
CHANNELS = ("book:BTC-USDT", "trades:BTC-USDT", "markets", "orders", "fills", "balances")
SUBSCRIBE = json.dumps({"op": "subscribe", "channels": CHANNELS})
PROCESSES = 2
# By channel, previous sequence and sequence: the messages that were put into this one.
TOGETHER: dict[tuple[str, int, int], list[int]] = {}


@pytest.fixture(autouse=True, scope="module")
def _noted() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feed, "conflated", _conflated)
        yield


def _conflated(messages: Iterable[ChannelMessage]) -> list[ChannelMessage]:
    """Conflate, and note which sequences each message was made of."""
    before, last = list(messages), 0
    fewer = conflated(before)
    for one in fewer:
        name = (channel_name(one.channel), one.previous_moment, one.moment)
        parts = [each.sequence for each in before if last < each.sequence <= one.sequence]
        assert TOGETHER.setdefault(name, parts) == parts
        last = one.sequence
    return fewer


def _covered(message: dict[str, Any]) -> list[int]:
    return TOGETHER[message["channel"], message["previous_sequence"], message["sequence"]]


class World:
    """A projector, two processes of the feeds, and one client that listens to everything."""

    def __init__(self, shard: Shard) -> None:
        self.shard = shard
        self.tables = MemoryTables(0)
        self.projector = Projector(0, shard, self.tables, unexpected)
        self.connections = MemoryConnections()
        self.subscriptions = Subscriptions(
            self.connections, MemoryChannelStates(self.tables), {TenantId(1): 0}.__getitem__
        )
        self.now_ms = 0
        self.subscriptions.connect(CLIENT, self.now_ms)
        self.loses = False
        self.fails_after: int | None = None
        self.copies = {name: ChannelCopy(_covered) for name in CHANNELS}
        self.projector.project(stream_records(shard.records[:1]))
        self.processes = [self.new_process() for _ in range(PROCESSES)]

    def new_process(self) -> Feeds:
        return Feeds(
            lambda _: ShardFeed(
                MemoryShardState(self.tables, self.shard),
                self.connections,
                self,
                self.encode,
                lambda: self.now_ms,
            )
        )

    def encode(self, message: ChannelMessage) -> Sequence[bytes]:
        if self.fails_after is not None:
            self.fails_after -= 1
            if self.fails_after < 0:
                self.fails_after = None
                raise MemoryError
        return encode_for_clients(message)

    def close(self, connection_ids: Iterable[str], bodies: Sequence[bytes]) -> None:
        raise AssertionError(f"{connection_ids} is closed with {bodies}")

    def end(self, connection_ids: Iterable[str], bodies: Sequence[bytes]) -> None:
        raise AssertionError(connection_ids)

    def send(self, messages: Messages) -> Sent:
        for bodies in messages[CLIENT.tenant, CLIENT.connection_id].values():
            for body in bodies:
                if not self.loses:
                    self._receive(body)
        return Sent()

    def subscribe(self) -> None:
        for body in handle_request(self.subscriptions, CLIENT, SUBSCRIBE, self.now_ms, PUBLIC_IDS):
            self._receive(body)

    def _receive(self, body: bytes) -> None:
        message: dict[str, Any] = json.loads(body)
        if message["type"] != "subscribed":
            self.copies[message["channel"]].receive(message)

    def changes(self) -> dict[str, list[int]]:
        """Return the sequences of everything that happened on each channel."""
        happened: dict[str, list[int]] = {name: [] for name in CHANNELS}
        definitions = Definitions()
        for record in self.shard.plain():
            folded = fold([record], definitions)
            definitions = folded.definitions
            for change in channel_changes(folded):
                if change.channel.is_public or change.channel.subject == str(CLIENT.account):
                    happened[channel_name(change.channel)].append(change.sequence)
        return happened


steps = st.one_of(
    st.tuples(st.just("subscribe"), st.just(0), st.just(0)),
    st.tuples(st.just("project"), st.integers(0, 12), st.just(0)),
    st.tuples(
        st.just("pass time"),
        st.sampled_from([1, SUBSCRIBERS_FRESH_MS, RECORDS_KEPT_MS + 1]),
        st.just(0),
    ),
    st.tuples(st.just("restart"), st.integers(0, PROCESSES - 1), st.just(0)),
    st.tuples(st.just("lose"), st.booleans().map(int), st.just(0)),
    st.tuples(st.just("fail"), st.integers(0, 3), st.just(0)),
    *(
        st.tuples(st.just("publish"), st.integers(0, PROCESSES - 1), st.integers(0, 12))
        for _ in range(4)
    ),
)


def run(world: World, script: list[tuple[str, int, int]]) -> Iterator[None]:
    """Take every step, and stop after each."""
    records = world.shard.records
    for action, number, position in script:
        match action:
            case "subscribe":
                world.subscribe()
            case "project":
                world.projector.project(stream_records(records[number : number + 1]))
            case "pass time":
                world.now_ms += number
            case "restart":
                world.processes[number] = world.new_process()
            case "lose":
                world.loses = bool(number)
            case "fail":
                world.fails_after = number
            case _:
                batch = records[position : position + 2]
                try:
                    world.processes[number].publish(batch)
                except MemoryError:
                    # As Lambda does: the same batch again, to the same process.
                    world.processes[number].publish(batch)
        yield


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories, script=st.lists(steps, min_size=4, max_size=40))
def test_what_a_client_holds_has_no_hole(
    history: list[list[bytes]], script: list[tuple[str, int, int]]
) -> None:
    TOGETHER.clear()
    world = World(shard_of(history))
    happened = world.changes()

    for _ in run(world, script):
        for name, copy in world.copies.items():
            if copy.snapshot is None or copy.last is None:
                assert not copy.applied
                continue
            assert copy.applied == [
                sequence for sequence in happened[name] if copy.snapshot < sequence <= copy.last
            ]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories, script=st.lists(steps, max_size=30), data=st.data())
def test_a_client_that_subscribes_again_is_soon_in_step(
    history: list[list[bytes]], script: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    TOGETHER.clear()
    world = World(shard_of(history))
    for _ in run(world, script):
        pass
    world.loses, world.fails_after = False, None
    world.now_ms += SUBSCRIBERS_FRESH_MS
    world.projector.project(stream_records(world.shard.records))
    world.subscribe()

    process = data.draw(st.sampled_from(world.processes))
    process.publish(world.shard.records)
    for batch in history:
        process.publish([world.shard.run(*batch)])

    happened = world.changes()
    for name, copy in world.copies.items():
        assert not copy.is_stale
        assert copy.snapshot is not None
        assert copy.applied == [sequence for sequence in happened[name] if sequence > copy.snapshot]


@pytest.mark.parametrize("after", range(5))
def test_an_error_inside_a_record_hides_no_loss(after: int) -> None:
    TOGETHER.clear()
    shard = Shard()
    world = World(shard)
    world.processes = [world.new_process()]
    world.projector.project(stream_records(shard.records))
    world.subscribe()
    world.processes[0].publish([shard.run(buy(ALICE, 23_512, 150))])

    world.fails_after = after
    traded = shard.run(sell(BOB, 23_512, 50))
    for _ in range(2):  # as Lambda does: the batch again, to the same process
        with suppress(MemoryError):
            world.processes[0].publish([traded])
    world.fails_after = None
    world.processes[0].publish([shard.run(sell(BOB, 23_512, 10))])

    happened = world.changes()
    for name, copy in world.copies.items():
        assert copy.snapshot is not None
        assert copy.last is not None
        expected = [each for each in happened[name] if copy.snapshot < each <= copy.last]
        assert copy.applied == expected
