"""Dry runs of lists, changes and batches, through the whole REST side."""

from typing import Any

import pytest

from bursa.dialects.native.dry_run_routes import batch_reads
from bursa.dialects.native.requests import BatchRequest
from tests.doubles.exchange import ALICE, BOB, BTC_USDT, Exchange
from tests.unit.conftest import Send
from wire import codec
from wire import layout as w

MARKET = {"market": "BTC-USDT"}
BUY = MARKET | {"side": "buy", "price": "19000", "quantity": "1"}
SELL = MARKET | {"side": "sell", "quantity": "1"}
PROFIT = SELL | {"price": "22000"}
STOP = SELL | {"type": "stop_market", "trigger_price": "18000"}
OCO: dict[str, Any] = {"type": "oco", "orders": [PROFIT, STOP]}
ENTRY = BUY | {"price": "20000"}
BRACKET = {"type": "bracket", "entry": ENTRY, "exits": [PROFIT, STOP]}


def dry(send: Send, method: str, path: str, body: dict[str, Any], account: object = ALICE) -> Any:
    response = send(method, path, body | {"dry_run": True}, account=account)
    assert response.status == 200, response.body
    return response.body


def reserved(said: dict[str, Any]) -> list[dict[str, str]]:
    return [one["dry_run"]["reserved"] for one in said["orders"]]


# --- lists ----------------------------------------------------------------------------------------


def test_a_pair_reserves_once_and_nothing_is_sent(send: Send, exchange: Exchange) -> None:
    before = len(exchange.records)
    said = dry(send, "POST", "/order-lists", OCO, BOB)

    assert (said["accepted"], said["refusal"]) == (True, None)
    assert [one["order"] for one in said["orders"]] == ["orders[0]", "orders[1]"]
    assert reserved(said) == [{"asset": "BTC", "amount": "1"}, {"asset": "BTC", "amount": "0"}]
    assert len(exchange.records) == before
    assert send("POST", "/order-lists", OCO, account=BOB).status == 201


def test_exits_wait_and_are_reserved_for_where_their_entry_trades(send: Send) -> None:
    waiting = dry(send, "POST", "/order-lists", BRACKET)
    assert reserved(waiting)[:2] == [{"asset": "BTC", "amount": "0"}] * 2
    assert reserved(waiting)[2] == {"asset": "USDT", "amount": "20000"}

    send("POST", "/orders", SELL | {"price": "20000"}, account=BOB)
    traded = dry(send, "POST", "/order-lists", BRACKET)
    # The fee of 2,000 parts per million was taken from what the entry brought.
    assert reserved(traded)[0] == {"asset": "BTC", "amount": "0.998"}
    assert traded["orders"][2]["dry_run"]["taking"]["quantity"] == "1"
    placed = send("POST", "/order-lists", BRACKET)
    now = send("GET", f"/order-lists/{placed.body['list_id']}").body
    assert [one["remaining_quantity"] for one in now["orders"]] == ["0.998", "0.998", "0"]


def test_exits_that_may_trade_at_once_are_not_told(send: Send) -> None:
    send("POST", "/orders", SELL | {"price": "20000", "quantity": "1"}, account=BOB)
    send("POST", "/orders", BUY | {"price": "19500", "quantity": "2"})
    exits = [PROFIT | {"price": "19400"}, STOP]
    said = dry(send, "POST", "/order-lists", BRACKET | {"exits": exits})
    assert said["accepted"]
    assert [one.get("not_told", {}).get("code") for one in said["orders"]] == [
        "exit_trades", "exit_trades", None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "code", "field"),
    [
        pytest.param(OCO, "insufficient_balance", "orders[0]", id="money"),
        pytest.param(
            BRACKET | {"entry": ENTRY | {"price": "2000000"}},
            "insufficient_balance",
            "entry",
            id="money of an entry",
        ),
        pytest.param(
            BRACKET | {"exits": [PROFIT, STOP | {"type": "stop_limit", "price": "100"}]},
            "price_outside_collar",
            "exits[1].price",
            id="collar of an exit",
        ),
        pytest.param(
            {"type": "oco", "orders": [PROFIT | {"price": "21000"}, STOP]},
            "insufficient_balance",
            "orders[0]",
            id="money first",
        ),
    ],
)
def test_a_refusal_names_the_order_and_the_list_gets_the_same(
    send: Send, exchange: Exchange, wanted: dict[str, Any], code: str, field: str
) -> None:
    exchange.commit([codec.encode_set_market_limits(BTC_USDT, collar_ppm=100_000)])
    said = dry(send, "POST", "/order-lists", wanted)
    assert (said["accepted"], said["refusal"]["code"]) == (False, code)
    assert said["refusal"]["field"] == field
    sent = send("POST", "/order-lists", wanted)
    assert (sent.status, sent.body["code"], sent.body["field"]) == (422, code, field)
    assert sent.body["detail"] == said["refusal"]["detail"]


def test_a_pair_of_which_one_would_trade_is_told_which(send: Send) -> None:
    send("POST", "/orders", BUY | {"price": "21500"})
    wanted = {"type": "oco", "orders": [STOP, PROFIT | {"price": "21000"}]}
    for response in (
        dry(send, "POST", "/order-lists", wanted, BOB)["refusal"],
        send("POST", "/order-lists", wanted, account=BOB).body,
    ):
        assert (response["code"], response["field"]) == ("list_would_execute", "orders[1]")


def test_what_is_about_the_market_names_no_order(send: Send, exchange: Exchange) -> None:
    exchange.commit([codec.encode_set_market_state(BTC_USDT, w.STATE_HALTED)])
    assert dry(send, "POST", "/order-lists", OCO, BOB)["refusal"]["field"] is None
    sent = send("POST", "/order-lists", OCO, account=BOB)
    assert (sent.body["code"], sent.body.get("field")) == ("market_halted", None)


def test_a_list_that_would_not_be_sent_has_no_orders(send: Send) -> None:
    wanted = OCO | {"orders": [PROFIT, STOP | {"quantity": "2"}]}
    said = dry(send, "POST", "/order-lists", wanted)
    assert (said["accepted"], said["orders"]) == (False, [])
    assert said["refusal"]["field"] == "orders[1].quantity"


# --- changes --------------------------------------------------------------------------------------


@pytest.fixture
def open_id(send: Send) -> str:
    return str(send("POST", "/orders", BUY).body["order_id"])


@pytest.mark.parametrize(
    ("change", "amount", "waits"),
    [({"quantity": "0.5"}, "9500", "0.5"), ({"price": "21000"}, "5250", "0.25")],
)
@pytest.mark.parametrize(("method", "end"), [("PATCH", ""), ("POST", "/replace")])
def test_a_change_is_told_as_it_is_then_made(
    send: Send, open_id: str, method: str, end: str, change: dict[str, str], amount: str, waits: str
) -> None:
    send("POST", "/orders", SELL | {"price": "20000", "quantity": "0.75"}, account=BOB)
    path = f"/orders/{open_id}{end}"
    said = dry(send, method, path, change)
    assert (said["accepted"], said["waiting_quantity"]) == (True, waits)
    assert said["reserved"] == {"asset": "USDT", "amount": amount}
    # What is held for the order counts.
    assert said["available"] == {"asset": "USDT", "amount": "1000000"}
    assert send("GET", f"/orders/{open_id}").body["status"] == "open"

    assert send(method, path, change).status in {200, 201}
    held = next(one for one in send("GET", "/balances").body["items"] if one["asset"] == "USDT")
    assert held["held"] == amount


@pytest.mark.parametrize(
    ("change", "code", "nearest"),
    [
        ({"price": "19000"}, "nothing_to_change", None),
        ({"trigger_price": "19000"}, "invalid_trigger_price", None),
        ({"quantity": "100"}, "insufficient_balance", {"field": "quantity", "value": "52.631578"}),
    ],
)
def test_a_change_that_would_be_refused(
    send: Send, open_id: str, change: dict[str, str], code: str, nearest: Any
) -> None:
    said = dry(send, "PATCH", f"/orders/{open_id}", change)
    assert (said["accepted"], said["refusal"]["code"]) == (False, code)
    if nearest:
        assert said["refusal"]["nearest"]["field"] == nearest["field"]
        assert said["refusal"]["nearest"]["value"].startswith(nearest["value"])
    sent = send("PATCH", f"/orders/{open_id}", change)
    assert (sent.status, sent.body["code"]) == (422, code)
    assert sent.body["detail"] == said["refusal"]["detail"]


def test_a_change_of_what_is_closed_is_refused_as_it_is(send: Send, open_id: str) -> None:
    send("DELETE", f"/orders/{open_id}")
    for method, end in (("PATCH", ""), ("POST", "/replace")):
        body = {"price": "1900", "dry_run": True}
        response = send(method, f"/orders/{open_id}{end}", body)
        assert (response.status, response.body["code"]) == (409, "order_closed")


# --- batches --------------------------------------------------------------------------------------


def test_each_operation_is_told_after_those_before_it(
    send: Send, exchange: Exchange, open_id: str
) -> None:
    before = len(exchange.records)
    operations = [
        {"op": "place", "client_order_id": "big"} | BUY | {"price": "981000"},
        {"op": "place"} | BUY,
        {"op": "cancel", "client_order_id": "big"},
        {"op": "place"} | BUY,
        {"op": "cancel", "order_id": open_id},
        {"op": "amend", "order_id": open_id, "price": "18000"},
        {"op": "cancel", "client_order_id": "nobodys"},
    ]
    said = dry(send, "POST", "/orders/batch", {"operations": operations})["results"]
    assert [one["op"] for one in said] == [one["op"] for one in operations]
    assert said[0]["dry_run"]["accepted"]
    assert said[1]["dry_run"]["refusal"]["code"] == "insufficient_balance"
    assert said[1]["dry_run"]["available"]["amount"] == "0"
    assert said[2]["available_again"] == {"asset": "USDT", "amount": "981000"}
    assert said[3]["dry_run"]["accepted"]
    assert said[4]["available_again"] == {"asset": "USDT", "amount": "19000"}
    assert (said[5]["error"]["code"], said[6]["error"]["code"]) == ("order_closed", "unknown_order")
    assert len(exchange.records) == before

    done = send("POST", "/orders/batch", {"operations": operations}).body["results"]
    assert ["order" in one for one in done] == [True, False, True, True, True, False, False]
    assert done[1]["error"]["code"] == "insufficient_balance"
    assert (done[5]["error"]["code"], done[6]["error"]["code"]) == ("order_closed", "unknown_order")


def test_what_may_meet_an_own_order_is_not_told_nor_what_comes_after(send: Send) -> None:
    send("POST", "/orders", SELL | {"price": "19000"}, account=BOB)
    send("POST", "/orders", BUY)
    operations = [
        {"op": "place"} | SELL | {"price": "19000", "quantity": "0.5"},
        {"op": "place"} | BUY,
        {"op": "place"} | BUY | {"price": "100"},
    ]
    said = dry(send, "POST", "/orders/batch", {"operations": operations})["results"]
    assert [one.get("not_told", {}).get("code") for one in said] == [
        None, "own_order", "after_another",
    ]  # fmt: skip


def test_what_refuses_a_batch_whole_refuses_its_dry_run(send: Send) -> None:
    small = {"op": "place"} | BUY | {"price": "1", "quantity": "0.0001"}
    trailing = {"op": "place", "trail_ppm": 10_000} | SELL | {"type": "trailing_stop_market"}
    for operation, status, code, field in (
        (small, 422, "notional_too_small", "operations[0].quantity"),
        (trailing, 400, "dry_run_not_allowed", "operations[0].dry_run"),
    ):
        body = {"operations": [operation], "dry_run": True}
        response = send("POST", "/orders/batch", body)
        assert (response.status, response.body["code"]) == (status, code)
        assert response.body["field"] == field


# --- what it costs --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operations", "reads"),
    [
        pytest.param([BUY | {"op": "place"}], 2, id="balances-and-a-book"),
        pytest.param([BUY | {"op": "place"}] * 50, 2, id="a-book-once"),
        pytest.param([{"op": "cancel", "client_order_id": "a"}], 3, id="an-order-and-its-market"),
        pytest.param(
            [{"op": "cancel", "client_order_id": f"a{at}"} for at in range(50)], 101, id="each"
        ),
    ],
)
def test_the_dry_run_of_a_batch_costs_what_it_reads(
    operations: list[dict[str, Any]], reads: int
) -> None:
    request = BatchRequest.model_validate({"operations": operations, "dry_run": True})
    assert batch_reads(request) == reads


def test_who_asks_again_and_again_is_refused(send: Send, exchange: Exchange) -> None:
    before = len(exchange.records)
    body = {"operations": [{"op": "cancel", "client_order_id": "nothing"}] * 50, "dry_run": True}
    statuses = [send("POST", "/orders/batch", body).status for _ in range(20)]
    assert statuses[-1] == 429
    assert len(exchange.records) == before
