"""Cancelling open orders: one, a list, or all of a market and side."""

from engine.reference.execution import execute_all_triggered
from engine.reference.ids import find_placed
from engine.reference.model import Command, Order, Rejected
from engine.reference.order_checks import (
    check_market,
)
from engine.reference.orders import (
    close_all,
    close_list,
    close_order,
)
from engine.reference.state import State
from wire import layout as w


def find_target(state: State, command: Command) -> Order:
    """Return the open order that a command means, by order id or by the command id that placed it.

    Another account's order is as unknown as one that does not exist.
    """
    order_id = command[w.CANCEL_ORDER_ID]
    target = (command[w.CANCEL_TARGET_HIGH], command[w.CANCEL_TARGET_LOW])
    order = state.orders.get(order_id) if order_id else find_placed(state, target)
    if order is None or order.account.number != command[w.HEADER_ACCOUNT]:
        raise Rejected(w.REASON_UNKNOWN_ORDER)
    if target not in ((0, 0), order.command_id):
        raise Rejected(w.REASON_UNKNOWN_ORDER)
    return order


def cancel_list(state: State, command: Command) -> int:
    """Decide a CANCEL command about a whole list; return its id."""
    order = find_list(state, command)
    close_list(state, order, w.STATUS_CANCELLED, w.CLOSE_CANCELLED_BY_USER)
    return order.list_id


def find_list(state: State, command: Command) -> Order:
    """Return an open order of the list that a command means: the first, by id.

    It is meant by its id, or by the command id that placed its last order, if that is open.
    """
    list_id = command[w.CANCEL_ORDER_ID]
    if (command[w.CANCEL_TARGET_HIGH], command[w.CANCEL_TARGET_LOW]) != (0, 0):
        list_id = find_target(state, command).order_id
    for order_id in range(list_id - w.STAGED_MAX, list_id + 1):
        order = state.orders.get(order_id)
        is_own = order and order.account.number == command[w.HEADER_ACCOUNT]
        if order and is_own and list_id == order.list_id:
            return order
    raise Rejected(w.REASON_UNKNOWN_ORDER)


def cancel(state: State, command: Command) -> int:
    """Decide a CANCEL command; return the id of the order, or of the list."""
    if command[w.CANCEL_LIST]:
        return cancel_list(state, command)
    order = find_target(state, command)
    close_order(state, order, w.STATUS_CANCELLED, w.CLOSE_CANCELLED_BY_USER)
    execute_all_triggered(state)
    return order.order_id


def cancel_all(state: State, command: Command) -> int:
    """Decide a CANCEL_ALL command; return how many orders it closed."""
    account = command[w.HEADER_ACCOUNT]
    market, side = command[w.CANCEL_ALL_MARKET], command[w.CANCEL_ALL_SIDE]
    if market:
        check_market(state, market, w.account_tenant(account))
    if side not in (w.SIDE_BOTH, w.SIDE_BUY, w.SIDE_SELL):
        raise Rejected(w.REASON_INVALID_SIDE)
    return close_all(state, account, market, side, w.CLOSE_CANCELLED_BY_USER)
