"""Stops: which of them the last price fires, and the queue they wait in until they run."""

import cython

from engine.core.book import book_of
from engine.core.ledger import is_buy, market_of
from engine.core.orders import withdraw
from engine.core.records import (
    B_BEST,
    BOOK_STOPS,
    L_HEAD,
    L_PRICE,
    M_LAST_PRICE,
    M_STATE,
    O_NEXT,
    O_RARE,
    O_TERMS,
    S_FIRED_HEAD,
    S_FIRED_TAIL,
    X_TRIGGER_PRICE,
)
from engine.core.store import Store, make_room
from wire.layout import SIDE_BUY, SIDE_SELL, STATE_OPEN, TRIGGERED_SHIFT


@cython.cfunc
@cython.inline
def collect_fired(s: Store, market: cython.longlong) -> cython.longlong:
    """Queue the stops that the last price fires: by trigger price, then time."""
    m = s.m
    book = book_of(market, SIDE_BUY) + BOOK_STOPS
    level = m[book + B_BEST]
    while level and m[level + L_PRICE] <= m[market + M_LAST_PRICE]:
        queue_fired(s, m[level + L_HEAD])
        level = m[book + B_BEST]
    book = book_of(market, SIDE_SELL) + BOOK_STOPS
    level = m[book + B_BEST]
    while level and m[level + L_PRICE] >= m[market + M_LAST_PRICE]:
        queue_fired(s, m[level + L_HEAD])
        level = m[book + B_BEST]
    return 0


@cython.cfunc
def queue_fired(s: Store, stop: cython.longlong) -> cython.longlong:
    """Move a stop from its book to the queue of fired stops."""
    make_room(s)
    m = s.m
    withdraw(s, stop)
    m[stop + O_TERMS] |= 1 << TRIGGERED_SHIFT
    m[stop + O_NEXT] = 0
    if m[S_FIRED_HEAD]:
        m[m[S_FIRED_TAIL] + O_NEXT] = stop
    else:
        m[S_FIRED_HEAD] = stop
    m[S_FIRED_TAIL] = stop
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_triggered(s: Store, order: cython.longlong) -> cython.bint:
    """Whether a stop that arrives now has nothing to wait for."""
    m = s.m
    market = market_of(s, order)
    last = m[market + M_LAST_PRICE]
    if m[market + M_STATE] != STATE_OPEN or not last:
        return False
    trigger = m[m[order + O_RARE] + X_TRIGGER_PRICE]
    return trigger <= last if is_buy(s, order) else trigger >= last
