"""Stops: the confirmed price, which of them it triggers, and the queue of those that it does."""

import cython

from engine.core.book import book_of, next_level
from engine.core.breaker import auction_ms, trips_breaker
from engine.core.collar import is_collared
from engine.core.emit import emit_decided_order
from engine.core.orders import end_other, withdraw
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
    M_TRAILING_COUNT,
    M_UNCONFIRMED_QUANTITY,
    M_UNCONFIRMED_VALUE,
    MELD_PARENT,
    O_CONDITIONS,
    O_FLAGS,
    O_NEXT,
    S_TIME_MS,
    S_TRIGGERED_HEAD,
    S_TRIGGERED_TAIL,
)
from engine.core.store import Store, make_room
from engine.core.trailing import (
    add_to_heap,
    current_trigger,
    first_trailing,
    fix_prices,
    follow_price,
    take_out_of_heap,
    trails,
)
from wire.layout import (
    CLOSE_ONE_CANCELS_OTHER,
    PASSED_OVER_MAX,
    SIDE_BUY,
    SIDE_MASK,
    SIDE_SELL,
    STATE_OPEN,
    STATUS_CANCELLED,
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
    if changed and m[market + M_TRAILING_COUNT]:
        follow_price(s, market)
    if changed or m[market + M_ONE_BY_ONE_UNTIL_MS]:
        collect_triggered(s, market)
    return 0


@cython.cfunc
@cython.inline
def collect_triggered(s: Store, market: cython.longlong) -> cython.longlong:
    """Queue the stops that the confirmed price triggers: by trigger price, then time.

    Trailing stops come after all others.
    """
    m = s.m
    if m[market + M_ONE_BY_ONE_UNTIL_MS] > m[S_TIME_MS]:
        collect_first(s, market, SIDE_BUY)
        collect_first(s, market, SIDE_SELL)
        if m[market + M_TRAILING_COUNT]:
            collect_first_trailing(s, market, SIDE_BUY)
            collect_first_trailing(s, market, SIDE_SELL)
        return 0
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
    if m[market + M_TRAILING_COUNT]:
        collect_trailing(s, market, SIDE_BUY)
        collect_trailing(s, market, SIDE_SELL)
    return 0


@cython.cfunc
def collect_trailing(s: Store, market: cython.longlong, side: cython.longlong) -> cython.longlong:
    """Queue the trailing stops of a side that the confirmed price triggers."""
    stop = first_trailing(s, market, side)
    while stop and has_reached(s, market, side, current_trigger(s, stop)):
        queue_triggered(s, stop)
        stop = first_trailing(s, market, side)
    return 0


@cython.cfunc
def collect_first_trailing(
    s: Store, market: cython.longlong, side: cython.longlong
) -> cython.longlong:
    """Queue the first trailing stop of a side that would not be stopped again.

    Those that it passes over are out of their heaps meanwhile, linked by their parents' word.
    """
    m = s.m
    if is_blocked(s, market, side):
        return 0
    left: cython.longlong = PASSED_OVER_MAX + 1
    passed: cython.longlong = 0
    stop = first_trailing(s, market, side)
    while left and stop and has_reached(s, market, side, current_trigger(s, stop)):
        if not is_collared(s, stop):
            break
        take_out_of_heap(s, market, side, stop)
        m[m[stop + O_CONDITIONS] + MELD_PARENT] = passed
        passed = stop
        left -= 1
        stop = first_trailing(s, market, side)
    found: cython.bint = left and stop and has_reached(s, market, side, current_trigger(s, stop))
    while passed:
        conditions = m[passed + O_CONDITIONS]
        following = m[conditions + MELD_PARENT]
        m[conditions + MELD_PARENT] = 0
        add_to_heap(s, market, side, passed)
        passed = following
    return queue_triggered(s, stop) if found else 0


@cython.cfunc
def collect_first(s: Store, market: cython.longlong, side: cython.longlong) -> cython.longlong:
    """Queue the first stop of a side that the breaker or the collar would not stop again."""
    m = s.m
    left: cython.longlong = PASSED_OVER_MAX + 1
    level = m[book_of(market, side) + BOOK_STOPS + B_BEST]
    if not level:
        return 0
    buys: cython.bint = not is_blocked(s, market, SIDE_BUY)
    sells: cython.bint = not is_blocked(s, market, SIDE_SELL)
    if not buys and not sells:
        return 0
    while level and left and has_reached(s, market, side, m[level + L_PRICE]):
        stop = m[level + L_HEAD]
        while stop != level and left:
            may_trade = buys if m[stop + O_FLAGS] & SIDE_MASK == SIDE_BUY else sells
            if may_trade and not is_collared(s, stop):
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
    """Move a stop from its book to the queue of triggered stops; state where one has trailed to."""
    make_room(s)
    m = s.m
    end_other(s, stop, STATUS_CANCELLED, CLOSE_ONE_CANCELS_OTHER)
    withdraw(s, stop)
    m[stop + O_FLAGS] |= 1 << TRIGGERED_SHIFT
    if trails(m[stop + O_FLAGS]):
        fix_prices(s, stop)
        emit_decided_order(s, stop, True)
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
