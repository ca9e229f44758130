"""What an order may be: each check returns the reason of a refusal, or 0.

Order and numbers of the reasons are in ``wire.layout``; nothing here changes anything.
"""

import cython

from engine.core.book import book_of
from engine.core.ledger import owner_of, value_of
from engine.core.matching import is_worse, limit_price
from engine.core.records import (
    A_GROUP,
    B_BEST,
    L_HEAD,
    L_HIGHER,
    L_PRICE,
    L_TOTAL,
    M_COLLAR_PPM,
    M_LAST_PRICE,
    M_LOT_UNITS,
    M_MARKET_COLLAR_PPM,
    M_MIN_NOTIONAL,
    M_NUMBER,
    M_PRICE_BOUND,
    M_QUANTITY_BOUND,
    M_REFERENCE_PRICE,
    M_REFERENCE_UNTIL_MS,
    M_STATE,
    M_TENANT,
    M_TICK_UNITS,
    MARKETS,
    NO_MARKET,
    O_NEXT,
    O_REMAINING,
    ORDINARY_TERMS,
    S_TIME_MS,
)
from engine.core.store import Store
from wire.layout import (
    AMOUNT_MAX,
    ICEBERG_SLICES_MAX,
    MARKET_MAX,
    PLACE_EXPIRE_MS,
    PLACE_FLAGS,
    PLACE_PRICE,
    PLACE_QUANTITY,
    PLACE_QUOTE_AMOUNT,
    PLACE_TRIGGER_PRICE,
    POST_ONLY_SHIFT,
    PPM,
    REASON_INVALID_DISPLAY_QUANTITY,
    REASON_INVALID_EXPIRE_TIME,
    REASON_INVALID_ORDER_TYPE,
    REASON_INVALID_POST_ONLY,
    REASON_INVALID_QUOTE_AMOUNT,
    REASON_INVALID_SELF_TRADE_PREVENTION,
    REASON_INVALID_SIDE,
    REASON_INVALID_TIME_IN_FORCE,
    REASON_INVALID_TRIGGER_PRICE,
    REASON_MARKET_CANCEL_ONLY,
    REASON_MARKET_HALTED,
    REASON_MARKET_IN_AUCTION,
    REASON_MARKET_POST_ONLY,
    REASON_NOTIONAL_TOO_LARGE,
    REASON_NOTIONAL_TOO_SMALL,
    REASON_POST_ONLY_WOULD_CROSS,
    REASON_PRICE_OUT_OF_RANGE,
    REASON_PRICE_OUTSIDE_COLLAR,
    REASON_QUANTITY_OUT_OF_RANGE,
    REASON_UNKNOWN_MARKET,
    REASON_WRONG_TENANT,
    SIDE_BUY,
    SIDE_MASK,
    SIDE_SELL,
    STATE_CANCEL_ONLY,
    STATE_HALTED,
    STATE_OPEN,
    STATE_POST_ONLY,
    STP_BY_GROUP_SHIFT,
    STP_CANCEL_MAKER,
    STP_DECREMENT,
    STP_MASK,
    STP_SHIFT,
    TIF_FOK,
    TIF_GTC,
    TIF_GTD,
    TIF_IOC,
    TIF_MASK,
    TIF_SHIFT,
    TIME_MS_MAX,
    TYPE_LIMIT,
    TYPE_MARKET,
    TYPE_MASK,
    TYPE_SHIFT,
    TYPE_STOP_LIMIT,
    TYPE_STOP_MARKET,
)

# --- terms ----------------------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def can_rest(terms: cython.longlong) -> cython.bint:
    """Whether an order's time in force lets it wait."""
    time_in_force = terms >> TIF_SHIFT & TIF_MASK
    return time_in_force == TIF_GTC or time_in_force == TIF_GTD


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def refuse_state(s: Store, market: cython.longlong, terms: cython.longlong) -> cython.longlong:
    """Return why the market's state does not take an order of these terms, or 0."""
    state = s.m[market + M_STATE]
    if state == STATE_OPEN:
        return 0
    if state == STATE_HALTED:
        return REASON_MARKET_HALTED
    if state == STATE_CANCEL_ONLY:
        return REASON_MARKET_CANCEL_ONLY
    post_only = terms >> POST_ONLY_SHIFT & 1
    if state == STATE_POST_ONLY:
        return 0 if post_only else REASON_MARKET_POST_ONLY
    kind = terms >> TYPE_SHIFT & TYPE_MASK
    if kind == TYPE_STOP_LIMIT or kind == TYPE_STOP_MARKET:
        return 0
    if kind != TYPE_LIMIT or not can_rest(terms) or post_only:
        return REASON_MARKET_IN_AUCTION
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def refuse_combination(terms: cython.longlong) -> cython.longlong:
    """Return why terms do not exist or do not go together, or 0."""
    side = terms & SIDE_MASK
    kind = terms >> TYPE_SHIFT & TYPE_MASK
    time_in_force = terms >> TIF_SHIFT & TIF_MASK
    if side != SIDE_BUY and side != SIDE_SELL:
        return REASON_INVALID_SIDE
    if kind < TYPE_LIMIT or kind > TYPE_STOP_MARKET:
        return REASON_INVALID_ORDER_TYPE
    if time_in_force < TIF_GTC or time_in_force > TIF_GTD:
        return REASON_INVALID_TIME_IN_FORCE
    if can_rest(terms) and (kind == TYPE_MARKET or kind == TYPE_STOP_MARKET):
        return REASON_INVALID_TIME_IN_FORCE
    if terms >> STP_SHIFT & STP_MASK > STP_DECREMENT:
        return REASON_INVALID_SELF_TRADE_PREVENTION
    if terms >> POST_ONLY_SHIFT & 1 and not can_rest(terms):
        return REASON_INVALID_POST_ONLY
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def list_ordinary_terms(s: Store) -> cython.longlong:
    """Note the terms that most orders have, which go together and need nothing else."""
    for side in (SIDE_BUY, SIDE_SELL):
        for time_in_force in (TIF_GTC, TIF_IOC, TIF_FOK):
            for self_trade in range(2 * (STP_MASK + 1)):
                terms = side | TYPE_LIMIT << TYPE_SHIFT | time_in_force << TIF_SHIFT
                terms |= self_trade << STP_SHIFT
                s.m[ORDINARY_TERMS + terms] = refuse_combination(terms) == 0
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def refuse_rare_terms(
    s: Store, market: cython.longlong, command: cython.p_longlong
) -> cython.longlong:
    """Return why trigger price, expiry or quote amount do not fit the terms, or 0."""
    m = s.m
    terms = command[PLACE_FLAGS]
    kind = terms >> TYPE_SHIFT & TYPE_MASK
    trigger = command[PLACE_TRIGGER_PRICE]
    if kind >= TYPE_STOP_LIMIT:
        if trigger < 1 or trigger > m[market + M_PRICE_BOUND]:
            return REASON_INVALID_TRIGGER_PRICE
    elif trigger:
        return REASON_INVALID_TRIGGER_PRICE
    expire_ms = command[PLACE_EXPIRE_MS]
    if terms >> TIF_SHIFT & TIF_MASK == TIF_GTD:
        if expire_ms <= m[S_TIME_MS] or expire_ms > TIME_MS_MAX:
            return REASON_INVALID_EXPIRE_TIME
    elif expire_ms:
        return REASON_INVALID_EXPIRE_TIME
    quote_amount = command[PLACE_QUOTE_AMOUNT]
    if quote_amount:
        if kind != TYPE_MARKET or terms & SIDE_MASK != SIDE_BUY or command[PLACE_QUANTITY]:
            return REASON_INVALID_QUOTE_AMOUNT
        if terms >> TIF_SHIFT & TIF_MASK != TIF_IOC:
            return REASON_INVALID_QUOTE_AMOUNT
        if quote_amount < 1 or quote_amount > AMOUNT_MAX:
            return REASON_INVALID_QUOTE_AMOUNT
    return 0


# --- numbers --------------------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def refuse_numbers(
    s: Store,
    market: cython.longlong,
    terms: cython.longlong,
    price: cython.longlong,
    quantity: cython.longlong,
) -> cython.longlong:
    """Return why a price or quantity is out of range, or 0; -1 stands for no quantity."""
    m = s.m
    kind = terms >> TYPE_SHIFT & TYPE_MASK
    if price < 0 or price > m[market + M_PRICE_BOUND]:
        return REASON_PRICE_OUT_OF_RANGE
    if kind == TYPE_MARKET:
        if price:
            return REASON_PRICE_OUT_OF_RANGE
    elif not price and kind != TYPE_STOP_MARKET:
        return REASON_PRICE_OUT_OF_RANGE
    if quantity < 1 or quantity > m[market + M_QUANTITY_BOUND]:
        return REASON_QUANTITY_OUT_OF_RANGE
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def refuse_display(
    terms: cython.longlong, display: cython.longlong, quantity: cython.longlong
) -> cython.longlong:
    """Return why a display quantity makes no iceberg, or one of too many slices, or 0."""
    kind = terms >> TYPE_SHIFT & TYPE_MASK
    if kind != TYPE_LIMIT and kind != TYPE_STOP_LIMIT:
        return REASON_INVALID_DISPLAY_QUANTITY
    if not can_rest(terms) or display < 1 or display > quantity:
        return REASON_INVALID_DISPLAY_QUANTITY
    if display * ICEBERG_SLICES_MAX < quantity:
        return REASON_INVALID_DISPLAY_QUANTITY
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def worst_price(s: Store, market: cython.longlong, trigger: cython.longlong) -> cython.longlong:
    """Return what a stop-market buy may pay at most: so much is held for it."""
    m = s.m
    ppm = m[market + M_MARKET_COLLAR_PPM]
    if not ppm:
        ppm = PPM
    price = trigger + trigger * ppm // PPM
    return price if price < m[market + M_PRICE_BOUND] else m[market + M_PRICE_BOUND]


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def price_of(s: Store, market: cython.longlong, command: cython.p_longlong) -> cython.longlong:
    """Return the price of the order that a PLACE command asks for."""
    terms = command[PLACE_FLAGS]
    is_stop_market: cython.bint = terms >> TYPE_SHIFT & TYPE_MASK == TYPE_STOP_MARKET
    if is_stop_market and terms & SIDE_MASK == SIDE_BUY and not command[PLACE_PRICE]:
        return worst_price(s, market, command[PLACE_TRIGGER_PRICE])
    return command[PLACE_PRICE]


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_too_large(unit_price: cython.longlong, quantity: cython.longlong) -> cython.bint:
    """Whether a value does not fit a word."""
    # The product of two numbers below 2^30 always fits; others cost a division.
    return (unit_price >> 30 or quantity >> 30) and quantity > AMOUNT_MAX // unit_price


@cython.cfunc
@cython.inline
def refuse_notional(
    s: Store, market: cython.longlong, price: cython.longlong, quantity: cython.longlong
) -> cython.longlong:
    """Return why an order is worth too little, or too much for a word, or 0."""
    m = s.m
    unit_price = price * m[market + M_TICK_UNITS]
    if is_too_large(unit_price, quantity):
        return REASON_NOTIONAL_TOO_LARGE
    if value_of(1, unit_price, quantity) < m[market + M_MIN_NOTIONAL]:
        return REASON_NOTIONAL_TOO_SMALL
    return 0


# --- the book -------------------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def current_reference(s: Store, market: cython.longlong) -> cython.longlong:
    """Return the reference price that an order arriving now is held against."""
    m = s.m
    if m[S_TIME_MS] >= m[market + M_REFERENCE_UNTIL_MS] and m[market + M_LAST_PRICE]:
        return m[market + M_LAST_PRICE]
    return m[market + M_REFERENCE_PRICE]


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def refuse_price(
    s: Store,
    market: cython.longlong,
    terms: cython.longlong,
    price: cython.longlong,
    reference: cython.longlong,
) -> cython.longlong:
    """Return why the collar or the book does not take a limit price, or 0."""
    m = s.m
    side = terms & SIDE_MASK
    ppm = m[market + M_COLLAR_PPM]
    if ppm and reference:
        band = reference * ppm // PPM
        too_far = price - reference if side == SIDE_BUY else reference - price
        if too_far > band:
            return REASON_PRICE_OUTSIDE_COLLAR
    if terms >> POST_ONLY_SHIFT & 1:
        best = m[book_of(market, SIDE_BUY + SIDE_SELL - side) + B_BEST]
        if best and not is_worse(side, m[best + L_PRICE], price):
            return REASON_POST_ONLY_WOULD_CROSS
    return 0


# --- funds ----------------------------------------------------------------------------------------


@cython.cfunc
@cython.inline
def need_of(
    s: Store,
    market: cython.longlong,
    side: cython.longlong,
    price: cython.longlong,
    quantity: cython.longlong,
) -> cython.longlong:
    """Return what an order's account must have, in units of the asset that it gives."""
    m = s.m
    if side == SIDE_BUY:
        return value_of(price, m[market + M_TICK_UNITS], quantity)
    return value_of(1, m[market + M_LOT_UNITS], quantity)


@cython.cfunc
@cython.exceptval(check=False)
def own_lots(
    s: Store, account: cython.longlong, terms: cython.longlong, level: cython.longlong
) -> cython.longlong:
    """Return how many lots of a level belong to an account, or its group if the terms say so."""
    m = s.m
    group = m[account + A_GROUP] if terms >> STP_BY_GROUP_SHIFT & 1 else 0
    lots: cython.longlong = 0
    maker = m[level + L_HEAD]
    while maker != level:
        owner = owner_of(s, maker)
        if owner == account or (group and group == m[owner + A_GROUP]):
            lots += m[maker + O_REMAINING]
        maker = m[maker + O_NEXT]
    return lots


@cython.cfunc
@cython.exceptval(check=False)
def can_pay_market_buy(
    s: Store,
    market: cython.longlong,
    account: cython.longlong,
    command: cython.p_longlong,
    available: cython.longlong,
) -> cython.bint:
    """Whether a market buy could pay for all that it would meet.

    Its own asks are no help where self-trade prevention cancels them and lets it go on.
    """
    m = s.m
    terms = command[PLACE_FLAGS]
    skips: cython.bint = terms >> STP_SHIFT & STP_MASK == STP_CANCEL_MAKER
    if command[PLACE_QUOTE_AMOUNT]:
        return command[PLACE_QUOTE_AMOUNT] <= available
    reference = current_reference(s, market)
    limit = limit_price(s, market, command[PLACE_FLAGS], 0, reference)
    need = command[PLACE_QUANTITY]
    level = m[book_of(market, SIDE_SELL) + B_BEST]
    while level and need and m[level + L_PRICE] <= limit:
        lots = m[level + L_TOTAL]
        if skips:
            lots -= own_lots(s, account, terms, level)
        if need < lots:
            lots = need
        unit_price = m[level + L_PRICE] * m[market + M_TICK_UNITS]
        if lots > available // unit_price:
            return False
        available -= lots * unit_price
        need -= lots
        level = m[level + L_HIGHER]
    return True


# --- markets --------------------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def refuse_market(s: Store, market: cython.longlong, tenant: cython.longlong) -> cython.longlong:
    """Return why a market is not one of the tenant's, or 0."""
    m = s.m
    if not m[market + M_NUMBER]:
        return REASON_UNKNOWN_MARKET
    return REASON_WRONG_TENANT if m[market + M_TENANT] != tenant else 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def market_at(s: Store, number: cython.longlong) -> cython.longlong:
    """Return the record of a market; for one that is not defined, a record of zeros."""
    if number < 1 or number > MARKET_MAX or not s.m[MARKETS + number]:
        return NO_MARKET
    return s.m[MARKETS + number]
