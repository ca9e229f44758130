"""Lists of orders, placed all or none, through the whole REST side."""

from typing import Any

import pytest

from tests.doubles.exchange import ALICE, BOB, BTC, CAROL, Exchange
from tests.doubles.ids import IDS
from tests.unit.conftest import Response, Send
from wire import codec
from wire import layout as w

MARKET = {"market": "BTC-USDT"}
SELL = MARKET | {"side": "sell", "quantity": "1"}
PROFIT = SELL | {"price": "22000"}
STOP = SELL | {"type": "stop_limit", "trigger_price": "18000", "price": "17900"}
OCO: dict[str, Any] = {"type": "oco", "orders": [PROFIT, STOP]}
ENTRY = MARKET | {"side": "buy", "price": "20000", "quantity": "1"}
BRACKET = {"type": "bracket", "entry": ENTRY, "exits": [PROFIT, STOP]}


def named(wanted: dict[str, Any], *names: str) -> dict[str, Any]:
    """Give the orders of a list client order ids, as they are sent."""
    pair = "exits" if "entry" in wanted else "orders"
    orders = [
        order | {"client_order_id": name} for order, name in zip(wanted[pair], names, strict=False)
    ]
    if pair == "orders":
        return wanted | {"orders": orders}
    return wanted | {"exits": orders, "entry": wanted["entry"] | {"client_order_id": names[2]}}


def with_order(at: int, **changes: object) -> dict[str, Any]:
    """Return a pair of which one order is changed; None leaves a field out."""
    orders = [dict(order) for order in OCO["orders"]]
    orders[at] = {key: one for key, one in {**orders[at], **changes}.items() if one is not None}
    return OCO | {"orders": orders}


def place(send: Send, wanted: dict[str, Any], account: object = BOB, **more: Any) -> Response:
    return send("POST", "/order-lists", wanted, account=account, **more)


def statuses(body: dict[str, Any]) -> list[str]:
    return [order["status"] for order in body["orders"]]


# --- what becomes of a list -----------------------------------------------------------------------


def test_a_pair_waits_and_is_read_as_a_list(send: Send) -> None:
    placed = place(send, OCO)

    assert placed.status == 201
    list_id = placed.body["list_id"]
    assert (placed.body["type"], placed.body["status"]) == ("oco", "open")
    assert statuses(placed.body) == ["open", "pending_trigger"]
    assert [order["list_id"] for order in placed.body["orders"]] == [list_id, list_id]
    assert placed.body["orders"][1]["order_id"] == list_id
    assert [order.pop("fills") for order in placed.body["orders"]] == [[], []]
    found = send("GET", f"/order-lists/{list_id}", account=BOB)
    assert (found.status, found.body) == (200, placed.body)
    for order in placed.body["orders"]:
        assert send("GET", f"/orders/{order['order_id']}", account=BOB).body == order


def test_a_plain_order_has_no_list(send: Send) -> None:
    order = send("POST", "/orders", ENTRY).body

    assert order["list_id"] is None
    assert send("GET", f"/order-lists/{order['order_id']}").status == 404
    assert send("DELETE", f"/order-lists/{order['order_id']}").status == 404
    assert send("GET", f"/orders/{order['order_id']}").body["status"] == "open"


def test_a_pair_holds_funds_once(send: Send) -> None:
    place(send, OCO)

    (btc,) = [
        one for one in send("GET", "/balances", account=BOB).body["items"] if one["asset"] == "BTC"
    ]
    assert btc["held"] == "1"


def test_one_that_trades_cancels_the_other(send: Send) -> None:
    list_id = place(send, OCO).body["list_id"]
    send("POST", "/orders", ENTRY | {"price": "22000", "quantity": "0.1"})

    found = send("GET", f"/order-lists/{list_id}", account=BOB).body

    assert statuses(found) == ["partially_filled", "cancelled"]
    assert found["orders"][1]["close_reason"] == "one_cancels_other"
    assert found["status"] == "open"
    send("POST", "/orders", ENTRY | {"price": "22000", "quantity": "0.9"})
    assert send("GET", f"/order-lists/{list_id}", account=BOB).body["status"] == "closed"


def test_exits_wait_for_their_entry(send: Send) -> None:
    placed = place(send, BRACKET, account=ALICE)

    assert (placed.status, placed.body["type"]) == (201, "bracket")
    assert statuses(placed.body) == ["pending_entry", "pending_entry", "open"]
    assert placed.body["orders"][2]["order_id"] == placed.body["list_id"]
    waiting = send("GET", "/orders", query={"status": "pending_entry"}).body["items"]
    assert {order["list_id"] for order in waiting} == {placed.body["list_id"]}
    assert len(waiting) == 2

    send("POST", "/orders", SELL | {"price": "20000"}, account=BOB)

    found = send("GET", f"/order-lists/{placed.body['list_id']}").body
    assert statuses(found) == ["open", "pending_trigger", "filled"]
    assert found["status"] == "open"


def test_an_entry_that_is_filled_at_once_shows_what_it_traded(send: Send) -> None:
    send("POST", "/orders", SELL | {"price": "20000"}, account=BOB)

    placed = place(send, named(BRACKET, "profit", "stop", "entry"), account=ALICE)

    assert statuses(placed.body) == ["open", "pending_trigger", "filled"]
    assert [len(order["fills"]) for order in placed.body["orders"]] == [0, 0, 1]
    again = place(send, named(BRACKET, "profit", "stop", "entry"), account=ALICE)
    assert again.status == 201
    assert again.body == placed.body


# --- lists of lists -------------------------------------------------------------------------------


def test_open_lists_are_listed_newest_first_and_once(send: Send) -> None:
    placed = [place(send, with_order(0, price=f"{22000 + at}")).body for at in range(4)]
    send("POST", "/orders", PROFIT, account=BOB)
    send("DELETE", f"/order-lists/{placed[1]['list_id']}", account=BOB)
    open_ids = [placed[at]["list_id"] for at in (3, 2, 0)]

    for limit in range(1, 9):
        seen: list[str] = []
        query = {"limit": str(limit)}
        while True:
            page = send("GET", "/order-lists", account=BOB, query=query)
            assert page.status == 200, page
            seen += [one["list_id"] for one in page.body["items"]]
            if page.body["next_cursor"] is None:
                break
            query["cursor"] = page.body["next_cursor"]
        assert seen == open_ids, limit
    whole = send("GET", f"/order-lists/{open_ids[0]}", account=BOB).body
    assert send("GET", "/order-lists", account=BOB).body["items"][0] == whole
    assert send("GET", "/order-lists", account=ALICE).body["items"] == []


def test_open_lists_of_a_market(send: Send) -> None:
    list_id = place(send, BRACKET, account=ALICE).body["list_id"]
    query = {"market": "BTC-USDT"}
    items = send("GET", "/order-lists", query=query).body["items"]
    assert [one["list_id"] for one in items] == [list_id]
    other = send("GET", "/order-lists", query={"market": "X"})
    assert (other.status, other.body["code"]) == (404, "unknown_market")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"limit": "101"}, "invalid_limit"),
        ({"cursor": "x"}, "invalid_cursor"),
        ({"status": "open"}, "unknown_parameter"),
        ({"min_sequence": "x"}, "invalid_min_sequence"),
    ],
)
def test_bad_questions_for_lists(send: Send, query: dict[str, str], code: str) -> None:
    response = send("GET", "/order-lists", query=query)
    assert (response.status, response.body["code"]) == (400, code)


# --- what is no list ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "status", "code", "field"),
    [
        ({"type": "oco"}, 400, "missing_orders", "orders"),
        ({"type": "otto"} | {"orders": []}, 400, "invalid_type", "type"),
        ({"orders": [PROFIT, STOP]}, 400, "missing_field", "type"),
        (OCO | {"orders": [PROFIT]}, 400, "wrong_number_of_orders", "orders"),
        (OCO | {"orders": [PROFIT, STOP, STOP]}, 400, "wrong_number_of_orders", "orders"),
        (OCO | {"entry": ENTRY}, 400, "entry_not_allowed", "entry"),
        (OCO | {"exits": [PROFIT, STOP]}, 400, "exits_not_allowed", "exits"),
        (with_order(0, dry_run=True), 400, "unknown_field", "orders[0].dry_run"),
        ({"type": "bracket", "exits": [PROFIT, STOP]}, 400, "missing_entry", "entry"),
        ({"type": "bracket", "entry": ENTRY}, 400, "missing_exits", "exits"),
        (BRACKET | {"orders": [PROFIT, STOP]}, 400, "orders_not_allowed", "orders"),
        (with_order(0, price="22000.001"), 400, "price_off_tick", "orders[0].price"),
        (
            with_order(1, trigger_price=None),
            400,
            "missing_trigger_price",
            "orders[1].trigger_price",
        ),
        (with_order(1, quantity="0.0000000001"), 400, "quantity_off_lot", "orders[1].quantity"),
        (with_order(0, market="X"), 404, "unknown_market", "orders[0].market"),
        (with_order(0, side="buy"), 422, "invalid_list", "orders[1]"),
        (with_order(1, quantity="2"), 422, "invalid_list", "orders[1].quantity"),
        (with_order(0, price="17000"), 422, "invalid_list", "orders[0].price"),
        (with_order(0, post_only=True), 422, "invalid_list", "orders[0].type"),
        (with_order(0, time_in_force="ioc"), 422, "invalid_list", "orders[0].type"),
        (
            with_order(0, quantity="0.0001", price="1"),
            422,
            "notional_too_small",
            "orders[0].quantity",
        ),
        (
            with_order(0, **{key: STOP.get(key) for key in ("type", "trigger_price")}),
            422,
            "invalid_list",
            "orders[1].type",
        ),
        (BRACKET | {"entry": ENTRY | {"side": "sell"}}, 422, "invalid_list", "entry.side"),
        (BRACKET | {"entry": ENTRY | {"quantity": "2"}}, 422, "invalid_list", "entry.quantity"),
        (
            BRACKET | {"entry": MARKET | {"side": "buy", "type": "market", "quote_amount": "900"}},
            422,
            "invalid_list",
            "entry.quantity",
        ),
        (
            BRACKET
            | {
                "exits": [
                    PROFIT | {"time_in_force": "gtd", "expires_at_ms": 4_000_000_000_000},
                    STOP,
                ]
            },
            422,
            "invalid_list",
            "exits[0].expires_at_ms",
        ),
        (
            BRACKET | {"entry": ENTRY | {"type": "stop_market", "price": None}},
            400,
            "missing_trigger_price",
            "entry.trigger_price",
        ),
        (
            with_order(0, client_order_id="a"),
            400,
            "missing_client_order_id",
            "orders[1].client_order_id",
        ),
        (named(OCO, "a", "a"), 400, "repeated_client_order_id", "orders[0].client_order_id"),
        (named(OCO, "a", "b c"), 400, "invalid_client_order_id", "orders[1].client_order_id"),
    ],
)
def test_what_is_refused_before_it_is_sent(
    send: Send, exchange: Exchange, wanted: dict[str, Any], status: int, code: str, field: str
) -> None:
    response = place(send, wanted)

    assert (response.status, response.body["code"], response.body.get("field")) == (
        status,
        code,
        field,
    )
    assert response.body["detail"]
    assert exchange.waiting() == 0
    assert send("GET", "/orders", account=BOB).body["items"] == []


@pytest.mark.parametrize(
    ("wanted", "account", "code"),
    [
        pytest.param(OCO, CAROL, "insufficient_balance", id="more-than-the-balance"),
        pytest.param(with_order(0, price="20000"), BOB, "list_would_execute", id="would-trade"),
        pytest.param(BRACKET, CAROL, "insufficient_balance", id="entry-beyond-the-balance"),
    ],
)
def test_the_engine_takes_all_or_none(
    send: Send, wanted: dict[str, Any], account: object, code: str
) -> None:
    send("POST", "/orders", ENTRY)

    response = place(send, wanted, account=account)

    assert (response.status, response.body["code"]) == (422, code)
    assert send("GET", "/orders", account=account).body["items"] == []


def test_a_frozen_account_places_no_list(send: Send, exchange: Exchange) -> None:
    frozen = codec.encode_set_account(BOB.number, state=w.ACCOUNT_STATE_FROZEN)
    exchange.commit([frozen])

    response = place(send, named(OCO, "a", "b"))

    assert (response.status, response.body["code"]) == (422, "account_frozen")
    assert send("GET", "/orders", account=BOB).body["items"] == []


def test_a_list_is_placed_for_a_sub_account(send: Send, exchange: Exchange) -> None:
    sub = BOB.sub_account(1)
    exchange.commit([codec.encode_funds(w.COMMAND_CREDIT, sub.number, BTC, 10**8)])

    list_id = place(send, OCO, account=sub).body["list_id"]

    assert send("GET", f"/order-lists/{list_id}", account=sub).status == 200
    assert send("GET", f"/order-lists/{list_id}", account=BOB).status == 404


def test_one_of_a_list_is_not_changed(send: Send) -> None:
    order_id = place(send, OCO).body["orders"][0]["order_id"]

    response = send("PATCH", f"/orders/{order_id}", {"price": "23000"}, account=BOB)

    assert (response.status, response.body["code"]) == (422, "order_in_list")


# --- cancels --------------------------------------------------------------------------------------


def test_a_cancel_closes_all_that_is_left(send: Send) -> None:
    placed = place(send, OCO).body

    cancelled = send("DELETE", f"/order-lists/{placed['list_id']}", account=BOB)

    assert cancelled.status == 200
    assert statuses(cancelled.body) == ["cancelled", "cancelled"]
    assert [one["order_id"] for one in cancelled.body["orders"]] == [
        one["order_id"] for one in placed["orders"]
    ]
    again = send("DELETE", f"/order-lists/{placed['list_id']}", account=BOB)
    assert (again.status, again.body["code"]) == (409, "list_closed")


def test_a_cancel_after_the_entry_takes_its_exits(send: Send) -> None:
    placed = place(send, BRACKET, account=ALICE).body
    send("POST", "/orders", SELL | {"price": "20000"}, account=BOB)

    cancelled = send("DELETE", f"/order-lists/{placed['list_id']}")

    assert [one["order_id"] for one in cancelled.body["orders"]] == [
        one["order_id"] for one in placed["orders"][:2]
    ]


def test_an_order_of_a_list_is_cancelled_by_its_own_id_too(send: Send) -> None:
    placed = place(send, named(OCO, "a", "b")).body

    assert send("DELETE", "/orders/by-client-id/a", account=BOB).status == 200
    found = send("GET", f"/order-lists/{placed['list_id']}", account=BOB).body
    assert found["status"] == "closed"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_anothers_list_is_as_one_that_never_was(send: Send, method: str) -> None:
    list_id = place(send, OCO).body["list_id"]

    theirs = send(method, f"/order-lists/{list_id}", account=ALICE)
    nobodys = send(method, f"/order-lists/{IDS.order(2)}", account=ALICE)

    assert theirs.status == 404
    assert theirs.body["code"] == "unknown_list"
    assert {**theirs.body, "instance": 0} == {**nobodys.body, "instance": 0}
    assert send("GET", f"/order-lists/{list_id}", account=BOB).body["status"] == "open"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_id_of_another_form_is_refused(send: Send, method: str) -> None:
    response = send(method, "/order-lists/7")

    assert (response.status, response.body["code"]) == (400, "invalid_list_id")
