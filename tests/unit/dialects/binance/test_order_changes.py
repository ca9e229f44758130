"""Orders of the Binance dialect that are changed, and all of a symbol cancelled."""

from tests.doubles.binance import BinanceClient
from tests.unit.dialects.binance.test_orders import ONE, place


def test_all_orders_of_a_symbol_are_cancelled(alice: BinanceClient) -> None:
    placed = [place(alice, price=price)["orderId"] for price in ("19000", "19001")]
    cancelled = alice.signed("DELETE", "/api/v3/openOrders", **ONE).body
    assert [(one["orderId"], one["status"]) for one in cancelled] == [
        (number, "CANCELED") for number in placed
    ]
    assert cancelled[0]["price"] == "19000.00000000"
    none = alice.signed("DELETE", "/api/v3/openOrders", **ONE)
    assert none.error == (-2011, "Unknown order sent.")


def test_an_orders_quantity_is_reduced(alice: BinanceClient) -> None:
    placed = place(alice, newClientOrderId="mine")
    path = "/api/v3/order/amend/keepPriority"
    amended = alice.signed("PUT", path, **ONE, orderId=placed["orderId"], newQty="0.2").body
    order = amended["amendedOrder"]
    assert (order["qty"], order["clientOrderId"]) == ("0.20000000", "mine")
    more = alice.signed("PUT", path, **ONE, orderId=placed["orderId"], newQty="0.3")
    assert more.error[0] == -2038
    renamed = alice.signed(
        "PUT", path, **ONE, orderId=placed["orderId"], newQty="0.1", newClientOrderId="other"
    )
    assert renamed.error == (-2038, "An amended order keeps its clientOrderId.")
    unknown = alice.signed("PUT", path, **ONE, orderId=1, newQty="0.1")
    assert unknown.error == (-2013, "Order does not exist.")
