"""The client of docs/examples holds what REST shows, on every channel, while orders trade."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from scripts.client import Client, Deployment, Json
from tests.doubles.feed_example import FEED_CLIENT
from tests.doubles.local_exchange import OPEN_TIMEOUT_S
from tests.e2e.test_websocket import MARKET, order, say

CHANNELS = (
    *(f"book:{MARKET}", f"book:{MARKET}:20", f"book:{MARKET}:100", f"trades:{MARKET}"),
    *(f"ticker:{MARKET}", f"candles:{MARKET}:1m", f"candles:{MARKET}:1d", "markets"),
    *("orders", "fills", "balances"),
)
ARRIVED_S = 60.0
POLL_S = 0.5


@pytest.fixture
def alice(exchange: Deployment) -> Iterator[Client]:
    client = Client(exchange, exchange.users[0])
    client.call("DELETE", "/orders", params={"market": MARKET})
    yield client
    client.call("DELETE", "/orders", params={"market": MARKET})


class Listener:
    """A copy of each channel, and the connection that it comes by."""

    def __init__(self, socket: ClientConnection) -> None:
        self.copies: dict[str, Any] = {name: FEED_CLIENT.ChannelCopy(name) for name in CHANNELS}
        self.begun: dict[str, str] = {}
        self.connect(socket)

    def connect(self, socket: ClientConnection) -> None:
        """Go on by a new connection."""
        self._socket = socket
        for request in FEED_CLIENT.requests_of(self.copies):
            say(socket, request)

    def listen(self) -> None:
        """Take what has come; subscribe again where something is missing."""
        with suppress(TimeoutError):
            while True:
                message: Json = json.loads(self._socket.recv(timeout=POLL_S))
                if message["type"] == "resumed":
                    self.begun = message["channels"]
                name = message.get("channel")
                if name is not None:
                    self.copies[name].receive(message)
                    if self.copies[name].is_stale:
                        say(self._socket, {"op": "subscribe", "channels": [name]})


def wait_until_begun(listener: Listener) -> None:
    deadline = time.monotonic() + ARRIVED_S
    while not all(copy.last is not None for copy in listener.copies.values()):
        assert time.monotonic() < deadline, listener.copies
        listener.listen()


def in_step(listener: Listener, alice: Client) -> dict[str, bool]:
    """Return of each channel whether the copy is what REST shows."""
    copies = listener.copies
    book = alice.call("GET", f"/markets/{MARKET}/book", params={"depth": 20})
    levels = dict(map(tuple, book["bids"])), dict(map(tuple, book["asks"]))
    ticker = alice.call("GET", f"/markets/{MARKET}/ticker")
    fills = alice.call("GET", "/fills", params={"limit": 2})["items"]
    balances = {row["asset"]: row for row in alice.call("GET", "/balances")["items"]}
    trade = (fills[0]["trade_id"],)
    (held,) = copies[f"ticker:{MARKET}"].entries.values()
    told = {key[0]: entry for key, entry in copies["balances"].entries.items()}
    return {
        "books": all(
            (copies[name].bids, copies[name].asks) == levels
            for name in CHANNELS
            if name.startswith("book:")
        ),
        "ticker": all(held[name] == ticker[name] for name in ("last_price", "best_bid", "trades")),
        "trades": trade in copies[f"trades:{MARKET}"].entries,
        "candles": any(
            entry["close"] == ticker["last_price"]
            for entry in copies[f"candles:{MARKET}:1d"].entries.values()
        ),
        "fills": {row["role"] for row in fills}
        == {key[2] for key in copies["fills"].entries if key[0] == trade[0]},
        "balances": all(told[asset]["total"] == balances[asset]["total"] for asset in balances),
    }


def wait_until_in_step(listener: Listener, alice: Client) -> None:
    deadline = time.monotonic() + ARRIVED_S
    listener.listen()
    while not all((found := in_step(listener, alice)).values()):
        assert time.monotonic() < deadline, found
        listener.listen()
    assert [copy.mismatches for copy in listener.copies.values()] == [0] * len(CHANNELS)


def test_the_client_of_the_documentation_holds_what_rest_shows(alice: Client) -> None:
    with connect(alice.websocket_url(), open_timeout=OPEN_TIMEOUT_S) as socket:
        listener = Listener(socket)
        wait_until_begun(listener)
        for price in ("240.00", "241.00", "242.00"):
            alice.call("POST", "/orders", json=order("buy") | {"price": price})
        alice.call("POST", "/orders", json=order("sell") | {"quantity": "2"})
        bought = alice.call("POST", "/orders", json=order("buy"))
        assert bought["status"] == "filled"

        wait_until_in_step(listener, alice)
        states = listener.copies["markets"].entries
        assert states[MARKET,]["status"] == "open"

    # While nobody listens, it goes on; who comes back is told what was missed.
    alice.call("POST", "/orders", json=order("sell"))
    alice.call("POST", "/orders", json=order("buy"))
    with connect(alice.websocket_url(), open_timeout=OPEN_TIMEOUT_S) as socket:
        listener.connect(socket)
        wait_until_in_step(listener, alice)
    # What is longer ago than ten seconds is told anew; a slow machine may have taken that long.
    assert listener.begun[f"trades:{MARKET}"] in {"replayed", "snapshot"}
    assert listener.begun[f"ticker:{MARKET}"] == "snapshot"
