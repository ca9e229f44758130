"""Several operations in one message."""

from typing import Any

import pytest

from bursa.kernel.identifiers import AccountId
from tests.doubles.exchange import ALICE, BOB, Exchange, read_event
from tests.doubles.ids import IDS
from tests.unit.conftest import Send


def place(side: str, price: str, quantity: str = "1", **more: object) -> dict[str, object]:
    order: dict[str, object] = {"op": "place", "market": "BTC-USDT", "side": side, "price": price}
    return order | {"quantity": quantity} | more


def order_of(price: str, **more: object) -> dict[str, object]:
    order: dict[str, object] = {"market": "BTC-USDT", "side": "sell", "price": price}
    return order | {"quantity": "1"} | more


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
                cancel(order_id=IDS.order(999_999)),
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


def test_a_batch_places_amends_replaces_and_cancels_by_either_id(
    send: Send, exchange: Exchange
) -> None:
    first = send("POST", "/orders", order_of("20001", client_order_id="first"), account=BOB)
    second = send("POST", "/orders", order_of("20002", client_order_id="second"), account=BOB)
    done = send("POST", "/orders", order_of("20003"), account=BOB).body["order_id"]
    send("DELETE", f"/orders/{done}", account=BOB)
    operations: list[dict[str, object]] = [
        place("sell", "20004", client_order_id="third"),
        {"op": "amend", "client_order_id": "first", "quantity": "0.5"},
        {"op": "amend", "order_id": first.body["order_id"], "price": "20001.5"},
        {"op": "replace", "replaced_client_order_id": "second", "price": "20005",
         "client_order_id": "fourth"},
        {"op": "replace", "order_id": first.body["order_id"], "quantity": "0.25"},
        {"op": "amend", "order_id": done, "quantity": "0.5"},
        {"op": "replace", "order_id": done, "quantity": "0.5"},
        {"op": "amend", "client_order_id": "first", "quantity": "0.1"},
        cancel(client_order_id="third"),
    ]  # fmt: skip
    key = {"Idempotency-Key": "mixed"}
    response = send("POST", "/orders/batch", {"operations": operations}, account=BOB, headers=key)

    assert response.status == 200, response.body
    results = response.body["results"]
    assert [one["op"] for one in results] == [one["op"] for one in operations]
    placed, less, moved, fourth, fifth, *closed, cancelled = results
    assert placed["order"]["status"] == "open"
    assert (less["order"]["order_id"], less["order"]["quantity"]) == (first.body["order_id"], "0.5")
    assert less["order"]["created_at_ms"] == first.body["created_at_ms"]
    assert (moved["order"]["price"], moved["order"]["quantity"]) == ("20001.5", "0.5")
    assert fourth["order"]["replaced_order_id"] == second.body["order_id"]
    assert (fourth["order"]["client_order_id"], fourth["order"]["price"]) == ("fourth", "20005")
    assert fifth["order"]["replaced_order_id"] == first.body["order_id"]
    assert (fifth["order"]["price"], fifth["order"]["quantity"]) == ("20001.5", "0.25")
    assert [one["error"]["code"] for one in closed] == ["order_closed"] * 3
    assert cancelled["order"]["order_id"] == placed["order"]["order_id"]

    journal = len(exchange.records)
    again = send("POST", "/orders/batch", {"operations": operations}, account=BOB, headers=key)
    assert (again.body, len(exchange.records)) == (response.body, journal)
    still = send("GET", "/orders", query={"status": "open"}, account=BOB).body["items"]
    assert {one["price"] for one in still} == {"20005", "20001.5"}


def test_a_replacement_that_is_known_is_not_made_again(send: Send) -> None:
    old = send("POST", "/orders", order_of("20001"), account=BOB).body["order_id"]
    replace = {"op": "replace", "order_id": old, "price": "20002", "client_order_id": "new"}

    def carry_out() -> Any:
        response = send("POST", "/orders/batch", {"operations": [replace]}, account=BOB)
        return response.body["results"][0]

    first, again = carry_out(), carry_out()
    assert first["order"]["price"] == "20002"
    assert again["order"]["order_id"] == first["order"]["order_id"]


@pytest.mark.parametrize(
    ("operation", "status", "code", "field"),
    [
        ({"op": "amend", "quantity": "1"}, 400, "missing_order_id", "order_id"),
        ({"op": "amend", "order_id": IDS.order(999_999), "quantity": "1"}, 404, "unknown_order",
         ""),
        ({"op": "amend", "client_order_id": "none", "quantity": "1"}, 404, "unknown_order", ""),
        ({"op": "amend", "client_order_id": "mine"}, 400, "nothing_to_change", ""),
        ({"op": "amend", "client_order_id": "mine", "price": "1.001"}, 400, "price_off_tick",
         "price"),
        ({"op": "replace", "client_order_id": "mine", "price": "1"}, 400, "missing_order_id",
         "order_id"),
        ({"op": "replace", "order_id": IDS.order(9), "replaced_client_order_id": "mine"}, 400,
         "two_order_ids", "order_id"),
        ({"op": "destroy"}, 400, "invalid_op", None),
    ],
)  # fmt: skip
def test_a_batch_with_a_change_that_makes_no_sense_is_refused_whole(
    send: Send, exchange: Exchange, operation: Any, status: int, code: str, field: str | None
) -> None:
    send("POST", "/orders", order_of("20001", client_order_id="mine"), account=BOB)
    before = len(exchange.records)
    body = {"operations": [place("sell", "20002"), operation]}
    response = send("POST", "/orders/batch", body, account=BOB)
    assert response.status == status
    if field is not None:
        assert response.body["code"] == code
        assert response.body["field"] == "operations[1]" + (f".{field}" if field else "")
    assert len(exchange.records) == before


def test_another_accounts_order_is_as_unknown_as_none(send: Send) -> None:
    theirs = send("POST", "/orders", order_of("20001"), account=BOB).body["order_id"]
    body = {"operations": [{"op": "amend", "order_id": theirs, "quantity": "0.5"}]}
    response = send("POST", "/orders/batch", body)
    assert (response.status, response.body["code"]) == (404, "unknown_order")


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
        pytest.param([place("buy", "20000"), cancel(order_id=IDS.order(1))], id="another-kind"),
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
