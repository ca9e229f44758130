"""Changing open orders; a rejected change leaves an order as it was."""

import cython

from engine.core.accounts import is_frozen
from engine.core.cancels import find_target
from engine.core.emit import emit_decided_order
from engine.core.execution import accept_order
from engine.core.ledger import market_of, order_reserve, owner_of, reserve_amount
from engine.core.order_checks import (
    check_display,
    check_numbers,
    check_state,
    worst_price,
)
from engine.core.orders import (
    close_order,
    is_pending,
    list_of,
    reduce_order,
    set_status,
    trigger_side,
    withdraw,
)
from engine.core.place import follow_reference
from engine.core.price_checks import check_notional, check_worth
from engine.core.records import (
    BAL_AVAILABLE,
    COND_DISPLAY_QUANTITY,
    COND_EXTREME,
    COND_HEAP_POSITION,
    COND_LIMIT_OFFSET,
    COND_TRAIL,
    COND_TRIGGER_PRICE,
    CONDITIONS_WORDS,
    M_PRICE_BOUND,
    M_STATE,
    MELD_LEFT,
    MELD_PARENT,
    MELD_RIGHT,
    O_BALANCE,
    O_CONDITIONS,
    O_FILLED_QUOTE,
    O_FLAGS,
    O_ID,
    O_ID_HIGH,
    O_ID_LOW,
    O_LEVEL,
    O_PRICE,
    O_QUANTITY,
    O_REMAINING,
    ORDER_WORDS,
    S_SEQUENCE,
)
from engine.core.registry import free_order, make_conditions, make_order, unregister_order
from engine.core.stops import has_reached
from engine.core.store import Store
from engine.core.trailing import (
    changed_trigger,
    check_trail_change,
    extreme_of,
    is_pending_trail,
    limit_from_trigger,
    trails,
)
from wire.layout import (
    CHANGE_DISPLAY_QUANTITY,
    CHANGE_PRICE,
    CHANGE_QUANTITY,
    CHANGE_TRAIL,
    CHANGE_TRIGGER_PRICE,
    CLOSE_FILLED,
    CLOSE_NONE,
    CLOSE_REPLACED,
    EVENT_LOW_MASK,
    HEADER_ID_HIGH,
    HEADER_ID_LOW,
    ICEBERG_SLICES_MAX,
    PRICE_MAX,
    REASON_ACCOUNT_FROZEN,
    REASON_INSUFFICIENT_BALANCE,
    REASON_INVALID_DISPLAY_QUANTITY,
    REASON_INVALID_TRIGGER_PRICE,
    REASON_MARKET_HALTED,
    REASON_NOTHING_TO_CHANGE,
    REASON_ORDER_IN_LIST,
    REASON_UNKNOWN_ORDER,
    RESULT_SUBJECT,
    SIDE_BUY,
    SIDE_MASK,
    STATE_HALTED,
    STATUS_CANCELLED,
    STATUS_FILLED,
    STOP_MARKET_TYPES,
    TYPE_MASK,
    TYPE_SHIFT,
)

# --- what a change would make of an order ---------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def changed_or_kept(new: cython.longlong, old: cython.longlong) -> cython.longlong:
    """Return a change's word, or the old one where it is 0."""
    return new if new else old


@cython.cfunc
@cython.exceptval(check=False)
def changed_price(s: Store, order: cython.longlong, command: cython.p_longlong) -> cython.longlong:
    """Return the price an order would have."""
    m = s.m
    flags = m[order + O_FLAGS]
    trigger = command[CHANGE_TRIGGER_PRICE]
    if is_pending(s, order) and command[CHANGE_TRAIL]:
        trigger = changed_trigger(s, order, command)
        conditions = m[order + O_CONDITIONS]
        offset = m[conditions + COND_LIMIT_OFFSET] if conditions else 0
        if offset and not command[CHANGE_PRICE]:
            side = flags & SIDE_MASK
            return limit_from_trigger(s, market_of(s, order), side, trigger, offset)
    is_stop_market_buy: cython.bint = (
        STOP_MARKET_TYPES >> (flags >> TYPE_SHIFT & TYPE_MASK) & 1 and flags & SIDE_MASK == SIDE_BUY
    )
    if is_stop_market_buy and 0 < trigger <= PRICE_MAX and not command[CHANGE_PRICE]:
        return worst_price(s, market_of(s, order), trigger)
    return changed_or_kept(command[CHANGE_PRICE], m[order + O_PRICE])


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def changes_more_than_quantity(
    s: Store, order: cython.longlong, command: cython.p_longlong, price: cython.longlong
) -> cython.bint:
    """Whether a change is about more than the quantity."""
    m = s.m
    conditions = m[order + O_CONDITIONS]
    trigger = m[conditions + COND_TRIGGER_PRICE] if conditions else 0
    display = m[conditions + COND_DISPLAY_QUANTITY] if conditions else 0
    trail = m[conditions + COND_TRAIL] if conditions else 0
    return (
        price != m[order + O_PRICE]
        or changed_trigger(s, order, command) != trigger
        or changed_or_kept(command[CHANGE_TRAIL], trail) != trail
        or changed_or_kept(command[CHANGE_DISPLAY_QUANTITY], display) != display
    )


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def apply_change(
    s: Store, order: cython.longlong, command: cython.p_longlong, price: cython.longlong
) -> cython.longlong:
    """Write a change's price and conditions into an order that is in no book."""
    m = s.m
    m[order + O_PRICE] = price
    conditions = m[order + O_CONDITIONS]
    if conditions:
        m[conditions + COND_TRIGGER_PRICE] = changed_trigger(s, order, command)
        m[conditions + COND_TRAIL] = changed_or_kept(
            command[CHANGE_TRAIL], m[conditions + COND_TRAIL]
        )
        m[conditions + COND_DISPLAY_QUANTITY] = changed_or_kept(
            command[CHANGE_DISPLAY_QUANTITY], m[conditions + COND_DISPLAY_QUANTITY]
        )
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def copy_order(s: Store, order: cython.longlong, command: cython.p_longlong) -> cython.longlong:
    """Return a copy of an order as a new one, under the command's id."""
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
    if m[order + O_CONDITIONS]:
        m[successor + O_CONDITIONS] = make_conditions(s)
        for field in range(CONDITIONS_WORDS):
            m[m[successor + O_CONDITIONS] + field] = m[m[order + O_CONDITIONS] + field]
        conditions = m[successor + O_CONDITIONS]
        m[conditions + COND_EXTREME] = extreme_of(s, order)
        m[conditions + COND_HEAP_POSITION] = 0
        m[conditions + MELD_LEFT] = 0
        m[conditions + MELD_RIGHT] = 0
        m[conditions + MELD_PARENT] = 0
    return successor


# --- checks ---------------------------------------------------------------------------------------


@cython.cfunc
@cython.exceptval(check=False)
def check_change(
    s: Store,
    order: cython.longlong,
    command: cython.p_longlong,
    price: cython.longlong,
    quantity: cython.longlong,
    remaining: cython.longlong,
) -> cython.longlong:
    """Return why a change's numbers are out of range, or 0."""
    m = s.m
    market = market_of(s, order)
    conditions = m[order + O_CONDITIONS]
    display = m[conditions + COND_DISPLAY_QUANTITY] if conditions else 0
    trigger, pending = command[CHANGE_TRIGGER_PRICE], is_pending(s, order)
    trailing: cython.bint = is_pending_trail(s, order)
    if (trigger and not pending) or (command[CHANGE_TRAIL] and not trailing):
        return REASON_INVALID_TRIGGER_PRICE
    if trailing:
        reason = check_trail_change(s, order, command)
        if reason:
            return reason
    elif pending:
        trigger = changed_or_kept(trigger, m[conditions + COND_TRIGGER_PRICE])
        if trigger < 1 or trigger > m[market + M_PRICE_BOUND]:
            return REASON_INVALID_TRIGGER_PRICE
    flags = m[order + O_FLAGS] & EVENT_LOW_MASK
    reason = check_numbers(s, market, flags, price, quantity)
    if reason:
        return reason
    if command[CHANGE_DISPLAY_QUANTITY]:
        if not display:
            return REASON_INVALID_DISPLAY_QUANTITY
        return check_display(flags, command[CHANGE_DISPLAY_QUANTITY], remaining)
    if display and display * ICEBERG_SLICES_MAX < remaining:
        return REASON_INVALID_DISPLAY_QUANTITY
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def has_changed_reached(s: Store, order: cython.longlong, trigger: cython.longlong) -> cython.bint:
    """Whether the confirmed price has reached the trigger that a changed order would have."""
    m = s.m
    flags, conditions = m[order + O_FLAGS], m[order + O_CONDITIONS]
    if trails(flags) and not m[conditions + COND_EXTREME]:
        return False
    return has_reached(s, market_of(s, order), trigger_side(flags), trigger)


@cython.cfunc
def check_requeue(
    s: Store,
    order: cython.longlong,
    command: cython.p_longlong,
    price: cython.longlong,
    remaining: cython.longlong,
    filled_quote: cython.longlong,
) -> cython.longlong:
    """Return why a changed order can't go to the back of its new level, or 0."""
    m = s.m
    market = market_of(s, order)
    flags = m[order + O_FLAGS]
    trigger = changed_trigger(s, order, command)
    reached: cython.bint = has_changed_reached(s, order, trigger)
    reason = check_worth(s, market, flags, price, trigger, reached, remaining, 0, filled_quote)
    if reason:
        return reason
    freed = order_reserve(s, order, m[order + O_REMAINING])
    available = m[m[order + O_BALANCE] + BAL_AVAILABLE]
    if reserve_amount(s, market, flags & SIDE_MASK, price, remaining) > available + freed:
        return REASON_INSUFFICIENT_BALANCE
    return 0


@cython.cfunc
def check_amend(
    s: Store,
    order: cython.longlong,
    command: cython.p_longlong,
    price: cython.longlong,
    quantity: cython.longlong,
    remaining: cython.longlong,
) -> cython.longlong:
    """Return why an AMEND is rejected, or 0."""
    m = s.m
    if is_frozen(s, owner_of(s, order)):
        return REASON_ACCOUNT_FROZEN
    market = market_of(s, order)
    stays: cython.bint = not changes_more_than_quantity(s, order, command, price)
    # Only less of the same keeps its position, and is as harmless as a cancel.
    shrinks: cython.bint = remaining <= 0 or (stays and remaining < m[order + O_REMAINING])
    if not shrinks:
        reason = check_state(s, market, m[order + O_FLAGS] & EVENT_LOW_MASK)
        if reason:
            return reason
    elif m[market + M_STATE] == STATE_HALTED:
        return REASON_MARKET_HALTED
    reason = check_change(s, order, command, price, quantity, remaining)
    if reason:
        return reason
    if remaining <= 0:
        return 0
    if stays and remaining == m[order + O_REMAINING]:
        return REASON_NOTHING_TO_CHANGE
    if shrinks:
        trigger = changed_trigger(s, order, command)
        reached: cython.bint = has_changed_reached(s, order, trigger)
        flags = m[order + O_FLAGS]
        return check_notional(s, market, flags, price, trigger, reached, remaining, 0)
    # What is filled and what may still be must fit a word together.
    return check_requeue(s, order, command, price, remaining, m[order + O_FILLED_QUOTE])


# --- amend and replace ----------------------------------------------------------------------------


@cython.cfunc
def amend(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide an AMEND command."""
    m = s.m
    order = find_target(s, command)
    if not order:
        return REASON_UNKNOWN_ORDER
    price = changed_price(s, order, command)
    filled = m[order + O_QUANTITY] - m[order + O_REMAINING]
    quantity = changed_or_kept(command[CHANGE_QUANTITY], m[order + O_QUANTITY])
    remaining = quantity - filled if quantity > 0 else quantity
    reason = check_amend(s, order, command, price, quantity, remaining)
    if reason:
        return reason
    if list_of(s, order):
        return REASON_ORDER_IN_LIST

    s.out[s.started + RESULT_SUBJECT] = m[order + O_ID]
    if remaining <= 0:
        return end_as_filled(s, order)
    if (
        not changes_more_than_quantity(s, order, command, price)
        and remaining < m[order + O_REMAINING]
    ):
        reduce_order(s, order, m[order + O_REMAINING] - remaining)
        emit_decided_order(s, order, True)
        return 0
    follow_reference(s, market_of(s, order))
    withdraw(s, order)
    m[order + O_QUANTITY] = quantity
    m[order + O_REMAINING] = remaining
    apply_change(s, order, command, price)
    accept_order(s, order, True)
    return 0


@cython.cfunc
def end_as_filled(s: Store, order: cython.longlong) -> cython.longlong:
    """End a waiting order as one for what it has been filled."""
    m = s.m
    withdraw(s, order)
    m[order + O_QUANTITY] -= m[order + O_REMAINING]
    m[order + O_REMAINING] = 0
    set_status(s, order, STATUS_FILLED, CLOSE_FILLED)
    emit_decided_order(s, order, True)
    unregister_order(s, order)
    free_order(s, order)
    return 0


@cython.cfunc
def replace(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a REPLACE command: close an order and open another instead of it."""
    m = s.m
    order = find_target(s, command)
    if not order:
        return REASON_UNKNOWN_ORDER
    if is_frozen(s, owner_of(s, order)):
        return REASON_ACCOUNT_FROZEN
    reason = check_state(s, market_of(s, order), m[order + O_FLAGS] & EVENT_LOW_MASK)
    if reason:
        return reason
    price = changed_price(s, order, command)
    remaining = changed_or_kept(command[CHANGE_QUANTITY], m[order + O_REMAINING])
    reason = check_change(s, order, command, price, remaining, remaining)
    if reason:
        return reason
    reason = check_requeue(s, order, command, price, remaining, 0)
    if reason:
        return reason
    if list_of(s, order):
        return REASON_ORDER_IN_LIST

    follow_reference(s, market_of(s, order))
    successor = copy_order(s, order, command)
    m[successor + O_REMAINING] = remaining
    m[successor + O_QUANTITY] = remaining
    close_order(s, order, STATUS_CANCELLED, CLOSE_REPLACED)
    apply_change(s, successor, command, price)
    s.out[s.started + RESULT_SUBJECT] = m[successor + O_ID]
    accept_order(s, successor, False)
    return 0
