"""The life of an order: in its book, out of it, known to its account, ended."""

from engine.reference.book import append_order, unlink_order
from engine.reference.emit import emit_level, emit_order
from engine.reference.ledger import extra_reserve, move_to_held, reserve, unreserve
from engine.reference.model import Order
from engine.reference.registry import unregister_order
from engine.reference.state import State
from wire import layout as w


def set_status(order: Order, status: int, close_reason: int = w.CLOSE_NONE) -> None:
    """Write status and close reason into an order's flags."""
    flags = order.flags & ((1 << w.STATUS_SHIFT) - 1)
    order.flags = flags | status << w.STATUS_SHIFT | close_reason << w.CLOSE_SHIFT


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
    reserve(state, order)


def withdraw(state: State, order: Order) -> None:
    """Take a waiting order out of its book and make available what was held for it."""
    unreserve(state, order, order.remaining)
    leave_book(state, order)


def close_order(state: State, order: Order, status: int, close_reason: int) -> None:
    """End a waiting order before it is filled, and what of its list can't be without it.

    Exits are placed for what an entry has been filled; an exit that waits for it ends them all.
    """
    if order.awaits_entry:
        close_list(state, order, status, close_reason)
        return
    end_other(state, order, status, close_reason)
    withdraw(state, order)
    set_status(order, status, close_reason)
    emit_order(state, order)
    unregister_order(state, order)
    release_exits(state, order, status, close_reason)


def close_all(state: State, number: int, market: int, side: int, close_reason: int) -> int:
    """Close an account's open orders, oldest first, 0 for any market or side; return how many."""
    account = state.accounts.get(number)
    chosen = [
        order
        for _, order in sorted(account.orders.items() if account else ())
        if market in (0, order.market.number) and side in (w.SIDE_BOTH, order.side)
    ]
    before = len(state.orders)
    for order in chosen:
        if order.order_id in state.orders:
            close_list(state, order, w.STATUS_CANCELLED, close_reason)
    return before - len(state.orders)


def reduce_order(state: State, order: Order, lots: int) -> None:
    """Shrink a waiting order in place; the hidden part of an iceberg goes first."""
    unreserve(state, order, lots)
    order.quantity -= lots
    order.remaining -= lots
    order.visible = min(order.visible, order.remaining)
    emit_level(state, order)


# --- orders of a list -----------------------------------------------------------------------------


def rest_pair(state: State, first: Order, second: Order) -> None:
    """Rest two orders of which one will cancel the other; funds are held for them once."""
    first.other = second.other = None
    rest_order(state, first)
    first.other, second.other = second, first
    rest_order(state, second)


def end_other(state: State, order: Order, status: int, close_reason: int) -> None:
    """End the other one of an order's list, if both wait: this one is about to trade or to end."""
    other = order.other
    if other is None:
        return
    amount = extra_reserve(other)
    order.other = other.other = None
    move_to_held(state, other.account, other.pays_asset, -amount)
    leave_book(state, other)
    end_unbooked(state, other, status, close_reason)


def end_unbooked(state: State, order: Order, status: int, close_reason: int) -> None:
    """End an order that is in no book any more, or in none yet."""
    set_status(order, status, close_reason)
    emit_order(state, order)
    unregister_order(state, order)


def release_exits(state: State, entry: Order, status: int, close_reason: int) -> None:
    """Have the exits of an entry that has ended placed for what it was filled; or end them."""
    first, lots = entry.exit, entry.quantity - entry.remaining
    if first is None or first.other is None:
        return
    if not lots:
        end_exits(state, entry, status, close_reason)
        return
    entry.exit = None
    for one in (first, first.other):
        one.quantity = one.remaining = lots
    state.released.append(first)


def end_exits(state: State, entry: Order, status: int, close_reason: int) -> None:
    """End the exits that wait for an entry."""
    first = entry.exit
    if first is None or first.other is None:
        return
    second, entry.exit = first.other, None
    end_pair(state, first, second, status, close_reason)


def end_pair(state: State, first: Order, second: Order, status: int, close_reason: int) -> None:
    """End two exits that are in no book."""
    first.other = second.other = None
    end_unbooked(state, first, status, close_reason)
    end_unbooked(state, second, status, close_reason)


def close_list(state: State, order: Order, status: int, close_reason: int) -> None:
    """End an order and all others of its list, whatever an entry has been filled."""
    entry = state.orders[order.list_id] if order.awaits_entry else order
    end_exits(state, entry, status, close_reason)
    close_order(state, entry, status, close_reason)
