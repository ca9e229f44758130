"""Stops: which of them the last price triggers, and the queue they wait in until executed."""

import cython

from engine.core.book import book_of
from engine.core.orders import withdraw
from engine.core.records import (
    B_BEST,
    BOOK_STOPS,
    L_HEAD,
    L_PRICE,
    M_LAST_PRICE,
    M_STATE,
    O_FLAGS,
    O_NEXT,
    S_TRIGGERED_HEAD,
    S_TRIGGERED_TAIL,
)
from engine.core.store import Store, make_room
from wire.layout import SIDE_BUY, SIDE_SELL, STATE_OPEN, TRIGGERED_SHIFT


@cython.cfunc
@cython.inline
def collect_triggered(s: Store, market: cython.longlong) -> cython.longlong:
    """Queue the stops that the last price triggers: by trigger price, then time."""
    m = s.m
    book = book_of(market, SIDE_BUY) + BOOK_STOPS
    level = m[book + B_BEST]
    while level and m[level + L_PRICE] <= m[market + M_LAST_PRICE]:
        queue_triggered(s, m[level + L_HEAD])
        level = m[book + B_BEST]
    book = book_of(market, SIDE_SELL) + BOOK_STOPS
    level = m[book + B_BEST]
    while level and m[level + L_PRICE] >= m[market + M_LAST_PRICE]:
        queue_triggered(s, m[level + L_HEAD])
        level = m[book + B_BEST]
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
    """Whether the last price has reached a stop's trigger, whatever its market's state."""
    last = s.m[market + M_LAST_PRICE]
    return last and (trigger <= last if side == SIDE_BUY else trigger >= last)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_triggered(
    s: Store, market: cython.longlong, side: cython.longlong, trigger: cython.longlong
) -> cython.bint:
    """Whether a stop that arrives now has nothing to wait for."""
    return s.m[market + M_STATE] == STATE_OPEN and has_reached(s, market, side, trigger)
