"""Where two orders meet: matching, self-trade prevention, the circuit breaker.

Nothing here rejects. What may be rejected has been rejected before (``place``, ``changes``), so
nothing here may fail either.
"""

import cython

from engine.core.book import append_order, book_of, is_worse, next_level, unlink_order
from engine.core.breaker import may_start_auction, start_auction, trips_breaker
from engine.core.emit import emit_level, emit_order
from engine.core.ledger import by_side, market_of, other_of, owner_of, value_of
from engine.core.liquidity import orders_paying, side_balance
from engine.core.orders import (
    beyond_list,
    close_order,
    end_other,
    is_pending,
    leave_book,
    list_of,
    reduce_order,
    release_exits,
    set_status,
    visible_of,
    with_status,
)
from engine.core.records import (
    A_GROUP,
    A_ORDER_HEAD,
    B_BEST,
    COND_BUDGET,
    COND_QUOTE_AMOUNT,
    L_HEAD,
    L_PRICE,
    L_TOTAL,
    L_VISIBLE,
    M_MIN_NOTIONAL,
    M_TICK_UNITS,
    O_ACCOUNT_NEXT,
    O_BALANCE,
    O_CONDITIONS,
    O_FILLED_QUOTE,
    O_FLAGS,
    O_LEVEL,
    O_NEXT,
    O_PRICE,
    O_QUANTITY,
    O_REMAINING,
    O_VISIBLE,
    S_OWN_LOTS,
    S_OWN_VALUE,
    S_TAKER_CREDIT,
    S_TAKER_DEBIT,
)
from engine.core.reference_price import is_own_trade, note_volume
from engine.core.registry import free_order, unregister_order
from engine.core.settlement import settle_taker, settle_trade
from engine.core.stops import note_trade
from engine.core.store import Store, make_room
from wire.layout import (
    CLOSE_FILLED,
    CLOSE_NONE,
    CLOSE_ONE_CANCELS_OTHER,
    CLOSE_PRICE_PROTECTION,
    CLOSE_SELF_TRADE_PREVENTION,
    CLOSE_UNFILLED_REMAINDER,
    EVENT_MARKET_SHIFT,
    MARKET_MAX,
    MEASURED_MAX,
    SIDE_BUY,
    SIDE_MASK,
    SIDE_SELL,
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
        if m[order + O_CONDITIONS]:  # few have any, and exits are among them
            release_exits(s, order, STATUS_FILLED, CLOSE_FILLED)
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


# --- matching -------------------------------------------------------------------------------------


@cython.cfunc
def match(
    s: Store, market: cython.longlong, taker: cython.longlong, limit: cython.longlong
) -> cython.longlong:
    """Trade, then settle for the taker; return why it must end, or CLOSE_NONE."""
    m = s.m
    filled = m[taker + O_QUANTITY] - m[taker + O_REMAINING]
    close_reason = match_book(s, market, taker, limit)
    if m[S_TAKER_DEBIT]:
        value = by_side(m[taker + O_FLAGS] & SIDE_MASK, m[S_TAKER_DEBIT], m[S_TAKER_CREDIT])
        filled = m[taker + O_QUANTITY] - m[taker + O_REMAINING] - filled
        note_volume(s, market, filled - m[S_OWN_LOTS], value - m[S_OWN_VALUE])
        settle_taker(s, market, taker, 0)
        m[taker + O_FLAGS] |= 1 << TOOK_SHIFT
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
        if trips_breaker(s, market, price):
            if not may_start_auction(s, market, taker, limit):
                return CLOSE_PRICE_PROTECTION
            start_auction(s, market)
            return CLOSE_NONE
        lots = m[maker + O_VISIBLE]
        if wanted < lots:
            lots = wanted
        if other_of(s, maker):
            end_other(s, maker, STATUS_CANCELLED, CLOSE_ONE_CANCELS_OTHER)
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
    make_room(s)
    m = s.m
    taker_account, maker_account = owner_of(s, taker), owner_of(s, maker)
    quote_units = settle_trade(
        s, market, maker, taker, maker_account, taker_account, side, price, lots, False
    )
    conditions = m[taker + O_CONDITIONS]
    if conditions and m[conditions + COND_QUOTE_AMOUNT]:
        m[taker + O_QUANTITY] += lots
        m[taker + O_REMAINING] += lots
        m[conditions + COND_BUDGET] -= quote_units
    update_filled_order(s, maker, lots, 0)
    if is_own_trade(s, taker_account, maker_account):
        m[S_OWN_LOTS] += lots
        m[S_OWN_VALUE] += quote_units
        return 0
    return note_trade(s, market, price, lots, quote_units)


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
    decrement_waiting(s, maker, lots)
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


@cython.cfunc
def decrement_waiting(s: Store, order: cython.longlong, lots: cython.longlong) -> cython.longlong:
    """Shrink an order in a book; with nothing left, or only dust, it ends."""
    m = s.m
    end_other(s, order, STATUS_CANCELLED, CLOSE_ONE_CANCELS_OTHER)
    reduce_order(s, order, lots)
    if m[order + O_REMAINING]:
        if is_dust(s, order):
            return close_order(s, order, STATUS_CANCELLED, CLOSE_SELF_TRADE_PREVENTION)
        emit_order(s, order, m[order + O_FLAGS])
        return 0
    leave_book(s, order)
    emit_order(
        s, order, with_status(m[order + O_FLAGS], STATUS_CANCELLED, CLOSE_SELF_TRADE_PREVENTION)
    )
    unregister_order(s, order)
    release_exits(s, order, STATUS_CANCELLED, CLOSE_SELF_TRADE_PREVENTION)
    free_order(s, order)
    return 0


@cython.cfunc
def prevent_own_crosses(s: Store, order: cython.longlong) -> cython.bint:
    """Apply an order's mode to what it crosses of its own account's; return whether it ends."""
    m = s.m
    flags, price = m[order + O_FLAGS], m[order + O_PRICE]
    if not flags >> STP_SHIFT & STP_MASK:
        return False
    side = flags & SIDE_MASK
    opposite = market_and_side(flags) ^ (SIDE_BUY ^ SIDE_SELL)
    account = owner_of(s, order)
    if not may_cross_own(s, order, account):
        return False
    # Of its orders those can meet it that pay from the other balance; after the last there is none.
    balance = side_balance(s, market_of(s, order), opposite & SIDE_MASK, account)
    left = orders_paying(s, balance)
    other = m[account + A_ORDER_HEAD]
    while left and other != account:
        following = m[other + O_ACCOUNT_NEXT]
        left -= m[other + O_BALANCE] == balance
        meets: cython.bint = market_and_side(m[other + O_FLAGS]) == opposite
        # Stops that have triggered in the same sweep are in no book.
        crosses_it = meets and m[other + O_LEVEL] and not is_pending(s, other)
        crosses_it = crosses_it and not is_worse(side, m[other + O_PRICE], price)
        if crosses_it:
            # What is next may be of its list, and end with it.
            following = beyond_list(s, other) if list_of(s, other) else following
            if prevent_self_trade(s, order, other, m[order + O_REMAINING]):
                return True
        other = following
    return False


@cython.cfunc
@cython.exceptval(check=False)
def may_cross_own(s: Store, order: cython.longlong, account: cython.longlong) -> cython.bint:
    """Whether an account's own may be among what an order crosses, which is seldom very much.

    What an account has open may be much more.
    """
    m = s.m
    side = m[order + O_FLAGS] & SIDE_MASK
    left: cython.longlong = MEASURED_MAX
    level = m[book_of(market_of(s, order), SIDE_BUY + SIDE_SELL - side) + B_BEST]
    while level and not is_worse(side, m[level + L_PRICE], m[order + O_PRICE]):
        maker = m[level + L_HEAD]
        while maker != level:
            left -= 1
            if not left or owner_of(s, maker) == account:
                return True
            maker = m[maker + O_NEXT]
        level = next_level(s, level)
    return False


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def market_and_side(flags: cython.longlong) -> cython.longlong:
    """Return what of an order's flags names its market and side."""
    return flags & (MARKET_MAX << EVENT_MARKET_SHIFT | SIDE_MASK)


@cython.cfunc
def prevent_waiting(s: Store, taker: cython.longlong, maker: cython.longlong) -> cython.longlong:
    """Apply the taker's mode where both orders have waited for an uncross."""
    m = s.m
    make_room(s)
    mode = m[taker + O_FLAGS] >> STP_SHIFT & STP_MASK
    if mode == STP_DECREMENT:
        lots = m[maker + O_REMAINING]
        if m[taker + O_REMAINING] < lots:
            lots = m[taker + O_REMAINING]
        decrement_waiting(s, maker, lots)
        decrement_waiting(s, taker, lots)
        return 0
    if mode != STP_CANCEL_TAKER:
        close_order(s, maker, STATUS_CANCELLED, CLOSE_SELF_TRADE_PREVENTION)
    if mode != STP_CANCEL_MAKER:
        close_order(s, taker, STATUS_CANCELLED, CLOSE_SELF_TRADE_PREVENTION)
    return 0
