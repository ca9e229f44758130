"""Lists of orders in the native form."""

from typing import Literal

from bursa.dialects.native.order_list_responses import (
    CancelledOrderList,
    OrderList,
    PlacedOrderList,
)
from bursa.dialects.native.order_presentation import present_order, present_order_state
from bursa.dialects.native.outcome_presentation import placed_order
from bursa.dialects.native.public_ids import TenantIds
from bursa.trading.order_lists import ListCancelled, ListPlaced, ListView

LISTS_PATH = "/v1/order-lists"


def order_list(found: ListView, ids: TenantIds) -> OrderList:
    """Return a list as it is."""
    return OrderList(
        list_id=ids.order(found.list_id),
        type=found.type.value,
        status=_status(found),
        orders=[present_order(order, ids) for order in found.orders],
        sequence=_sequence(found),
    )


def placed_list(outcome: ListPlaced, ids: TenantIds) -> PlacedOrderList:
    """Return a new list."""
    found = outcome.view
    return PlacedOrderList(
        list_id=ids.order(found.list_id),
        type=found.type.value,
        status=_status(found),
        orders=[placed_order(one, ids) for one in outcome.orders],
        sequence=_sequence(found),
    )


def cancelled_list(outcome: ListCancelled, ids: TenantIds) -> CancelledOrderList:
    """Return what a cancel has closed."""
    return CancelledOrderList(
        list_id=ids.order(outcome.list_id),
        orders=[present_order_state(order, ids) for order in outcome.orders],
        sequence=max((order.updated_at_ms for order in outcome.orders), default=0),
    )


def _status(found: ListView) -> Literal["open", "closed"]:
    return "open" if found.is_open else "closed"


def _sequence(found: ListView) -> int:
    return max(order.updated_at_ms for order in found.orders)
