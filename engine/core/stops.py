"""Stops: the confirmed price, which of them it triggers, and the queue of those that it does."""

import cython

from engine.core.book import book_of, next_level
from engine.core.breaker import auction_ms, trips_breaker
from engine.core.collar import is_collared
from engine.core.orders import withdraw
from engine.core.records import (
    B_BEST,
    BOOK_STOPS,
    L_HEAD,
    L_PRICE,
    M_CONFIRMED_PRICE,
    M_LAST_PRICE,
    M_LEAST_TRADED,
    M_ONE_BY_ONE_UNTIL_MS,
    M_STATE,
    M_TICK_UNITS,
    M_UNCONFIRMED_QUANTITY,
    M_UNCONFIRMED_VALUE,
    O_FLAGS,
    O_NEXT,
    S_TIME_MS,
    S_TRIGGERED_HEAD,
    S_TRIGGERED_TAIL,
)
from engine.core.store import Store, make_room
from wire.layout import (
    PASSED_OVER_MAX,
    SIDE_BUY,
    SIDE_SELL,
    STATE_OPEN,
    TRIGGERED_SHIFT,
)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def confirm_price(
    s: Store,
    market: cython.longlong,
    price: cython.longlong,
    lots: cython.longlong,
    quote_units: cython.longlong,
) -> cython.bint:
    """Let a trade confirm its price; return whether that is another one than before."""
    m = s.m
    if quote_units < m[market + M_LEAST_TRADED]:
        price = unconfirmed_average(s, market, lots, quote_units)
        if not price:
            return False
    m[market + M_UNCONFIRMED_QUANTITY] = 0
    m[market + M_UNCONFIRMED_VALUE] = 0
    changed: cython.bint = price != m[market + M_CONFIRMED_PRICE]
    m[market + M_CONFIRMED_PRICE] = price
    return changed


@cython.cfunc
@cython.exceptval(check=False)
def unconfirmed_average(
    s: Store, market: cython.longlong, lots: cython.longlong, quote_units: cython.longlong
) -> cython.longlong:
    """Add a trade below the least value to those before it; return their average once it counts.

    No sum can leave a word: both of the value's parts are below 2^62.
    """
    m = s.m
    m[market + M_UNCONFIRMED_QUANTITY] += lots
    m[market + M_UNCONFIRMED_VALUE] += quote_units
    value = m[market + M_UNCONFIRMED_VALUE]
    if value < m[market + M_LEAST_TRADED]:
        return 0
    return value // (m[market + M_UNCONFIRMED_QUANTITY] * m[market + M_TICK_UNITS])


@cython.cfunc
@cython.inline
def note_trade(
    s: Store,
    market: cython.longlong,
    price: cython.longlong,
    lots: cython.longlong,
    quote_units: cython.longlong,
) -> cython.longlong:
    """Note the price of a trade between two owners, and queue the stops that it triggers."""
    m = s.m
    m[market + M_LAST_PRICE] = price
    changed: cython.bint = confirm_price(s, market, price, lots, quote_units)
    if changed or m[market + M_ONE_BY_ONE_UNTIL_MS]:
        collect_triggered(s, market)
    return 0


@cython.cfunc
@cython.inline
def collect_triggered(s: Store, market: cython.longlong) -> cython.longlong:
    """Queue the stops that the confirmed price triggers: by trigger price, then time."""
    m = s.m
    if m[market + M_ONE_BY_ONE_UNTIL_MS] > m[S_TIME_MS]:
        collect_first(s, market, SIDE_BUY)
        return collect_first(s, market, SIDE_SELL)
    m[market + M_ONE_BY_ONE_UNTIL_MS] = 0
    book = book_of(market, SIDE_BUY) + BOOK_STOPS
    level = m[book + B_BEST]
    while level and m[level + L_PRICE] <= m[market + M_CONFIRMED_PRICE]:
        queue_triggered(s, m[level + L_HEAD])
        level = m[book + B_BEST]
    book = book_of(market, SIDE_SELL) + BOOK_STOPS
    level = m[book + B_BEST]
    while level and m[level + L_PRICE] >= m[market + M_CONFIRMED_PRICE]:
        queue_triggered(s, m[level + L_HEAD])
        level = m[book + B_BEST]
    return 0


@cython.cfunc
def collect_first(s: Store, market: cython.longlong, side: cython.longlong) -> cython.longlong:
    """Queue the first stop of a side that the breaker or the collar would not stop again."""
    m = s.m
    left: cython.longlong = PASSED_OVER_MAX + 1
    level = m[book_of(market, side) + BOOK_STOPS + B_BEST]
    if not level or is_blocked(s, market, side):
        return 0
    while level and left and has_reached(s, market, side, m[level + L_PRICE]):
        stop = m[level + L_HEAD]
        while stop != level and left:
            if not is_collared(s, stop):
                return queue_triggered(s, stop)
            left -= 1
            stop = m[stop + O_NEXT]
        level = next_level(s, level)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def is_blocked(s: Store, market: cython.longlong, side: cython.longlong) -> cython.bint:
    """Whether the breaker is before the best price that an order of this side could trade at."""
    best = s.m[book_of(market, SIDE_BUY + SIDE_SELL - side) + B_BEST]
    return best and trips_breaker(s, market, s.m[best + L_PRICE])


@cython.cfunc
@cython.exceptval(check=False)
def take_one_by_one(s: Store, market: cython.longlong) -> cython.longlong:
    """Have a market's stops taken one by one for a while, since one has been stopped."""
    s.m[market + M_ONE_BY_ONE_UNTIL_MS] = s.m[S_TIME_MS] + auction_ms(s, market)
    return 0


@cython.cfunc
def queue_triggered(s: Store, stop: cython.longlong) -> cython.longlong:
    """Move a stop from its book to the queue of triggered stops."""
    make_room(s)
    m = s.m
    withdraw(s, stop)
    m[stop + O_FLAGS] |= 1 << TRIGGERED_SHIFT
    m[stop + O_NEXT] = 0
    if m[S_TRIGGERED_HEAD]:
        m[m[S_TRIGGERED_TAIL] + O_NEXT] = stop
    else:
        m[S_TRIGGERED_HEAD] = stop
    m[S_TRIGGERED_TAIL] = stop
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def has_reached(
    s: Store, market: cython.longlong, side: cython.longlong, trigger: cython.longlong
) -> cython.bint:
    """Whether the confirmed price has reached a stop's trigger, whatever its market's state."""
    price = s.m[market + M_CONFIRMED_PRICE]
    return price and (trigger <= price if side == SIDE_BUY else trigger >= price)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_triggered(
    s: Store, market: cython.longlong, side: cython.longlong, trigger: cython.longlong
) -> cython.bint:
    """Whether a stop that arrives now has nothing to wait for."""
    return s.m[market + M_STATE] == STATE_OPEN and has_reached(s, market, side, trigger)
