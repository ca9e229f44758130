"""Stops, icebergs and orders with an end, through the whole REST side."""

from typing import Any

import pytest

from bursa.journal.record import decode_record
from tests.doubles.exchange import ALICE, BOB, Exchange
from tests.unit.conftest import Send
from wire.events import Level, decode_events

MARKET = {"market": "BTC-USDT"}
BUY = MARKET | {"side": "buy", "type": "limit", "price": "20000", "quantity": "1"}
SELL = BUY | {"side": "sell"}
STOP = MARKET | {"side": "buy", "type": "stop_market", "quantity": "0.5", "trigger_price": "21000"}
STOP_LIMIT = STOP | {"type": "stop_limit", "price": "21500"}
FAR_MS = 4_000_000_000_000


def trade_at(send: Send, price: str) -> None:
    """Let Bob sell to Alice at a price, far above what a trade must be worth to count."""
    for side, account in (("sell", BOB), ("buy", ALICE)):
        order = MARKET | {"side": side, "price": price, "quantity": "0.1"}
        assert send("POST", "/orders", order, account=account).status == 201


def placed(send: Send, order: dict[str, Any], account: object = ALICE) -> dict[str, Any]:
    status, body, _ = send("POST", "/orders", order, account=account)
    assert status == 201, body
    return dict(body)


def test_a_stop_waits_and_buys_once_its_price_is_reached(send: Send) -> None:
    order = placed(send, STOP)
    placed(send, SELL | {"price": "21000", "quantity": "2"}, BOB)

    assert (order["status"], order["type"]) == ("pending_trigger", "stop_market")
    assert (order["trigger_price"], order["time_in_force"]) == ("21000", "ioc")
    trade_at(send, "21000")
    done = send("GET", f"/orders/{order['order_id']}").body
    assert (done["status"], done["filled_quantity"]) == ("filled", "0.5")
    assert done["trigger_price"] == "21000"


def test_a_stop_limit_rests_at_its_price_once_triggered(send: Send) -> None:
    order = placed(send, STOP_LIMIT)
    trade_at(send, "21000")

    state = send("GET", f"/orders/{order['order_id']}").body

    assert (state["status"], state["price"]) == ("open", "21500")
    bids = send("GET", "/orders", query={"status": "open"}).body["items"]
    assert [one["order_id"] for one in bids] == [order["order_id"]]


def test_a_take_profit_sells_once_the_price_has_risen(send: Send) -> None:
    take_profit = STOP | {"side": "sell", "type": "take_profit_market"}
    order = placed(send, take_profit, BOB)
    placed(send, BUY | {"price": "20900"})
    assert (order["status"], order["time_in_force"]) == ("pending_trigger", "ioc")

    trade_at(send, "21000")

    done = send("GET", f"/orders/{order['order_id']}", account=BOB).body
    assert (done["status"], done["filled_quote"]) == ("filled", "10450")


def test_a_waiting_stop_is_cancelled_like_any_order(send: Send) -> None:
    order = placed(send, STOP_LIMIT)

    cancelled = send("DELETE", f"/orders/{order['order_id']}")

    assert (cancelled.status, cancelled.body["status"]) == (200, "cancelled")
    assert send("GET", "/balances").body["items"][-1]["held"] == "0"


def test_an_iceberg_shows_a_part_and_trades_whole(send: Send, exchange: Exchange) -> None:
    order = placed(send, SELL | {"display_quantity": "0.2"}, BOB)

    assert order["display_quantity"] == "0.2"
    events = decode_events(decode_record(exchange.records[-1]).events)
    assert [one.quantity for one in events if isinstance(one, Level)] == [20_000_000]
    taken = placed(send, BUY | {"quantity": "0.7"})
    assert (taken["status"], taken["filled_quantity"]) == ("filled", "0.7")
    rest = send("GET", f"/orders/{order['order_id']}", account=BOB).body
    assert (rest["remaining_quantity"], rest["display_quantity"]) == ("0.3", "0.2")


def test_an_order_ends_at_its_time(send: Send, exchange: Exchange) -> None:
    ends_ms = exchange.time_ms + 1_000
    order = placed(send, BUY | {"time_in_force": "gtd", "expires_at_ms": ends_ms})
    assert (order["status"], order["expires_at_ms"]) == ("open", ends_ms)

    exchange.time_ms = ends_ms
    exchange.commit(())

    ended = send("GET", f"/orders/{order['order_id']}").body
    assert (ended["status"], ended["close_reason"]) == ("expired", "expired")


@pytest.mark.parametrize(
    ("order", "code"),
    [
        pytest.param(BUY | {"trigger_price": "1"}, "trigger_price_not_allowed", id="limit"),
        pytest.param(
            MARKET | {"side": "buy", "type": "market", "quantity": "1", "trigger_price": "1"},
            "trigger_price_not_allowed",
            id="market",
        ),
        pytest.param(STOP | {"trigger_price": None}, "missing_trigger_price", id="no-trigger"),
        pytest.param(
            STOP | {"trigger_price": "0"}, "trigger_price_not_positive", id="trigger-of-0"
        ),
        pytest.param(
            STOP | {"trigger_price": "0.00000000001"}, "trigger_price_off_tick", id="off-tick"
        ),
        pytest.param(STOP_LIMIT | {"price": None}, "missing_price", id="stop-limit-no-price"),
        pytest.param(STOP | {"time_in_force": "gtc"}, "invalid_time_in_force", id="stop-rests"),
        pytest.param(STOP | {"post_only": True}, "invalid_post_only", id="stop-market-post-only"),
        pytest.param(
            STOP | {"quantity": None, "quote_amount": "5"},
            "quote_amount_not_allowed",
            id="stop-by-quote-amount",
        ),
        pytest.param(
            BUY | {"time_in_force": "ioc", "display_quantity": "0.1"},
            "display_quantity_not_allowed",
            id="iceberg-ioc",
        ),
        pytest.param(
            STOP | {"display_quantity": "0.1"}, "display_quantity_not_allowed", id="iceberg-market"
        ),
        pytest.param(
            BUY | {"display_quantity": "0.000000001"}, "display_quantity_off_lot", id="iceberg-lot"
        ),
        pytest.param(BUY | {"time_in_force": "gtd"}, "missing_expires_at_ms", id="gtd-no-end"),
        pytest.param(
            BUY | {"expires_at_ms": FAR_MS}, "expires_at_ms_not_allowed", id="end-without-gtd"
        ),
        pytest.param(
            BUY | {"time_in_force": "gtd", "expires_at_ms": -1}, "invalid_expires_at_ms", id="end-0"
        ),
        pytest.param(
            BUY | {"time_in_force": "gtd", "expires_at_ms": 1 << 70},
            "invalid_expires_at_ms",
            id="end-beyond",
        ),
        pytest.param(
            BUY | {"time_in_force": "gtd", "expires_at_ms": "1"}, "wrong_type", id="end-as-text"
        ),
        pytest.param(
            MARKET | {"side": "buy", "type": "market", "quote_amount": "9", "time_in_force": "fok"},
            "invalid_time_in_force",
            id="quote-amount-fok",
        ),
        pytest.param(BUY | {"type": "trailing"}, "invalid_type", id="no-such-type"),
    ],
)
def test_what_contradicts_itself_is_a_400_and_is_not_sent(
    send: Send, exchange: Exchange, order: dict[str, Any], code: str
) -> None:
    order = {name: value for name, value in order.items() if value is not None}

    status, problem, _ = send("POST", "/orders", order)

    assert (status, problem["code"]) == (400, code)
    assert exchange.waiting() == 0
    assert not exchange.delivered


@pytest.mark.parametrize(
    ("order", "code"),
    [
        pytest.param(BUY | {"display_quantity": "1.5"}, "invalid_display_quantity", id="shows-all"),
        pytest.param(
            BUY | {"display_quantity": "0.0001"}, "invalid_display_quantity", id="many-slices"
        ),
        pytest.param(
            BUY | {"time_in_force": "gtd", "expires_at_ms": 1}, "invalid_expire_time", id="past"
        ),
        pytest.param(
            STOP_LIMIT | {"price": "60000000", "quantity": "1"}, "insufficient_balance", id="poor"
        ),
    ],
)
def test_what_the_engine_refuses_is_a_422(send: Send, order: dict[str, Any], code: str) -> None:
    status, problem, _ = send("POST", "/orders", order)

    assert (status, problem["code"]) == (422, code)
    assert send("GET", "/orders").body["items"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"trigger_price": "21001"},
        {"display_quantity": "0.3"},
        {"expires_at_ms": FAR_MS + 1},
        {"price": "21501"},
    ],
)
def test_another_condition_under_the_same_client_order_id_is_a_conflict(
    send: Send, change: dict[str, Any]
) -> None:
    order = STOP_LIMIT | {
        "client_order_id": "mine",
        "display_quantity": "0.2",
        "time_in_force": "gtd",
        "expires_at_ms": FAR_MS,
    }
    first = placed(send, order)

    repeated, other = send("POST", "/orders", order), send("POST", "/orders", order | change)

    assert (repeated.status, repeated.body) == (201, first)
    assert (other.status, other.body["code"]) == (409, "client_order_id_reused")
