"""What a client may ask over its WebSocket, and what it is answered."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import AccountId
from bursa.market_data.subscriptions import (
    CHANNELS_PER_CONNECTION_MAX,
    CONNECTION_KEPT_S,
    MESSAGE_BYTES_MAX,
    Client,
    Subscriptions,
)
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from bursa.read_models.row_writes import Table
from bursa.read_models.rows import (
    AssetRow,
    BalanceRow,
    BookRow,
    ConnectionRow,
    MarketRow,
    OrderRow,
    ProgressRow,
    SubscriptionRow,
    TradeRow,
    from_attributes,
)
from tests.doubles.shard import ALICE, BOB, Shard, buy, sell, stream_records

CLIENT = Client(AccountId.parse("t1-1"), "conn=")
NOW_MS = 1_700_000_000_000


class Connections:
    def __init__(self) -> None:
        self.known: dict[tuple[str, str], frozenset[str]] = {}
        self.rows: dict[tuple[str, str], SubscriptionRow] = {}
        self.expires_at = 0

    def open(self, connection: ConnectionRow) -> None:
        self.known[connection.tenant, connection.connection_id] = connection.channels
        self.expires_at = connection.expires_at

    def channels(self, tenant: str, connection_id: str) -> frozenset[str]:
        return self.known.get((tenant, connection_id), frozenset())

    def subscribe(self, connection: ConnectionRow, rows: Sequence[SubscriptionRow]) -> None:
        key = (connection.tenant, connection.connection_id)
        self.known[key] = self.channels(*key) | connection.channels
        self.rows |= {(row.channel, row.connection_id): row for row in rows}

    def unsubscribe(self, tenant: str, connection_id: str, keys: Sequence[str]) -> None:
        self.known[tenant, connection_id] = self.channels(tenant, connection_id) - set(keys)
        for key in keys:
            self.rows.pop((key, connection_id), None)

    def forget(self, tenant: str, connection_id: str) -> None:
        keys = self.known.pop((tenant, connection_id), frozenset())
        for key in keys:
            self.rows.pop((key, connection_id), None)


class Snapshots:
    """Reads the tables in memory."""

    def __init__(self, tables: MemoryTables) -> None:
        self.tables = tables

    def progress(self) -> ProgressRow | None:
        return self.tables.progress()

    def book(self, tenant: str, market: str) -> BookRow | None:
        return self.tables.book(tenant, market)

    def market(self, tenant: str, symbol: str) -> MarketRow | None:
        item = self.tables.items[Table.MARKETS].get((tenant, f"market#{symbol}"))
        return None if item is None else from_attributes(MarketRow, item)

    def asset(self, tenant: str, symbol: str) -> AssetRow | None:
        item = self.tables.items[Table.MARKETS].get((tenant, f"asset#{symbol}"))
        return None if item is None else from_attributes(AssetRow, item)

    def trades(self, tenant: str, market: str, limit: int) -> list[TradeRow]:
        items = sorted(self.tables.items[Table.TRADES].items(), reverse=True)
        return [from_attributes(TradeRow, item) for _, item in items][:limit]

    def open_orders(self, account: str, limit: int) -> list[OrderRow]:
        items = sorted(self.tables.items[Table.ORDERS].items(), reverse=True)
        return [
            from_attributes(OrderRow, item)
            for _, item in items
            if item.get("open_account") == {"S": account}
        ][:limit]

    def balances(self, account: str) -> list[BalanceRow]:
        return [
            from_attributes(BalanceRow, item)
            for (partition, _), item in self.tables.items[Table.BALANCES].items()
            if partition == account
        ]


class Desk:
    """A shard with a book and two trades, and the desk that answers clients of it."""

    def __init__(self) -> None:
        self.shard = Shard()
        self.shard.run(buy(ALICE, 23_512, 10), sell(BOB, 23_600, 5), texts={0: "mine"})
        self.shard.run(sell(BOB, 23_512, 3), sell(BOB, 23_512, 4))
        self.tables = MemoryTables(0)
        Projector(0, self.shard, self.tables, print).project(stream_records(self.shard.records))
        self.connections = Connections()
        self.subscriptions = Subscriptions(self.connections, Snapshots(self.tables))

    def ask(self, request: object) -> list[dict[str, Any]]:
        body = request if isinstance(request, str) else json.dumps(request)
        return [json.loads(m) for m in self.subscriptions.receive(CLIENT, body, NOW_MS)]


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
        "sequence": last.last_sequence,
        "time_ms": last.time_ms,
        "data": {"bids": [["235.12", "0.00000003"]], "asks": [["236", "0.00000005"]]},
    }
    (row,) = desk.connections.rows.values()
    assert (row.tenant, row.channel, row.connection_id) == ("t1", "book:BTC-USDT", "conn=")
    assert row.since == last.last_sequence
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
    assert set(desk.connections.known["t1", "conn="]) == {"orders:t1-1", "balances:t1-1"}


def test_trades_snapshot_is_newest_first(desk: Desk) -> None:
    _, trades = desk.ask({"op": "subscribe", "channels": ["trades:BTC-USDT"]})
    assert [trade["trade_id"] for trade in trades["data"]] == ["2", "1"]


def test_the_same_channel_twice_is_one(desk: Desk) -> None:
    confirmed, *snapshots = desk.ask({"op": "subscribe", "channels": ["orders", "orders"]})
    assert confirmed["channels"] == ["orders"]
    assert len(snapshots) == 1


def test_unsubscribing_leaves_the_other_channels(desk: Desk) -> None:
    desk.ask({"op": "subscribe", "channels": ["orders", "balances"]})
    assert desk.ask({"op": "unsubscribe", "channels": ["orders"]}) == [
        {"type": "unsubscribed", "channels": ["orders"]}
    ]
    assert desk.connections.known["t1", "conn="] == {"balances:t1-1"}
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
        pytest.param("[1]", "invalid_json", id="no object"),
        pytest.param("x" * (MESSAGE_BYTES_MAX + 1), "message_too_large", id="too large"),
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
    assert (desk.connections.known, desk.connections.rows) == ({}, {})


def test_channels_of_a_connection_add_up_to_the_limit(desk: Desk) -> None:
    full = frozenset(f"book:M{number}" for number in range(CHANNELS_PER_CONNECTION_MAX - 1))
    desk.connections.known["t1", "conn="] = full
    desk.ask({"op": "subscribe", "channels": ["orders"]})
    desk.ask({"op": "subscribe", "channels": ["orders"]})
    with pytest.raises(InvalidInput, match="at most"):
        desk.ask({"op": "subscribe", "channels": ["balances"]})


def test_snapshot_of_an_account_without_anything_is_empty(desk: Desk) -> None:
    stranger = Client(AccountId.parse("t1-9"), "other")
    body = json.dumps({"op": "subscribe", "channels": ["orders", "balances"]})
    _, orders, balances = (
        json.loads(m) for m in desk.subscriptions.receive(stranger, body, NOW_MS)
    )
    assert (orders["data"], orders["sequence"]) == ([], 0)
    assert (balances["data"], balances["sequence"]) == ([], 0)
