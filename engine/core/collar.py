"""The collar: how far from the reference price an order may go. Nothing here trades or rejects."""

import cython

from engine.core.book import book_of, is_worse
from engine.core.ledger import market_of
from engine.core.records import (
    B_BEST,
    L_PRICE,
    M_COLLAR_PPM,
    M_MARKET_BAND_PPM,
    M_PRICE_BOUND,
    M_REFERENCE_PRICE,
    O_FLAGS,
    O_PRICE,
)
from engine.core.store import Store
from wire.layout import (
    MARKETABLE_TYPES,
    PPM,
    SIDE_BUY,
    SIDE_MASK,
    SIDE_SELL,
    TRAILING_TYPES,
    TYPE_MASK,
    TYPE_SHIFT,
)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_marketable(s: Store, order: cython.longlong) -> cython.bint:
    """Whether an order never rests, whatever its time in force."""
    kind = s.m[order + O_FLAGS] >> TYPE_SHIFT & TYPE_MASK
    return MARKETABLE_TYPES >> kind & 1


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def limit_price(
    s: Store,
    market: cython.longlong,
    flags: cython.longlong,
    price: cython.longlong,
    reference: cython.longlong,
) -> cython.longlong:
    """Return the worst price an order may trade at: its own, or a market order's collar."""
    kind = flags >> TYPE_SHIFT & TYPE_MASK
    if not MARKETABLE_TYPES >> kind & 1:
        return price
    side = flags & SIDE_MASK
    collar = market_collar(s, market, side, reference)
    return price if price and not is_worse(side, price, collar) else collar


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_beyond_collar(
    s: Store,
    market: cython.longlong,
    side: cython.longlong,
    price: cython.longlong,
    reference: cython.longlong,
) -> cython.bint:
    """Whether a limit price is further than the collar from a reference, on its costly side."""
    ppm = s.m[market + M_COLLAR_PPM]
    if not ppm or not reference:
        return False
    too_far = price - reference if side == SIDE_BUY else reference - price
    return too_far > reference * ppm // PPM


@cython.cfunc
@cython.exceptval(check=False)
def market_collar(
    s: Store, market: cython.longlong, side: cython.longlong, reference: cython.longlong
) -> cython.longlong:
    """Return the worst price that market orders of a side may trade at."""
    m = s.m
    bound = m[market + M_PRICE_BOUND] if side == SIDE_BUY else 1
    best = m[book_of(market, SIDE_BUY + SIDE_SELL - side) + B_BEST]
    anchor = reference
    if not anchor and best:
        anchor = m[best + L_PRICE]
    band = anchor * m[market + M_MARKET_BAND_PPM] // PPM
    if not anchor or not m[market + M_MARKET_BAND_PPM]:
        return bound
    if side == SIDE_BUY:
        return min(bound, anchor + band)
    return max(bound, anchor - band)


@cython.cfunc
@cython.exceptval(check=False)
def is_collared(s: Store, order: cython.longlong) -> cython.bint:
    """Whether an order can't trade now: for the collar, its own price, or an empty book."""
    m = s.m
    side, market = m[order + O_FLAGS] & SIDE_MASK, market_of(s, order)
    reference = m[market + M_REFERENCE_PRICE]
    if not is_marketable(s, order):
        if TRAILING_TYPES >> (m[order + O_FLAGS] >> TYPE_SHIFT & TYPE_MASK) & 1:
            return False
        return is_beyond_collar(s, market, side, m[order + O_PRICE], reference)
    best = m[book_of(market, SIDE_BUY + SIDE_SELL - side) + B_BEST]
    limit = limit_price(s, market, m[order + O_FLAGS], m[order + O_PRICE], reference)
    if not best:
        return m[market + M_MARKET_BAND_PPM] > 0
    return is_worse(side, m[best + L_PRICE], limit)
