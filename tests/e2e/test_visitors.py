"""Who has not signed in follows the markets of a tenant, and nothing else."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from scripts.client import Client, Deployment, Visitor
from tests.doubles.feed_example import FEED_CLIENT
from tests.doubles.local_exchange import DEMO_PAGE, OPEN_TIMEOUT_S
from tests.e2e.test_websocket import MARKET, hear, order, say

CHANNELS = (
    f"book:{MARKET}",
    f"book:{MARKET}:20",
    f"trades:{MARKET}",
    f"ticker:{MARKET}",
    "markets",
)
ARRIVED_S = 60.0
EVIL = Origin("https://evil.example")


@pytest.fixture
def socket(exchange: Deployment) -> Iterator[ClientConnection]:
    with connect(Visitor(exchange).websocket_url(), open_timeout=OPEN_TIMEOUT_S) as opened:
        yield opened


def test_a_visitor_follows_what_others_trade(
    exchange: Deployment, socket: ClientConnection
) -> None:
    alice = Client(exchange, exchange.users[0])
    alice.call("DELETE", "/orders", params={"market": MARKET})
    copies: dict[str, Any] = {name: FEED_CLIENT.ChannelCopy(name) for name in CHANNELS}
    say(socket, {"op": "subscribe", "channels": list(CHANNELS)})
    hear(socket, type="subscribed")
    sell = alice.call("POST", "/orders", json=order("sell") | {"quantity": "2"})
    bought = alice.call("POST", "/orders", json=order("buy"))
    assert bought["status"] == "filled"

    deadline = time.monotonic() + ARRIVED_S
    trades, book = copies[f"trades:{MARKET}"], copies[f"book:{MARKET}"]
    traded = bought["fills"][0]["trade_id"]
    while (traded,) not in trades.entries or book.asks.get("250") != "1":
        assert time.monotonic() < deadline, (trades.entries, book.asks)
        with suppress(TimeoutError):
            message = json.loads(socket.recv(timeout=1))
            if message["type"] == "subscribed":
                continue
            name = message["channel"]
            assert name in CHANNELS
            copies[name].receive(message)
            if copies[name].is_stale:
                say(socket, {"op": "subscribe", "channels": [name]})
    assert [copy.mismatches for copy in copies.values()] == [0] * len(CHANNELS)
    say(socket, {"op": "unsubscribe", "channels": list(CHANNELS)})
    hear(socket, type="unsubscribed")
    alice.call("DELETE", f"/orders/{sell['order_id']}")


def test_a_visitor_gets_nothing_of_an_account(socket: ClientConnection) -> None:
    for channel in ("orders", "fills", "balances"):
        say(socket, {"op": "subscribe", "channels": [f"trades:{MARKET}", channel]})
        assert hear(socket, type="error")["code"] == "ticket_required"
    say(socket, {"op": "resume", "epoch": 1, "channels": {f"trades:{MARKET}": 1}})
    assert hear(socket, type="resumed")["channels"] == {f"trades:{MARKET}": "snapshot"}


def test_another_tenants_markets_are_its_own(exchange: Deployment) -> None:
    tenant = requests.get(f"{exchange.rest_url}/tenant", timeout=OPEN_TIMEOUT_S).json()
    url = tenant["public_websocket_url"]
    assert url == exchange.public_websocket_url
    other = url.replace(f"tenant={exchange.tenant}", "tenant=t2")
    assert other != url
    with connect(other, open_timeout=OPEN_TIMEOUT_S) as socket:
        say(socket, {"op": "subscribe", "channels": [f"trades:{MARKET}"]})
        assert hear(socket, type="error")["code"] == "unknown_market"


@pytest.mark.parametrize("query", ["?tenant=t9", "?ticket=t1.0", "?tenant=t1&tenant=t2"])
def test_who_names_no_tenant_is_not_let_in(exchange: Deployment, query: str) -> None:
    url = exchange.public_websocket_url.partition("?")[0]
    with (
        pytest.raises(InvalidStatus, match="403"),
        connect(url + query, open_timeout=OPEN_TIMEOUT_S),
    ):
        pass


def test_only_pages_of_the_tenants_list_connect(exchange: Deployment) -> None:
    url = exchange.public_websocket_url
    with (
        pytest.raises(InvalidStatus, match="403"),
        connect(url, origin=EVIL, open_timeout=OPEN_TIMEOUT_S),
    ):
        pass
    with connect(url, origin=Origin(DEMO_PAGE), open_timeout=OPEN_TIMEOUT_S) as socket:
        say(socket, {"op": "ping"})
        assert hear(socket, type="pong")
