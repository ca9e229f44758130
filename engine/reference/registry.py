"""Which orders there are: known by id, by their command's, and to their account."""

from engine.reference.model import Order
from engine.reference.state import State


def register_order(state: State, order: Order) -> None:
    """Register an order by its id and its command's, and with its account."""
    state.orders[order.order_id] = order
    order.account.orders[order.order_id] = order
    if order.command_id != (0, 0):
        state.placed[order.command_id] = order


def unregister_order(state: State, order: Order) -> None:
    """Unregister an order; one that ends on arrival never was registered."""
    if state.orders.pop(order.order_id, None):
        order.account.orders.pop(order.order_id)
        state.placed.pop(order.command_id, None)
