"""A client listens on the WebSocket while the other side trades over REST."""

import json
import secrets
import time
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from bursa.tenants.limits import DEFAULT_LIMITS
from scripts.client import Client, Deployment, Json
from tests.doubles.local_exchange import OPEN_TIMEOUT_S

MARKET = "BTC-USDT"
CHANNELS = [f"book:{MARKET}", f"trades:{MARKET}", "orders", "balances"]
# The feed looks for new subscribers about once a second.
SUBSCRIBED_S = 2.0
ARRIVED_S = 10.0
MESSAGES_MAX = DEFAULT_LIMITS.connection_messages.burst


@pytest.fixture
def alice(exchange: Deployment) -> Iterator[Client]:
    client = Client(exchange, exchange.users[0])
    client.call("DELETE", "/orders", params={"market": MARKET})
    yield client
    client.call("DELETE", "/orders", params={"market": MARKET})


@pytest.fixture
def socket(alice: Client) -> Iterator[ClientConnection]:
    with connect(alice.websocket_url(), open_timeout=OPEN_TIMEOUT_S) as opened:
        yield opened


def say(socket: ClientConnection, message: Json) -> None:
    socket.send(json.dumps(message))


def hear(socket: ClientConnection, **wanted: str) -> Json:
    """Read until a message has these fields."""
    deadline = time.monotonic() + ARRIVED_S
    while True:
        message = dict(json.loads(socket.recv(timeout=deadline - time.monotonic())))
        if all(message.get(name) == value for name, value in wanted.items()):
            return message


def order(side: str) -> Json:
    plain = {"market": MARKET, "side": side, "type": "limit", "price": "250.00", "quantity": "1"}
    mine = {"self_trade_prevention": "none"}
    return plain | mine | {"client_order_id": secrets.token_hex(8)}


def test_every_channel_reports_a_trade_with_its_sequence(
    alice: Client, socket: ClientConnection
) -> None:
    say(socket, {"op": "subscribe", "channels": CHANNELS})
    assert set(hear(socket, type="subscribed")["channels"]) == set(CHANNELS)
    time.sleep(SUBSCRIBED_S)
    sell = alice.call("POST", "/orders", json=order("sell"))
    buy = alice.call("POST", "/orders", json=order("buy"))
    assert buy["status"] == "filled"
    told: dict[str, list[Json]] = {channel: [] for channel in CHANNELS}
    deadline = time.monotonic() + ARRIVED_S
    while not _all_told(told, buy) and time.monotonic() < deadline:
        message = dict(json.loads(socket.recv(timeout=ARRIVED_S)))
        if message["type"] == "update":
            told[message["channel"]].append(message)
    [trade] = [row for m in told[f"trades:{MARKET}"] for row in m["data"]]
    assert (trade["price"], trade["quantity"]) == ("250", "1")
    final = {row["order_id"]: row["status"] for m in told["orders"] for row in m["data"]}
    assert final[sell["order_id"]] == final[buy["order_id"]] == "filled"
    for messages in told.values():
        sequences = [message["sequence"] for message in messages]
        assert sequences
        assert sequences == sorted(sequences)


def test_an_order_in_the_second_of_the_subscription_is_told_though_silence_follows(
    alice: Client,
) -> None:
    with connect(alice.websocket_url(), open_timeout=OPEN_TIMEOUT_S) as socket:
        # A record for which nobody listens; the feed has looked for listeners within this second.
        earlier = alice.call("POST", "/orders", json=order("sell"))
        say(socket, {"op": "subscribe", "channels": ["orders", f"book:{MARKET}"]})
        hear(socket, type="subscribed")
        placed = alice.call("POST", "/orders", json=order("sell"))
        seen: set[str] = set()
        books = 0
        while not (books and {earlier["order_id"], placed["order_id"]} <= seen):
            message = dict(json.loads(socket.recv(timeout=ARRIVED_S)))
            if message.get("channel") == "orders":
                seen |= {row["order_id"] for row in message["data"]}
            elif message.get("type") == "update":
                books += 1


def _all_told(told: dict[str, list[Json]], last: Json) -> bool:
    orders = {row["order_id"]: row["status"] for m in told["orders"] for row in m["data"]}
    return orders.get(last["order_id"]) == "filled" and all(told.values())


def test_unsubscribed_channels_fall_silent(alice: Client, socket: ClientConnection) -> None:
    say(socket, {"op": "subscribe", "channels": ["orders", "balances"]})
    hear(socket, type="subscribed")
    say(socket, {"op": "unsubscribe", "channels": ["balances"]})
    hear(socket, type="unsubscribed")
    time.sleep(SUBSCRIBED_S)
    placed = alice.call("POST", "/orders", json=order("sell"))
    alice.call("DELETE", f"/orders/{placed['order_id']}")
    channels = set()
    status = ""
    while status != "cancelled":
        message = dict(json.loads(socket.recv(timeout=ARRIVED_S)))
        if message["type"] != "update":
            continue
        channels.add(message["channel"])
        if message["channel"] == "orders":
            status = message["data"][-1]["status"]
    assert "balances" not in channels


def test_ping_and_mistakes_are_answered(socket: ClientConnection) -> None:
    say(socket, {"op": "ping"})
    assert hear(socket, type="pong")
    for message in (
        {"op": "dance"},
        {"op": "subscribe", "channels": ["book:NO-SUCH"]},
        {"op": "subscribe", "channels": []},
        {"op": "subscribe"},
    ):
        say(socket, message)
        response = hear(socket, type="error")
        assert response["code"]
        assert response["detail"]
    socket.send("not json")
    assert hear(socket, type="error")["code"]


def test_a_ticket_opens_one_connection(alice: Client) -> None:
    url = alice.websocket_url()
    with connect(url, open_timeout=OPEN_TIMEOUT_S) as opened:
        say(opened, {"op": "ping"})
        assert hear(opened, type="pong")
    assert is_turned_away(url)


def test_without_a_good_ticket_a_connection_is_turned_away(
    exchange: Deployment, alice: Client
) -> None:
    ticket = alice.call("POST", "/ws-ticket")["ticket"]
    for query in (
        "",
        "?ticket=nonsense",
        f"?token={alice.token}",
        f"?ticket={alice.token}",
        f"?ticket=t2.{ticket.partition('.')[2]}",
        f"?ticket={ticket}&token={alice.token}",
        f"?ticket={ticket}&ticket={ticket}",
    ):
        assert is_turned_away(f"{exchange.ws_url}{query}"), query
    with connect(f"{exchange.ws_url}?ticket={ticket}", open_timeout=OPEN_TIMEOUT_S):
        pass


def test_who_sends_too_much_is_cut_off(socket: ClientConnection) -> None:
    said: list[Json] = []
    with pytest.raises(ConnectionClosed):
        ping_without_end(socket, said)
    assert said[-1]["code"] == "too_many_messages"


def ping_without_end(socket: ClientConnection, said: list[Json]) -> None:
    for _ in range(MESSAGES_MAX * 4):
        say(socket, {"op": "ping"})
        said.append(dict(json.loads(socket.recv(timeout=ARRIVED_S))))


def is_turned_away(url: str) -> bool:
    try:
        with connect(url, open_timeout=OPEN_TIMEOUT_S):
            return False
    except InvalidStatus as refused:
        return refused.response.status_code in {401, 403}
