"""Cancel and replace of the Binance dialect: two halves, and what is told when one fails."""

from typing import Any

import pytest

from tests.doubles.binance import BinanceClient

LIMIT: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.5",
    "price": "20000",
}
REPLACE = "/api/v3/order/cancelReplace"


def test_an_order_is_cancelled_and_another_placed(alice: BinanceClient) -> None:
    placed = alice.signed("POST", "/api/v3/order", **LIMIT).body
    both = alice.signed(
        "POST",
        REPLACE,
        **(LIMIT | {"price": "19000"}),
        cancelReplaceMode="STOP_ON_FAILURE",
        cancelOrderId=placed["orderId"],
    ).body
    assert (both["cancelResult"], both["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    assert both["cancelResponse"]["orderId"] == placed["orderId"]
    assert both["newOrderResponse"]["price"] == "19000.00000000"
    (left,) = alice.signed("GET", "/api/v3/openOrders").body
    assert left["orderId"] == both["newOrderResponse"]["orderId"]


HALVES: dict[str, tuple[str, bool, str, tuple[int, int, str, str, int]]] = {
    "nothing to cancel, stops": (
        "STOP_ON_FAILURE",
        False,
        "0.5",
        (400, -2022, "FAILURE", "NOT_ATTEMPTED", 0),
    ),
    "nothing to cancel, goes on": (
        "ALLOW_FAILURE",
        False,
        "0.5",
        (409, -2021, "FAILURE", "SUCCESS", 1),
    ),
    "new one refused": ("STOP_ON_FAILURE", True, "1000", (409, -2021, "SUCCESS", "FAILURE", 0)),
    "both refused": ("ALLOW_FAILURE", False, "1000", (400, -2022, "FAILURE", "FAILURE", 0)),
}


@pytest.mark.parametrize(("mode", "has_order", "quantity", "expected"), HALVES.values(), ids=HALVES)
def test_a_half_that_fails(
    alice: BinanceClient,
    mode: str,
    has_order: bool,
    quantity: str,
    expected: tuple[int, int, str, str, int],
) -> None:
    number = 12
    if has_order:
        number = alice.signed("POST", "/api/v3/order", **LIMIT).body["orderId"]
    answer = alice.signed(
        "POST",
        REPLACE,
        **(LIMIT | {"quantity": quantity}),
        cancelReplaceMode=mode,
        cancelOrderId=number,
    )
    data = answer.body["data"]
    left = alice.signed("GET", "/api/v3/openOrders").body
    seen = answer.status, answer.body["code"], data["cancelResult"], data["newOrderResult"]
    assert (*seen, len(left)) == expected
