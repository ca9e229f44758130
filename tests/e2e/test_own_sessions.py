"""Sessions one by one on the running exchange: listed, and ended within seconds."""

import json
import time

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from scripts.client import Client, Deployment, Json
from tests.doubles.local_exchange import OPEN_TIMEOUT_S

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("exchange")]

# The gateway keeps a verdict for ten seconds (template.yaml, ReauthorizeEvery).
REST_ENDS_S = 12.0
SOCKET_ENDS_S = 3.0


def own_session(client: Client) -> Json:
    listed = client.call("GET", "/sessions")
    [current] = [one for one in listed["items"] if one["is_current"]]
    return dict(current)


def test_one_session_ends_on_rest_and_websockets_and_the_others_go_on(
    exchange: Deployment,
) -> None:
    phone, laptop = Client(exchange, exchange.users[0]), Client(exchange, exchange.users[0])
    bob = Client(exchange, exchange.users[1])
    mine, lost = own_session(phone), own_session(laptop)
    assert mine["session_id"] != lost["session_id"]
    assert "requests" in mine["user_agent"]
    assert abs(mine["last_seen_at_ms"] - time.time() * 1_000) < 600_000
    refused = bob.send("DELETE", f"/sessions/{lost['session_id']}")
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown_session")

    with (
        connect(laptop.websocket_url(), open_timeout=OPEN_TIMEOUT_S) as socket,
        connect(phone.websocket_url(), open_timeout=OPEN_TIMEOUT_S) as other,
    ):
        began = time.monotonic()
        ended = phone.call("DELETE", f"/sessions/{lost['session_id']}")
        codes = []
        try:
            while True:
                codes.append(json.loads(socket.recv(timeout=SOCKET_ENDS_S)).get("code"))
        except ConnectionClosed:
            assert time.monotonic() - began < SOCKET_ENDS_S
        other.send('{"op":"ping"}')
        assert json.loads(other.recv(timeout=SOCKET_ENDS_S))["type"] == "pong"
    assert codes == ["signed_out"]
    assert ended == {"session_id": lost["session_id"], "connections_closed": 1}

    while laptop.send("GET", "/balances").ok:
        assert time.monotonic() - began < REST_ENDS_S
        time.sleep(0.2)
    assert phone.send("GET", "/balances").ok
    names = {one["session_id"] for one in phone.call("GET", "/sessions")["items"]}
    assert mine["session_id"] in names
    assert lost["session_id"] not in names
    latest = phone.call("GET", "/security-events")["items"][0]
    assert (latest["kind"], latest["about"]) == ("session_ended", lost["session_id"])


def test_a_sign_in_from_a_new_device_is_told_and_pauses_withdrawals(exchange: Deployment) -> None:
    known, thief = Client(exchange, exchange.users[1]), Client(exchange, exchange.users[1])
    own_session(known)
    agent = {"User-Agent": f"Unseen program {'x' * (int(time.time()) % 50)}"}
    assert thief.send("GET", "/balances", headers=agent).ok
    told = [
        one for one in known.call("GET", "/security-events")["items"] if one["kind"] == "new_device"
    ]
    assert told
    paused_ms = known.call("GET", "/me")["withdrawals_paused_until_ms"]
    assert paused_ms is not None
    assert paused_ms > time.time() * 1_000
