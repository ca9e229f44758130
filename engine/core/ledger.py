"""Balances: what an account has, what its orders reserve, and how money is posted.

Sums and products of money are the only ones that could leave 63 bits. They are bounded where
they enter the engine and checked here.
"""

import cython

from engine.core.emit import emit_balance
from engine.core.records import (
    ASSET_DRIFT,
    BAL_ACCOUNT,
    BAL_ASSET,
    BAL_AVAILABLE,
    BAL_EMITTED,
    BAL_HELD,
    COND_OTHER,
    FEE_SIMPLE_BITS,
    M_LOT_UNITS,
    M_TICK_UNITS,
    MARKETS,
    O_BALANCE,
    O_CONDITIONS,
    O_FLAGS,
    O_PRICE,
    O_REMAINING,
    S_VIOLATION,
    VIOLATION_NEGATIVE,
)
from engine.core.store import Store
from wire.layout import (
    BALANCE_AVAILABLE,
    BALANCE_HELD,
    EVENT_MARKET_SHIFT,
    MARKET_MAX,
    PPM,
    SIDE_BUY,
    SIDE_MASK,
)


@cython.cfunc
@cython.inline
@cython.overflowcheck(True)
def checked_sum(amount: cython.longlong, more: cython.longlong) -> cython.longlong:
    """Return a sum of money."""
    return amount + more


@cython.cfunc
@cython.inline
@cython.overflowcheck(True)
def value_of(
    price: cython.longlong, tick_units: cython.longlong, lots: cython.longlong
) -> cython.longlong:
    """Return what lots cost, in quote units; with a price of 1, the units in the lots."""
    return price * tick_units * lots


# An amount is below 2^63 and a rate at most FEE_PPM_MAX, so neither way can leave a word.


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def fee_amount(amount: cython.longlong, ppm: cython.longlong) -> cython.longlong:
    """Return amount x ppm / 1,000,000, rounded down."""
    if not amount >> FEE_SIMPLE_BITS:
        product: cython.ulonglong = amount * ppm
        return product // PPM
    return amount // PPM * ppm + amount % PPM * ppm // PPM


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def fee_due(amount: cython.longlong, ppm: cython.longlong) -> cython.longlong:
    """Return amount x ppm / 1,000,000, rounded up."""
    if not amount >> FEE_SIMPLE_BITS:
        product: cython.ulonglong = amount * ppm + (PPM - 1)
        return product // PPM
    return amount // PPM * ppm + (amount % PPM * ppm + (PPM - 1)) // PPM


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def by_side(
    side: cython.longlong, of_buy: cython.longlong, of_sell: cython.longlong
) -> cython.longlong:
    """Return one of two words; a branch here would be mispredicted every other time."""
    return of_buy ^ (of_buy ^ of_sell) & -(side - SIDE_BUY)


# --- balances -------------------------------------------------------------------------------------
# Both parts of a balance, and what is added to them, are below 2^62, so these sums can't leave 63
# bits; one that did would be negative, and that is watched.


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def write_balance(
    s: Store, balance: cython.longlong, available: cython.longlong, held: cython.longlong
) -> cython.longlong:
    """Set the two parts of a balance, and what the command emits of it."""
    m, out = s.m, s.out
    m[balance + BAL_AVAILABLE] = available
    m[balance + BAL_HELD] = held
    if (available | held) < 0:
        m[S_VIOLATION] |= VIOLATION_NEGATIVE
    emitted = m[balance + BAL_EMITTED] - s.base
    if emitted < s.started:
        emitted = emit_balance(s, balance)
    out[emitted + BALANCE_AVAILABLE] = available
    out[emitted + BALANCE_HELD] = held
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def move_to_held(s: Store, balance: cython.longlong, amount: cython.longlong) -> cython.longlong:
    """Move an amount from available to held; a negative one back."""
    m = s.m
    return write_balance(
        s, balance, m[balance + BAL_AVAILABLE] - amount, m[balance + BAL_HELD] + amount
    )


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def post(
    s: Store, balance: cython.longlong, available: cython.longlong, held: cython.longlong
) -> cython.longlong:
    """Add to the two parts of a balance, and to what its asset's balances have gained in all."""
    m = s.m
    m[m[balance + BAL_ASSET] + ASSET_DRIFT] += available + held
    return write_balance(
        s, balance, m[balance + BAL_AVAILABLE] + available, m[balance + BAL_HELD] + held
    )


# --- what orders reserve --------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def market_of(s: Store, order: cython.longlong) -> cython.longlong:
    """Return an order's market."""
    return s.m[MARKETS + (s.m[order + O_FLAGS] >> EVENT_MARKET_SHIFT & MARKET_MAX)]


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_buy(s: Store, order: cython.longlong) -> cython.bint:
    """Whether an order gives the quote asset."""
    return s.m[order + O_FLAGS] & SIDE_MASK == SIDE_BUY


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def owner_of(s: Store, order: cython.longlong) -> cython.longlong:
    """Return an order's account."""
    m = s.m
    return m[m[order + O_BALANCE] + BAL_ACCOUNT]


@cython.cfunc
@cython.inline
def reserve_amount(
    s: Store,
    market: cython.longlong,
    side: cython.longlong,
    price: cython.longlong,
    lots: cython.longlong,
) -> cython.longlong:
    """Return what lots at a price reserve, in units of the asset that the order gives."""
    m = s.m
    unit = by_side(side, price * m[market + M_TICK_UNITS], m[market + M_LOT_UNITS])
    return value_of(1, unit, lots)


@cython.cfunc
@cython.inline
def order_reserve(s: Store, order: cython.longlong, lots: cython.longlong) -> cython.longlong:
    """Return what a number of lots of an order reserve."""
    m = s.m
    side = m[order + O_FLAGS] & SIDE_MASK
    return reserve_amount(s, market_of(s, order), side, m[order + O_PRICE], lots)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def other_of(s: Store, order: cython.longlong) -> cython.longlong:
    """Return the order that cancels an order and is cancelled by it, as long as both wait; or 0."""
    conditions = s.m[order + O_CONDITIONS]
    return s.m[conditions + COND_OTHER] if conditions else 0


@cython.cfunc
def extra_reserve(s: Store, order: cython.longlong) -> cython.longlong:
    """Return what an order needs beyond what is held for the other one of its list."""
    m = s.m
    need = order_reserve(s, order, m[order + O_REMAINING])
    other = other_of(s, order)
    if other:
        held = order_reserve(s, other, m[other + O_REMAINING])
        need = need - held if need > held else 0
    return need


@cython.cfunc
@cython.inline
def reserve(s: Store, order: cython.longlong) -> cython.longlong:
    """Reserve what an order needs."""
    return move_to_held(s, s.m[order + O_BALANCE], extra_reserve(s, order))


@cython.cfunc
@cython.inline
def unreserve(s: Store, order: cython.longlong, lots: cython.longlong) -> cython.longlong:
    """Make available again what a number of lots of an order reserved."""
    return move_to_held(s, s.m[order + O_BALANCE], -order_reserve(s, order, lots))
