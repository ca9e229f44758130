"""Where two orders meet: matching, self-trade prevention, the circuit breaker.

Nothing here rejects. What may be rejected has been rejected before (``place``, ``changes``), so
nothing here may fail either.
"""

import cython

from engine.core.book import append_order, book_of, next_level, unlink_order
from engine.core.emit import emit_level, emit_order, touch_market
from engine.core.ledger import market_of, owner_of, value_of
from engine.core.orders import (
    close_order,
    free_order,
    leave_book,
    reduce_order,
    set_status,
    unregister_order,
    visible_of,
    with_status,
)
from engine.core.records import (
    A_GROUP,
    B_BEST,
    COND_BUDGET,
    COND_QUOTE_AMOUNT,
    FILL_IMPOSSIBLE,
    L_HEAD,
    L_PRICE,
    L_TOTAL,
    L_VISIBLE,
    M_BREAKER_PPM,
    M_COLLAR_PPM,
    M_LAST_PRICE,
    M_MARKET_BAND_PPM,
    M_MIN_NOTIONAL,
    M_PRICE_BOUND,
    M_REFERENCE_PRICE,
    M_STATE,
    M_TICK_UNITS,
    O_CONDITIONS,
    O_FILLED_QUOTE,
    O_FLAGS,
    O_LEVEL,
    O_NEXT,
    O_PRICE,
    O_QUANTITY,
    O_REMAINING,
    O_VISIBLE,
    S_TAKER_DEBIT,
)
from engine.core.settlement import settle_taker, settle_trade
from engine.core.stops import collect_triggered
from engine.core.store import Store, make_room
from wire.layout import (
    CLOSE_FILLED,
    CLOSE_MARKET_NOT_OPEN,
    CLOSE_NONE,
    CLOSE_SELF_TRADE_PREVENTION,
    CLOSE_UNFILLED_REMAINDER,
    MARKETABLE_TYPES,
    PPM,
    SIDE_BUY,
    SIDE_MASK,
    SIDE_SELL,
    STATE_HALTED,
    STATUS_CANCELLED,
    STATUS_FILLED,
    STATUS_PARTIALLY_FILLED,
    STP_BY_GROUP_SHIFT,
    STP_CANCEL_MAKER,
    STP_CANCEL_TAKER,
    STP_DECREMENT,
    STP_MASK,
    STP_SHIFT,
    TIF_GTC,
    TIF_GTD,
    TIF_MASK,
    TIF_SHIFT,
    TOOK_SHIFT,
    TYPE_MASK,
    TYPE_SHIFT,
)


@cython.cfunc
@cython.inline
def update_filled_order(
    s: Store, order: cython.longlong, lots: cython.longlong, took: cython.longlong
) -> cython.longlong:
    """Update a waiting order that has traded, as taker or not: refill, requeue or close it."""
    m = s.m
    level = m[order + O_LEVEL]
    m[order + O_VISIBLE] -= lots
    m[level + L_VISIBLE] -= lots
    m[level + L_TOTAL] -= lots
    if not m[order + O_REMAINING]:
        leave_book(s, order)
        emit_order(s, order, with_status(m[order + O_FLAGS], STATUS_FILLED, CLOSE_FILLED))
        unregister_order(s, order)
        free_order(s, order)
        return 0
    m[order + O_FLAGS] = m[order + O_FLAGS] & ~(1 << TOOK_SHIFT) | took << TOOK_SHIFT
    set_status(s, order, STATUS_PARTIALLY_FILLED, CLOSE_NONE)
    if not m[order + O_VISIBLE]:
        unlink_order(s, level, order)
        m[order + O_VISIBLE] = visible_of(s, order)
        append_order(s, level, order)
    emit_level(s, level)
    emit_order(s, order, m[order + O_FLAGS])
    return 0


# --- how far an order may trade -------------------------------------------------------------------


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
def is_worse(side: cython.longlong, price: cython.longlong, limit: cython.longlong) -> cython.bint:
    """Whether a price of the opposite book is beyond a limit."""
    return price > limit if side == SIDE_BUY else price < limit


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def trips_breaker(s: Store, market: cython.longlong, price: cython.longlong) -> cython.bint:
    """Whether a trade at this price must halt the market instead."""
    m = s.m
    reference = m[market + M_REFERENCE_PRICE]
    if not m[market + M_BREAKER_PPM] or not reference:
        return False
    band = reference * m[market + M_BREAKER_PPM] // PPM
    return price - reference > band or reference - price > band


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
    return collared_price(s, market, flags & SIDE_MASK, price, reference)


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
def collared_price(
    s: Store,
    market: cython.longlong,
    side: cython.longlong,
    limit: cython.longlong,
    reference: cython.longlong,
) -> cython.longlong:
    """Return the worst price of a market order, 0 for a limit of its own meaning none."""
    m = s.m
    if not limit:
        limit = m[market + M_PRICE_BOUND] if side == SIDE_BUY else 1
    best = m[book_of(market, SIDE_BUY + SIDE_SELL - side) + B_BEST]
    anchor = reference
    if not anchor and best:
        anchor = m[best + L_PRICE]
    band = anchor * m[market + M_MARKET_BAND_PPM] // PPM
    if not anchor or not m[market + M_MARKET_BAND_PPM]:
        return limit
    if side == SIDE_BUY:
        return anchor + band if anchor + band < limit else limit
    return anchor - band if anchor - band > limit else limit


@cython.cfunc
@cython.exceptval(check=False)
def can_fill(s: Store, taker: cython.longlong, limit: cython.longlong) -> cython.bint:
    """Whether a fill-or-kill order would fill whole, looking only."""
    m = s.m
    flags = m[taker + O_FLAGS]
    side = flags & SIDE_MASK
    market = market_of(s, taker)
    need = m[taker + O_REMAINING]
    prevents = flags >> STP_SHIFT & STP_MASK
    level = m[book_of(market, SIDE_BUY + SIDE_SELL - side) + B_BEST]
    while level:
        price = m[level + L_PRICE]
        if is_worse(side, price, limit) or trips_breaker(s, market, price):
            return False
        if not prevents:
            need -= m[level + L_TOTAL]
        else:
            need = need_after_level(s, taker, level, need)
        if need <= 0:
            return need > FILL_IMPOSSIBLE
        level = next_level(s, level)
    return False


@cython.cfunc
@cython.exceptval(check=False)
def need_after_level(
    s: Store, taker: cython.longlong, level: cython.longlong, need: cython.longlong
) -> cython.longlong:
    """Return what a taker would still need after a level, FILL_IMPOSSIBLE if it would end there.

    Meeting an order of its own ends it unless its mode cancels the maker. What icebergs hide
    comes after all that the level shows.
    """
    m = s.m
    skips: cython.bint = m[taker + O_FLAGS] >> STP_SHIFT & STP_MASK == STP_CANCEL_MAKER
    hidden: cython.longlong = 0
    maker = m[level + L_HEAD]
    while maker != level:
        if not is_self_trade(s, taker, maker):
            need -= m[maker + O_VISIBLE]
            hidden += m[maker + O_REMAINING] - m[maker + O_VISIBLE]
            if need <= 0:
                return need
        elif not skips:
            return FILL_IMPOSSIBLE
        maker = m[maker + O_NEXT]
    return need - hidden


# --- matching -------------------------------------------------------------------------------------


@cython.cfunc
def match(
    s: Store, market: cython.longlong, taker: cython.longlong, limit: cython.longlong
) -> cython.longlong:
    """Trade, then settle for the taker; return why it must end, or CLOSE_NONE."""
    close_reason = match_book(s, market, taker, limit)
    if s.m[S_TAKER_DEBIT]:
        settle_taker(s, market, taker, 0)
        s.m[taker + O_FLAGS] |= 1 << TOOK_SHIFT
    return close_reason


@cython.cfunc
@cython.inline
def match_book(
    s: Store, market: cython.longlong, taker: cython.longlong, limit: cython.longlong
) -> cython.longlong:
    """Trade until filled, out of liquidity or stopped; return why it must end, or CLOSE_NONE."""
    m = s.m
    flags = m[taker + O_FLAGS]
    side = flags & SIDE_MASK
    prevents = flags >> STP_SHIFT & STP_MASK
    conditions = m[taker + O_CONDITIONS]
    by_quote = m[conditions + COND_QUOTE_AMOUNT] if conditions else 0
    book = book_of(market, SIDE_BUY + SIDE_SELL - side)
    while True:
        level = m[book + B_BEST]
        price = m[level + L_PRICE]
        if not level or is_worse(side, price, limit):
            return CLOSE_NONE
        if trips_breaker(s, market, price):
            m[market + M_STATE] = STATE_HALTED
            touch_market(s, market)
            return CLOSE_MARKET_NOT_OPEN
        wanted = m[taker + O_REMAINING]
        if by_quote:
            wanted = m[conditions + COND_BUDGET] // (price * m[market + M_TICK_UNITS])
            if not wanted:
                return CLOSE_FILLED if m[taker + O_FILLED_QUOTE] else CLOSE_UNFILLED_REMAINDER
        maker = m[level + L_HEAD]
        if prevents and is_self_trade(s, taker, maker):
            if prevent_self_trade(s, taker, maker, wanted):
                return CLOSE_SELF_TRADE_PREVENTION
            continue
        lots = m[maker + O_VISIBLE]
        if wanted < lots:
            lots = wanted
        # Here two orders meet.
        trade(s, market, maker, taker, side, price, lots)
        if not m[taker + O_REMAINING] and not (by_quote and m[conditions + COND_BUDGET]):
            return CLOSE_FILLED


@cython.cfunc
@cython.inline
def trade(
    s: Store,
    market: cython.longlong,
    maker: cython.longlong,
    taker: cython.longlong,
    side: cython.longlong,
    price: cython.longlong,
    lots: cython.longlong,
) -> cython.longlong:
    """Trade the first order of a book with the one being decided."""
    m = s.m
    quote_units = settle_trade(s, market, maker, taker, side, price, lots, False)
    conditions = m[taker + O_CONDITIONS]
    if conditions and m[conditions + COND_QUOTE_AMOUNT]:
        m[taker + O_QUANTITY] += lots
        m[taker + O_REMAINING] += lots
        m[conditions + COND_BUDGET] -= quote_units
    update_filled_order(s, maker, lots, 0)
    if m[market + M_LAST_PRICE] != price:
        m[market + M_LAST_PRICE] = price
        collect_triggered(s, market)
    return 0


# --- self-trade prevention ------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_self_trade(s: Store, taker: cython.longlong, maker: cython.longlong) -> cython.bint:
    """Whether two orders have one owner, in the sense of the taker's mode."""
    m = s.m
    taker_account, maker_account = owner_of(s, taker), owner_of(s, maker)
    if taker_account == maker_account:
        return True
    group = m[taker_account + A_GROUP]
    by_group = m[taker + O_FLAGS] >> STP_BY_GROUP_SHIFT & 1
    return by_group and group and group == m[maker_account + A_GROUP]


@cython.cfunc
def prevent_self_trade(
    s: Store, taker: cython.longlong, maker: cython.longlong, wanted: cython.longlong
) -> cython.bint:
    """Apply the taker's mode when it meets an order of its own; return whether it ends."""
    make_room(s)
    mode = s.m[taker + O_FLAGS] >> STP_SHIFT & STP_MASK
    if mode == STP_DECREMENT:
        return decrement(s, taker, maker, wanted)
    if mode != STP_CANCEL_TAKER:
        close_order(s, maker, STATUS_CANCELLED, CLOSE_SELF_TRADE_PREVENTION)
    return mode != STP_CANCEL_MAKER


@cython.cfunc
def decrement(
    s: Store, taker: cython.longlong, maker: cython.longlong, wanted: cython.longlong
) -> cython.bint:
    """Shrink both by the smaller of the two; what reaches 0, or is left as dust in a book, ends."""
    m = s.m
    lots = m[maker + O_REMAINING]
    if wanted < lots:
        lots = wanted
    conditions = m[taker + O_CONDITIONS]
    by_quote = m[conditions + COND_QUOTE_AMOUNT] if conditions else 0
    if by_quote:
        tick_units = m[market_of(s, taker) + M_TICK_UNITS]
        m[conditions + COND_BUDGET] -= value_of(m[maker + O_PRICE], tick_units, lots)
    else:
        m[taker + O_QUANTITY] -= lots
        m[taker + O_REMAINING] -= lots
    reduce_order(s, maker, lots)
    if m[maker + O_REMAINING]:
        if is_dust(s, maker):
            close_order(s, maker, STATUS_CANCELLED, CLOSE_SELF_TRADE_PREVENTION)
        else:
            emit_order(s, maker, m[maker + O_FLAGS])
    else:
        leave_book(s, maker)
        emit_order(
            s, maker, with_status(m[maker + O_FLAGS], STATUS_CANCELLED, CLOSE_SELF_TRADE_PREVENTION)
        )
        unregister_order(s, maker)
        free_order(s, maker)
    time_in_force = m[taker + O_FLAGS] >> TIF_SHIFT & TIF_MASK
    if (time_in_force == TIF_GTC or time_in_force == TIF_GTD) and is_dust(s, taker):
        return True
    return not m[taker + O_REMAINING] and not (by_quote and m[conditions + COND_BUDGET])


@cython.cfunc
def is_dust(s: Store, order: cython.longlong) -> cython.bint:
    """Whether what remains of an order with a price is worth less than its market's least value."""
    m = s.m
    market = market_of(s, order)
    worth = value_of(m[order + O_PRICE], m[market + M_TICK_UNITS], m[order + O_REMAINING])
    return worth < m[market + M_MIN_NOTIONAL]
