"""Cancelling and changing open orders; a refused change leaves an order as it was."""

import cython

from engine.core.index import find_account, find_id, find_order
from engine.core.ledger import market_of, owner_of, put_decided_order, reserve_of
from engine.core.orders import (
    close_order,
    is_pending,
    make_order,
    make_rare,
    reduce,
    set_status,
    withdraw,
)
from engine.core.placing import follow_reference
from engine.core.records import (
    A_ORDER_HEAD,
    A_STATE,
    BAL_AVAILABLE,
    BAL_NUMBER,
    I_OUTCOME,
    M_LAST_PRICE,
    M_PRICE_BOUND,
    M_STATE,
    O_ACCOUNT_NEXT,
    O_BALANCE,
    O_FILLED_QUOTE,
    O_ID,
    O_ID_HIGH,
    O_ID_LOW,
    O_LEVEL,
    O_PRICE,
    O_QUANTITY,
    O_RARE,
    O_REMAINING,
    O_TERMS,
    ORDER_WORDS,
    RARE_WORDS,
    S_SEQUENCE,
    X_DISPLAY_QUANTITY,
    X_HEAP,
    X_TRIGGER_PRICE,
)
from engine.core.refusing import (
    current_reference,
    market_at,
    need_of,
    refuse_display,
    refuse_market,
    refuse_notional,
    refuse_numbers,
    refuse_price,
    refuse_state,
    worst_price,
)
from engine.core.running import accept_order
from engine.core.store import Store, make_room
from wire.layout import (
    ACCOUNT_STATE_FROZEN,
    ACCOUNT_TENANT_SHIFT,
    CANCEL_ALL_MARKET,
    CANCEL_ALL_SIDE,
    CANCEL_ORDER_ID,
    CANCEL_TARGET_HIGH,
    CANCEL_TARGET_LOW,
    CHANGE_DISPLAY_QUANTITY,
    CHANGE_PRICE,
    CHANGE_QUANTITY,
    CHANGE_TRIGGER_PRICE,
    CLOSE_CANCELLED_BY_USER,
    CLOSE_NONE,
    CLOSE_REPLACED,
    EVENT_LOW_MASK,
    EVENT_MARKET_SHIFT,
    HEADER_ACCOUNT,
    HEADER_ID_HIGH,
    HEADER_ID_LOW,
    ICEBERG_SLICES_MAX,
    MARKET_MAX,
    PRICE_MAX,
    REASON_ACCOUNT_FROZEN,
    REASON_INSUFFICIENT_BALANCE,
    REASON_INVALID_DISPLAY_QUANTITY,
    REASON_INVALID_SIDE,
    REASON_INVALID_TRIGGER_PRICE,
    REASON_MARKET_HALTED,
    REASON_NOTHING_TO_CHANGE,
    REASON_UNKNOWN_ORDER,
    RESULT_SUBJECT,
    SIDE_BOTH,
    SIDE_BUY,
    SIDE_MASK,
    SIDE_SELL,
    STATE_HALTED,
    STATUS_CANCELLED,
    TYPE_MASK,
    TYPE_SHIFT,
    TYPE_STOP_MARKET,
)

# --- cancel ---------------------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def find_target(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Return the open order that a command of its account means, or 0."""
    m = s.m
    order_id = command[CANCEL_ORDER_ID]
    high, low = command[CANCEL_TARGET_HIGH], command[CANCEL_TARGET_LOW]
    if not order_id and high | low:
        known = find_id(s, high, low)
        if known:
            order_id = m[known + I_OUTCOME]
    if order_id <= 0:
        return 0
    order = s.ahead
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
    order = find_target(s, command)
    if not order:
        return REASON_UNKNOWN_ORDER
    s.out[s.started + RESULT_SUBJECT] = s.m[order + O_ID]
    close_order(s, order, STATUS_CANCELLED, CLOSE_CANCELLED_BY_USER)
    return 0


@cython.cfunc
def close_all(
    s: Store,
    account: cython.longlong,
    market_number: cython.longlong,
    side: cython.longlong,
    close_reason: cython.longlong,
) -> cython.longlong:
    """Close an account's open orders, oldest first, 0 = any; return how many."""
    m = s.m
    count: cython.longlong = 0
    order = m[account + A_ORDER_HEAD] if account else 0
    while order != account:
        following = m[order + O_ACCOUNT_NEXT]
        terms = m[order + O_TERMS]
        number = terms >> EVENT_MARKET_SHIFT & MARKET_MAX
        in_market: cython.bint = not market_number or number == market_number
        if in_market and (side == SIDE_BOTH or terms & SIDE_MASK == side):
            make_room(s)
            close_order(s, order, STATUS_CANCELLED, close_reason)
            count += 1
        order = following
    return count


@cython.cfunc
def cancel_all(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a CANCEL_ALL command."""
    number, side = command[CANCEL_ALL_MARKET], command[CANCEL_ALL_SIDE]
    if number:
        tenant = command[HEADER_ACCOUNT] >> ACCOUNT_TENANT_SHIFT
        reason = refuse_market(s, market_at(s, number), tenant)
        if reason:
            return reason
    if side < SIDE_BOTH or side > SIDE_SELL:
        return REASON_INVALID_SIDE
    account = find_account(s, command[HEADER_ACCOUNT])
    closed = close_all(s, account, number, side, CLOSE_CANCELLED_BY_USER)
    s.out[s.started + RESULT_SUBJECT] = closed
    return 0


# --- amend and replace ----------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def new_or_old(new: cython.longlong, old: cython.longlong) -> cython.longlong:
    """Return a change's word, or what it leaves as it is."""
    return new if new else old


@cython.cfunc
@cython.exceptval(check=False)
def changed_price(s: Store, order: cython.longlong, command: cython.p_longlong) -> cython.longlong:
    """Return the price an order would have."""
    m = s.m
    terms = m[order + O_TERMS]
    is_stop_market_buy: cython.bint = (
        terms >> TYPE_SHIFT & TYPE_MASK == TYPE_STOP_MARKET and terms & SIDE_MASK == SIDE_BUY
    )
    if is_stop_market_buy and command[CHANGE_TRIGGER_PRICE] and not command[CHANGE_PRICE]:
        trigger = command[CHANGE_TRIGGER_PRICE]
        if 0 < trigger <= PRICE_MAX:
            return worst_price(s, market_of(s, order), trigger)
    return new_or_old(command[CHANGE_PRICE], m[order + O_PRICE])


@cython.cfunc
@cython.exceptval(check=False)
def refuse_change(
    s: Store,
    order: cython.longlong,
    command: cython.p_longlong,
    price: cython.longlong,
    remaining: cython.longlong,
) -> cython.longlong:
    """Return why a change's numbers are out of range, or 0."""
    m = s.m
    market = market_of(s, order)
    rare = m[order + O_RARE]
    display = m[rare + X_DISPLAY_QUANTITY] if rare else 0
    trigger = command[CHANGE_TRIGGER_PRICE]
    if trigger and not is_pending(s, order):
        return REASON_INVALID_TRIGGER_PRICE
    if is_pending(s, order):
        trigger = new_or_old(trigger, m[rare + X_TRIGGER_PRICE])
        if trigger < 1 or trigger > m[market + M_PRICE_BOUND]:
            return REASON_INVALID_TRIGGER_PRICE
    terms = m[order + O_TERMS] & EVENT_LOW_MASK
    reason = refuse_numbers(s, market, terms, price, remaining)
    if reason:
        return reason
    if command[CHANGE_DISPLAY_QUANTITY]:
        if not display:
            return REASON_INVALID_DISPLAY_QUANTITY
        return refuse_display(terms, command[CHANGE_DISPLAY_QUANTITY], remaining)
    if display and display * ICEBERG_SLICES_MAX < remaining:
        return REASON_INVALID_DISPLAY_QUANTITY
    return 0


@cython.cfunc
def refuse_worth(
    s: Store,
    order: cython.longlong,
    command: cython.p_longlong,
    price: cython.longlong,
    remaining: cython.longlong,
) -> cython.longlong:
    """Return why what an order would become is worth too little or too much, or 0."""
    m = s.m
    market = market_of(s, order)
    if not price and m[order + O_RARE]:
        price = new_or_old(command[CHANGE_TRIGGER_PRICE], m[m[order + O_RARE] + X_TRIGGER_PRICE])
    if not price:
        price = m[market + M_LAST_PRICE]
    return refuse_notional(s, market, price, remaining) if price else 0


@cython.cfunc
def refuse_new_place(
    s: Store,
    order: cython.longlong,
    command: cython.p_longlong,
    price: cython.longlong,
    remaining: cython.longlong,
) -> cython.longlong:
    """Return why a changed order can't go to the back of its new level, or 0."""
    m = s.m
    market = market_of(s, order)
    terms = m[order + O_TERMS]
    reason = refuse_worth(s, order, command, price, remaining)
    if reason:
        return reason
    if not is_pending(s, order):
        reason = refuse_price(s, market, terms, price, current_reference(s, market))
        if reason:
            return reason
    freed = reserve_of(s, order, m[order + O_REMAINING])
    available = m[m[order + O_BALANCE] + BAL_AVAILABLE]
    if need_of(s, market, terms & SIDE_MASK, price, remaining) > available + freed:
        return REASON_INSUFFICIENT_BALANCE
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_frozen(s: Store, account: cython.longlong) -> cython.bint:
    """Whether an account, 0 for an unknown one, may not place or pay."""
    return account and s.m[account + A_STATE] == ACCOUNT_STATE_FROZEN


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def moves(
    s: Store, order: cython.longlong, command: cython.p_longlong, price: cython.longlong
) -> cython.bint:
    """Whether a change is about more than the quantity."""
    m = s.m
    rare = m[order + O_RARE]
    trigger = m[rare + X_TRIGGER_PRICE] if rare else 0
    display = m[rare + X_DISPLAY_QUANTITY] if rare else 0
    return (
        price != m[order + O_PRICE]
        or new_or_old(command[CHANGE_TRIGGER_PRICE], trigger) != trigger
        or new_or_old(command[CHANGE_DISPLAY_QUANTITY], display) != display
    )


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def write_change(
    s: Store, order: cython.longlong, command: cython.p_longlong, price: cython.longlong
) -> cython.longlong:
    """Write a change's price and rare terms into an order that is in no book."""
    m = s.m
    m[order + O_PRICE] = price
    rare = m[order + O_RARE]
    if rare:
        m[rare + X_TRIGGER_PRICE] = new_or_old(
            command[CHANGE_TRIGGER_PRICE], m[rare + X_TRIGGER_PRICE]
        )
        m[rare + X_DISPLAY_QUANTITY] = new_or_old(
            command[CHANGE_DISPLAY_QUANTITY], m[rare + X_DISPLAY_QUANTITY]
        )
    return 0


@cython.cfunc
def refuse_amend(
    s: Store,
    order: cython.longlong,
    command: cython.p_longlong,
    price: cython.longlong,
    remaining: cython.longlong,
) -> cython.longlong:
    """Return why an AMEND is refused, or 0."""
    m = s.m
    if is_frozen(s, owner_of(s, order)):
        return REASON_ACCOUNT_FROZEN
    market = market_of(s, order)
    stays: cython.bint = not moves(s, order, command, price)
    # Only less of the same keeps its place, and is as harmless as a cancel.
    shrinks: cython.bint = stays and remaining < m[order + O_REMAINING]
    if not shrinks:
        reason = refuse_state(s, market, m[order + O_TERMS] & EVENT_LOW_MASK)
        if reason:
            return reason
    elif m[market + M_STATE] == STATE_HALTED:
        return REASON_MARKET_HALTED
    reason = refuse_change(s, order, command, price, remaining)
    if reason:
        return reason
    if stays and remaining == m[order + O_REMAINING]:
        return REASON_NOTHING_TO_CHANGE
    if shrinks:
        return refuse_worth(s, order, command, price, remaining)
    return refuse_new_place(s, order, command, price, remaining)


@cython.cfunc
def amend(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide an AMEND command."""
    m = s.m
    order = find_target(s, command)
    if not order:
        return REASON_UNKNOWN_ORDER
    price = changed_price(s, order, command)
    remaining = new_or_old(command[CHANGE_QUANTITY], m[order + O_REMAINING])
    reason = refuse_amend(s, order, command, price, remaining)
    if reason:
        return reason

    s.out[s.started + RESULT_SUBJECT] = m[order + O_ID]
    if not moves(s, order, command, price) and remaining < m[order + O_REMAINING]:
        reduce(s, order, m[order + O_REMAINING] - remaining)
        put_decided_order(s, order, True)
        return 0
    follow_reference(s, market_of(s, order))
    withdraw(s, order)
    m[order + O_QUANTITY] += remaining - m[order + O_REMAINING]
    m[order + O_REMAINING] = remaining
    write_change(s, order, command, price)
    accept_order(s, order, True)
    return 0


@cython.cfunc
def replace(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a REPLACE command: close an order, open another in its place."""
    m = s.m
    order = find_target(s, command)
    if not order:
        return REASON_UNKNOWN_ORDER
    if is_frozen(s, owner_of(s, order)):
        return REASON_ACCOUNT_FROZEN
    reason = refuse_state(s, market_of(s, order), m[order + O_TERMS] & EVENT_LOW_MASK)
    if reason:
        return reason
    price = changed_price(s, order, command)
    remaining = new_or_old(command[CHANGE_QUANTITY], m[order + O_REMAINING])
    reason = refuse_change(s, order, command, price, remaining)
    if reason:
        return reason
    reason = refuse_new_place(s, order, command, price, remaining)
    if reason:
        return reason

    follow_reference(s, market_of(s, order))
    successor = succeed(s, order, command)
    m[successor + O_REMAINING] = remaining
    m[successor + O_QUANTITY] = remaining
    close_order(s, order, STATUS_CANCELLED, CLOSE_REPLACED)
    write_change(s, successor, command, price)
    s.out[s.started + RESULT_SUBJECT] = m[successor + O_ID]
    accept_order(s, successor, False)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def succeed(s: Store, order: cython.longlong, command: cython.p_longlong) -> cython.longlong:
    """Return a new order that is like another, under the command's id."""
    m = s.m
    successor = make_order(s)
    for field in range(ORDER_WORDS):
        m[successor + field] = m[order + field]
    m[successor + O_ID] = m[S_SEQUENCE]
    m[successor + O_ID_HIGH] = command[HEADER_ID_HIGH]
    m[successor + O_ID_LOW] = command[HEADER_ID_LOW]
    m[successor + O_LEVEL] = 0
    m[successor + O_FILLED_QUOTE] = 0
    set_status(s, successor, 0, CLOSE_NONE)
    if m[order + O_RARE]:
        m[successor + O_RARE] = make_rare(s)
        for field in range(RARE_WORDS):
            m[m[successor + O_RARE] + field] = m[m[order + O_RARE] + field]
        m[m[successor + O_RARE] + X_HEAP] = 0
    return successor
