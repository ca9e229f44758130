"""Pages at the running exchange: other sites' reach nothing, the demo tenant's everything."""

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from scripts.client import Client, Deployment
from tests.doubles.local_exchange import DEMO_PAGE

EVIL = Origin("https://evil.example")
TIMEOUT_S = 60


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


def test_a_page_on_the_tenants_list_may_ask_read_and_connect(exchange: Deployment) -> None:
    alice = Client(exchange, exchange.users[0])
    url = f"{exchange.rest_url}/balances"
    page = {"Origin": DEMO_PAGE}
    ask = page | {"Access-Control-Request-Method": "GET"}
    signed_in = page | {"Authorization": f"Bearer {alice.token}"}
    asked = requests.options(url, headers=ask, timeout=TIMEOUT_S)
    assert asked.status_code == 204
    assert "authorization" in asked.headers["Access-Control-Allow-Headers"]
    answered = requests.get(url, headers=signed_in, timeout=TIMEOUT_S)
    assert answered.status_code == 200
    for response in (asked, answered):
        assert response.headers["Access-Control-Allow-Origin"] == DEMO_PAGE
        assert response.headers["Vary"] == "Origin"
    with connect(alice.websocket_url(), origin=Origin(DEMO_PAGE), open_timeout=TIMEOUT_S) as socket:
        socket.send('{"op":"ping"}')
        assert "pong" in str(socket.recv(timeout=TIMEOUT_S))


def test_what_the_gateway_refuses_any_page_may_read(exchange: Deployment) -> None:
    url, page = f"{exchange.rest_url}/balances", {"Origin": DEMO_PAGE}
    refused = requests.get(url, headers=page, timeout=TIMEOUT_S)
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert refused.headers["Access-Control-Allow-Origin"] == "*"


def test_a_page_that_is_not_listed_is_told_nothing(exchange: Deployment) -> None:
    """Its own address is let through to the exchange, and no tenant lists it."""
    origin = exchange.rest_url.partition("/_aws")[0]
    for method in ("GET", "OPTIONS"):
        url, page = f"{exchange.rest_url}/markets", {"Origin": origin}
        answered = requests.request(method, url, headers=page, timeout=TIMEOUT_S)
        assert answered.ok
        assert not [name for name in answered.headers if name.startswith("Access-Control-")]
