"""Cancelling open orders: one, a list, or all of a market and side."""

import cython

from engine.core.execution import execute_all_triggered
from engine.core.ids import placed_order_id
from engine.core.index import find_account, find_market, find_order
from engine.core.order_checks import (
    check_market,
)
from engine.core.orders import (
    close_all,
    close_list,
    close_order,
    list_of,
)
from engine.core.records import (
    BAL_NUMBER,
    O_BALANCE,
    O_ID,
    O_ID_HIGH,
    O_ID_LOW,
    S_RELEASED_HEAD,
    S_SEQUENCE,
)
from engine.core.store import Store
from wire.layout import (
    ACCOUNT_TENANT_SHIFT,
    CANCEL_ALL_MARKET,
    CANCEL_ALL_SIDE,
    CANCEL_LIST,
    CANCEL_ORDER_ID,
    CANCEL_TARGET_HIGH,
    CANCEL_TARGET_LOW,
    CLOSE_CANCELLED_BY_USER,
    HEADER_ACCOUNT,
    REASON_INVALID_SIDE,
    REASON_UNKNOWN_ORDER,
    RESULT_SUBJECT,
    SIDE_BOTH,
    SIDE_SELL,
    STAGED_MAX,
    STATUS_CANCELLED,
)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def find_target(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Return the open order that a command of its account means, or 0."""
    m = s.m
    order_id = command[CANCEL_ORDER_ID]
    high, low = command[CANCEL_TARGET_HIGH], command[CANCEL_TARGET_LOW]
    if not order_id and high | low:
        order_id = placed_order_id(s, high, low)
    if order_id <= 0:
        return 0
    order = s.guess
    if m[order + O_ID] != order_id:
        order = find_order(s, order_id)
    if not order or m[m[order + O_BALANCE] + BAL_NUMBER] != command[HEADER_ACCOUNT]:
        return 0
    if high | low and (m[order + O_ID_HIGH] != high or m[order + O_ID_LOW] != low):
        return 0
    return order


@cython.cfunc
@cython.inline
def cancel(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a CANCEL command."""
    if command[CANCEL_LIST]:
        return cancel_list(s, command)
    order = find_target(s, command)
    if not order:
        return REASON_UNKNOWN_ORDER
    s.out[s.started + RESULT_SUBJECT] = s.m[order + O_ID]
    close_order(s, order, STATUS_CANCELLED, CLOSE_CANCELLED_BY_USER)
    if s.m[S_RELEASED_HEAD]:
        execute_all_triggered(s)
    return 0


@cython.cfunc
def cancel_list(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a CANCEL command about a whole list."""
    order = find_list(s, command)
    if not order:
        return REASON_UNKNOWN_ORDER
    s.out[s.started + RESULT_SUBJECT] = list_of(s, order)
    close_list(s, order, STATUS_CANCELLED, CLOSE_CANCELLED_BY_USER)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def find_list(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Return an open order of the list that a command of its account means, the first, or 0."""
    m = s.m
    list_id = command[CANCEL_ORDER_ID]
    if command[CANCEL_TARGET_HIGH] | command[CANCEL_TARGET_LOW]:
        last = find_target(s, command)
        list_id = m[last + O_ID] if last else 0
    if list_id < 1 or list_id > m[S_SEQUENCE]:
        return 0
    for before in range(STAGED_MAX, -1, -1):
        order = find_order(s, list_id - before) if list_id > before else 0
        if order and list_of(s, order) == list_id:
            return order if m[m[order + O_BALANCE] + BAL_NUMBER] == command[HEADER_ACCOUNT] else 0
    return 0


@cython.cfunc
def cancel_all(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a CANCEL_ALL command."""
    number, side = command[CANCEL_ALL_MARKET], command[CANCEL_ALL_SIDE]
    if number:
        tenant = command[HEADER_ACCOUNT] >> ACCOUNT_TENANT_SHIFT
        reason = check_market(s, find_market(s, number), tenant)
        if reason:
            return reason
    if side < SIDE_BOTH or side > SIDE_SELL:
        return REASON_INVALID_SIDE
    account = find_account(s, command[HEADER_ACCOUNT])
    closed = close_all(s, account, number, side, CLOSE_CANCELLED_BY_USER)
    s.out[s.started + RESULT_SUBJECT] = closed
    return 0
