"""Lists of orders, as this wire has them."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from bursa.dialects.binance.client_order_ids import shown_id
from bursa.dialects.binance.ids import order_number
from bursa.dialects.binance.order_presentation import (
    acknowledged_order,
    cancelled_order,
    full_order,
    resulting_order,
    with_beginning,
)
from bursa.dialects.binance.symbols import symbol_of
from bursa.trading.order_lists import ListCancelled, ListPlaced, ListType, ListView
from bursa.trading.outcomes import OrderPlaced

Json = dict[str, Any]

_CONTINGENCIES: Final = {ListType.OCO: "OCO", ListType.BRACKET: "OTO"}
RESPONSES: Final[Mapping[str, Callable[[OrderPlaced], Json]]] = {
    "ACK": lambda placed: acknowledged_order(placed.order),
    "RESULT": lambda placed: resulting_order(placed.order),
    "FULL": full_order,
}


def order_list(found: ListView, name: str | None = None) -> Json:
    """Return a list as a question is answered, which may have named it."""
    return _list(found, name, is_open=found.is_open)


def placed_list(
    placed: ListPlaced, report: Callable[[OrderPlaced], Json] | None, name: str | None
) -> Json:
    """Return a new list with a report of each order."""
    report = report or RESPONSES["RESULT"]
    found = placed.view
    return _list(found, name, is_open=found.is_open) | {
        "orderReports": [report(one) for one in placed.orders]
    }


def cancelled_list(
    found: ListView, cancelled: ListCancelled, request_id: str, name: str | None
) -> Json:
    """Return a list that was cancelled by a request, with a report of what that has closed."""
    before = {order.order_id: order for order in found.orders}
    times = [order.updated_at_ms for order in cancelled.orders]
    return _list(found, name, is_open=False) | {
        "transactionTime": max(times, default=0),
        "orderReports": [
            cancelled_order(with_beginning(order, before.get(order.order_id)), request_id)
            for order in cancelled.orders
        ],
    }


def _list(found: ListView, name: str | None, *, is_open: bool) -> Json:
    symbol = symbol_of(found.orders[0].market)
    return {
        "orderListId": order_number(found.list_id),
        "contingencyType": _CONTINGENCIES[found.type],
        "listStatusType": "EXEC_STARTED" if is_open else "ALL_DONE",
        "listOrderStatus": "EXECUTING" if is_open else "ALL_DONE",
        "listClientOrderId": name or shown_id(found.orders[-1].client_order_id),
        "transactionTime": max(order.updated_at_ms for order in found.orders),
        "symbol": symbol,
        "orders": [
            {
                "symbol": symbol,
                "orderId": order_number(order.order_id),
                "clientOrderId": shown_id(order.client_order_id),
            }
            for order in found.orders
        ],
    }
