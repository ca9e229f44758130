"""What an order is worth, and the price that it is held against: by the market's limits and book.

docs/engine.md has the rules as a table, for every type and both sides.
"""

import cython

from engine.core.book import book_of, is_worse
from engine.core.collar import is_beyond_collar
from engine.core.ledger import value_of
from engine.core.records import (
    B_BEST,
    L_PRICE,
    M_MIN_NOTIONAL,
    M_STATE,
    M_TICK_UNITS,
)
from engine.core.reference_price import current_reference
from engine.core.store import Store
from wire.layout import (
    AMOUNT_MAX,
    MARKETABLE_TYPES,
    POST_ONLY_SHIFT,
    REASON_NOTIONAL_TOO_LARGE,
    REASON_NOTIONAL_TOO_SMALL,
    REASON_POST_ONLY_WOULD_CROSS,
    REASON_PRICE_OUTSIDE_COLLAR,
    SIDE_BUY,
    SIDE_MASK,
    SIDE_SELL,
    STATE_OPEN,
    STOP_TYPES,
    TRIGGERED_SHIFT,
    TYPE_MASK,
    TYPE_SHIFT,
)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def exceeds_word(unit_price: cython.longlong, quantity: cython.longlong) -> cython.bint:
    """Whether a value does not fit a word."""
    # The product of two numbers below 2^30 always fits; others cost a division.
    return (unit_price >> 30 or quantity >> 30) and quantity > AMOUNT_MAX // unit_price


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_waiting(flags: cython.longlong) -> cython.bint:
    """Whether flags are those of a stop that has not triggered."""
    return STOP_TYPES >> (flags >> TYPE_SHIFT & TYPE_MASK) & 1 and not flags >> TRIGGERED_SHIFT & 1


@cython.cfunc
@cython.inline
def check_worth(
    s: Store,
    market: cython.longlong,
    flags: cython.longlong,
    price: cython.longlong,
    trigger: cython.longlong,
    reached: cython.bint,
    quantity: cython.longlong,
    quote_amount: cython.longlong,
    filled_quote: cython.longlong,
) -> cython.longlong:
    """Return why an order's value, or its price by collar and book, is rejected, or 0.

    ``reached`` is whether the confirmed price has reached the trigger of one that is a stop.
    """
    reason: cython.longlong = 0
    if quote_amount:
        if quote_amount < s.m[market + M_MIN_NOTIONAL]:
            reason = REASON_NOTIONAL_TOO_SMALL
    else:
        reason = check_notional(s, market, flags, price, trigger, reached, quantity, filled_quote)
    side = flags & SIDE_MASK
    if reason or MARKETABLE_TYPES >> (flags >> TYPE_SHIFT & TYPE_MASK) & 1:
        return reason
    # A stop that waits is held against its trigger, and against the reference when it triggers.
    triggers: cython.bint = reached and s.m[market + M_STATE] == STATE_OPEN
    if is_waiting(flags) and not triggers:
        return check_collar(s, market, side, price, trigger)
    return check_price(s, market, flags, price, current_reference(s, market))


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def value_price(
    s: Store,
    market: cython.longlong,
    flags: cython.longlong,
    price: cython.longlong,
    trigger: cython.longlong,
    reached: cython.bint,
) -> cython.longlong:
    """Return the price by which an order is judged worth enough; 0 when there is none."""
    m = s.m
    side = flags & SIDE_MASK
    if is_waiting(flags) and not reached:
        return trigger
    if MARKETABLE_TYPES >> (flags >> TYPE_SHIFT & TYPE_MASK) & 1:
        best = m[book_of(market, SIDE_BUY + SIDE_SELL - side) + B_BEST]
        return m[best + L_PRICE] if best else 0
    return price


@cython.cfunc
@cython.inline
def check_notional(
    s: Store,
    market: cython.longlong,
    flags: cython.longlong,
    price: cython.longlong,
    trigger: cython.longlong,
    reached: cython.bint,
    quantity: cython.longlong,
    filled_quote: cython.longlong,
) -> cython.longlong:
    """Return why an order is worth too little, or too much for a word, or 0.

    What it has been filled counts for the latter.
    """
    m = s.m
    judged = value_price(s, market, flags, price, trigger, reached)
    tick_units, least = m[market + M_TICK_UNITS], m[market + M_MIN_NOTIONAL]
    too_large: cython.bint = judged and exceeds_word(judged * tick_units, quantity)
    if judged and not too_large and value_of(judged, tick_units, quantity) < least:
        return REASON_NOTIONAL_TOO_SMALL
    if too_large or (price and exceeds_word(price * tick_units, quantity)):
        return REASON_NOTIONAL_TOO_LARGE
    if filled_quote and value_of(price, tick_units, quantity) > AMOUNT_MAX - filled_quote:
        return REASON_NOTIONAL_TOO_LARGE
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def check_collar(
    s: Store,
    market: cython.longlong,
    side: cython.longlong,
    price: cython.longlong,
    reference: cython.longlong,
) -> cython.longlong:
    """Return REASON_PRICE_OUTSIDE_COLLAR for a limit price beyond it on its costly side, or 0."""
    if is_beyond_collar(s, market, side, price, reference):
        return REASON_PRICE_OUTSIDE_COLLAR
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def check_price(
    s: Store,
    market: cython.longlong,
    flags: cython.longlong,
    price: cython.longlong,
    reference: cython.longlong,
) -> cython.longlong:
    """Return why the collar or the book does not take a limit price, or 0."""
    m = s.m
    side = flags & SIDE_MASK
    reason = check_collar(s, market, side, price, reference)
    if reason:
        return reason
    if flags >> POST_ONLY_SHIFT & 1:
        best = m[book_of(market, SIDE_BUY + SIDE_SELL - side) + B_BEST]
        if best and not is_worse(side, m[best + L_PRICE], price):
            return REASON_POST_ONLY_WOULD_CROSS
    return 0
