"""Placing an order: reject first, in the documented order; after that nothing may fail."""

import cython

from engine.core.book import book_of
from engine.core.execution import accept_order
from engine.core.index import account_of, find_balance, find_market, open_balance
from engine.core.ledger import by_side
from engine.core.order_checks import (
    check_flags,
    check_funds,
    check_order,
    order_price,
)
from engine.core.orders import rest_plain_limit, trigger_side
from engine.core.price_checks import check_price, check_worth, exceeds_word
from engine.core.records import (
    A_STATE,
    B_BEST,
    BAL_AVAILABLE,
    COND_BUDGET,
    COND_FIRST,
    COND_QUOTE_AMOUNT,
    L_PRICE,
    M_BASE,
    M_COLLAR_PPM,
    M_LOT_UNITS,
    M_MIN_NOTIONAL,
    M_ORDER_EVENT,
    M_PRICE_BOUND,
    M_QUANTITY_BOUND,
    M_QUOTE,
    M_STATE,
    M_TENANT,
    M_TICK_UNITS,
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
    PLAIN_FLAGS,
    S_ORDER_COUNT,
    S_ORDERS_WATCH,
    S_SEQUENCE,
)
from engine.core.reference_price import current_reference, due_reference, set_reference
from engine.core.registry import make_conditions, make_order
from engine.core.room import check_capacity, has_many_orders
from engine.core.stops import has_reached
from engine.core.store import Store
from engine.core.trailing import start_trail, start_trigger, trails
from wire.layout import (
    ACCOUNT_STATE_ACTIVE,
    ACCOUNT_TENANT_SHIFT,
    HEADER_ACCOUNT,
    HEADER_ID_HIGH,
    HEADER_ID_LOW,
    PLACE_CONDITIONS,
    PLACE_CONDITIONS_COUNT,
    PLACE_FLAGS,
    PLACE_MARKET,
    PLACE_PRICE,
    PLACE_QUANTITY,
    PLACE_QUOTE_AMOUNT,
    PLACE_TRIGGER_PRICE,
    REASON_INSUFFICIENT_BALANCE,
    REASON_NOTIONAL_TOO_LARGE,
    REASON_NOTIONAL_TOO_SMALL,
    RESULT_SUBJECT,
    SIDE_BUY,
    SIDE_MASK,
    SIDE_SELL,
    STATE_OPEN,
    STP_MASK,
    STP_SHIFT,
    TIF_FOK,
    TIF_GTC,
    TIF_IOC,
    TIF_MASK,
    TIF_SHIFT,
    TYPE_LIMIT,
    TYPE_SHIFT,
)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def follow_reference(s: Store, market: cython.longlong) -> cython.longlong:
    """Let the reference follow what has been traded, where enough has been for long enough."""
    reference = due_reference(s, market)
    if reference:
        set_reference(s, market, reference)
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def fill_order(
    s: Store,
    order: cython.longlong,
    market: cython.longlong,
    balance: cython.longlong,
    command: cython.p_longlong,
    price: cython.longlong,
) -> cython.longlong:
    """Write a PLACE command, paid from a balance, into an order record."""
    m = s.m
    quantity = command[PLACE_QUANTITY]
    m[order + O_ID] = m[S_SEQUENCE]
    m[order + O_BALANCE] = balance
    m[order + O_CONDITIONS] = 0
    m[order + O_FLAGS] = command[PLACE_FLAGS] | m[market + M_ORDER_EVENT]
    m[order + O_PRICE] = price
    m[order + O_REMAINING] = quantity
    m[order + O_QUANTITY] = quantity
    m[order + O_LEVEL] = 0
    m[order + O_FILLED_QUOTE] = 0
    m[order + O_ID_HIGH] = command[HEADER_ID_HIGH]
    m[order + O_ID_LOW] = command[HEADER_ID_LOW]
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def has_conditions(command: cython.p_longlong) -> cython.bint:
    """Whether a PLACE command has any of the conditions, of which most have none."""
    conditions: cython.longlong = 0
    for index in range(PLACE_CONDITIONS_COUNT):
        conditions |= command[PLACE_CONDITIONS + index]
    return conditions != 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def fill_conditions(
    s: Store, order: cython.longlong, command: cython.p_longlong
) -> cython.longlong:
    """Write the conditions that few PLACE commands have into a record of their own."""
    m = s.m
    conditions = make_conditions(s)
    m[order + O_CONDITIONS] = conditions
    for index in range(PLACE_CONDITIONS_COUNT):
        m[conditions + COND_FIRST + index] = command[PLACE_CONDITIONS + index]
    m[conditions + COND_BUDGET] = m[conditions + COND_QUOTE_AMOUNT]
    return 0


# --- the two ways to place an order ---------------------------------------------------------------
# Most orders are plain limit orders, to which few checks can apply: see docs/adr/0024.


@cython.cfunc
@cython.inline
def place_order(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a PLACE command; return the reason to reject it, or 0."""
    market = find_market(s, command[PLACE_MARKET])
    account = account_of(s, command)
    if is_plain_limit(s, market, account, command):
        return place_plain_limit(s, market, account, command)
    return place_general(s, market, account, command)


@cython.cfunc
@cython.exceptval(check=False)
def list_plain_flags(s: Store) -> cython.longlong:
    """List the flags of plain limit orders, which are known to be valid."""
    for side in (SIDE_BUY, SIDE_SELL):
        for time_in_force in (TIF_GTC, TIF_IOC, TIF_FOK):
            for self_trade in range(2 * (STP_MASK + 1)):
                flags = side | TYPE_LIMIT << TYPE_SHIFT | time_in_force << TIF_SHIFT
                flags |= self_trade << STP_SHIFT
                s.m[PLAIN_FLAGS + flags] = check_flags(flags) == 0
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_plain_limit(
    s: Store, market: cython.longlong, account: cython.longlong, command: cython.p_longlong
) -> cython.bint:
    """Whether an order is a plain limit order, which passes every check of ``check_order``.

    It has plain flags, is in range, of an active account, in an open market of its tenant.
    """
    m = s.m
    return (
        m[market + M_TENANT] == command[HEADER_ACCOUNT] >> ACCOUNT_TENANT_SHIFT
        and m[market + M_STATE] == STATE_OPEN
        and m[account + A_STATE] == ACCOUNT_STATE_ACTIVE
        and m[PLAIN_FLAGS + command[PLACE_FLAGS]]
        and not has_conditions(command)
        and 0 < command[PLACE_PRICE] <= m[market + M_PRICE_BOUND]
        and 0 < command[PLACE_QUANTITY] <= m[market + M_QUANTITY_BOUND]
    )


@cython.cfunc
@cython.inline
def place_plain_limit(
    s: Store, market: cython.longlong, account: cython.longlong, command: cython.p_longlong
) -> cython.longlong:
    """Decide a plain limit order: the same as ``place_general``, of which little can apply."""
    m = s.m
    flags, price, quantity = command[PLACE_FLAGS], command[PLACE_PRICE], command[PLACE_QUANTITY]
    unit_price = price * m[market + M_TICK_UNITS]
    if exceeds_word(unit_price, quantity):
        return REASON_NOTIONAL_TOO_LARGE
    # Neither product can leave a word any more: see above, and ``derive_bounds``.
    need = unit_price * quantity
    if need < m[market + M_MIN_NOTIONAL]:
        return REASON_NOTIONAL_TOO_SMALL
    if m[market + M_COLLAR_PPM]:
        reason = check_price(s, market, flags, price, current_reference(s, market))
        if reason:
            return reason
    base_balance = find_balance(s, account, m[market + M_BASE]) if account else 0
    quote_balance = find_balance(s, account, m[market + M_QUOTE]) if account else 0
    side = flags & SIDE_MASK
    pays_from = by_side(side, quote_balance, base_balance)
    need = by_side(side, need, m[market + M_LOT_UNITS] * quantity)
    if not pays_from or need > m[pays_from + BAL_AVAILABLE]:
        return REASON_INSUFFICIENT_BALANCE
    if (
        not (base_balance and quote_balance)
        or m[S_ORDER_COUNT] >= m[S_ORDERS_WATCH]
        or has_many_orders(s, market, base_balance, quote_balance)
    ):
        reason = check_capacity(s, market, command, base_balance, quote_balance)
        if reason:
            return reason
        open_balance(s, account, m[market + M_BASE])
        open_balance(s, account, m[market + M_QUOTE])
    follow_reference(s, market)
    order = make_order(s)
    fill_order(s, order, market, pays_from, command, price)
    s.out[s.started + RESULT_SUBJECT] = m[order + O_ID]
    if flags >> TIF_SHIFT & TIF_MASK != TIF_GTC or would_trade(s, market, flags, price):
        accept_order(s, order, False)
        return 0
    rest_plain_limit(s, order, book_of(market, side), price, quantity, pays_from, need)
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def would_trade(
    s: Store, market: cython.longlong, flags: cython.longlong, price: cython.longlong
) -> cython.bint:
    """Whether there is an order on the other side that a price would trade with."""
    m = s.m
    side = flags & SIDE_MASK
    best = m[book_of(market, SIDE_BUY + SIDE_SELL - side) + B_BEST]
    above = price - m[best + L_PRICE]
    return best and by_side(side, above, -above) >= 0


@cython.cfunc
@cython.exceptval(check=False)
def stated_trigger(
    s: Store, market: cython.longlong, command: cython.p_longlong
) -> cython.longlong:
    """Return the trigger price of the order that a PLACE command asks for; 0 for none."""
    if trails(command[PLACE_FLAGS]):
        return start_trigger(s, market, command)
    return command[PLACE_TRIGGER_PRICE]


@cython.cfunc
def check_stated(
    s: Store, market: cython.longlong, account: cython.longlong, command: cython.p_longlong
) -> cython.longlong:
    """Return why an order is rejected for what it says and where it would trade, or 0."""
    reason = check_order(s, market, account, command)
    if reason:
        return reason
    flags, trigger = command[PLACE_FLAGS], stated_trigger(s, market, command)
    reached: cython.bint = has_reached(s, market, trigger_side(flags), trigger)
    if trails(flags):
        reached = False
    return check_worth(
        s,
        market,
        flags,
        order_price(s, market, command, trigger),
        trigger,
        reached,
        command[PLACE_QUANTITY],
        command[PLACE_QUOTE_AMOUNT],
        0,
    )


@cython.cfunc
def place_general(
    s: Store, market: cython.longlong, account: cython.longlong, command: cython.p_longlong
) -> cython.longlong:
    """Decide any order: every check in turn, then its effect."""
    m = s.m
    reason = check_stated(s, market, account, command)
    if reason:
        return reason
    flags = command[PLACE_FLAGS]
    price = order_price(s, market, command, stated_trigger(s, market, command))
    if not account:
        return REASON_INSUFFICIENT_BALANCE
    base_balance = find_balance(s, account, m[market + M_BASE])
    quote_balance = find_balance(s, account, m[market + M_QUOTE])
    is_buy: cython.bint = flags & SIDE_MASK == SIDE_BUY
    pays_from = quote_balance if is_buy else base_balance
    available = m[pays_from + BAL_AVAILABLE] if pays_from else 0
    reason = check_funds(s, market, account, command, price, available)
    if reason:
        return reason
    reason = check_capacity(s, market, command, base_balance, quote_balance)
    if reason:
        return reason

    if not base_balance:
        open_balance(s, account, m[market + M_BASE])
    if not quote_balance:
        open_balance(s, account, m[market + M_QUOTE])
    if not pays_from:
        # Nothing is too much to pay for a market order that meets nothing.
        paid = m[market + M_QUOTE] if is_buy else m[market + M_BASE]
        pays_from = find_balance(s, account, paid)
    follow_reference(s, market)
    order = make_order(s)
    fill_order(s, order, market, pays_from, command, price)
    if has_conditions(command):
        fill_conditions(s, order, command)
    if trails(flags):
        start_trail(s, market, order, command)
    s.out[s.started + RESULT_SUBJECT] = m[order + O_ID]
    accept_order(s, order, False)
    return 0
