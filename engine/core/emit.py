"""Events: everything that an engine puts out.

A command emits each balance and level that it touches once, where it touches it first; what has
been emitted is kept true until the command ends. Markets it has touched come last.
"""

import cython

from engine.core.records import (
    A_DEADLINE_MS,
    A_NUMBER,
    BAL_EMITTED,
    BAL_EVENT,
    BAL_NUMBER,
    COND_FIRST,
    COND_LIST_ID,
    COND_TRAIL,
    H_ACCOUNT,
    H_AMOUNT,
    H_ASSET,
    H_ID,
    L_EMITTED,
    L_EVENT,
    L_VISIBLE,
    M_INDICATIVE_PRICE,
    M_INDICATIVE_QUANTITY,
    M_LAST_PRICE,
    M_NUMBER,
    M_REFERENCE_PRICE,
    M_STATE,
    M_TOUCHED,
    M_TRADE_EVENT,
    O_BALANCE,
    O_CONDITIONS,
    O_FILLED_QUOTE,
    O_FLAGS,
    O_ID,
    O_ID_HIGH,
    O_ID_LOW,
    O_PRICE,
    O_QUANTITY,
    O_REMAINING,
    S_RESULT_EVENT,
    S_SEQUENCE,
    S_TOUCHED_MARKETS,
    S_TRADE_ID,
)
from engine.core.store import Store, make_room
from wire.layout import (
    BALANCE_ACCOUNT,
    BALANCE_LENGTH,
    COMMAND_KIND_LAST,
    CONDITIONS_COUNT,
    CONDITIONS_FIRST,
    CONDITIONS_LENGTH,
    CONDITIONS_ORDER_ID,
    COUNTDOWN_ACCOUNT,
    COUNTDOWN_DEADLINE_MS,
    COUNTDOWN_LENGTH,
    EVENT_COUNTDOWN,
    EVENT_HOLD,
    EVENT_KIND_SHIFT,
    EVENT_MARKET,
    EVENT_ORDER_CONDITIONS,
    EVENT_ORDER_LIST,
    EVENT_ORDER_TRAIL,
    EVENT_TRANSFER,
    FUNDS_ASSET,
    FUNDS_REFERENCE_HIGH,
    FUNDS_REFERENCE_LOW,
    HEADER_ACCOUNT,
    HEADER_ID_HIGH,
    HEADER_ID_LOW,
    HEADER_KIND,
    HEADER_TIME_MS,
    HOLD_LENGTH,
    LEVEL_LENGTH,
    LEVEL_QUANTITY,
    MARKET_INDICATIVE_PRICE,
    MARKET_INDICATIVE_QUANTITY,
    MARKET_LAST_PRICE,
    MARKET_LENGTH,
    MARKET_NUMBER,
    MARKET_REFERENCE_PRICE,
    MARKET_STATE,
    ORDER_ACCOUNT,
    ORDER_FILLED_QUOTE,
    ORDER_ID,
    ORDER_ID_HIGH,
    ORDER_ID_LOW,
    ORDER_LENGTH,
    ORDER_LIST_LENGTH,
    ORDER_LIST_LIST_ID,
    ORDER_LIST_ORDER_ID,
    ORDER_PRICE,
    ORDER_QUANTITY,
    ORDER_REMAINING,
    RESULT_ACCOUNT,
    RESULT_ID_HIGH,
    RESULT_ID_LOW,
    RESULT_INTAKE_MS,
    RESULT_LENGTH,
    RESULT_SEQUENCE,
    RESULT_SUBJECT,
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
    TRAIL_COUNT,
    TRAIL_FIRST,
    TRAIL_LENGTH,
    TRAIL_ORDER_ID,
    TRANSFER_ACCOUNT,
    TRANSFER_AMOUNT,
    TRANSFER_COUNTER_ACCOUNT,
    TRANSFER_KIND_SHIFT,
    TRANSFER_LENGTH,
    TRANSFER_REFERENCE_HIGH,
    TRANSFER_REFERENCE_LOW,
)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def emit_result(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Begin a command's output with its result; its subject and reason are filled in later."""
    m, out, start = s.m, s.out, s.end
    s.started = start
    s.end = start + RESULT_LENGTH
    kind = command[HEADER_KIND]
    if kind < 0 or kind > COMMAND_KIND_LAST:
        kind = 0
    out[start] = m[S_RESULT_EVENT] | kind
    out[start + RESULT_SEQUENCE] = m[S_SEQUENCE]
    out[start + RESULT_ID_HIGH] = command[HEADER_ID_HIGH]
    out[start + RESULT_ID_LOW] = command[HEADER_ID_LOW]
    out[start + RESULT_ACCOUNT] = command[HEADER_ACCOUNT]
    out[start + RESULT_SUBJECT] = 0
    out[start + RESULT_INTAKE_MS] = command[HEADER_TIME_MS]
    return 0


# --- orders and trades ----------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def emit_order(s: Store, order: cython.longlong, flags: cython.longlong) -> cython.longlong:
    """Emit an order's whole state, with its flags or those with which it ends."""
    m, out, end = s.m, s.out, s.end
    out[end] = flags
    out[end + ORDER_ID] = m[order + O_ID]
    out[end + ORDER_ACCOUNT] = m[m[order + O_BALANCE] + BAL_NUMBER]
    out[end + ORDER_ID_HIGH] = m[order + O_ID_HIGH]
    out[end + ORDER_ID_LOW] = m[order + O_ID_LOW]
    out[end + ORDER_PRICE] = m[order + O_PRICE]
    out[end + ORDER_QUANTITY] = m[order + O_QUANTITY]
    out[end + ORDER_REMAINING] = m[order + O_REMAINING]
    out[end + ORDER_FILLED_QUOTE] = m[order + O_FILLED_QUOTE]
    s.end = end + ORDER_LENGTH
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def emit_conditions(s: Store, order: cython.longlong) -> cython.longlong:
    """Emit an order's conditions, if it has any: those of a list may have none."""
    m, out, end = s.m, s.out, s.end
    conditions = m[order + O_CONDITIONS]
    out[end] = EVENT_ORDER_CONDITIONS << EVENT_KIND_SHIFT
    out[end + CONDITIONS_ORDER_ID] = m[order + O_ID]
    has_any: cython.longlong = 0
    for index in range(CONDITIONS_COUNT):
        has_any |= m[conditions + COND_FIRST + index]
        out[end + CONDITIONS_FIRST + index] = m[conditions + COND_FIRST + index]
    if has_any:
        s.end = end + CONDITIONS_LENGTH
    if m[conditions + COND_TRAIL]:
        emit_trail(s, order)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def emit_trail(s: Store, order: cython.longlong) -> cython.longlong:
    """Emit how a trailing stop trails."""
    m, out, end = s.m, s.out, s.end
    out[end] = EVENT_ORDER_TRAIL << EVENT_KIND_SHIFT
    out[end + TRAIL_ORDER_ID] = m[order + O_ID]
    for index in range(TRAIL_COUNT):
        out[end + TRAIL_FIRST + index] = m[m[order + O_CONDITIONS] + COND_TRAIL + index]
    s.end = end + TRAIL_LENGTH
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def emit_list(s: Store, order: cython.longlong) -> cython.longlong:
    """Emit the list that an order belongs to; most belong to none."""
    m, out, end = s.m, s.out, s.end
    list_id = m[m[order + O_CONDITIONS] + COND_LIST_ID]
    if not list_id:
        return 0
    out[end] = EVENT_ORDER_LIST << EVENT_KIND_SHIFT
    out[end + ORDER_LIST_ORDER_ID] = m[order + O_ID]
    out[end + ORDER_LIST_LIST_ID] = list_id
    s.end = end + ORDER_LIST_LENGTH
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def emit_decided_order(
    s: Store, order: cython.longlong, with_conditions: cython.bint
) -> cython.longlong:
    """Emit a decided order, with its conditions and its list when they are new."""
    emit_order(s, order, s.m[order + O_FLAGS])
    if with_conditions and s.m[order + O_CONDITIONS]:
        emit_conditions(s, order)
        emit_list(s, order)
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def emit_trade(
    s: Store,
    market: cython.longlong,
    side: cython.longlong,
    price: cython.longlong,
    lots: cython.longlong,
    quote_units: cython.longlong,
    maker: cython.longlong,
    taker: cython.longlong,
    maker_fee: cython.longlong,
    taker_fee: cython.longlong,
) -> cython.longlong:
    """Emit a trade."""
    m, out, end = s.m, s.out, s.end
    out[end] = m[market + M_TRADE_EVENT] | side
    out[end + TRADE_ID] = m[S_TRADE_ID]
    out[end + TRADE_PRICE] = price
    out[end + TRADE_QUANTITY] = lots
    out[end + TRADE_QUOTE_AMOUNT] = quote_units
    out[end + TRADE_MAKER_ORDER] = m[maker + O_ID]
    out[end + TRADE_TAKER_ORDER] = m[taker + O_ID]
    out[end + TRADE_MAKER_ACCOUNT] = m[m[maker + O_BALANCE] + BAL_NUMBER]
    out[end + TRADE_TAKER_ACCOUNT] = m[m[taker + O_BALANCE] + BAL_NUMBER]
    out[end + TRADE_MAKER_FEE] = maker_fee
    out[end + TRADE_TAKER_FEE] = taker_fee
    s.end = end + TRADE_LENGTH
    return 0


# --- balances, levels and markets -----------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def emit_balance(s: Store, balance: cython.longlong) -> cython.longlong:
    """Begin to emit a balance and return where; ``write_balance`` fills in its two parts."""
    m, out, end = s.m, s.out, s.end
    out[end] = m[balance + BAL_EVENT]
    out[end + BALANCE_ACCOUNT] = m[balance + BAL_NUMBER]
    m[balance + BAL_EMITTED] = s.base + end
    s.end = end + BALANCE_LENGTH
    return end


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def emit_level(s: Store, level: cython.longlong) -> cython.longlong:
    """Emit what a level shows, or correct what the command has emitted; stops are not shown."""
    m = s.m
    event = m[level + L_EVENT]
    if not event:
        return 0
    out = s.out
    emitted = m[level + L_EMITTED] - s.base
    if emitted < s.started:
        emitted = s.end
        s.end = emitted + LEVEL_LENGTH
        m[level + L_EMITTED] = s.base + emitted
        out[emitted] = event
    out[emitted + LEVEL_QUANTITY] = m[level + L_VISIBLE]
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def touch_market(s: Store, market: cython.longlong) -> cython.longlong:
    """Mark a market, so that its state is emitted at the end of the command."""
    m = s.m
    if not m[market + M_TOUCHED]:
        m[market + M_TOUCHED] = 1
        m[s.touched_markets + m[S_TOUCHED_MARKETS]] = market
        m[S_TOUCHED_MARKETS] += 1
    return 0


@cython.cfunc
def emit_touched_markets(s: Store) -> cython.longlong:
    """Emit the markets that the command has touched."""
    m = s.m
    for index in range(m[S_TOUCHED_MARKETS]):
        market = m[s.touched_markets + index]
        m[market + M_TOUCHED] = 0
        make_room(s)
        out, end = s.out, s.end
        out[end] = EVENT_MARKET << EVENT_KIND_SHIFT
        out[end + MARKET_NUMBER] = m[market + M_NUMBER]
        out[end + MARKET_STATE] = m[market + M_STATE]
        out[end + MARKET_LAST_PRICE] = m[market + M_LAST_PRICE]
        out[end + MARKET_REFERENCE_PRICE] = m[market + M_REFERENCE_PRICE]
        out[end + MARKET_INDICATIVE_PRICE] = m[market + M_INDICATIVE_PRICE]
        out[end + MARKET_INDICATIVE_QUANTITY] = m[market + M_INDICATIVE_QUANTITY]
        s.end = end + MARKET_LENGTH
    m[S_TOUCHED_MARKETS] = 0
    return 0


# --- definitions, settings and money set aside ----------------------------------------------------


@cython.cfunc
def emit_words(
    s: Store,
    kind: cython.longlong,
    one: cython.longlong,
    two: cython.longlong,
    three: cython.longlong,
    four: cython.longlong,
) -> cython.longlong:
    """Emit an event of four words after its first: a hold, an account or a fee tier."""
    make_room(s)
    out, end = s.out, s.end
    out[end] = kind << EVENT_KIND_SHIFT
    out[end + 1] = one
    out[end + 2] = two
    out[end + 3] = three
    out[end + 4] = four
    s.end = end + HOLD_LENGTH
    return 0


@cython.cfunc
def emit_definition(
    s: Store,
    kind: cython.longlong,
    command: cython.p_longlong,
    first: cython.longlong,
    length: cython.longlong,
) -> cython.longlong:
    """Emit a definition: an event whose words are the command's."""
    make_room(s)
    s.out[s.end] = kind << EVENT_KIND_SHIFT
    for index in range(length - 1):
        s.out[s.end + 1 + index] = command[first + index]
    s.end += length
    return 0


@cython.cfunc
def emit_hold(s: Store, hold: cython.longlong) -> cython.longlong:
    """Emit what is left of a hold."""
    m = s.m
    number = m[m[hold + H_ACCOUNT] + A_NUMBER]
    return emit_words(s, EVENT_HOLD, number, m[hold + H_ID], m[hold + H_ASSET], m[hold + H_AMOUNT])


@cython.cfunc
def emit_countdown(s: Store, account: cython.longlong) -> cython.longlong:
    """Emit when an account's dead-man switch cancels its orders; 0 = disarmed."""
    make_room(s)
    m, out, end = s.m, s.out, s.end
    out[end] = EVENT_COUNTDOWN << EVENT_KIND_SHIFT
    out[end + COUNTDOWN_ACCOUNT] = m[account + A_NUMBER]
    out[end + COUNTDOWN_DEADLINE_MS] = m[account + A_DEADLINE_MS]
    s.end = end + COUNTDOWN_LENGTH
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def emit_transfer(
    s: Store,
    kind: cython.longlong,
    command: cython.p_longlong,
    amount: cython.longlong,
    counter_account: cython.longlong,
) -> cython.longlong:
    """Emit that money moved other than by a trade, and what the caller's books call it."""
    out, end = s.out, s.end
    first = EVENT_TRANSFER << EVENT_KIND_SHIFT | kind << TRANSFER_KIND_SHIFT
    out[end] = first | command[FUNDS_ASSET]
    out[end + TRANSFER_ACCOUNT] = command[HEADER_ACCOUNT]
    out[end + TRANSFER_COUNTER_ACCOUNT] = counter_account
    out[end + TRANSFER_AMOUNT] = amount
    out[end + TRANSFER_REFERENCE_HIGH] = command[FUNDS_REFERENCE_HIGH]
    out[end + TRANSFER_REFERENCE_LOW] = command[FUNDS_REFERENCE_LOW]
    s.end = end + TRANSFER_LENGTH
    return 0
