"""What has been answered can be read: a reader waits for the read models, a moment at most."""

from typing import Any

import pytest

from bursa.accounts.catch_up import AHEAD_MAX, DELAYS_MS, ROWS_PER_READ, CatchUp
from bursa.kernel.clock import SystemClock
from bursa.kernel.identifiers import AccountId
from tests.doubles.exchange import ALICE, BOB, Exchange, WorkingClock
from tests.doubles.ids import IDS
from tests.unit.conftest import Response, Send

BUY = {"market": "BTC-USDT", "side": "buy", "type": "limit", "price": "20000", "quantity": "1"}
SELL = BUY | {"side": "sell"}
LATE_MS = 60


@pytest.fixture(autouse=True)
def late(exchange: Exchange) -> None:
    """The read models are late by some milliseconds from now on."""
    exchange.project = False
    exchange.project_after_ms = float("inf")


def answered(send: Send, exchange: Exchange, order: dict[str, str]) -> Response:
    response = send("POST", "/orders", order)
    assert response.status == 201
    exchange.project_after_ms = LATE_MS
    return response


def test_an_order_is_there_once_it_was_answered(
    send: Send, exchange: Exchange, clock: WorkingClock
) -> None:
    order = answered(send, exchange, BUY).body
    before_ms = clock.slept_ms

    read = send("GET", f"/orders/{order['order_id']}")

    assert (read.status, read.body) == (200, {k: v for k, v in order.items() if k != "fills"})
    assert clock.slept_ms - before_ms < 2 * LATE_MS + 50


def test_an_order_is_there_by_its_client_order_id(send: Send, exchange: Exchange) -> None:
    order = answered(send, exchange, BUY | {"client_order_id": "mine"}).body

    assert send("GET", "/orders/by-client-id/mine").body["order_id"] == order["order_id"]


def test_an_order_of_a_batch_is_there_by_its_client_order_id(
    send: Send, exchange: Exchange
) -> None:
    operation = {"op": "place", "client_order_id": "mine"} | BUY
    assert send("POST", "/orders/batch", {"operations": [operation]}).status == 200
    exchange.project_after_ms = LATE_MS

    assert send("GET", "/orders/by-client-id/mine").status == 200


def test_a_rejection_is_there_before_any_row(send: Send, exchange: Exchange) -> None:
    order = SELL | {"client_order_id": "mine"}
    assert send("POST", "/orders", order).status == 422

    read = send("GET", "/orders/by-client-id/mine")

    assert (read.status, read.body["code"]) == (422, "insufficient_balance")


def test_a_filled_order_is_closed_for_a_cancel_at_once(send: Send, exchange: Exchange) -> None:
    send("POST", "/orders", SELL, account=BOB)
    order = answered(send, exchange, BUY).body
    assert order["status"] == "filled"

    cancel = send("DELETE", f"/orders/{order['order_id']}")

    assert (cancel.status, cancel.body["code"]) == (409, "order_closed")


@pytest.mark.parametrize("path", ["/orders", "/fills", "/balances"])
def test_a_list_reflects_the_sequence_that_it_must(
    send: Send, exchange: Exchange, path: str
) -> None:
    send("POST", "/orders", SELL, account=BOB)
    order = answered(send, exchange, BUY).body
    stale = send("GET", path).body["items"]

    fresh = send("GET", path, query={"min_sequence": str(order["sequence"])})

    assert fresh.status == 200
    assert fresh.body["items"] != stale
    assert str(order["sequence"]) in str(fresh.body["items"])


def test_what_was_never_given_is_unknown_at_once(send: Send, clock: WorkingClock) -> None:
    for order_id in (IDS.order(AHEAD_MAX * 10), IDS.order(10**18), "A" * 32):
        read = send("GET", f"/orders/{order_id}")
        assert (read.status, read.body["code"]) == (404, "unknown_order")
    assert clock.slept_ms == 0


def test_another_accounts_order_is_unknown_at_once(
    send: Send, exchange: Exchange, clock: WorkingClock
) -> None:
    exchange.project = True
    order = send("POST", "/orders", BUY).body
    before_ms = clock.slept_ms

    read = send("GET", f"/orders/{order['order_id']}", account=BOB)

    assert (read.status, read.body["code"]) == (404, "unknown_order")
    assert clock.slept_ms == before_ms


@pytest.mark.parametrize("path", ["/orders/{}", "/balances", "/orders", "/fills"])
def test_who_waits_waits_a_moment_only(
    send: Send, exchange: Exchange, clock: WorkingClock, path: str
) -> None:
    order = send("POST", "/orders", BUY).body
    sequence = order["sequence"]
    before_ms = clock.slept_ms

    query = None if "{}" in path else {"min_sequence": str(sequence)}
    read = send("GET", path.format(order["order_id"]), query=query)

    assert (read.status, read.body["code"]) == (404, "not_known_yet")
    assert clock.slept_ms - before_ms == sum(DELAYS_MS)


@pytest.mark.parametrize("path", ["/orders/{}", "/balances", "/orders/by-client-id/none"])
def test_waiting_costs_reads_and_who_has_used_most_of_them_does_not_wait(
    send: Send, exchange: Exchange, clock: WorkingClock, path: str
) -> None:
    order = send("POST", "/orders", BUY).body
    sequence = order["sequence"]
    query = {"min_sequence": str(sequence)} if path == "/balances" else None
    waits = []
    for _ in range(60):
        before_ms = clock.slept_ms
        read = send("GET", path.format(order["order_id"]), query=query)
        waits.append(clock.slept_ms - before_ms)

    assert waits[0] > 0
    assert waits[-1] == 0
    assert (read.status, read.body["code"]) == (404, "not_known_yet")
    assert send("GET", "/balances").status == 200


@pytest.mark.parametrize("text", ["0", "-1", "x", "", "1.0", "9" * 19, "9" * 30, "\u0661"])
def test_a_sequence_that_is_none(send: Send, text: str) -> None:
    for path in ("/orders", "/fills", "/balances"):
        read = send("GET", path, query={"min_sequence": text})
        assert (read.status, read.body["code"]) == (400, "invalid_min_sequence")


def test_a_sequence_that_nobody_was_told_of(send: Send, clock: WorkingClock) -> None:
    read = send("GET", "/balances", query={"min_sequence": str(10**15)}, account=ALICE)
    assert (read.status, read.body["code"]) == (404, "not_known_yet")
    assert clock.slept_ms == 0


PAGES = {
    "one read": (25, True, 25, []),
    "a small page": (1, False, 1, []),
    "paid for": (100, True, 100, [3]),
    "the largest": (500, True, 500, [19]),
    "a part is a read": (26, True, 26, [1]),
    "not paid for": (500, False, ROWS_PER_READ, [19]),
}


@pytest.mark.parametrize(("limit", "pays", "rows", "charged"), PAGES.values(), ids=PAGES)
def test_open_orders_are_read_as_far_as_they_are_paid_for(
    limit: int, pays: bool, rows: int, charged: list[int]
) -> None:
    asked: list[int] = []

    def pay(_account: AccountId, reads: int) -> bool:
        asked.append(reads)
        return pays

    positions: Any = None
    assert CatchUp(positions, SystemClock(), pay).rows_paid_for(ALICE, limit) == rows
    assert asked == charged


def test_a_flood_of_lists_of_open_orders_gets_short_pages(send: Send, exchange: Exchange) -> None:
    exchange.project = True
    for _ in range(30):
        assert send("POST", "/orders", BUY | {"price": "1", "quantity": "1"}).status == 201
    lists = [
        send("GET", "/orders", query={"status": "open", "limit": "500"}).body.get("items", [])
        for _ in range(10)
    ]
    assert len(lists[0]) == 30
    assert len(lists[-1]) == ROWS_PER_READ
