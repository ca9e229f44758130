"""Whether an order is there or never will be, for a client that has lost its response."""

import pytest

from bursa.identity.principal import Scope
from tests.doubles.exchange import BOB, Exchange
from tests.unit.conftest import Send

BUY = {"market": "BTC-USDT", "side": "buy", "price": "20000", "quantity": "1"}
MINE = BUY | {"client_order_id": "mine"}
PATH = "/orders/by-client-id/mine"
SETTLE = {"settle": "true"}


def test_an_order_that_is_there_is_found(send: Send, exchange: Exchange) -> None:
    order = send("POST", "/orders", MINE).body
    before = len(exchange.delivered)

    found = send("GET", PATH, query=SETTLE)

    assert (found.status, found.body["order_id"]) == (200, order["order_id"])
    assert len(exchange.delivered) == before


def test_an_id_without_an_order_is_used_up(send: Send) -> None:
    first, second = (send("GET", PATH, query=SETTLE) for _ in range(2))
    plain = send("GET", PATH)
    placed = send("POST", "/orders", MINE)
    batch = send("POST", "/orders/batch", {"operations": [MINE | {"op": "place"}]})

    for response in (first, second, plain):
        assert (response.status, response.body["code"]) == (404, "never_accepted")
    assert (placed.status, placed.body["code"]) == (409, "client_order_id_reused")
    assert batch.body["results"][0]["error"]["code"] == "client_order_id_reused"
    assert send("GET", "/orders").body["items"] == []


def test_an_order_on_its_way_comes_first_and_is_found(send: Send, exchange: Exchange) -> None:
    exchange.asleep = True
    send("POST", "/orders", MINE, headers={"Prefer": "respond-async"})
    exchange.asleep = False

    found = send("GET", PATH, query=SETTLE)

    assert (found.status, found.body["status"]) == (200, "open")


def test_an_order_that_comes_after_it_is_refused(send: Send, exchange: Exchange) -> None:
    """Sent before it was settled, and brought by the queue after that."""
    exchange.asleep = True
    settled = send("GET", PATH, query=SETTLE)
    late = send("POST", "/orders", MINE)
    exchange.asleep = False
    exchange.work()

    assert (settled.status, late.status) == (202, 202)
    assert settled.body["location"] == "/v1/orders/by-client-id/mine"
    assert send("GET", PATH).body["code"] == "never_accepted"
    assert send("GET", "/orders").body["items"] == []


def test_an_order_of_which_only_the_engine_knows(send: Send, exchange: Exchange) -> None:
    exchange.lose_replies, exchange.project = True, False
    send("POST", "/orders", MINE, headers={"Prefer": "respond-async"})
    exchange.work()
    exchange.lose_replies, exchange.project_after_ms = False, 60

    found = send("GET", PATH, query=SETTLE)

    assert (found.status, found.body["client_order_id"]) == (200, "mine")


def test_what_an_order_was_refused_for(send: Send) -> None:
    send("POST", "/orders", MINE | {"quantity": "1000"})

    found = send("GET", PATH, query=SETTLE)

    assert (found.status, found.body["code"]) == (422, "insufficient_balance")


def test_an_id_is_used_up_for_its_own_account_only(send: Send) -> None:
    send("GET", PATH, query=SETTLE)

    assert send("POST", "/orders", MINE | {"quantity": "0.001"}, account=BOB).status == 201


@pytest.mark.parametrize("settle", ["", "True", "1", "yes"])
def test_another_word_is_refused(send: Send, exchange: Exchange, settle: str) -> None:
    status, problem, _ = send("GET", PATH, query={"settle": settle})

    assert (status, problem["code"]) == (400, "invalid_settle")
    assert exchange.waiting() == 0


def test_false_uses_nothing_up(send: Send) -> None:
    assert send("GET", PATH, query={"settle": "false"}).body["code"] == "unknown_order"
    assert send("POST", "/orders", MINE).status == 201


def test_who_may_only_read_uses_no_id_up(send: Send, exchange: Exchange) -> None:
    status, problem, _ = send("GET", PATH, query=SETTLE, scopes=str(Scope.READ))

    assert (status, problem["code"]) == (403, "scope_missing")
    assert exchange.waiting() == 0
