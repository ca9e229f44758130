"""Where two orders meet: matching, settlement, self-trade prevention, stops.

Nothing here refuses. What may be refused has been refused before (``placing``, ``changing``), so
nothing here may fail either.
"""

import cython

from engine.core.book import append_order, book_of, next_level, show_level, unlink_order
from engine.core.index import find_balance
from engine.core.ledger import change, fee, market_of, put_order, reserve_of, touch_market, value_of
from engine.core.orders import (
    close_order,
    free_order,
    leave_book,
    reduce,
    set_status,
    unregister_order,
    visible_of,
)
from engine.core.records import (
    A_FEES,
    A_GROUP,
    A_NUMBER,
    B_BEST,
    FILL_IMPOSSIBLE,
    L_HEAD,
    L_PRICE,
    L_TOTAL,
    L_VISIBLE,
    M_BASE,
    M_BREAKER_PPM,
    M_FEE_BASE,
    M_FEE_QUOTE,
    M_LAST_PRICE,
    M_LOT_UNITS,
    M_MARKET_COLLAR_PPM,
    M_NUMBER,
    M_PRICE_BOUND,
    M_QUOTE,
    M_REFERENCE_PRICE,
    M_STATE,
    M_TICK_UNITS,
    O_ACCOUNT,
    O_FILLED_QUOTE,
    O_ID,
    O_LEVEL,
    O_NEXT,
    O_PRICE,
    O_QUANTITY,
    O_RARE,
    O_REMAINING,
    O_TERMS,
    O_VISIBLE,
    S_TRADE_ID,
    TIER_MAKER_PPM,
    TIER_TAKER_PPM,
    X_BUDGET,
    X_QUOTE_AMOUNT,
)
from engine.core.stops import collect_fired
from engine.core.store import Store, make_room
from engine.layout import (
    CLOSE_FILLED,
    CLOSE_IMMEDIATE,
    CLOSE_MARKET_STATE,
    CLOSE_NONE,
    CLOSE_SELF_TRADE,
    EVENT_KIND_SHIFT,
    EVENT_MARKET_SHIFT,
    EVENT_TRADE,
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
    TRADE_ID,
    TRADE_LENGTH,
    TRADE_MAKER_ACCOUNT,
    TRADE_MAKER_FEE,
    TRADE_MAKER_ORDER,
    TRADE_PRICE,
    TRADE_QUANTITY,
    TRADE_QUOTE_AMOUNT,
    TRADE_TAKER_ACCOUNT,
    TRADE_TAKER_FEE,
    TRADE_TAKER_ORDER,
    TYPE_MARKET,
    TYPE_MASK,
    TYPE_SHIFT,
    TYPE_STOP_MARKET,
)

# --- settlement -----------------------------------------------------------------------------------


@cython.cfunc
@cython.inline
def settle(
    s: Store,
    market: cython.longlong,
    maker: cython.longlong,
    taker: cython.longlong,
    price: cython.longlong,
    lots: cython.longlong,
) -> cython.longlong:
    """Move the assets and fees of one trade, state it as a fact, return its quote units.

    An order that waits in a book pays from what is held for it and gets back at once what a
    better price saves; one that is being decided pays from its available balance.
    """
    make_room(s)
    m = s.m
    quote_units = value_of(price, m[market + M_TICK_UNITS], lots)
    base_units = value_of(1, m[market + M_LOT_UNITS], lots)
    side = m[taker + O_TERMS] & SIDE_MASK
    pays, gets = quote_units, base_units  # the taker; the maker the other way round
    paid, got = m[market + M_QUOTE], m[market + M_BASE]
    pays_fees_to, gets_fees_to = m[market + M_FEE_QUOTE], m[market + M_FEE_BASE]
    if side != SIDE_BUY:
        pays, gets, paid, got = gets, pays, got, paid
        pays_fees_to, gets_fees_to = gets_fees_to, pays_fees_to
    maker_account, taker_account = m[maker + O_ACCOUNT], m[taker + O_ACCOUNT]
    maker_ppm = m[m[maker_account + A_FEES] + TIER_MAKER_PPM]
    taker_fee = fee(gets, m[m[taker_account + A_FEES] + TIER_TAKER_PPM])
    maker_fee = fee(pays, maker_ppm) if maker_ppm > 0 else 0
    # In the asset that the maker gives, out of the taker's fee of this trade.
    rebate = fee(gets, -maker_ppm) if maker_ppm < 0 else 0

    held = reserve_of(s, taker, lots) if m[taker + O_LEVEL] else 0
    change(s, find_balance(s, taker_account, paid), held - pays, -held)
    held = reserve_of(s, maker, lots)
    change(s, find_balance(s, maker_account, got), held - gets + rebate, -held)
    change(s, find_balance(s, taker_account, got), gets - taker_fee, 0)
    change(s, find_balance(s, maker_account, paid), pays - maker_fee, 0)
    if taker_fee - rebate:
        change(s, gets_fees_to, taker_fee - rebate, 0)
    if maker_fee:
        change(s, pays_fees_to, maker_fee, 0)

    m[maker + O_REMAINING] -= lots
    m[maker + O_FILLED_QUOTE] += quote_units
    m[taker + O_REMAINING] -= lots
    m[taker + O_FILLED_QUOTE] += quote_units
    m[S_TRADE_ID] += 1

    out, end = s.out, s.end
    number = m[market + M_NUMBER] << EVENT_MARKET_SHIFT
    out[end] = EVENT_TRADE << EVENT_KIND_SHIFT | number | side
    out[end + TRADE_ID] = m[S_TRADE_ID]
    out[end + TRADE_PRICE] = price
    out[end + TRADE_QUANTITY] = lots
    out[end + TRADE_QUOTE_AMOUNT] = quote_units
    out[end + TRADE_MAKER_ORDER] = m[maker + O_ID]
    out[end + TRADE_TAKER_ORDER] = m[taker + O_ID]
    out[end + TRADE_MAKER_ACCOUNT] = m[maker_account + A_NUMBER]
    out[end + TRADE_TAKER_ACCOUNT] = m[taker_account + A_NUMBER]
    out[end + TRADE_MAKER_FEE] = maker_fee - rebate
    out[end + TRADE_TAKER_FEE] = taker_fee
    s.end = end + TRADE_LENGTH
    return quote_units


@cython.cfunc
@cython.inline
def after_fill(s: Store, order: cython.longlong, lots: cython.longlong) -> cython.longlong:
    """Bring a waiting order up to date after it has traded: refill, requeue or close."""
    m = s.m
    level = m[order + O_LEVEL]
    m[order + O_VISIBLE] -= lots
    m[level + L_VISIBLE] -= lots
    m[level + L_TOTAL] -= lots
    if not m[order + O_REMAINING]:
        leave_book(s, order)
        set_status(s, order, STATUS_FILLED, CLOSE_FILLED)
        put_order(s, order)
        unregister_order(s, order)
        free_order(s, order)
        return 0
    set_status(s, order, STATUS_PARTIALLY_FILLED, CLOSE_NONE)
    if not m[order + O_VISIBLE]:
        unlink_order(s, level, order)
        m[order + O_VISIBLE] = visible_of(s, order)
        append_order(s, level, order)
    show_level(s, level)
    put_order(s, order)
    return 0


# --- how far an order may trade -------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_marketable(s: Store, order: cython.longlong) -> cython.bint:
    """Whether an order never rests, whatever its time in force."""
    kind = s.m[order + O_TERMS] >> TYPE_SHIFT & TYPE_MASK
    return kind == TYPE_MARKET or kind == TYPE_STOP_MARKET


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_worse(side: cython.longlong, price: cython.longlong, limit: cython.longlong) -> cython.bint:
    """Whether a price of the opposite book is beyond a limit."""
    return price > limit if side == SIDE_BUY else price < limit


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def breaks(s: Store, market: cython.longlong, price: cython.longlong) -> cython.bint:
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
    terms: cython.longlong,
    price: cython.longlong,
    reference: cython.longlong,
) -> cython.longlong:
    """Return the worst price an order may trade at: its own, or a market order's collar."""
    kind = terms >> TYPE_SHIFT & TYPE_MASK
    if kind != TYPE_MARKET and kind != TYPE_STOP_MARKET:
        return price
    return collared_price(s, market, terms & SIDE_MASK, price, reference)


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
    band = anchor * m[market + M_MARKET_COLLAR_PPM] // PPM
    if not anchor or not m[market + M_MARKET_COLLAR_PPM]:
        return limit
    if side == SIDE_BUY:
        return anchor + band if anchor + band < limit else limit
    return anchor - band if anchor - band > limit else limit


@cython.cfunc
@cython.exceptval(check=False)
def can_fill(s: Store, taker: cython.longlong, limit: cython.longlong) -> cython.bint:
    """Whether a fill-or-kill order would fill whole, looking only."""
    m = s.m
    terms = m[taker + O_TERMS]
    side = terms & SIDE_MASK
    market = market_of(s, taker)
    need = m[taker + O_REMAINING]
    prevents = terms >> STP_SHIFT & STP_MASK
    level = m[book_of(market, SIDE_BUY + SIDE_SELL - side) + B_BEST]
    while level:
        price = m[level + L_PRICE]
        if is_worse(side, price, limit) or breaks(s, market, price):
            return False
        if not prevents:
            need -= m[level + L_TOTAL]
        else:
            need = need_behind(s, taker, level, need)
        if need <= 0:
            return need > FILL_IMPOSSIBLE
        level = next_level(s, level)
    return False


@cython.cfunc
@cython.exceptval(check=False)
def need_behind(
    s: Store, taker: cython.longlong, level: cython.longlong, need: cython.longlong
) -> cython.longlong:
    """Return what a taker would still need after a level, FILL_IMPOSSIBLE if it would end there.

    Meeting an order of its own ends it unless its mode cancels the maker. What icebergs hide
    comes after all that the level shows.
    """
    m = s.m
    skips: cython.bint = m[taker + O_TERMS] >> STP_SHIFT & STP_MASK == STP_CANCEL_MAKER
    hidden: cython.longlong = 0
    maker = m[level + L_HEAD]
    while maker:
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
    """Trade until filled, out of liquidity or stopped; return why it must end, or CLOSE_NONE."""
    m = s.m
    terms = m[taker + O_TERMS]
    side = terms & SIDE_MASK
    prevents = terms >> STP_SHIFT & STP_MASK
    rare = m[taker + O_RARE]
    by_quote = m[rare + X_QUOTE_AMOUNT] if rare else 0
    book = book_of(market, SIDE_BUY + SIDE_SELL - side)
    while True:
        level = m[book + B_BEST]
        price = m[level + L_PRICE]
        if not level or is_worse(side, price, limit):
            return CLOSE_NONE
        if breaks(s, market, price):
            m[market + M_STATE] = STATE_HALTED
            touch_market(s, market)
            return CLOSE_MARKET_STATE
        wanted = m[taker + O_REMAINING]
        if by_quote:
            wanted = m[rare + X_BUDGET] // (price * m[market + M_TICK_UNITS])
            if not wanted:
                return CLOSE_FILLED if m[taker + O_FILLED_QUOTE] else CLOSE_IMMEDIATE
        maker = m[level + L_HEAD]
        if prevents and is_self_trade(s, taker, maker):
            if prevent(s, taker, maker, wanted):
                return CLOSE_SELF_TRADE
            continue
        lots = m[maker + O_VISIBLE]
        if wanted < lots:
            lots = wanted
        # Here two orders meet.
        trade(s, market, maker, taker, price, lots)
        if not m[taker + O_REMAINING] and not (by_quote and m[rare + X_BUDGET]):
            return CLOSE_FILLED


@cython.cfunc
@cython.inline
def trade(
    s: Store,
    market: cython.longlong,
    maker: cython.longlong,
    taker: cython.longlong,
    price: cython.longlong,
    lots: cython.longlong,
) -> cython.longlong:
    """Let the first order of a book and the one being decided trade."""
    m = s.m
    quote_units = settle(s, market, maker, taker, price, lots)
    rare = m[taker + O_RARE]
    if rare and m[rare + X_QUOTE_AMOUNT]:
        m[taker + O_QUANTITY] += lots
        m[taker + O_REMAINING] += lots
        m[rare + X_BUDGET] -= quote_units
    after_fill(s, maker, lots)
    if m[market + M_LAST_PRICE] != price:
        m[market + M_LAST_PRICE] = price
        collect_fired(s, market)
    return 0


# --- self-trade prevention ------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_self_trade(s: Store, taker: cython.longlong, maker: cython.longlong) -> cython.bint:
    """Whether two orders have one owner, in the sense of the taker's mode."""
    m = s.m
    taker_account, maker_account = m[taker + O_ACCOUNT], m[maker + O_ACCOUNT]
    if taker_account == maker_account:
        return True
    group = m[taker_account + A_GROUP]
    by_group = m[taker + O_TERMS] >> STP_BY_GROUP_SHIFT & 1
    return by_group and group and group == m[maker_account + A_GROUP]


@cython.cfunc
def prevent(
    s: Store, taker: cython.longlong, maker: cython.longlong, wanted: cython.longlong
) -> cython.bint:
    """Apply the taker's mode to a meeting with its own order; return whether it ends."""
    make_room(s)
    mode = s.m[taker + O_TERMS] >> STP_SHIFT & STP_MASK
    if mode == STP_DECREMENT:
        return decrement(s, taker, maker, wanted)
    if mode != STP_CANCEL_TAKER:
        close_order(s, maker, STATUS_CANCELLED, CLOSE_SELF_TRADE)
    return mode != STP_CANCEL_MAKER


@cython.cfunc
def decrement(
    s: Store, taker: cython.longlong, maker: cython.longlong, wanted: cython.longlong
) -> cython.bint:
    """Shrink both by the smaller of the two; what reaches 0 ends."""
    m = s.m
    lots = m[maker + O_REMAINING]
    if wanted < lots:
        lots = wanted
    rare = m[taker + O_RARE]
    by_quote = m[rare + X_QUOTE_AMOUNT] if rare else 0
    if by_quote:
        tick_units = m[market_of(s, taker) + M_TICK_UNITS]
        m[rare + X_BUDGET] -= value_of(m[maker + O_PRICE], tick_units, lots)
    else:
        m[taker + O_QUANTITY] -= lots
        m[taker + O_REMAINING] -= lots
    reduce(s, maker, lots)
    if m[maker + O_REMAINING]:
        put_order(s, maker)
    else:
        leave_book(s, maker)
        set_status(s, maker, STATUS_CANCELLED, CLOSE_SELF_TRADE)
        put_order(s, maker)
        unregister_order(s, maker)
        free_order(s, maker)
    return not m[taker + O_REMAINING] and not (by_quote and m[rare + X_BUDGET])
