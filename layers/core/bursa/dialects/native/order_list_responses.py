"""The shapes of lists of orders in JSON; see `responses`."""

from typing import Literal

from typing_extensions import TypedDict

from bursa.dialects.native.responses import Order, OrderState, PlacedOrder


class OrderList(TypedDict):
    """A list of orders; it is open while any of them can still trade.

    The orders are as they were sent: the two of a pair, or the two exits of an entry and then the
    entry. The list's id is that of the last.
    """

    list_id: str
    type: Literal["oco", "bracket"]
    status: Literal["open", "closed"]
    orders: list[Order]
    sequence: int


class OrderListPage(TypedDict):
    """Lists of which anything is open, the newest first."""

    items: list[OrderList]
    next_cursor: str | None


class PlacedOrderList(TypedDict):
    """A new list, with what its entry traded at once."""

    list_id: str
    type: Literal["oco", "bracket"]
    status: Literal["open", "closed"]
    orders: list[PlacedOrder]
    sequence: int


class CancelledOrderList(TypedDict):
    """The orders of a list that its cancel has closed."""

    list_id: str
    orders: list[OrderState]
    sequence: int
