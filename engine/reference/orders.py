"""The life of an order: in its book, out of it, known to its account, ended."""

from engine.reference.book import append_order, unlink_order
from engine.reference.emit import emit_level, emit_order
from engine.reference.ledger import reserve, unreserve
from engine.reference.model import Order
from engine.reference.state import State
from wire import layout as w


def set_status(order: Order, status: int, close_reason: int = w.CLOSE_NONE) -> None:
    """Write status and close reason into an order's flags."""
    flags = order.flags & ((1 << w.STATUS_SHIFT) - 1)
    order.flags = flags | status << w.STATUS_SHIFT | close_reason << w.CLOSE_SHIFT


# --- known by its id and to its account -----------------------------------------------------------


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


# --- in and out of a book -------------------------------------------------------------------------


def visible_of(order: Order) -> int:
    """Return how many lots an order shows when it joins its level: all, or an iceberg's slice."""
    return min(order.conditions.display_quantity or order.remaining, order.remaining)


def enter_level(order: Order) -> None:
    """Put an order at the back of its level, showing what it shows from now on."""
    order.visible = visible_of(order)
    append_order(order)


def leave_book(state: State, order: Order) -> None:
    """Take an order out of its book."""
    unlink_order(order)
    emit_level(state, order)


def rest_order(state: State, order: Order) -> None:
    """Rest an order: set its status, put it into the book, hold what it may cost."""
    status = w.STATUS_OPEN if order.remaining == order.quantity else w.STATUS_PARTIALLY_FILLED
    set_status(order, w.STATUS_PENDING_TRIGGER if order.is_pending else status)
    enter_level(order)
    emit_level(state, order)
    reserve(state, order, order.remaining)


def withdraw(state: State, order: Order) -> None:
    """Take a waiting order out of its book and make available what was held for it."""
    unreserve(state, order, order.remaining)
    leave_book(state, order)


def close_order(state: State, order: Order, status: int, close_reason: int) -> None:
    """End a waiting order before it is filled."""
    withdraw(state, order)
    set_status(order, status, close_reason)
    emit_order(state, order)
    unregister_order(state, order)


def close_all(state: State, number: int, market: int, side: int, close_reason: int) -> int:
    """Close an account's open orders, oldest first, 0 for any market or side; return how many."""
    account = state.accounts.get(number)
    chosen = [
        order
        for _, order in sorted(account.orders.items() if account else ())
        if market in (0, order.market.number) and side in (w.SIDE_BOTH, order.side)
    ]
    for order in chosen:
        close_order(state, order, w.STATUS_CANCELLED, close_reason)
    return len(chosen)


def reduce_order(state: State, order: Order, lots: int) -> None:
    """Shrink a waiting order in place; the hidden part of an iceberg goes first."""
    unreserve(state, order, lots)
    order.quantity -= lots
    order.remaining -= lots
    order.visible = min(order.visible, order.remaining)
    emit_level(state, order)
