"""Amending and replacing orders, cancels by the client's own id and by side, and the countdown."""

from typing import Any

import pytest

from tests.doubles.exchange import ALICE, BOB, Exchange
from tests.unit.conftest import Response, Send

BUY = {"market": "BTC-USDT", "side": "buy", "price": "20000", "quantity": "1"}
SELL = BUY | {"side": "sell"}
KEY = {"Idempotency-Key": "change-1"}
NEVER_SENT = pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"price": "0.000000000001"}, "price_off_tick", id="off-tick"),
        pytest.param({"price": "-1"}, "price_not_positive", id="negative"),
        pytest.param({"quantity": "0"}, "quantity_not_positive", id="nothing"),
        pytest.param({"quantity": 1}, "not_a_string", id="a-number"),
        pytest.param({"side": "sell"}, "unknown_field", id="another-side"),
        pytest.param({"display_quantity": "0.0000000001"}, "display_quantity_off_lot", id="lot"),
    ],
)


def placed(send: Send, order: dict[str, Any], account: object = ALICE) -> dict[str, Any]:
    status, body, _ = send("POST", "/orders", order, account=account)
    assert status == 201, body
    return dict(body)


def held(send: Send, asset: str) -> str:
    rows = {row["asset"]: row for row in send("GET", "/balances").body["items"]}
    return str(rows[asset]["held"])


def shown(send: Send, order_id: str, account: object = ALICE) -> dict[str, Any]:
    return dict(send("GET", f"/orders/{order_id}", account=account).body)


def amended(send: Send, order: dict[str, Any], change: dict[str, Any], **more: Any) -> Response:
    return send("PATCH", f"/orders/{order['order_id']}", change, **more)


def replaced(send: Send, order: dict[str, Any], change: dict[str, Any], **more: Any) -> Response:
    return send("POST", f"/orders/{order['order_id']}/replace", change, **more)


# --- amend ----------------------------------------------------------------------------------------


def test_an_amended_order_is_the_same_one_with_another_price(send: Send) -> None:
    order = placed(send, BUY | {"client_order_id": "mine"})

    status, body, _ = amended(send, order, {"price": "19000", "quantity": "0.5"})

    assert status == 200
    assert (body["order_id"], body["client_order_id"]) == (order["order_id"], "mine")
    assert (body["price"], body["quantity"], body["status"]) == ("19000", "0.5", "open")
    assert body["created_at_ms"] == order["created_at_ms"] < body["updated_at_ms"]
    assert body.pop("fills") == []
    assert body == shown(send, order["order_id"])
    assert held(send, "USDT") == "9500"


def test_less_of_the_same_keeps_its_place_and_more_does_not(send: Send) -> None:
    first, second = placed(send, SELL, BOB), placed(send, SELL, BOB)
    amended(send, first, {"quantity": "0.5"}, account=BOB)

    taken = placed(send, BUY | {"quantity": "0.5"})
    amended(send, second, {"quantity": "3"}, account=BOB)

    assert taken["status"] == "filled"
    assert shown(send, first["order_id"], BOB)["status"] == "filled"
    assert shown(send, second["order_id"], BOB)["quantity"] == "3"


def test_an_amended_order_may_trade_at_once(send: Send) -> None:
    placed(send, SELL | {"price": "20500", "quantity": "0.4"}, BOB)
    order = placed(send, BUY)

    body = amended(send, order, {"price": "20500"}).body

    assert (body["status"], body["filled_quantity"]) == ("partially_filled", "0.4")
    (fill,) = body.pop("fills")
    assert (fill["price"], fill["quantity"], fill["role"]) == ("20500", "0.4", "taker")
    assert body == shown(send, order["order_id"])


def test_conditions_are_amended_and_those_left_out_stay(send: Send) -> None:
    stop = placed(
        send, BUY | {"type": "stop_limit", "trigger_price": "21000", "display_quantity": "0.2"}
    )

    body = amended(send, stop, {"trigger_price": "22000"}).body

    assert (body["trigger_price"], body["display_quantity"]) == ("22000", "0.2")
    body.pop("fills")
    assert body == shown(send, stop["order_id"])


def test_a_repeated_amendment_under_a_key_gets_the_first_response(send: Send) -> None:
    order = placed(send, BUY)

    first = amended(send, order, {"price": "19000"}, headers=KEY)
    placed(send, SELL | {"price": "19000", "quantity": "0.1"}, BOB)
    second = amended(send, order, {"price": "19000"}, headers=KEY)
    other = amended(send, order, {"price": "18000"}, headers=KEY)

    assert first.body == second.body
    assert (other.status, other.body["code"]) == (409, "idempotency_key_reused")


@NEVER_SENT
def test_a_faulty_amendment_is_not_sent(
    send: Send, exchange: Exchange, change: dict[str, Any], code: str
) -> None:
    order = placed(send, BUY)
    before = len(exchange.delivered)

    status, problem, _ = amended(send, order, change)

    assert (status, problem["code"]) == (400, code)
    assert len(exchange.delivered) == before
    assert shown(send, order["order_id"])["price"] == "20000"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({}, 400, "nothing_to_change"),
        ({"price": "20000"}, 422, "nothing_to_change"),
        ({"trigger_price": "21000"}, 422, "invalid_trigger_price"),
        ({"display_quantity": "0.5"}, 422, "invalid_display_quantity"),
        ({"quantity": "1000"}, 422, "insufficient_balance"),
        ({"quantity": "0.00001"}, 422, "notional_too_small"),
    ],
)
def test_a_refused_amendment_leaves_the_order_as_it_was(
    send: Send, change: dict[str, Any], status: int, code: str
) -> None:
    order = placed(send, BUY)

    response = amended(send, order, change)

    assert (response.status, response.body["code"]) == (status, code)
    order.pop("fills")
    assert shown(send, order["order_id"]) == order


@pytest.mark.parametrize("change", [amended, replaced])
def test_a_closed_order_a_foreign_one_and_one_that_never_was(send: Send, change: Any) -> None:
    order = placed(send, BUY)
    send("DELETE", f"/orders/{order['order_id']}")
    foreign = placed(send, SELL | {"price": "30000"}, BOB)
    never = {"order_id": "A" * 32}

    closed = change(send, order, {"price": "19000"})
    not_there = [change(send, one, {"price": "19000"}) for one in (foreign, never)]

    assert (closed.status, closed.body["code"]) == (409, "order_closed")
    assert [(one.status, one.body["code"]) for one in not_there] == [(404, "unknown_order")] * 2
    assert shown(send, foreign["order_id"], BOB)["price"] == "30000"


# --- replace --------------------------------------------------------------------------------------


def test_a_replacement_is_another_order_under_its_own_id(send: Send) -> None:
    order = placed(send, BUY | {"client_order_id": "old"})

    status, body, _ = replaced(send, order, {"price": "19000", "client_order_id": "new"})

    assert status == 201
    assert body["replaced_order_id"] == order["order_id"] != body["order_id"]
    assert (body["price"], body["quantity"], body["client_order_id"]) == ("19000", "1", "new")
    old = shown(send, order["order_id"])
    assert (old["status"], old["close_reason"]) == ("cancelled", "replaced")
    assert send("GET", "/orders/by-client-id/new").body["order_id"] == body["order_id"]
    assert held(send, "USDT") == "19000"


def test_a_replacement_takes_over_what_remains(send: Send) -> None:
    placed(send, SELL | {"quantity": "0.4"}, BOB)
    order = placed(send, BUY)

    body = replaced(send, order, {"price": "19000"}).body

    assert (body["quantity"], body["filled_quantity"]) == ("0.6", "0")


def test_a_repeated_replacement_is_one_order(send: Send) -> None:
    order, change = placed(send, BUY), {"price": "19000", "client_order_id": "new"}

    first, second = replaced(send, order, change), replaced(send, order, change)
    other = replaced(send, order, change | {"price": "18000"})

    assert second.body == first.body
    assert (other.status, other.body["code"]) == (409, "client_order_id_reused")
    assert len(send("GET", "/orders", query={"status": "open"}).body["items"]) == 1


def test_a_refused_replacement_leaves_the_order_open(send: Send) -> None:
    order = placed(send, BUY)
    change = {"quantity": "1000", "client_order_id": "new"}

    refused, repeated = replaced(send, order, change), replaced(send, order, change)
    another = replaced(send, order, change | {"quantity": "2000"})

    assert (refused.status, refused.body["code"]) == (422, "insufficient_balance")
    assert repeated.body["code"] == "insufficient_balance"
    assert (another.status, another.body["code"]) == (409, "client_order_id_reused")
    assert shown(send, order["order_id"])["status"] == "open"


@NEVER_SENT
def test_a_faulty_replacement_is_not_sent(
    send: Send, exchange: Exchange, change: dict[str, Any], code: str
) -> None:
    order = placed(send, BUY)
    before = len(exchange.delivered)

    status, problem, _ = replaced(send, order, change)

    assert (status, problem["code"]) == (400, code)
    assert len(exchange.delivered) == before


# --- cancels --------------------------------------------------------------------------------------


def test_cancel_by_the_clients_own_id(send: Send) -> None:
    placed(send, BUY | {"client_order_id": "a:b"})

    first = send("DELETE", "/orders/by-client-id/a%3Ab")
    second = send("DELETE", "/orders/by-client-id/a:b")
    unknown = send("DELETE", "/orders/by-client-id/other")
    faulty = send("DELETE", "/orders/by-client-id/a b")

    assert (first.status, first.body["status"]) == (200, "cancelled")
    assert (second.status, second.body["code"]) == (409, "order_closed")
    assert (unknown.status, unknown.body["code"]) == (404, "unknown_order")
    assert (faulty.status, faulty.body["code"]) == (400, "invalid_client_order_id")


def test_cancel_of_one_side(send: Send) -> None:
    bid = placed(send, BUY)
    kept = placed(send, SELL | {"price": "30000"}, BOB)
    mine = placed(send, BUY | {"price": "50", "quantity": "0.5"}, BOB)

    response = send("DELETE", "/orders", query={"side": "buy"}, account=BOB)

    assert (response.body["cancelled"], response.body["order_ids"]) == (1, [mine["order_id"]])
    assert shown(send, kept["order_id"], BOB)["status"] == "open"
    assert shown(send, bid["order_id"])["status"] == "open"
    faulty = send("DELETE", "/orders", query={"side": "both"})
    assert (faulty.status, faulty.body["code"]) == (400, "invalid_side")


# --- countdown ------------------------------------------------------------------------------------


def wait(exchange: Exchange, duration_ms: int) -> None:
    exchange.time_ms += duration_ms
    exchange.commit(())


def test_all_orders_end_unless_the_countdown_is_renewed(send: Send, exchange: Exchange) -> None:
    order, timeout = placed(send, BUY), {"timeout_ms": 5_000}
    began = send("POST", "/orders/cancel-all-after", timeout)
    wait(exchange, 4_000)
    send("POST", "/orders/cancel-all-after", timeout)
    wait(exchange, 4_000)
    assert shown(send, order["order_id"])["status"] == "open"

    wait(exchange, 4_000)

    assert (began.status, set(began.body)) == (200, {"cancels_at_ms", "sequence"})
    ended = shown(send, order["order_id"])
    assert (ended["status"], ended["close_reason"]) == ("cancelled", "countdown_elapsed")


def test_a_countdown_is_ended_with_0(send: Send, exchange: Exchange) -> None:
    order = placed(send, BUY)
    send("POST", "/orders/cancel-all-after", {"timeout_ms": 5_000})

    off = send("POST", "/orders/cancel-all-after", {"timeout_ms": 0})
    wait(exchange, 60_000)

    assert off.body["cancels_at_ms"] is None
    assert shown(send, order["order_id"])["status"] == "open"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing_field"),
        ({"timeout_ms": -1}, "invalid_timeout_ms"),
        ({"timeout_ms": 7 * 86_400_000 + 1}, "invalid_timeout_ms"),
        ({"timeout_ms": "1000"}, "wrong_type"),
        ({"timeout_ms": True}, "wrong_type"),
        ({"timeout_ms": 1.5}, "wrong_type"),
    ],
)
def test_a_faulty_countdown(send: Send, exchange: Exchange, body: Any, code: str) -> None:
    status, problem, _ = send("POST", "/orders/cancel-all-after", body)

    assert (status, problem["code"]) == (400, code)
    assert exchange.waiting() == 0
