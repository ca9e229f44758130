"""What a client may ask over its WebSocket, and what it is answered."""

import json
from typing import Any
from zlib import crc32

import pytest

from bursa.dialects.native.socket_requests import REQUEST_BYTES_MAX, handle_request
from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.market_data.clients import CHANNELS_PER_CONNECTION_MAX, Client
from bursa.market_data.subscriptions import CONNECTION_KEPT_S, Subscriptions
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from bursa.read_models.row_writes import Table
from tests.doubles.channel_states import MemoryChannelStates, MemoryConnections
from tests.doubles.ids import IDS, PUBLIC_IDS
from tests.doubles.shard import ALICE, BOB, BTC, Shard, buy, sell, stream_records
from wire import codec
from wire import layout as w

CLIENT = Client(AccountId.parse("t1-1"), "conn=", "alice", 1 << 33)
NOW_MS = 1_700_000_000_000
SHARD = 0


class Desk:
    """A shard with a book and two trades, and the desk that answers clients of it."""

    def __init__(self) -> None:
        self.shard = Shard()
        self.shard.run(buy(ALICE, 23_512, 10), sell(BOB, 23_600, 5), client_order_ids={0: "mine"})
        self.shard.run(sell(BOB, 23_512, 3), sell(BOB, 23_512, 4))
        self.tables = MemoryTables(0)
        Projector(0, self.shard, self.tables, print).project(stream_records(self.shard.records))
        self.connections = MemoryConnections()
        self.subscriptions = Subscriptions(
            self.connections, MemoryChannelStates(self.tables), {TenantId(1): SHARD}.__getitem__
        )
        self.subscriptions.connect(CLIENT, NOW_MS)

    def ask(self, request: object) -> list[dict[str, Any]]:
        body = request if isinstance(request, str) else json.dumps(request)
        return [
            json.loads(m)
            for m in handle_request(self.subscriptions, CLIENT, body, NOW_MS, PUBLIC_IDS)
        ]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_subscribing_is_confirmed_and_then_a_snapshot_comes(desk: Desk) -> None:
    confirmed, snapshot = desk.ask({"op": "subscribe", "channels": ["book:BTC-USDT"]})

    assert confirmed == {"type": "subscribed", "channels": ["book:BTC-USDT"]}
    last = desk.shard.records[-1]
    assert snapshot == {
        "type": "snapshot",
        "channel": "book:BTC-USDT",
        "sequence": last.time_ms,
        "previous_sequence": 0,
        "epoch": 1,
        "time_ms": last.time_ms,
        "data": {
            "status": "open",
            "auction": None,
            "checksum": crc32(b"2365235123"),
            "bids": [["235.12", "0.00000003"]],
            "asks": [["236", "0.00000005"]],
        },
    }
    (row,) = desk.connections.rows.values()
    assert (row.tenant, row.channel, row.connection_id) == ("t1", "book:BTC-USDT", "conn=")
    assert (row.since, row.moment) == (last.last_sequence, last.time_ms)
    assert row.expires_at == NOW_MS // 1000 + CONNECTION_KEPT_S


def test_private_channels_are_the_clients_own(desk: Desk) -> None:
    _, orders, balances = desk.ask({"op": "subscribe", "channels": ["orders", "balances"]})

    (order,) = orders["data"]
    assert (order["client_order_id"], order["status"], order["remaining_quantity"]) == (
        "mine",
        "partially_filled",
        "0.00000003",
    )
    assert [balance["asset"] for balance in balances["data"]] == ["USDT", "BTC"]
    assert set(desk.connections.known["t1-1", "conn="]) == {"orders:t1-1", "balances:t1-1"}


def test_trades_snapshot_is_newest_first(desk: Desk) -> None:
    _, trades = desk.ask({"op": "subscribe", "channels": ["trades:BTC-USDT"]})
    assert [trade["trade_id"] for trade in trades["data"]] == [IDS.trade(2), IDS.trade(1)]


def test_the_same_channel_twice_is_one(desk: Desk) -> None:
    confirmed, *snapshots = desk.ask({"op": "subscribe", "channels": ["orders", "orders"]})
    assert confirmed["channels"] == ["orders"]
    assert len(snapshots) == 1


def test_unsubscribing_leaves_the_other_channels(desk: Desk) -> None:
    desk.ask({"op": "subscribe", "channels": ["orders", "balances"]})
    assert desk.ask({"op": "unsubscribe", "channels": ["orders"]}) == [
        {"type": "unsubscribed", "channels": ["orders"]}
    ]
    assert desk.connections.known["t1-1", "conn="] == {"balances:t1-1"}
    assert list(desk.connections.rows) == [("balances:t1-1", "conn=")]


def test_ping_is_answered(desk: Desk) -> None:
    assert desk.ask({"op": "ping"}) == [{"type": "pong"}]


def test_connecting_and_disconnecting_leaves_nothing(desk: Desk) -> None:
    desk.subscriptions.connect(CLIENT, NOW_MS)
    assert desk.connections.expires_at == NOW_MS // 1000 + CONNECTION_KEPT_S
    desk.ask({"op": "subscribe", "channels": ["orders", "book:BTC-USDT"]})
    desk.subscriptions.disconnect(CLIENT)
    assert (desk.connections.known, desk.connections.rows) == ({}, {})


TOO_MANY = [f"book:M{number}" for number in range(CHANNELS_PER_CONNECTION_MAX + 1)]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        pytest.param("", "invalid_json", id="empty"),
        pytest.param("{", "invalid_json", id="not JSON"),
        pytest.param("[" * 2_000, "invalid_json", id="deep"),
        pytest.param("[1]", "message_not_an_object", id="no object"),
        pytest.param('{"op":"ping","op":"ping"}', "duplicate_key", id="key twice"),
        pytest.param(
            '{"op":"subscribe","channels":["orders"],"channels":["balances"]}',
            "duplicate_key",
            id="channels twice",
        ),
        pytest.param('{"op":"ping","x":{"a":1,"a":1}}', "duplicate_key", id="inner key twice"),
        pytest.param('{"op":"ping","id":NaN}', "invalid_json", id="NaN"),
        pytest.param('{"op":"ping","id":-Infinity}', "invalid_json", id="infinite"),
        pytest.param('{"op":"ping","id":1}', "unknown_field", id="another field"),
        pytest.param('{"op":"ping","channels":["orders"]}', "unknown_field", id="misplaced"),
        pytest.param(
            {"op": "subscribe", "channels": ["orders"], "market": "BTC-USDT"},
            "unknown_field",
            id="another field of a subscription",
        ),
        pytest.param("\ud800", "invalid_json", id="half a character"),
        pytest.param("x" * (REQUEST_BYTES_MAX + 1), "message_too_large", id="too large"),
        pytest.param({}, "unknown_op", id="no op"),
        pytest.param({"op": "trade"}, "unknown_op", id="unknown op"),
        pytest.param({"op": ["ping"]}, "unknown_op", id="op is a list"),
        pytest.param({"op": "subscribe"}, "invalid_channels", id="no channels"),
        pytest.param({"op": "subscribe", "channels": []}, "invalid_channels", id="none"),
        pytest.param({"op": "subscribe", "channels": "orders"}, "invalid_channels", id="text"),
        pytest.param({"op": "subscribe", "channels": [1]}, "invalid_channels", id="number"),
        pytest.param({"op": "subscribe", "channels": ["candles"]}, "unknown_channel", id="kind"),
        pytest.param({"op": "subscribe", "channels": ["book"]}, "unknown_channel", id="no market"),
        pytest.param(
            {"op": "subscribe", "channels": ["orders:t1-2"]}, "unknown_channel", id="another's"
        ),
        pytest.param(
            {"op": "subscribe", "channels": ["orders", "book:NO-SUCH"]},
            "unknown_market",
            id="unknown market",
        ),
        pytest.param({"op": "subscribe", "channels": TOO_MANY}, "too_many_channels", id="too many"),
        pytest.param({"op": "unsubscribe", "channels": ["x"]}, "unknown_channel", id="leave x"),
    ],
)
def test_bad_request_is_refused_and_changes_nothing(
    desk: Desk, request_: object, code: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        desk.ask(request_)
    assert caught.value.code == code
    assert (desk.connections.known, desk.connections.rows) == ({("t1-1", "conn="): frozenset()}, {})


def test_a_connection_that_has_ended_is_told_so_and_not_brought_back(desk: Desk) -> None:
    desk.subscriptions.disconnect(CLIENT)
    with pytest.raises(InvalidInput) as caught:
        desk.ask({"op": "subscribe", "channels": ["orders"]})
    assert caught.value.code == "connection_ended"
    desk.ask({"op": "unsubscribe", "channels": ["orders"]})
    assert (desk.connections.known, desk.connections.rows) == ({}, {})


def test_channels_of_a_connection_add_up_to_the_limit(desk: Desk) -> None:
    full = frozenset(f"book:M{number}" for number in range(CHANNELS_PER_CONNECTION_MAX - 1))
    desk.connections.known["t1-1", "conn="] = full
    desk.ask({"op": "subscribe", "channels": ["orders"]})
    desk.ask({"op": "subscribe", "channels": ["orders"]})
    with pytest.raises(InvalidInput, match="at most"):
        desk.ask({"op": "subscribe", "channels": ["balances"]})


def test_snapshot_of_an_account_without_anything_is_empty(desk: Desk) -> None:
    stranger = Client(AccountId.parse("t1-9"), "other", "mallory", 1 << 33)
    desk.subscriptions.connect(stranger, NOW_MS)
    body = json.dumps({"op": "subscribe", "channels": ["orders", "balances"]})
    _, orders, balances = (
        json.loads(m)
        for m in handle_request(desk.subscriptions, stranger, body, NOW_MS, PUBLIC_IDS)
    )
    held = desk.shard.records[-1].time_ms
    assert (orders["data"], orders["sequence"]) == ([], held)
    assert (balances["data"], balances["sequence"]) == ([], held)


@pytest.mark.parametrize("channel", ["book:BTC-USDT", "trades:BTC-USDT", "orders", "balances"])
def test_snapshot_holds_what_the_read_models_held_when_it_was_asked_for(
    desk: Desk, channel: str
) -> None:
    last = desk.shard.records[-1]
    in_the_book = desk.shard.run(sell(BOB, 23_599, 1))
    desk.shard.run(codec.encode_funds(w.COMMAND_CREDIT, BOB, BTC, 1))
    projector = Projector(0, desk.shard, desk.tables, print)
    body = json.dumps({"op": "subscribe", "channels": [channel]})
    responses = handle_request(desk.subscriptions, CLIENT, body, NOW_MS, PUBLIC_IDS)
    next(responses)
    projector.project(stream_records(desk.shard.records))

    snapshot = json.loads(next(responses))

    (row,) = desk.connections.rows.values()
    assert row.since == last.last_sequence
    # A book is one row; the rows of a list are written one by one, and may be of two times.
    assert snapshot["sequence"] == (
        in_the_book.time_ms if channel.startswith("book") else last.time_ms
    )


def test_a_snapshot_from_rows_of_older_software_says_that_it_may_lack_orders(desk: Desk) -> None:
    del desk.tables.items[Table.PROGRESS]["shard#0", "read-models-schema"]
    states = desk.subscriptions._states
    assert isinstance(states, MemoryChannelStates)
    states.committed = lambda: desk.shard.records[-1].last_sequence

    _, snapshot, missed = desk.ask({"op": "subscribe", "channels": ["orders"]})

    assert (snapshot["type"], snapshot["sequence"]) == ("snapshot", 0)
    assert (missed["type"], missed["sequence"]) == ("missed", 1)
