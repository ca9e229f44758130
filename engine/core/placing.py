"""Placing an order: refuse first, in the documented order; after that nothing may fail."""

import cython

from engine.core.auction import set_reference
from engine.core.book import book_of
from engine.core.index import account_of, find_balance, open_balance
from engine.core.ledger import by_side
from engine.core.orders import make_order, make_rare, rest_at_once
from engine.core.records import (
    A_STATE,
    B_BEST,
    BAL_AVAILABLE,
    L_PRICE,
    M_BASE,
    M_COLLAR_PPM,
    M_LAST_PRICE,
    M_LOT_UNITS,
    M_MIN_NOTIONAL,
    M_ORDER_EVENT,
    M_PRICE_BOUND,
    M_QUANTITY_BOUND,
    M_QUOTE,
    M_REFERENCE_UNTIL_MS,
    M_STATE,
    M_TENANT,
    M_TICK_UNITS,
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
    ORDINARY_TERMS,
    S_BALANCE_COUNT,
    S_ORDER_COUNT,
    S_SEQUENCE,
    S_TIME_MS,
    X_BUDGET,
    X_DISPLAY_QUANTITY,
    X_EXPIRE_MS,
    X_QUOTE_AMOUNT,
    X_TRIGGER_PRICE,
)
from engine.core.refusing import (
    can_pay_market_buy,
    current_reference,
    is_too_large,
    market_at,
    need_of,
    price_of,
    refuse_combination,
    refuse_display,
    refuse_market,
    refuse_notional,
    refuse_numbers,
    refuse_price,
    refuse_rare_terms,
    refuse_state,
)
from engine.core.running import accept_order
from engine.core.store import Store
from wire.layout import (
    ACCOUNT_STATE_ACTIVE,
    ACCOUNT_STATE_FROZEN,
    ACCOUNT_TENANT_SHIFT,
    HEADER_ACCOUNT,
    HEADER_ID_HIGH,
    HEADER_ID_LOW,
    PLACE_DISPLAY_QUANTITY,
    PLACE_EXPIRE_MS,
    PLACE_FLAGS,
    PLACE_MARKET,
    PLACE_PRICE,
    PLACE_QUANTITY,
    PLACE_QUOTE_AMOUNT,
    PLACE_TRIGGER_PRICE,
    REASON_ACCOUNT_FROZEN,
    REASON_CAPACITY_EXHAUSTED,
    REASON_INSUFFICIENT_BALANCE,
    REASON_NOTIONAL_TOO_LARGE,
    REASON_NOTIONAL_TOO_SMALL,
    RESULT_SUBJECT,
    SIDE_BUY,
    SIDE_MASK,
    SIDE_SELL,
    STATE_OPEN,
    TIF_GTC,
    TIF_MASK,
    TIF_SHIFT,
    TYPE_LIMIT,
    TYPE_MARKET,
    TYPE_MASK,
    TYPE_SHIFT,
)

# --- reference price ------------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def follow_reference(s: Store, market: cython.longlong) -> cython.longlong:
    """Let the reference follow the last price, no more often than configured."""
    m = s.m
    if m[S_TIME_MS] >= m[market + M_REFERENCE_UNTIL_MS] and m[market + M_LAST_PRICE]:
        set_reference(s, market, m[market + M_LAST_PRICE])
    return 0


# --- place ----------------------------------------------------------------------------------------


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
    m[order + O_RARE] = 0
    m[order + O_TERMS] = command[PLACE_FLAGS] | m[market + M_ORDER_EVENT]
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
def fill_rare_terms(
    s: Store, order: cython.longlong, command: cython.p_longlong
) -> cython.longlong:
    """Write what few PLACE commands have into a record of its own."""
    m = s.m
    trigger, display = command[PLACE_TRIGGER_PRICE], command[PLACE_DISPLAY_QUANTITY]
    expire_ms, quote_amount = command[PLACE_EXPIRE_MS], command[PLACE_QUOTE_AMOUNT]
    if trigger | display | expire_ms | quote_amount:
        rare = make_rare(s)
        m[order + O_RARE] = rare
        m[rare + X_TRIGGER_PRICE] = trigger
        m[rare + X_DISPLAY_QUANTITY] = display
        m[rare + X_EXPIRE_MS] = expire_ms
        m[rare + X_QUOTE_AMOUNT] = quote_amount
        m[rare + X_BUDGET] = quote_amount
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_ordinary(
    s: Store, market: cython.longlong, account: cython.longlong, command: cython.p_longlong
) -> cython.bint:
    """Whether an order is like most: nothing that ``refuse_place`` goes through one by one applies.

    A limit order of plain terms, in range, of an active account, in an open market of its tenant.
    """
    m = s.m
    return (
        m[market + M_TENANT] == command[HEADER_ACCOUNT] >> ACCOUNT_TENANT_SHIFT
        and m[market + M_STATE] == STATE_OPEN
        and m[account + A_STATE] == ACCOUNT_STATE_ACTIVE
        and m[ORDINARY_TERMS + command[PLACE_FLAGS]]
        and not (
            command[PLACE_QUOTE_AMOUNT]
            | command[PLACE_TRIGGER_PRICE]
            | command[PLACE_DISPLAY_QUANTITY]
            | command[PLACE_EXPIRE_MS]
        )
        and 0 < command[PLACE_PRICE] <= m[market + M_PRICE_BOUND]
        and 0 < command[PLACE_QUANTITY] <= m[market + M_QUANTITY_BOUND]
    )


@cython.cfunc
@cython.exceptval(check=False)
def refuse_place(
    s: Store, market: cython.longlong, account: cython.longlong, command: cython.p_longlong
) -> cython.longlong:
    """Return the first reason not to take an order, of those before its worth, or 0."""
    m = s.m
    terms = command[PLACE_FLAGS]
    reason = refuse_market(s, market, command[HEADER_ACCOUNT] >> ACCOUNT_TENANT_SHIFT)
    if reason:
        return reason
    if account and m[account + A_STATE] == ACCOUNT_STATE_FROZEN:
        return REASON_ACCOUNT_FROZEN
    reason = refuse_state(s, market, terms)
    if reason:
        return reason
    reason = refuse_combination(terms)
    if reason:
        return reason
    reason = refuse_rare_terms(s, market, command)
    if reason:
        return reason
    quote_amount = command[PLACE_QUOTE_AMOUNT]
    quantity = 1 if quote_amount else command[PLACE_QUANTITY]
    reason = refuse_numbers(s, market, terms, command[PLACE_PRICE], quantity)
    if reason:
        return reason
    if command[PLACE_DISPLAY_QUANTITY]:
        return refuse_display(terms, command[PLACE_DISPLAY_QUANTITY], quantity)
    return 0


@cython.cfunc
@cython.inline
def refuse_value(
    s: Store, market: cython.longlong, command: cython.p_longlong, price: cython.longlong
) -> cython.longlong:
    """Return why an order's value, or its price by collar and book, is refused, or 0."""
    m = s.m
    terms = command[PLACE_FLAGS]
    value_price = price
    if not value_price:
        value_price = command[PLACE_TRIGGER_PRICE]
    if not value_price:
        value_price = m[market + M_LAST_PRICE]
    if command[PLACE_QUOTE_AMOUNT]:
        if command[PLACE_QUOTE_AMOUNT] < m[market + M_MIN_NOTIONAL]:
            return REASON_NOTIONAL_TOO_SMALL
    elif value_price:
        reason = refuse_notional(s, market, value_price, command[PLACE_QUANTITY])
        if reason:
            return reason
    if terms >> TYPE_SHIFT & TYPE_MASK != TYPE_LIMIT:
        return 0
    return refuse_price(s, market, terms, price, current_reference(s, market))


@cython.cfunc
@cython.inline
def refuse_funds(
    s: Store,
    market: cython.longlong,
    account: cython.longlong,
    command: cython.p_longlong,
    price: cython.longlong,
    available: cython.longlong,
) -> cython.longlong:
    """Return why an available balance can't pay for an order, or 0."""
    terms = command[PLACE_FLAGS]
    side = terms & SIDE_MASK
    if terms >> TYPE_SHIFT & TYPE_MASK == TYPE_MARKET and side == SIDE_BUY:
        if not can_pay_market_buy(s, market, account, command, available):
            return REASON_INSUFFICIENT_BALANCE
    elif need_of(s, market, side, price, command[PLACE_QUANTITY]) > available:
        return REASON_INSUFFICIENT_BALANCE
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def refuse_room(
    s: Store, base_balance: cython.longlong, quote_balance: cython.longlong
) -> cython.longlong:
    """Return REASON_CAPACITY_EXHAUSTED when an order or its balances do not fit, or 0."""
    m = s.m
    if m[S_ORDER_COUNT] >= s.capacity_orders:
        return REASON_CAPACITY_EXHAUSTED
    if base_balance and quote_balance:
        return 0
    missing: cython.longlong = 1 if base_balance or quote_balance else 2
    if m[S_BALANCE_COUNT] + missing > s.capacity_balances:
        return REASON_CAPACITY_EXHAUSTED
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def meets(
    s: Store, market: cython.longlong, terms: cython.longlong, price: cython.longlong
) -> cython.bint:
    """Whether there is an order on the other side that a price would trade with."""
    m = s.m
    side = terms & SIDE_MASK
    best = m[book_of(market, SIDE_BUY + SIDE_SELL - side) + B_BEST]
    above = price - m[best + L_PRICE]
    return best and by_side(side, above, -above) >= 0


@cython.cfunc
@cython.inline
def place_ordinary(
    s: Store, market: cython.longlong, account: cython.longlong, command: cython.p_longlong
) -> cython.longlong:
    """Decide an order like most: the same as ``place_rare``, of which little can apply."""
    m = s.m
    terms, price, quantity = command[PLACE_FLAGS], command[PLACE_PRICE], command[PLACE_QUANTITY]
    unit_price = price * m[market + M_TICK_UNITS]
    if is_too_large(unit_price, quantity):
        return REASON_NOTIONAL_TOO_LARGE
    # Neither product can leave a word any more: see above, and ``bound_market``.
    need = unit_price * quantity
    if need < m[market + M_MIN_NOTIONAL]:
        return REASON_NOTIONAL_TOO_SMALL
    if m[market + M_COLLAR_PPM]:
        reason = refuse_price(s, market, terms, price, current_reference(s, market))
        if reason:
            return reason
    base_balance = find_balance(s, account, m[market + M_BASE]) if account else 0
    quote_balance = find_balance(s, account, m[market + M_QUOTE]) if account else 0
    side = terms & SIDE_MASK
    pays_from = by_side(side, quote_balance, base_balance)
    need = by_side(side, need, m[market + M_LOT_UNITS] * quantity)
    if not pays_from or need > m[pays_from + BAL_AVAILABLE]:
        return REASON_INSUFFICIENT_BALANCE
    if not (base_balance and quote_balance) or m[S_ORDER_COUNT] >= s.capacity_orders:
        reason = refuse_room(s, base_balance, quote_balance)
        if reason:
            return reason
        open_balance(s, account, m[market + M_BASE])
        open_balance(s, account, m[market + M_QUOTE])
    follow_reference(s, market)
    order = make_order(s)
    fill_order(s, order, market, pays_from, command, price)
    s.out[s.started + RESULT_SUBJECT] = m[order + O_ID]
    if terms >> TIF_SHIFT & TIF_MASK != TIF_GTC or meets(s, market, terms, price):
        accept_order(s, order, False)
        return 0
    rest_at_once(s, order, book_of(market, side), price, quantity, pays_from, need)
    return 0


@cython.cfunc
@cython.inline
def place_order(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a PLACE command; return the reason of its refusal, or 0."""
    market = market_at(s, command[PLACE_MARKET])
    account = account_of(s, command)
    if is_ordinary(s, market, account, command):
        return place_ordinary(s, market, account, command)
    return place_rare(s, market, account, command)


@cython.cfunc
def place_rare(
    s: Store, market: cython.longlong, account: cython.longlong, command: cython.p_longlong
) -> cython.longlong:
    """Decide any order: all that may apply, one after the other."""
    m = s.m
    reason = refuse_place(s, market, account, command)
    if reason:
        return reason
    price = price_of(s, market, command)
    reason = refuse_value(s, market, command, price)
    if reason:
        return reason
    if not account:
        return REASON_INSUFFICIENT_BALANCE
    base_balance = find_balance(s, account, m[market + M_BASE])
    quote_balance = find_balance(s, account, m[market + M_QUOTE])
    is_buy: cython.bint = command[PLACE_FLAGS] & SIDE_MASK == SIDE_BUY
    pays_from = quote_balance if is_buy else base_balance
    available = m[pays_from + BAL_AVAILABLE] if pays_from else 0
    reason = refuse_funds(s, market, account, command, price, available)
    if reason:
        return reason
    reason = refuse_room(s, base_balance, quote_balance)
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
    fill_rare_terms(s, order, command)
    s.out[s.started + RESULT_SUBJECT] = m[order + O_ID]
    accept_order(s, order, False)
    return 0
