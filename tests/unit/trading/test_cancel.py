"""Cancelling orders."""

from tests.doubles.exchange import BOB, Exchange
from tests.unit.conftest import Send

BUY = {"market": "BTC-USDT", "side": "buy", "price": "20000", "quantity": "1"}
SELL = BUY | {"side": "sell"}


def test_cancel_gives_back_what_was_held(send: Send) -> None:
    order = send("POST", "/orders", BUY).body

    status, cancelled, _ = send("DELETE", f"/orders/{order['order_id']}")

    assert status == 200
    assert (cancelled["status"], cancelled["close_reason"]) == ("cancelled", "cancelled_by_user")
    assert cancelled["remaining_quantity"] == "1"
    assert cancelled["sequence"] > order["sequence"]
    balances = {row["asset"]: row for row in send("GET", "/balances").body["items"]}
    assert balances["USDT"]["held"] == "0"


def test_cancel_of_a_closed_order_is_a_conflict(send: Send) -> None:
    order = send("POST", "/orders", BUY).body
    path = f"/orders/{order['order_id']}"
    send("DELETE", path)

    status, problem, _ = send("DELETE", path)

    assert (status, problem["code"]) == (409, "order_closed")


def test_repeated_cancel_with_a_key_gets_the_first_response(send: Send) -> None:
    order = send("POST", "/orders", BUY).body
    path, key = f"/orders/{order['order_id']}", {"Idempotency-Key": "cancel-1"}

    assert send("DELETE", path, headers=key) == send("DELETE", path, headers=key)


def test_cancel_all_leaves_other_markets_and_accounts_alone(send: Send) -> None:
    mine = [send("POST", "/orders", SELL | {"price": "30000"}, account=BOB).body["order_id"]]
    other_market = {"market": "BTC-IDR", "side": "sell", "price": "1000000000", "quantity": "1"}
    kept = send("POST", "/orders", other_market, account=BOB).body["order_id"]
    foreign = send("POST", "/orders", BUY).body["order_id"]

    status, response, _ = send("DELETE", "/orders", query={"market": "BTC-USDT"}, account=BOB)

    assert status == 200
    assert (response["cancelled"], response["order_ids"]) == (1, mine)
    assert send("GET", f"/orders/{kept}", account=BOB).body["status"] == "open"
    assert send("GET", f"/orders/{foreign}").body["status"] == "open"


def test_cancel_all_of_everything_and_of_nothing(send: Send) -> None:
    placed = [send("POST", "/orders", BUY).body["order_id"] for _ in range(3)]

    first = send("DELETE", "/orders").body
    second = send("DELETE", "/orders").body

    assert (first["cancelled"], first["order_ids"]) == (3, placed)
    assert (second["cancelled"], second["order_ids"]) == (0, [])


def test_unanswered_cancel_says_where_to_look(send: Send, exchange: Exchange) -> None:
    order_id = send("POST", "/orders", BUY).body["order_id"]
    exchange.asleep = True

    one = send("DELETE", f"/orders/{order_id}")
    every = send("DELETE", "/orders", headers={"prefer": "respond-async"})

    assert (one.status, one.headers["Location"]) == (202, f"/v1/orders/{order_id}")
    assert (every.status, every.body["status"]) == (202, "pending")
