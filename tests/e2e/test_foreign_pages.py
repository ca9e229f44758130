"""Pages of other sites at the running exchange: neither REST nor WebSocket is theirs."""

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from scripts.client import Client, Deployment

EVIL = Origin("https://evil.example")
TIMEOUT_S = 60

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("exchange")]


@pytest.mark.parametrize("origin", [EVIL, "null", "http://127.0.0.1:1"])
def test_rest_answers_no_foreign_page(exchange: Deployment, origin: str) -> None:
    url = f"{exchange.rest_url}/markets"
    assert requests.get(url, timeout=TIMEOUT_S).ok
    refused = requests.get(url, headers={"Origin": origin}, timeout=TIMEOUT_S)
    assert (refused.status_code, refused.json()["code"]) == (403, "foreign_origin")
    assert "Access-Control-Allow-Origin" not in refused.headers


def test_no_name_that_can_be_rebound_is_answered(exchange: Deployment) -> None:
    url = f"{exchange.rest_url}/markets"
    refused = requests.get(url, headers={"Host": "evil.example"}, timeout=TIMEOUT_S)
    assert (refused.status_code, refused.json()["code"]) == (403, "foreign_host")


def test_a_foreign_page_opens_no_websocket_though_it_has_a_ticket(exchange: Deployment) -> None:
    alice = Client(exchange, exchange.users[0])
    with (
        pytest.raises(InvalidStatus, match="403"),
        connect(alice.websocket_url(), origin=EVIL, open_timeout=TIMEOUT_S),
    ):
        pass
    with connect(alice.websocket_url(), open_timeout=TIMEOUT_S) as socket:
        socket.send('{"op":"ping"}')
        assert "pong" in str(socket.recv(timeout=TIMEOUT_S))
