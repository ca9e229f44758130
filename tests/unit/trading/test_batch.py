"""Several operations in one message."""

import pytest

from bursa.kernel.identifiers import AccountId
from tests.doubles.exchange import ALICE, BOB, Exchange, read_event
from tests.unit.conftest import Send


def place(side: str, price: str, quantity: str = "1", **more: object) -> dict[str, object]:
    order: dict[str, object] = {"op": "place", "market": "BTC-USDT", "side": side, "price": price}
    return order | {"quantity": quantity} | more


def cancel(**named: str) -> dict[str, object]:
    return {"op": "cancel", **named}


def test_operations_are_carried_out_in_order_each_on_its_own(send: Send) -> None:
    resting = send("POST", "/orders", place("sell", "20000") | {}, account=BOB)
    assert resting.status == 400  # op belongs into a batch

    response = send(
        "POST",
        "/orders/batch",
        {
            "operations": [
                place("sell", "20000", client_order_id="ask"),
                place("buy", "20000", "0.004", self_trade_prevention="none"),
                place("sell", "20000", "1000"),
                cancel(client_order_id="ask"),
                cancel(client_order_id="ask"),
                cancel(order_id="999999"),
            ]
        },
        account=BOB,
    )

    assert response.status == 200
    ask, buy, too_much, cancelled, again, unknown = response.body["results"]
    assert [result["index"] for result in response.body["results"]] == [0, 1, 2, 3, 4, 5]
    assert (ask["op"], ask["order"]["status"]) == ("place", "open")
    assert ask["order"]["client_order_id"] == "ask"
    assert (buy["order"]["status"], len(buy["order"]["fills"])) == ("filled", 1)
    assert too_much["error"]["code"] == "insufficient_balance"
    assert "order" not in too_much
    assert cancelled["op"] == "cancel"
    assert (cancelled["order"]["status"], cancelled["order"]["remaining_quantity"]) == (
        "cancelled",
        "0.996",
    )
    assert cancelled["order"]["order_id"] == ask["order"]["order_id"]
    assert again["error"]["code"] == unknown["error"]["code"] == "unknown_order"


def test_repeated_batch_is_one_batch_and_one_response(send: Send, exchange: Exchange) -> None:
    body = {"operations": [place("buy", "20000"), place("buy", "19000", client_order_id="b")]}
    key = {"Idempotency-Key": "batch-1"}

    first = send("POST", "/orders/batch", body, headers=key)
    second = send("POST", "/orders/batch", body, headers=key)

    assert second == first
    assert len(send("GET", "/orders").body["items"]) == 2


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param([place("buy", "20000")], id="fewer"),
        pytest.param([place("buy", "20000"), cancel(order_id="1")], id="another-kind"),
    ],
)
def test_key_of_another_batch_is_a_conflict(send: Send, operations: list[object]) -> None:
    key = {"Idempotency-Key": "batch-1"}
    first = {"operations": [place("buy", "20000"), place("buy", "19000")]}
    send("POST", "/orders/batch", first, headers=key)

    response = send("POST", "/orders/batch", {"operations": operations}, headers=key)

    codes = [response.body.get("code")]
    codes += [result.get("error", {}).get("code") for result in response.body.get("results", [])]
    assert "idempotency_key_reused" in codes
    assert len(send("GET", "/orders").body["items"]) == 2


def test_same_client_order_id_twice_in_a_batch_is_one_order(send: Send) -> None:
    operations = [place("buy", "20000", client_order_id="b")] * 2
    other = place("buy", "18000", client_order_id="b")

    response = send("POST", "/orders/batch", {"operations": [*operations, other]})

    first, second, third = response.body["results"]
    assert second["order"] == first["order"]
    assert third["error"]["code"] == "client_order_id_reused"


def test_client_order_id_of_an_earlier_request_in_a_batch_is_that_order(send: Send) -> None:
    order = place("buy", "20000", client_order_id="b")
    earlier = send("POST", "/orders/batch", {"operations": [order]}).body["results"][0]

    response = send("POST", "/orders/batch", {"operations": [place("buy", "1000"), order]})

    assert response.body["results"][1]["order"] == earlier["order"]


def test_fifty_operations_go_in_one_message(send: Send, exchange: Exchange) -> None:
    operations = [place("buy", str(10_000 + number)) for number in range(50)]
    records = len(exchange.records)

    response = send("POST", "/orders/batch", {"operations": operations})

    assert [result["order"]["status"] for result in response.body["results"]] == ["open"] * 50
    assert len(exchange.records) == records + 1


def test_unanswered_batch_says_how_to_ask_again(send: Send, exchange: Exchange) -> None:
    exchange.asleep = True
    body = {"operations": [place("buy", "20000")]}

    pending = send("POST", "/orders/batch", body)

    assert pending.status == 202
    assert "Location" not in pending.headers
    exchange.asleep = False
    key = {"Idempotency-Key": pending.body["idempotency_key"]}
    response = send("POST", "/orders/batch", body, headers=key)
    assert response.body["results"][0]["order"]["status"] == "open"


def test_sample_event(trading_api: object, send: Send) -> None:
    event = read_event("orders-batch")
    assert AccountId.parse(event["requestContext"]["authorizer"]["account"]) == ALICE

    response = send("POST", event["path"], event["body"], headers=event["headers"])

    codes = [result.get("error", {}).get("code") for result in response.body["results"]]
    assert codes == [None, "insufficient_balance", None]
