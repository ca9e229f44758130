"""Signing out everywhere on the running exchange: how soon it is felt."""

import json
import time

import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from scripts.client import Client, Deployment, Json
from tests.doubles.local_exchange import OPEN_TIMEOUT_S

# The gateway keeps a verdict for ten seconds (template.yaml, ReauthorizeEvery).
REST_ENDS_S = 12.0
SOCKET_ENDS_S = 3.0


def read_to_the_end(socket: ClientConnection) -> list[Json]:
    heard = []
    try:
        while True:
            heard.append(dict(json.loads(socket.recv(timeout=SOCKET_ENDS_S))))
    except ConnectionClosed:
        return heard


def test_signing_out_everywhere_ends_rest_and_websockets_and_nobody_elses(
    exchange: Deployment,
) -> None:
    phone, laptop = Client(exchange, exchange.users[0]), Client(exchange, exchange.users[0])
    bob = Client(exchange, exchange.users[1])
    assert laptop.send("GET", "/balances").ok
    ticket_url = laptop.websocket_url()
    with (
        connect(laptop.websocket_url(), open_timeout=OPEN_TIMEOUT_S) as socket,
        connect(bob.websocket_url(), open_timeout=OPEN_TIMEOUT_S) as other,
    ):
        socket.send('{"op":"subscribe","channels":["orders"]}')
        assert json.loads(socket.recv(timeout=SOCKET_ENDS_S))["type"] == "subscribed"
        # A session that begins in the second of the sign-out would end with it.
        began = time.monotonic()
        ended = phone.call("POST", "/sessions/revoke")
        heard = read_to_the_end(socket)
        socket_s = time.monotonic() - began
        other.send('{"op":"ping"}')
        assert json.loads(other.recv(timeout=SOCKET_ENDS_S))["type"] == "pong"
    # Others may be there whose end the gateway has not reported yet.
    assert ended["connections_closed"] >= 1
    assert [message["code"] for message in heard if "code" in message] == ["signed_out"]
    assert socket_s < SOCKET_ENDS_S

    while laptop.send("GET", "/balances").ok:
        assert time.monotonic() - began < REST_ENDS_S
        time.sleep(0.2)

    assert laptop.send("GET", "/balances").status_code == 401
    with (
        pytest.raises(Exception, match=r"40[13]"),
        connect(ticket_url, open_timeout=OPEN_TIMEOUT_S),
    ):
        pass
    assert bob.send("GET", "/balances").ok
    time.sleep(1.1)
    assert Client(exchange, exchange.users[0]).send("GET", "/balances").ok


def test_private_answers_are_not_kept_and_say_what_they_are(exchange: Deployment) -> None:
    response = Client(exchange, exchange.users[0]).send("GET", "/balances")
    refused = requests.get(f"{exchange.rest_url}/balances", timeout=15)
    assert refused.status_code == 401
    for headers in (response.headers, refused.headers):
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "max-age" in headers["Strict-Transport-Security"]
