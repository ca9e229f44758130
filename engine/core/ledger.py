"""Balances and facts: what an account has, and what a command has touched."""

import cython

from engine.core.records import (
    BAL_ACCOUNT,
    BAL_AVAILABLE,
    BAL_COIN,
    BAL_EVENT,
    BAL_HELD,
    BAL_NUMBER,
    BAL_STATED,
    COIN_DRIFT,
    FEE_SIMPLE_BITS,
    M_INDICATIVE_PRICE,
    M_INDICATIVE_QUANTITY,
    M_LAST_PRICE,
    M_LOT_UNITS,
    M_NUMBER,
    M_REFERENCE_PRICE,
    M_STATE,
    M_TICK_UNITS,
    M_TOUCHED,
    MARKETS,
    O_BALANCE,
    O_FILLED_QUOTE,
    O_ID,
    O_ID_HIGH,
    O_ID_LOW,
    O_PRICE,
    O_QUANTITY,
    O_RARE,
    O_REMAINING,
    O_TERMS,
    S_TOUCHED_MARKETS,
    S_VIOLATION,
    VIOLATION_NEGATIVE,
    X_DISPLAY_QUANTITY,
    X_EXPIRE_MS,
    X_QUOTE_AMOUNT,
    X_TRIGGER_PRICE,
)
from engine.core.store import Store, make_room
from wire.layout import (
    BALANCE_ACCOUNT,
    BALANCE_AVAILABLE,
    BALANCE_HELD,
    BALANCE_LENGTH,
    CONDITIONS_DISPLAY_QUANTITY,
    CONDITIONS_EXPIRE_MS,
    CONDITIONS_LENGTH,
    CONDITIONS_ORDER_ID,
    CONDITIONS_QUOTE_AMOUNT,
    CONDITIONS_TRIGGER_PRICE,
    EVENT_KIND_SHIFT,
    EVENT_MARKET,
    EVENT_MARKET_SHIFT,
    EVENT_ORDER_CONDITIONS,
    MARKET_INDICATIVE_PRICE,
    MARKET_INDICATIVE_QUANTITY,
    MARKET_LAST_PRICE,
    MARKET_LENGTH,
    MARKET_MAX,
    MARKET_NUMBER,
    MARKET_REFERENCE_PRICE,
    MARKET_STATE,
    ORDER_ACCOUNT,
    ORDER_FILLED_QUOTE,
    ORDER_ID,
    ORDER_ID_HIGH,
    ORDER_ID_LOW,
    ORDER_LENGTH,
    ORDER_PRICE,
    ORDER_QUANTITY,
    ORDER_REMAINING,
    PPM,
    SIDE_BUY,
    SIDE_MASK,
)

# --- money: the only sums that could leave 63 bits; bounded at the door and checked here ----------


@cython.cfunc
@cython.inline
@cython.overflowcheck(True)
def plus(amount: cython.longlong, more: cython.longlong) -> cython.longlong:
    """Return a sum of money."""
    return amount + more


@cython.cfunc
@cython.inline
@cython.overflowcheck(True)
def value_of(
    price: cython.longlong, tick_units: cython.longlong, lots: cython.longlong
) -> cython.longlong:
    """Return what so many lots cost, in quote units; with a price of 1, units in lots."""
    return price * tick_units * lots


@cython.cfunc
@cython.inline
@cython.overflowcheck(True)
def fee(amount: cython.longlong, ppm: cython.longlong) -> cython.longlong:
    """Return amount x ppm / 1,000,000, rounded down, without leaving 63 bits on the way."""
    if not amount >> FEE_SIMPLE_BITS:
        product: cython.ulonglong = amount * ppm
        return product // PPM
    return amount // PPM * ppm + amount % PPM * ppm // PPM


# --- balances -------------------------------------------------------------------------------------
# Both parts of a balance, and what is added to them, are below 2^62, so these sums can't leave 63
# bits; one that did would be negative, and that is watched.
# A command states each balance and level that it touches once, where it touches it first; what
# has been stated is kept true until the command ends.


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def state_balance(s: Store, balance: cython.longlong) -> cython.longlong:
    """State a balance as a fact; ``write_balance`` fills in what it is."""
    m, out, end = s.m, s.out, s.end
    out[end] = m[balance + BAL_EVENT]
    out[end + BALANCE_ACCOUNT] = m[balance + BAL_NUMBER]
    m[balance + BAL_STATED] = s.base + end
    s.end = end + BALANCE_LENGTH
    return end


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def write_balance(
    s: Store, balance: cython.longlong, available: cython.longlong, held: cython.longlong
) -> cython.longlong:
    """Set the two parts of a balance, and what the command states of it."""
    m, out = s.m, s.out
    m[balance + BAL_AVAILABLE] = available
    m[balance + BAL_HELD] = held
    if (available | held) < 0:
        m[S_VIOLATION] |= VIOLATION_NEGATIVE
    stated = m[balance + BAL_STATED] - s.base
    if stated < s.started:
        stated = state_balance(s, balance)
    out[stated + BALANCE_AVAILABLE] = available
    out[stated + BALANCE_HELD] = held
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def set_aside(s: Store, balance: cython.longlong, amount: cython.longlong) -> cython.longlong:
    """Hold an available amount; a negative one makes a held amount available."""
    m = s.m
    return write_balance(
        s, balance, m[balance + BAL_AVAILABLE] - amount, m[balance + BAL_HELD] + amount
    )


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def change(
    s: Store, balance: cython.longlong, available: cython.longlong, held: cython.longlong
) -> cython.longlong:
    """Add to the two parts of a balance, and to what its asset's balances have gained."""
    m = s.m
    m[m[balance + BAL_COIN] + COIN_DRIFT] += available + held
    return write_balance(
        s, balance, m[balance + BAL_AVAILABLE] + available, m[balance + BAL_HELD] + held
    )


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def by_side(
    side: cython.longlong, of_buy: cython.longlong, of_sell: cython.longlong
) -> cython.longlong:
    """Return one of two words; a branch here would be guessed wrong every other time."""
    return of_buy ^ (of_buy ^ of_sell) & -(side - SIDE_BUY)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def market_of(s: Store, order: cython.longlong) -> cython.longlong:
    """Return an order's market."""
    return s.m[MARKETS + (s.m[order + O_TERMS] >> EVENT_MARKET_SHIFT & MARKET_MAX)]


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_buy(s: Store, order: cython.longlong) -> cython.bint:
    """Whether an order gives the quote asset."""
    return s.m[order + O_TERMS] & SIDE_MASK == SIDE_BUY


@cython.cfunc
@cython.inline
def reserve_of(s: Store, order: cython.longlong, lots: cython.longlong) -> cython.longlong:
    """Return what an account must hold for so many lots of its order."""
    m = s.m
    market = market_of(s, order)
    unit_price = m[order + O_PRICE] * m[market + M_TICK_UNITS]
    unit = by_side(m[order + O_TERMS] & SIDE_MASK, unit_price, m[market + M_LOT_UNITS])
    return value_of(1, unit, lots)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def owner_of(s: Store, order: cython.longlong) -> cython.longlong:
    """Return an order's account."""
    m = s.m
    return m[m[order + O_BALANCE] + BAL_ACCOUNT]


@cython.cfunc
@cython.inline
def hold_for(s: Store, order: cython.longlong, lots: cython.longlong) -> cython.longlong:
    """Set aside what an order needs for so many lots; a negative number gives it back."""
    return set_aside(s, s.m[order + O_BALANCE], reserve_of(s, order, lots))


# --- facts ----------------------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def put_order(s: Store, order: cython.longlong, terms: cython.longlong) -> cython.longlong:
    """State an order's whole state, with its terms or those with which it ends."""
    m, out, end = s.m, s.out, s.end
    out[end] = terms
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
def put_rare_terms(s: Store, order: cython.longlong) -> cython.longlong:
    """State an order's rarely used terms."""
    m, out, end = s.m, s.out, s.end
    rare = m[order + O_RARE]
    out[end] = EVENT_ORDER_CONDITIONS << EVENT_KIND_SHIFT
    out[end + CONDITIONS_ORDER_ID] = m[order + O_ID]
    out[end + CONDITIONS_TRIGGER_PRICE] = m[rare + X_TRIGGER_PRICE]
    out[end + CONDITIONS_DISPLAY_QUANTITY] = m[rare + X_DISPLAY_QUANTITY]
    out[end + CONDITIONS_EXPIRE_MS] = m[rare + X_EXPIRE_MS]
    out[end + CONDITIONS_QUOTE_AMOUNT] = m[rare + X_QUOTE_AMOUNT]
    s.end = end + CONDITIONS_LENGTH
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def put_decided_order(s: Store, order: cython.longlong, with_terms: cython.bint) -> cython.longlong:
    """State a decided order, with its rare terms when they are news."""
    put_order(s, order, s.m[order + O_TERMS])
    if with_terms and s.m[order + O_RARE]:
        put_rare_terms(s, order)
    return 0


@cython.cfunc
@cython.inline
def put4(
    s: Store,
    kind: cython.longlong,
    one: cython.longlong,
    two: cython.longlong,
    three: cython.longlong,
    four: cython.longlong,
) -> cython.longlong:
    """Put out an event of five words; fewer are put by moving the end back."""
    make_room(s)
    out, end = s.out, s.end
    out[end] = kind << EVENT_KIND_SHIFT
    out[end + 1] = one
    out[end + 2] = two
    out[end + 3] = three
    out[end + 4] = four
    s.end = end + 5
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def touch_market(s: Store, market: cython.longlong) -> cython.longlong:
    """Have a market's state stated at the end of the command."""
    m = s.m
    if not m[market + M_TOUCHED]:
        m[market + M_TOUCHED] = 1
        m[s.touched_markets + m[S_TOUCHED_MARKETS]] = market
        m[S_TOUCHED_MARKETS] += 1
    return 0


@cython.cfunc
def put_touched_markets(s: Store) -> cython.longlong:
    """State the markets that the command has touched."""
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
