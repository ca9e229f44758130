"""The reference price, which collars and the breaker are around: what it is, and what moves it."""

import cython

from engine.core.records import (
    A_GROUP,
    M_LEAST_TRADED,
    M_REFERENCE_INTERVAL_MS,
    M_REFERENCE_PRICE,
    M_REFERENCE_UNTIL_MS,
    M_TICK_UNITS,
    M_WINDOW_QUANTITY,
    M_WINDOW_VALUE,
    S_TIME_MS,
)
from engine.core.store import Store
from wire.layout import WINDOW_QUANTITY_BITS, WINDOW_VALUE_BITS


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def set_reference(s: Store, market: cython.longlong, reference: cython.longlong) -> cython.longlong:
    """Set the reference price; the next window begins with the next trade."""
    m = s.m
    m[market + M_REFERENCE_PRICE] = reference
    m[market + M_REFERENCE_UNTIL_MS] = m[S_TIME_MS]
    m[market + M_WINDOW_QUANTITY] = 0
    m[market + M_WINDOW_VALUE] = 0
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def due_reference(s: Store, market: cython.longlong) -> cython.longlong:
    """Return the average price of a window that is over, or 0; the first one need not last."""
    m = s.m
    value = m[market + M_WINDOW_VALUE]
    if value < m[market + M_LEAST_TRADED]:
        return 0
    if m[S_TIME_MS] < m[market + M_REFERENCE_UNTIL_MS] and m[market + M_REFERENCE_PRICE]:
        return 0
    # The divisor is no more than the dividend: a lot at a price of 1 is a tick's units.
    return value // (m[market + M_WINDOW_QUANTITY] * m[market + M_TICK_UNITS])


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def current_reference(s: Store, market: cython.longlong) -> cython.longlong:
    """Return the reference price that an order arriving now is held against."""
    reference = due_reference(s, market)
    return reference if reference else s.m[market + M_REFERENCE_PRICE]


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def note_volume(
    s: Store, market: cython.longlong, lots: cython.longlong, quote_units: cython.longlong
) -> cython.longlong:
    """Add what was traded to the window, and keep both sums within a word."""
    m = s.m
    if not lots:
        return 0
    if m[market + M_WINDOW_VALUE] >> WINDOW_VALUE_BITS:
        shrink_window(s, market)
    if not m[market + M_WINDOW_QUANTITY]:
        m[market + M_REFERENCE_UNTIL_MS] = m[S_TIME_MS] + m[market + M_REFERENCE_INTERVAL_MS]
    # What one sweep trades is below 2^62, so a sum that halves from 2^61 on stays below 2^63.
    m[market + M_WINDOW_QUANTITY] += lots
    m[market + M_WINDOW_VALUE] += quote_units
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def shrink_window(s: Store, market: cython.longlong) -> cython.longlong:
    """Halve both sums, which leaves the average; where that would be inexact, begin anew."""
    m = s.m
    exact: cython.bint = m[market + M_WINDOW_QUANTITY] >> WINDOW_QUANTITY_BITS != 0
    m[market + M_WINDOW_QUANTITY] = m[market + M_WINDOW_QUANTITY] >> 1 if exact else 0
    m[market + M_WINDOW_VALUE] = m[market + M_WINDOW_VALUE] >> 1 if exact else 0
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_own_trade(
    s: Store, taker_account: cython.longlong, maker_account: cython.longlong
) -> cython.bint:
    """Whether two accounts have one owner, whatever their orders' self-trade prevention says."""
    m = s.m
    if taker_account == maker_account:
        return True
    group = m[taker_account + A_GROUP]
    return group and group == m[maker_account + A_GROUP]
