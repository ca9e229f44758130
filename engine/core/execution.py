"""Executing an order that is in no book: it is matched, then left to wait or ended.

The stops that its trades trigger are executed after it, in the order in which they triggered.
"""

import cython

from engine.core.book import book_of, is_worse, next_level
from engine.core.breaker import trips_breaker
from engine.core.collar import is_beyond_collar, is_marketable, limit_price
from engine.core.emit import emit_decided_order
from engine.core.ledger import market_of, order_reserve, other_of, owner_of
from engine.core.liquidity import clear_own, lots_before_own, mark_own, own_lots
from engine.core.matching import match, prevent_own_crosses
from engine.core.orders import (
    count_awaiting,
    end_pair,
    end_unbooked,
    is_pending,
    release_exits,
    rest_order,
    rest_pair,
    set_status,
    trigger_side,
    unlink_pair,
)
from engine.core.records import (
    A_GROUP,
    B_BEST,
    BAL_AVAILABLE,
    COND_EXTREME,
    COND_TRIGGER_PRICE,
    L_PRICE,
    L_TOTAL,
    M_CONFIRMED_PRICE,
    M_MARKET_BAND_PPM,
    M_MIN_NOTIONAL,
    M_ONE_BY_ONE_UNTIL_MS,
    M_REFERENCE_PRICE,
    M_STATE,
    M_TICK_UNITS,
    O_BALANCE,
    O_CONDITIONS,
    O_FLAGS,
    O_NEXT,
    O_PRICE,
    O_QUANTITY,
    O_REMAINING,
    S_RELEASED_HEAD,
    S_TRIGGERED_HEAD,
)
from engine.core.registry import free_order, register_order, unregister_order
from engine.core.stops import collect_triggered, is_triggered, take_one_by_one
from engine.core.store import Store, make_room
from engine.core.trailing import current_trigger, fix_prices, is_nearer, trails
from wire.layout import (
    AMOUNT_MAX,
    CLOSE_EXIT_TOO_SMALL,
    CLOSE_FILL_OR_KILL_UNFILLED,
    CLOSE_FILLED,
    CLOSE_NONE,
    CLOSE_ONE_CANCELS_OTHER,
    CLOSE_POST_ONLY_WOULD_CROSS,
    CLOSE_PRICE_PROTECTION,
    CLOSE_SELF_TRADE_PREVENTION,
    CLOSE_UNFILLED_REMAINDER,
    MEASURED_MAX,
    POST_ONLY_SHIFT,
    SIDE_BUY,
    SIDE_MASK,
    SIDE_SELL,
    STATE_AUCTION,
    STATE_OPEN,
    STATE_POST_ONLY,
    STATUS_CANCELLED,
    STATUS_FILLED,
    STATUS_OPEN,
    STP_BY_GROUP_SHIFT,
    STP_CANCEL_MAKER,
    STP_MASK,
    STP_SHIFT,
    TIF_FOK,
    TIF_GTC,
    TIF_GTD,
    TIF_MASK,
    TIF_SHIFT,
    TRIGGERED_SHIFT,
)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def crosses(s: Store, order: cython.longlong) -> cython.bint:
    """Whether an order's price would trade at once."""
    m = s.m
    side = m[order + O_FLAGS] & SIDE_MASK
    best = m[book_of(market_of(s, order), SIDE_BUY + SIDE_SELL - side) + B_BEST]
    return best and not is_worse(side, m[best + L_PRICE], m[order + O_PRICE])


@cython.cfunc
@cython.inline
def end_order(
    s: Store,
    order: cython.longlong,
    close_reason: cython.longlong,
    has_arrived: cython.bint,
    is_known: cython.bint,
) -> cython.longlong:
    """End an order that is in no book."""
    status = STATUS_FILLED if close_reason == CLOSE_FILLED else STATUS_CANCELLED
    set_status(s, order, status, close_reason)
    emit_decided_order(s, order, has_arrived)
    if is_known:
        unregister_order(s, order)
    if s.m[order + O_CONDITIONS]:
        release_exits(s, order, STATUS_CANCELLED, close_reason)
    free_order(s, order)
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def remainder_reason(s: Store, order: cython.longlong) -> cython.longlong:
    """Return why what is left of an order ends; CLOSE_NONE when it may rest."""
    m = s.m
    time_in_force = m[order + O_FLAGS] >> TIF_SHIFT & TIF_MASK
    if time_in_force == TIF_GTC or time_in_force == TIF_GTD:
        return CLOSE_NONE
    side = m[order + O_FLAGS] & SIDE_MASK
    beyond = m[book_of(market_of(s, order), SIDE_BUY + SIDE_SELL - side) + B_BEST]
    return (
        CLOSE_PRICE_PROTECTION if beyond and is_marketable(s, order) else CLOSE_UNFILLED_REMAINDER
    )


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def may_trade_later(s: Store, order: cython.longlong, close_reason: cython.longlong) -> cython.bint:
    """Whether what ends an order is what the market is like now, not what the order asks."""
    if close_reason == CLOSE_UNFILLED_REMAINDER and is_marketable(s, order):
        return s.m[market_of(s, order) + M_MARKET_BAND_PPM] > 0
    return close_reason == CLOSE_PRICE_PROTECTION


@cython.cfunc
@cython.exceptval(check=False)
def can_fill(s: Store, taker: cython.longlong, limit: cython.longlong) -> cython.bint:
    """Whether a fill-or-kill order would fill whole, looking only."""
    m = s.m
    flags, account = m[taker + O_FLAGS], owner_of(s, taker)
    side, market = flags & SIDE_MASK, market_of(s, taker)
    opposite = SIDE_BUY + SIDE_SELL - side
    book = book_of(market, opposite)
    prevents = flags >> STP_SHIFT & STP_MASK
    group = m[account + A_GROUP] if prevents and flags >> STP_BY_GROUP_SHIFT & 1 else 0
    marked: cython.bint = False
    if prevents and not group:
        marked = mark_own(s, market, opposite, book, account)
    need = m[taker + O_REMAINING]
    left: cython.longlong = MEASURED_MAX
    level = m[book + B_BEST]
    while level and left and need > 0:
        price = m[level + L_PRICE]
        if is_worse(side, price, limit) or trips_breaker(s, market, price):
            break
        own = own_lots(s, level, account, group)
        if own and prevents != STP_CANCEL_MAKER:
            need -= lots_before_own(s, level, account, group, 0)
            break
        need -= m[level + L_TOTAL] - own
        left -= 1
        level = next_level(s, level)
    if marked:
        clear_own(s, market, opposite, book, account)
    return need <= 0


@cython.cfunc
def execute_order(
    s: Store, order: cython.longlong, has_arrived: cython.bint, is_known: cython.bint
) -> cython.longlong:
    """Match an order, then rest or end it; a stop that has waited for its turn may wait again."""
    m = s.m
    market = market_of(s, order)
    close_reason: cython.longlong = CLOSE_NONE
    if m[market + M_STATE] == STATE_OPEN:
        reference = m[market + M_REFERENCE_PRICE]
        limit = limit_price(s, market, m[order + O_FLAGS], m[order + O_PRICE], reference)
        fill_or_kill: cython.bint = m[order + O_FLAGS] >> TIF_SHIFT & TIF_MASK == TIF_FOK
        if fill_or_kill and not can_fill(s, order, limit):
            close_reason = CLOSE_FILL_OR_KILL_UNFILLED
        else:
            close_reason = match(s, market, order, limit)
    waits: cython.bint = close_reason == CLOSE_NONE and m[market + M_STATE] == STATE_AUCTION
    if waits and prevent_own_crosses(s, order):
        close_reason = CLOSE_SELF_TRADE_PREVENTION
    if close_reason == CLOSE_NONE:
        close_reason = remainder_reason(s, order)
    if not has_arrived and may_trade_later(s, order, close_reason):
        take_one_by_one(s, market)
        return wait_again(s, order)
    if close_reason != CLOSE_NONE:
        return end_order(s, order, close_reason, has_arrived, is_known)
    rest_order(s, order)
    if not is_known:
        register_order(s, order)
    emit_decided_order(s, order, has_arrived)
    return 0


@cython.cfunc
def execute_triggered(
    s: Store, stop: cython.longlong, has_arrived: cython.bint, is_known: cython.bint
) -> cython.longlong:
    """Execute a triggered stop, unless its price or its flags do not allow that.

    Where the breaker has started an auction since, it waits again; so does one that has waited and
    whose limit is beyond the collar.
    """
    make_room(s)
    m = s.m
    market = market_of(s, stop)
    flags, price = m[stop + O_FLAGS], m[stop + O_PRICE]
    post_only = flags >> POST_ONLY_SHIFT & 1
    reference = m[market + M_REFERENCE_PRICE]
    beyond: cython.bint = not is_marketable(s, stop) and is_beyond_collar(
        s, market, flags & SIDE_MASK, price, reference
    )
    if m[market + M_STATE] != STATE_OPEN:
        return wait_again(s, stop)
    if beyond and has_arrived:
        return end_order(s, stop, CLOSE_PRICE_PROTECTION, True, is_known)
    if beyond:
        take_one_by_one(s, market)
        return wait_again(s, stop)
    if post_only and crosses(s, stop):
        return end_order(s, stop, CLOSE_POST_ONLY_WOULD_CROSS, has_arrived, is_known)
    return execute_order(s, stop, has_arrived, is_known)


@cython.cfunc
def wait_again(s: Store, stop: cython.longlong) -> cython.longlong:
    """Put a triggered stop back among those that wait, with what is left of it and its reserve."""
    make_room(s)
    m = s.m
    m[stop + O_FLAGS] &= ~(1 << TRIGGERED_SHIFT)
    price, conditions = m[market_of(s, stop) + M_CONFIRMED_PRICE], m[stop + O_CONDITIONS]
    side = m[stop + O_FLAGS] & SIDE_MASK
    if trails(m[stop + O_FLAGS]) and is_nearer(side, price, m[conditions + COND_EXTREME]):
        m[conditions + COND_EXTREME] = price
    rest_order(s, stop)
    emit_decided_order(s, stop, False)
    return 0


@cython.cfunc
def execute_all_triggered(s: Store) -> cython.longlong:
    """Execute the triggered stops, and those that they trigger, in the order of triggering."""
    m = s.m
    while m[S_TRIGGERED_HEAD] or m[S_RELEASED_HEAD]:
        if not m[S_TRIGGERED_HEAD]:
            first = m[S_RELEASED_HEAD]
            m[S_RELEASED_HEAD] = m[first + O_NEXT]
            place_exits(s, first)
            continue
        stop = m[S_TRIGGERED_HEAD]
        m[S_TRIGGERED_HEAD] = m[stop + O_NEXT]
        market = market_of(s, stop)
        execute_triggered(s, stop, False, True)
        looks: cython.bint = m[market + M_ONE_BY_ONE_UNTIL_MS] and m[market + M_STATE] == STATE_OPEN
        if looks and not m[S_TRIGGERED_HEAD]:
            collect_triggered(s, market)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def is_due(s: Store, stop: cython.longlong) -> cython.bint:
    """Whether a stop that arrives now has nothing to wait for."""
    m = s.m
    flags = m[stop + O_FLAGS]
    if trails(flags) and not m[m[stop + O_CONDITIONS] + COND_EXTREME]:
        return False
    return is_triggered(s, market_of(s, stop), trigger_side(flags), current_trigger(s, stop))


@cython.cfunc
def accept_order(s: Store, order: cython.longlong, is_known: cython.bint) -> cython.longlong:
    """Execute a new or changed order or let it wait, then execute the stops that it triggers."""
    m = s.m
    if not is_pending(s, order):
        execute_order(s, order, True, is_known)
    elif is_due(s, order):
        m[order + O_FLAGS] |= 1 << TRIGGERED_SHIFT
        if trails(m[order + O_FLAGS]):
            fix_prices(s, order)
        execute_triggered(s, order, True, is_known)
    else:
        m[m[order + O_CONDITIONS] + COND_TRIGGER_PRICE] = current_trigger(s, order)
        rest_order(s, order)
        if not is_known:
            register_order(s, order)
        emit_decided_order(s, order, True)
    if m[S_TRIGGERED_HEAD] | m[S_RELEASED_HEAD]:
        execute_all_triggered(s)
    return 0


# --- exits of an entry ----------------------------------------------------------------------------


@cython.cfunc
def place_exits(s: Store, first: cython.longlong) -> cython.longlong:
    """Place two exits for what their entry was filled, as far as their account can pay for it."""
    make_room(s)
    m = s.m
    second = other_of(s, first)
    lots = payable_lots(s, first, second)
    if is_too_small(s, first, lots) or is_too_small(s, second, lots):
        return end_pair(s, first, second, STATUS_CANCELLED, CLOSE_EXIT_TOO_SMALL)
    m[first + O_QUANTITY] = m[first + O_REMAINING] = lots
    m[second + O_QUANTITY] = m[second + O_REMAINING] = lots
    if executes_at_once(s, first):
        return execute_exit(s, first, second)
    if executes_at_once(s, second):
        return execute_exit(s, second, first)
    return rest_exits(s, first, second)


@cython.cfunc
def payable_lots(s: Store, first: cython.longlong, second: cython.longlong) -> cython.longlong:
    """Return how many lots of two exits their account can pay for with what is available."""
    m = s.m
    unit, more = order_reserve(s, first, 1), order_reserve(s, second, 1)
    lots = m[m[first + O_BALANCE] + BAL_AVAILABLE] // (unit if unit > more else more)
    return lots if lots < m[first + O_REMAINING] else m[first + O_REMAINING]


@cython.cfunc
def is_too_small(s: Store, order: cython.longlong, lots: cython.longlong) -> cython.bint:
    """Whether so many lots of an exit are none, or worth less than its market's least value."""
    m = s.m
    market = market_of(s, order)
    price = m[m[order + O_CONDITIONS] + COND_TRIGGER_PRICE]
    unit_price = (price if price else m[order + O_PRICE]) * m[market + M_TICK_UNITS]
    # One that a word can't hold is no small one.
    fits: cython.bint = lots <= AMOUNT_MAX // unit_price
    return not lots or (fits and unit_price * lots < m[market + M_MIN_NOTIONAL])


@cython.cfunc
@cython.exceptval(check=False)
def executes_at_once(s: Store, order: cython.longlong) -> cython.bint:
    """Whether an exit has nothing to wait for: its trigger is reached, or its price is there."""
    m = s.m
    market, flags = market_of(s, order), m[order + O_FLAGS]
    if is_pending(s, order):
        trigger = m[m[order + O_CONDITIONS] + COND_TRIGGER_PRICE]
        return is_triggered(s, market, trigger_side(flags), trigger)
    state = m[market + M_STATE]
    return (state == STATE_OPEN or state == STATE_AUCTION) and crosses(s, order)


@cython.cfunc
def execute_exit(s: Store, order: cython.longlong, other: cython.longlong) -> cython.longlong:
    """Execute an exit that has nothing to wait for, instead of the other."""
    unlink_pair(s, order, other)
    end_unbooked(s, other, STATUS_CANCELLED, CLOSE_ONE_CANCELS_OTHER)
    count_awaiting(s, order, -1)
    set_status(s, order, STATUS_OPEN, CLOSE_NONE)
    if is_pending(s, order):
        s.m[order + O_FLAGS] |= 1 << TRIGGERED_SHIFT
        return execute_triggered(s, order, False, True)
    return execute_order(s, order, True, True)


@cython.cfunc
def rest_exits(s: Store, first: cython.longlong, second: cython.longlong) -> cython.longlong:
    """Let two exits wait; a limit order that a post-only market would cross ends instead."""
    if is_crossed_exit(s, first):
        return rest_without(s, first, second)
    if is_crossed_exit(s, second):
        return rest_without(s, second, first)
    count_awaiting(s, first, -1)
    count_awaiting(s, second, -1)
    rest_pair(s, first, second)
    emit_decided_order(s, first, False)
    emit_decided_order(s, second, False)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def is_crossed_exit(s: Store, order: cython.longlong) -> cython.bint:
    """Whether an exit may neither trade, because its market is post-only, nor rest."""
    post_only: cython.bint = s.m[market_of(s, order) + M_STATE] == STATE_POST_ONLY
    return post_only and not is_pending(s, order) and crosses(s, order)


@cython.cfunc
def rest_without(s: Store, ended: cython.longlong, order: cython.longlong) -> cython.longlong:
    """End an exit, and let the other wait alone."""
    unlink_pair(s, ended, order)
    end_unbooked(s, ended, STATUS_CANCELLED, CLOSE_POST_ONLY_WOULD_CROSS)
    count_awaiting(s, order, -1)
    rest_order(s, order)
    emit_decided_order(s, order, False)
    return 0
