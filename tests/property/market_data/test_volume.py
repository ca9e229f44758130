"""What a WebSocket client of one tenant is sent is the same whether another tenant trades or not.

A tenant's orders, and a client's subscriptions, come at fixed times by the exchange's clock; in one
of two worlds another tenant's records come between them. All messages must be equal, to the last
number. Trade and order ids are the same text for the same order of one history; between the worlds
each is renamed by when it was seen first.
"""

import json
import re
from collections.abc import Iterable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

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
from tests.doubles.shard import ALICE, BOB, NOON_MS, Shard, buy, sell, stream_records
from tests.doubles.shard_state import MemoryShardState
from wire import codec
from wire import layout as w

CLIENT = Client(AccountId.parse("t1-1"), "conn=", "alice", 1 << 33)
CHANNELS = (
    *("book:BTC-USDT", "book:BTC-USDT:20", "trades:BTC-USDT", "ticker:BTC-USDT", "markets"),
    *("candles:BTC-USDT:1m", "orders", "fills", "balances"),
)
SUBSCRIBE = json.dumps({"op": "subscribe", "channels": CHANNELS})
OPAQUE = re.compile(r"[A-Za-z0-9_-]{32}")
STEP_MS = 10_000
THEIR_MARKET, THEIR_BTC, THEIR_USDT = 9, 11, 12
THEIR_USERS = (w.account_number(2, 1), w.account_number(2, 2))

OURS = {
    "bid": [buy(ALICE, 100, 5)],
    "trade": [sell(BOB, 100, 2)],
    "several": [buy(ALICE, 90, 1), sell(BOB, 90, 1), buy(ALICE, 80, 7)],
    "cancel": [codec.encode_cancel_all(ALICE, 0)],
    "nothing": [codec.encode_cancel_all(BOB, 0)],
    "rejected": [codec.encode_cancel(ALICE, 1)],
}


def unexpected(error: Exception) -> None:
    raise AssertionError(error)


class World:
    """A shard of two tenants, its feed and its projector, and a client of the first."""

    def __init__(self) -> None:
        self.shard = Shard()
        self.tables = MemoryTables(0)
        self.projector = Projector(0, self.shard, self.tables, unexpected)
        self.connections = MemoryConnections()
        states = MemoryChannelStates(self.tables)
        states.committed = lambda: self.shard.records[-1].last_sequence
        states.journal = self.shard.records
        self.subscriptions = Subscriptions(self.connections, states, {TenantId(1): 0}.__getitem__)
        self.feeds = Feeds(
            lambda shard: ShardFeed(
                MemoryShardState(self.tables, self.shard),
                self.connections,
                self,
                encode_for_clients,
                lambda: self.shard.time_ms,
                shard=shard,
            )
        )
        self.inbox: list[bytes] = []
        self.subscriptions.connect(CLIENT, NOON_MS)
        self.shard.run(
            codec.encode_define_asset(THEIR_BTC, 2, 8, "BTC"),
            codec.encode_define_asset(THEIR_USDT, 2, 10, "USDT"),
            codec.encode_define_market(
                THEIR_MARKET, 2, THEIR_BTC, THEIR_USDT, lot_units=1, tick_units=1, symbol="BTC-USDT"
            ),
            *(
                codec.encode_funds(w.COMMAND_CREDIT, user, asset, 10**12)
                for user in THEIR_USERS
                for asset in (THEIR_BTC, THEIR_USDT)
            ),
        )
        for record in self.shard.records:
            self.follow(record)

    def close(self, connection_ids: Iterable[str], bodies: Sequence[bytes]) -> None:
        raise AssertionError(connection_ids)

    def end(self, connection_ids: Iterable[str], bodies: Sequence[bytes]) -> None:
        raise AssertionError(connection_ids)

    def send(self, messages: Messages) -> Sent:
        for bodies in messages[CLIENT.tenant, CLIENT.connection_id].values():
            self.inbox += bodies
        return Sent()

    def follow(self, record: EncodedRecord) -> None:
        self.projector.project(stream_records([record]))
        self.feeds.publish([record])

    def take(self, step: str) -> None:
        match step:
            case "subscribe":
                self.ask(SUBSCRIBE)
            case "resume":
                self.ask(self.resumption())
            case _:
                self.follow(self.shard.run(*OURS[step]))

    def ask(self, request: str) -> None:
        now_ms = self.shard.time_ms
        self.inbox += handle_request(self.subscriptions, CLIENT, request, now_ms, PUBLIC_IDS)

    def resumption(self) -> str:
        last: dict[str, int] = {}
        for message in map(json.loads, self.inbox):
            if "channel" in message:
                last[message["channel"]] = message["sequence"]
        return json.dumps({"op": "resume", "epoch": 1, "channels": last or {"orders": NOON_MS}})

    def others_trade(self, orders: int) -> None:
        for number in range(orders):
            side = w.SIDE_SELL if number % 2 else w.SIDE_BUY
            order = codec.encode_place(THEIR_USERS[number % 2], THEIR_MARKET, side, 50, 1)
            self.follow(self.shard.run(order))

    def seen(self) -> list[str]:
        names: dict[str, str] = {}
        text = "\n".join(body.decode() for body in self.inbox)
        return OPAQUE.sub(
            lambda match: names.setdefault(match[0], f"#{len(names)}"), text
        ).splitlines()


def messages(steps: list[str], theirs: list[int]) -> list[str]:
    """Return what the client is sent; so many orders of the other tenant come before each step."""
    world = World()
    for number, step in enumerate(steps, 1):
        world.others_trade(theirs[number % len(theirs)])
        world.shard.time_ms = NOON_MS + number * STEP_MS
        world.take(step)
    return world.seen()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(["subscribe", "resume", *OURS]), min_size=2, max_size=12),
    st.lists(st.integers(0, 12), min_size=1, max_size=8),
)
def test_a_neighbours_records_do_not_show(steps: list[str], theirs: list[int]) -> None:
    assert messages(steps, theirs) == messages(steps, [0])


def test_a_thousand_orders_do_not_show() -> None:
    steps = [
        "bid",
        "subscribe",
        "trade",
        "several",
        "subscribe",
        "cancel",
        "resume",
        "nothing",
        "bid",
    ]
    alone = messages(steps, [0])
    assert len(alone) > len(steps)
    assert messages(steps, [125]) == alone
