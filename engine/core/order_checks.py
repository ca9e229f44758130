"""What an order may be: each check returns the reason to reject it, or 0.

Order and numbers of the reasons are in ``wire.layout``; nothing here changes anything.
"""

import cython

from engine.core.book import book_of
from engine.core.collar import limit_price
from engine.core.ledger import reserve_amount
from engine.core.liquidity import clear_own, lots_before_own, mark_own, own_lots
from engine.core.records import (
    A_GROUP,
    A_STATE,
    B_BEST,
    L_HIGHER,
    L_PRICE,
    L_TOTAL,
    M_MARKET_BAND_PPM,
    M_NUMBER,
    M_PRICE_BOUND,
    M_QUANTITY_BOUND,
    M_STATE,
    M_TENANT,
    M_TICK_UNITS,
    S_NEED,
    S_TIME_MS,
)
from engine.core.reference_price import current_reference
from engine.core.store import Store
from engine.core.trailing import is_valid_trail, limit_from_trigger, start_trigger
from wire.layout import (
    ACCOUNT_STATE_FROZEN,
    ACCOUNT_TENANT_SHIFT,
    AMOUNT_MAX,
    HEADER_ACCOUNT,
    ICEBERG_SLICES_MAX,
    MARKETABLE_TYPES,
    MEASURED_MAX,
    PLACE_DISPLAY_QUANTITY,
    PLACE_EXPIRE_MS,
    PLACE_FLAGS,
    PLACE_LIMIT_OFFSET,
    PLACE_PRICE,
    PLACE_QUANTITY,
    PLACE_QUOTE_AMOUNT,
    PLACE_TRAIL,
    PLACE_TRIGGER_PRICE,
    POST_ONLY_SHIFT,
    PPM,
    REASON_ACCOUNT_FROZEN,
    REASON_INSUFFICIENT_BALANCE,
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
    REASON_PRICE_OUT_OF_RANGE,
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
    STOP_MARKET_TYPES,
    STOP_TYPES,
    STP_BY_GROUP_SHIFT,
    STP_CANCEL_BOTH,
    STP_CANCEL_TAKER,
    STP_DECREMENT,
    STP_MASK,
    STP_SHIFT,
    TIF_GTC,
    TIF_GTD,
    TIF_IOC,
    TIF_MASK,
    TIF_SHIFT,
    TIME_MS_MAX,
    TRAILING_TYPES,
    TYPE_LAST,
    TYPE_LIMIT,
    TYPE_MARKET,
    TYPE_MASK,
    TYPE_SHIFT,
)


@cython.cfunc
@cython.exceptval(check=False)
def check_order(
    s: Store, market: cython.longlong, account: cython.longlong, command: cython.p_longlong
) -> cython.longlong:
    """Return the first reason not to take an order, of those before its worth, or 0."""
    m = s.m
    flags = command[PLACE_FLAGS]
    reason = check_market(s, market, command[HEADER_ACCOUNT] >> ACCOUNT_TENANT_SHIFT)
    if reason:
        return reason
    if account and m[account + A_STATE] == ACCOUNT_STATE_FROZEN:
        return REASON_ACCOUNT_FROZEN
    reason = check_state(s, market, flags)
    if reason:
        return reason
    reason = check_flags(flags)
    if reason:
        return reason
    reason = check_conditions(s, market, command)
    if reason:
        return reason
    quote_amount = command[PLACE_QUOTE_AMOUNT]
    quantity = 1 if quote_amount else command[PLACE_QUANTITY]
    price = command[PLACE_PRICE]
    if command[PLACE_LIMIT_OFFSET] and not price:
        price = 1  # made of the trigger price later
    reason = check_numbers(s, market, flags, price, quantity)
    if reason:
        return reason
    if command[PLACE_DISPLAY_QUANTITY]:
        return check_display(flags, command[PLACE_DISPLAY_QUANTITY], quantity)
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def check_market(s: Store, market: cython.longlong, tenant: cython.longlong) -> cython.longlong:
    """Return why a market is not one of the tenant's, or 0."""
    m = s.m
    if not m[market + M_NUMBER]:
        return REASON_UNKNOWN_MARKET
    return REASON_WRONG_TENANT if m[market + M_TENANT] != tenant else 0


# --- flags ----------------------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def can_rest(flags: cython.longlong) -> cython.bint:
    """Whether an order's time in force lets it wait."""
    time_in_force = flags >> TIF_SHIFT & TIF_MASK
    return time_in_force == TIF_GTC or time_in_force == TIF_GTD


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def check_state(s: Store, market: cython.longlong, flags: cython.longlong) -> cython.longlong:
    """Return why the market's state does not take an order of these flags, or 0."""
    state = s.m[market + M_STATE]
    if state == STATE_OPEN:
        return 0
    if state == STATE_HALTED:
        return REASON_MARKET_HALTED
    if state == STATE_CANCEL_ONLY:
        return REASON_MARKET_CANCEL_ONLY
    post_only = flags >> POST_ONLY_SHIFT & 1
    if state == STATE_POST_ONLY:
        return 0 if post_only else REASON_MARKET_POST_ONLY
    kind = flags >> TYPE_SHIFT & TYPE_MASK
    if STOP_TYPES >> kind & 1:
        return 0
    if kind != TYPE_LIMIT or not can_rest(flags) or post_only:
        return REASON_MARKET_IN_AUCTION
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def check_flags(flags: cython.longlong) -> cython.longlong:
    """Return why flags do not exist or do not go together, or 0."""
    side = flags & SIDE_MASK
    kind = flags >> TYPE_SHIFT & TYPE_MASK
    time_in_force = flags >> TIF_SHIFT & TIF_MASK
    if side != SIDE_BUY and side != SIDE_SELL:
        return REASON_INVALID_SIDE
    if kind < 1 or kind > TYPE_LAST:
        return REASON_INVALID_ORDER_TYPE
    if time_in_force < TIF_GTC or time_in_force > TIF_GTD:
        return REASON_INVALID_TIME_IN_FORCE
    if can_rest(flags) and MARKETABLE_TYPES >> kind & 1:
        return REASON_INVALID_TIME_IN_FORCE
    if flags >> STP_SHIFT & STP_MASK > STP_DECREMENT:
        return REASON_INVALID_SELF_TRADE_PREVENTION
    if flags >> POST_ONLY_SHIFT & 1 and not can_rest(flags):
        return REASON_INVALID_POST_ONLY
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def check_conditions(
    s: Store, market: cython.longlong, command: cython.p_longlong
) -> cython.longlong:
    """Return why trigger price, expiry or quote amount do not fit the flags, or 0."""
    m = s.m
    flags = command[PLACE_FLAGS]
    kind = flags >> TYPE_SHIFT & TYPE_MASK
    trigger = command[PLACE_TRIGGER_PRICE]
    if TRAILING_TYPES >> kind & 1:
        reason = check_trail(s, market, command)
        if reason:
            return reason
    elif command[PLACE_TRAIL] or command[PLACE_LIMIT_OFFSET]:
        return REASON_INVALID_TRIGGER_PRICE
    elif STOP_TYPES >> kind & 1:
        if trigger < 1 or trigger > m[market + M_PRICE_BOUND]:
            return REASON_INVALID_TRIGGER_PRICE
    elif trigger:
        return REASON_INVALID_TRIGGER_PRICE
    expire_ms = command[PLACE_EXPIRE_MS]
    if flags >> TIF_SHIFT & TIF_MASK == TIF_GTD:
        if expire_ms <= m[S_TIME_MS] or expire_ms > TIME_MS_MAX:
            return REASON_INVALID_EXPIRE_TIME
    elif expire_ms:
        return REASON_INVALID_EXPIRE_TIME
    return check_quote_amount(command) if command[PLACE_QUOTE_AMOUNT] else 0


@cython.cfunc
@cython.exceptval(check=False)
def check_quote_amount(command: cython.p_longlong) -> cython.longlong:
    """Return why a quote amount does not fit the flags, or 0."""
    flags, quote_amount = command[PLACE_FLAGS], command[PLACE_QUOTE_AMOUNT]
    kind = flags >> TYPE_SHIFT & TYPE_MASK
    if kind != TYPE_MARKET or flags & SIDE_MASK != SIDE_BUY or command[PLACE_QUANTITY]:
        return REASON_INVALID_QUOTE_AMOUNT
    if flags >> TIF_SHIFT & TIF_MASK != TIF_IOC:
        return REASON_INVALID_QUOTE_AMOUNT
    if quote_amount < 1 or quote_amount > AMOUNT_MAX:
        return REASON_INVALID_QUOTE_AMOUNT
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def check_trail(s: Store, market: cython.longlong, command: cython.p_longlong) -> cython.longlong:
    """Return why trail, activation price or limit offset of a trailing stop are invalid, or 0."""
    bound = s.m[market + M_PRICE_BOUND]
    activation, offset = command[PLACE_TRIGGER_PRICE], command[PLACE_LIMIT_OFFSET]
    if not is_valid_trail(command[PLACE_TRAIL], bound) or not 0 <= activation <= bound:
        return REASON_INVALID_TRIGGER_PRICE
    trigger = start_trigger(s, market, command)
    if trigger < 1 or trigger > bound:
        return REASON_INVALID_TRIGGER_PRICE
    marketable = MARKETABLE_TYPES >> (command[PLACE_FLAGS] >> TYPE_SHIFT & TYPE_MASK) & 1
    if marketable or command[PLACE_PRICE]:
        return REASON_INVALID_TRIGGER_PRICE if offset else 0
    return REASON_INVALID_TRIGGER_PRICE if offset < 1 or offset > bound else 0


# --- numbers --------------------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def check_numbers(
    s: Store,
    market: cython.longlong,
    flags: cython.longlong,
    price: cython.longlong,
    quantity: cython.longlong,
) -> cython.longlong:
    """Return why a price or quantity is out of range, or 0."""
    m = s.m
    kind = flags >> TYPE_SHIFT & TYPE_MASK
    if price < 0 or price > m[market + M_PRICE_BOUND]:
        return REASON_PRICE_OUT_OF_RANGE
    if kind == TYPE_MARKET:
        if price:
            return REASON_PRICE_OUT_OF_RANGE
    elif not price and not MARKETABLE_TYPES >> kind & 1:
        return REASON_PRICE_OUT_OF_RANGE
    if quantity < 1 or quantity > m[market + M_QUANTITY_BOUND]:
        return REASON_QUANTITY_OUT_OF_RANGE
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def check_display(
    flags: cython.longlong, display: cython.longlong, quantity: cython.longlong
) -> cython.longlong:
    """Return why a display quantity makes no iceberg, or one of too many slices, or 0."""
    kind = flags >> TYPE_SHIFT & TYPE_MASK
    if MARKETABLE_TYPES >> kind & 1:
        return REASON_INVALID_DISPLAY_QUANTITY
    if not can_rest(flags) or display < 1 or display > quantity:
        return REASON_INVALID_DISPLAY_QUANTITY
    if display * ICEBERG_SLICES_MAX < quantity:
        return REASON_INVALID_DISPLAY_QUANTITY
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def worst_price(s: Store, market: cython.longlong, trigger: cython.longlong) -> cython.longlong:
    """Return what a stop-market buy may pay at most: so much is reserved for it."""
    m = s.m
    ppm = m[market + M_MARKET_BAND_PPM]
    if not ppm:
        ppm = PPM
    price = trigger + trigger * ppm // PPM
    return price if price < m[market + M_PRICE_BOUND] else m[market + M_PRICE_BOUND]


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def order_price(
    s: Store, market: cython.longlong, command: cython.p_longlong, trigger: cython.longlong
) -> cython.longlong:
    """Return the price of the order that a PLACE command asks for, with its trigger price."""
    flags, offset = command[PLACE_FLAGS], command[PLACE_LIMIT_OFFSET]
    if offset:
        return limit_from_trigger(s, market, flags & SIDE_MASK, trigger, offset)
    is_stop_market: cython.bint = STOP_MARKET_TYPES >> (flags >> TYPE_SHIFT & TYPE_MASK) & 1
    if is_stop_market and flags & SIDE_MASK == SIDE_BUY and not command[PLACE_PRICE]:
        return worst_price(s, market, trigger)
    return command[PLACE_PRICE]


# --- funds ----------------------------------------------------------------------------------------


@cython.cfunc
@cython.inline
def check_funds(
    s: Store,
    market: cython.longlong,
    account: cython.longlong,
    command: cython.p_longlong,
    price: cython.longlong,
    available: cython.longlong,
) -> cython.longlong:
    """Return why an available balance can't pay for an order, or 0."""
    flags = command[PLACE_FLAGS]
    side = flags & SIDE_MASK
    if flags >> TYPE_SHIFT & TYPE_MASK == TYPE_MARKET and side == SIDE_BUY:
        if not can_pay_market_buy(s, market, account, command, available):
            return REASON_INSUFFICIENT_BALANCE
    elif reserve_amount(s, market, side, price, command[PLACE_QUANTITY]) > available:
        return REASON_INSUFFICIENT_BALANCE
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def lots_met(
    s: Store,
    account: cython.longlong,
    group: cython.longlong,
    mode: cython.longlong,
    level: cython.longlong,
    need: cython.longlong,
) -> cython.longlong:
    """Return how many lots of a level a market buy pays for; ``S_NEED`` is what it needs after it.

    It pays nothing for an order of its own: its account's, or its group's if there is one.
    """
    total = s.m[level + L_TOTAL]
    own = own_lots(s, level, account, group)
    paid = min(need, total - own)
    if own and (mode == STP_CANCEL_TAKER or mode == STP_CANCEL_BOTH):
        s.m[S_NEED] = 0
        return min(paid, lots_before_own(s, level, account, group, total))
    need -= paid
    s.m[S_NEED] = need - min(need, own) if mode == STP_DECREMENT else need
    return paid


@cython.cfunc
@cython.exceptval(check=False)
def can_pay_market_buy(
    s: Store,
    market: cython.longlong,
    account: cython.longlong,
    command: cython.p_longlong,
    available: cython.longlong,
) -> cython.bint:
    """Whether a market buy could pay for all that it would meet."""
    m = s.m
    flags = command[PLACE_FLAGS]
    mode = flags >> STP_SHIFT & STP_MASK
    if command[PLACE_QUOTE_AMOUNT]:
        return command[PLACE_QUOTE_AMOUNT] <= available
    group = m[account + A_GROUP] if mode and flags >> STP_BY_GROUP_SHIFT & 1 else 0
    limit = limit_price(s, market, flags, 0, current_reference(s, market))
    book = book_of(market, SIDE_SELL)
    marked: cython.bint = False
    if mode and not group:
        marked = mark_own(s, market, SIDE_SELL, book, account)
    m[S_NEED] = command[PLACE_QUANTITY]
    left: cython.longlong = MEASURED_MAX
    level = m[book + B_BEST]
    while level and m[S_NEED] and available >= 0 and m[level + L_PRICE] <= limit:
        price, lots = limit, m[S_NEED]
        if left:
            price = m[level + L_PRICE]
            lots = lots_met(s, account, group, mode, level, m[S_NEED])
        else:
            m[S_NEED] = 0
        unit_price = price * m[market + M_TICK_UNITS]
        enough: cython.bint = lots <= available // unit_price
        available = available - lots * unit_price if enough else -1
        left -= 1
        level = m[level + L_HIGHER]
    if marked:
        clear_own(s, market, SIDE_SELL, book, account)
    return available >= 0
