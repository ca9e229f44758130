"""Requests that come again, and what was answered a moment ago, on the whole exchange."""

import secrets
import time
from collections.abc import Iterator
from typing import Any

import pytest

from scripts.client import ApiError, Client, Deployment, Json

MARKET = "BTC-USDT"
ASYNC = {"Prefer": "respond-async"}
AT_ONCE_S = 2.0
READS = 100


@pytest.fixture
def alice(exchange: Deployment) -> Iterator[Client]:
    client = Client(exchange, exchange.users[0])
    client.call("DELETE", "/orders")
    yield client
    client.call("DELETE", "/orders")


def limit(side: str, price: str, quantity: str, **more: object) -> Json:
    order = {"market": MARKET, "side": side, "type": "limit", "price": price}
    return order | {"quantity": quantity, "client_order_id": secrets.token_hex(8)} | more


def refusal(client: Client, method: str, path: str, **request: Any) -> tuple[int, str | None]:
    with pytest.raises(ApiError) as caught:
        client.call(method, path, **request)
    return caught.value.status, caught.value.code


def test_an_order_that_was_made_smaller_is_still_the_same(alice: Client) -> None:
    alice.call("POST", "/orders", json=limit("sell", "200", "1"))
    order = limit("buy", "200", "3", self_trade_prevention="decrement")

    first = alice.call("POST", "/orders", json=order)
    second = alice.call("POST", "/orders", json=order)

    assert (first["status"], first["remaining_quantity"]) == ("open", "2")
    assert (second["order_id"], second["remaining_quantity"]) == (first["order_id"], "2")
    other = order | {"quantity": "4"}
    assert refusal(alice, "POST", "/orders", json=other) == (409, "client_order_id_reused")


def test_a_client_order_id_of_a_batch_is_used(alice: Client) -> None:
    order = limit("buy", "50", "1")
    [result] = alice.call("POST", "/orders/batch", json={"operations": [{"op": "place"} | order]})[
        "results"
    ]

    again = alice.call("POST", "/orders", json=order)

    assert again["order_id"] == result["order"]["order_id"]
    other = order | {"price": "51", "quantity": "2"}
    assert refusal(alice, "POST", "/orders", json=other) == (409, "client_order_id_reused")
    refused = alice.call("POST", "/orders/batch", json={"operations": [{"op": "place"} | other]})
    assert refused["results"][0]["error"]["code"] == "client_order_id_reused"


def test_a_refused_async_order_says_so_at_once(alice: Client) -> None:
    order = limit("buy", "100", "2000000")
    alice.call("POST", "/orders", json=order, headers=ASYNC)
    path = f"/orders/by-client-id/{order['client_order_id']}"
    deadline = time.monotonic() + 10
    while refusal(alice, "GET", path) != (422, "insufficient_balance"):
        assert time.monotonic() < deadline

    for headers in (ASYNC, None):
        began = time.monotonic()
        refused = refusal(alice, "POST", "/orders", json=order, headers=headers)
        assert refused == (422, "insufficient_balance")
        assert time.monotonic() - began < AT_ONCE_S


def test_a_decided_async_order_is_answered_at_once(alice: Client) -> None:
    order = limit("buy", "100", "1")
    alice.call("POST", "/orders", json=order, headers=ASYNC)
    alice.call("POST", "/orders", json=order)

    began = time.monotonic()
    assert alice.call("POST", "/orders", json=order)["status"] == "open"
    assert time.monotonic() - began < AT_ONCE_S


def test_a_key_on_another_cancel_is_a_conflict(alice: Client) -> None:
    first, second = (alice.call("POST", "/orders", json=limit("buy", "60", "1")) for _ in "12")
    key = {"Idempotency-Key": secrets.token_hex(8)}
    alice.call("DELETE", f"/orders/{first['order_id']}", headers=key)

    for request in (f"/orders/{second['order_id']}", "/orders"):
        assert refusal(alice, "DELETE", request, headers=key) == (409, "idempotency_key_reused")
    read = alice.call("GET", f"/orders/{second['order_id']}")
    assert read["status"] == "open"


def test_what_was_answered_can_be_read(alice: Client) -> None:
    """A hundred times at once after the answer, by both ids and in the lists."""
    for number in range(READS):
        order = alice.call("POST", "/orders", json=limit("buy", "70", "0.02"))
        if number % 2:
            read = alice.call("GET", f"/orders/{order['order_id']}")
        else:
            read = alice.call("GET", f"/orders/by-client-id/{order['client_order_id']}")
        assert read["order_id"] == order["order_id"]
        if number % 10 == 0:
            after = {"min_sequence": order["sequence"]}
            newest = alice.call("GET", "/orders", params=after)["items"][0]
            assert newest["order_id"] == order["order_id"]
            balances = alice.call("GET", "/balances", params=after)["items"]
            assert max(row["sequence"] for row in balances) >= order["sequence"]


def test_a_request_that_is_not_understood_cancels_nothing(alice: Client) -> None:
    order = alice.call("POST", "/orders", json=limit("buy", "60", "1"))
    url = f"{alice.deployment.rest_url}/orders"
    mistakes = ["?symbol=ETH-USDT", "?market[]=ETH-USDT", "?market=ETH-USDT&market=BTC-IDR"]

    for query in mistakes:
        assert alice.session.delete(url + query, timeout=30).status_code == 400
    assert alice.session.delete(url, json={"market": "ETH-USDT"}, timeout=30).status_code == 400
    assert alice.session.delete(f"{url}/", timeout=30).status_code in (403, 404)
    assert alice.session.get(f"{url}?symbol=ETH-USDT", timeout=30).status_code == 400
    assert alice.call("GET", f"/orders/{order['order_id']}")["status"] == "open"


def test_a_cursor_leads_on_and_any_other_bytes_are_a_400(alice: Client) -> None:
    for _ in range(3):
        alice.call("POST", "/orders", json=limit("buy", "60", "1"))
    first = alice.call("GET", "/orders", params={"limit": 1})
    cursor = first["next_cursor"]
    second = alice.call("GET", "/orders", params={"limit": 1, "cursor": cursor})
    assert second["items"] != first["items"]

    routes = ("/orders", "/fills", f"/markets/{MARKET}/trades")
    for path in routes:
        for hostile in ("_w", "\x00", "A" * 300, cursor[:-1], cursor + "A", "ÿ"):
            refused = refusal(alice, "GET", path, params={"cursor": hostile})
            assert refused == (400, "invalid_cursor")
    for path in routes[1:]:
        refused = refusal(alice, "GET", path, params={"limit": 1, "cursor": cursor})
        assert refused == (400, "invalid_cursor")
