"""Settlement: what a trade moves between maker, taker and the fee account.

Nothing here rejects or fails: what may be rejected has been rejected before (``place``).
"""

import cython

from engine.core.emit import emit_trade
from engine.core.index import find_balance
from engine.core.ledger import fee_amount, fee_due, order_reserve, owner_of, post, value_of
from engine.core.records import (
    A_FEES,
    BAL_AVAILABLE,
    M_BASE,
    M_FEE_BASE,
    M_FEE_QUOTE,
    M_LOT_UNITS,
    M_QUOTE,
    M_TICK_UNITS,
    O_BALANCE,
    O_FILLED_QUOTE,
    O_FLAGS,
    O_QUANTITY,
    O_REMAINING,
    S_MAKER_FEES,
    S_MAKER_REBATES,
    S_OWN_LOTS,
    S_OWN_VALUE,
    S_TAKER_CREDIT,
    S_TAKER_DEBIT,
    S_TAKER_FEE,
    S_TRADE_ID,
    S_VIOLATION,
    TIER_MAKER_PPM,
    TIER_TAKER_PPM,
    VIOLATION_NEGATIVE,
)
from engine.core.store import Store, make_room
from wire.layout import SIDE_BUY, SIDE_MASK, SIDE_SELL, TOOK_SHIFT


@cython.cfunc
@cython.inline
def settle_trade(
    s: Store,
    market: cython.longlong,
    maker: cython.longlong,
    taker: cython.longlong,
    maker_account: cython.longlong,
    taker_account: cython.longlong,
    side: cython.longlong,
    price: cython.longlong,
    lots: cython.longlong,
    waited: cython.bint,
) -> cython.longlong:
    """Move the maker's assets in one trade, emit it, and return its quote units.

    The maker pays from what is held for it and receives at once what a better price than its own
    saves. Debits and credits of the taker, on a ``side``, and of the fee account are added up: a
    taker that trades with many makers is settled once (``settle_taker``).
    ``waited`` says that the taker, too, has waited: for an uncross. Callers make room.
    """
    m = s.m
    quote_units = value_of(price, m[market + M_TICK_UNITS], lots)
    base_units = value_of(1, m[market + M_LOT_UNITS], lots)
    pays_from = m[maker + O_BALANCE]
    debit, credit = quote_units, base_units  # of the taker; the maker the other way round
    debit_asset = m[market + M_QUOTE]
    if side != SIDE_BUY:
        debit, credit, debit_asset = credit, debit, m[market + M_BASE]
    pays_to = find_balance(s, maker_account, debit_asset)
    taker_ppm = m[m[taker_account + A_FEES] + TIER_TAKER_PPM]
    taker_fee = taker_charge(s, market, taker, side, credit, taker_ppm, waited)
    m[S_TAKER_DEBIT] += debit
    m[S_TAKER_CREDIT] += credit
    m[S_TAKER_FEE] += taker_fee
    ppm = m[m[maker_account + A_FEES] + TIER_MAKER_PPM]
    charge = fee_due(debit, ppm)
    rebate: cython.longlong = 0
    if m[maker + O_FILLED_QUOTE] or ppm < 0:
        charge = maker_charge(s, market, maker, side, debit, credit, ppm)
        rebate = -charge if charge < 0 else 0
        m[S_MAKER_REBATES] += rebate
    m[S_MAKER_FEES] += charge + rebate

    held = order_reserve(s, maker, lots) if waited else credit
    post(s, pays_from, held - credit + rebate, -held)
    post(s, pays_to, debit - charge - rebate, 0)

    m[maker + O_REMAINING] -= lots
    m[maker + O_FILLED_QUOTE] += quote_units
    m[taker + O_REMAINING] -= lots
    m[taker + O_FILLED_QUOTE] += quote_units
    if (m[maker + O_FILLED_QUOTE] | m[taker + O_FILLED_QUOTE]) < 0:
        m[S_VIOLATION] |= VIOLATION_NEGATIVE
    m[S_TRADE_ID] += 1

    emit_trade(s, market, side, price, lots, quote_units, maker, taker, charge, taker_fee)
    return quote_units


# --- fees, on running totals ----------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def taker_charge(
    s: Store,
    market: cython.longlong,
    taker: cython.longlong,
    side: cython.longlong,
    credit: cython.longlong,
    ppm: cython.longlong,
    waited: cython.bint,
) -> cython.longlong:
    """Return a taker's fee, in the asset received: on its sweep's total, or else its order's."""
    m = s.m
    if waited:
        switched: cython.bint = not m[taker + O_FLAGS] >> TOOK_SHIFT & 1
        return running_fee(filled_units(s, market, taker, side), credit, ppm, switched)
    return fee_due(m[S_TAKER_CREDIT] + credit, ppm) - m[S_TAKER_FEE]


@cython.cfunc
@cython.exceptval(check=False)
def maker_charge(
    s: Store,
    market: cython.longlong,
    maker: cython.longlong,
    side: cython.longlong,
    debit: cython.longlong,
    credit: cython.longlong,
    ppm: cython.longlong,
) -> cython.longlong:
    """Return a maker's fee, on its order's total, or minus its rebate; the taker's side is given.

    An order's first fee needs none of this: it is simply due (``settle_trade``). A rebate is in the
    asset that the maker gives, and never more than the fee account has.
    """
    m = s.m
    switched: cython.bint = m[maker + O_FLAGS] >> TOOK_SHIFT & 1
    if ppm >= 0:
        filled = filled_units(s, market, maker, SIDE_BUY + SIDE_SELL - side)
        return running_fee(filled, debit, ppm, switched)
    rebate = running_rebate(filled_units(s, market, maker, side), credit, -ppm, switched)
    fee_balance = m[market + M_FEE_BASE] if side == SIDE_BUY else m[market + M_FEE_QUOTE]
    most = m[fee_balance + BAL_AVAILABLE] + m[S_TAKER_FEE] - m[S_MAKER_REBATES]
    return -rebate if rebate < most else -most


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def filled_units(
    s: Store, market: cython.longlong, order: cython.longlong, side: cython.longlong
) -> cython.longlong:
    """Return what an order has moved so far of the asset that a side receives."""
    m = s.m
    if side == SIDE_BUY:
        return (m[order + O_QUANTITY] - m[order + O_REMAINING]) * m[market + M_LOT_UNITS]
    return m[order + O_FILLED_QUOTE]


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def running_fee(
    before: cython.longlong,
    amount: cython.longlong,
    ppm: cython.longlong,
    switched: cython.bint,
) -> cython.longlong:
    """Return the fee on some more of an order: due on all of it, less what was due before.

    Where the last trade was ``switched``, at the other rate, the latter is rounded down.
    """
    if not before:
        return fee_due(amount, ppm)
    if not switched:
        return fee_due(before + amount, ppm) - fee_due(before, ppm)
    fee = fee_due(before + amount, ppm) - fee_amount(before, ppm)
    return fee if fee < amount else amount


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def running_rebate(
    before: cython.longlong,
    amount: cython.longlong,
    ppm: cython.longlong,
    switched: cython.bint,
) -> cython.longlong:
    """Return the rebate on some more of an order, rounded the other way."""
    due_before = fee_due(before, ppm) if switched else fee_amount(before, ppm)
    rebate = fee_amount(before + amount, ppm) - due_before
    return rebate if rebate > 0 else 0


@cython.cfunc
def settle_taker(
    s: Store, market: cython.longlong, taker: cython.longlong, held: cython.longlong
) -> cython.longlong:
    """Move the totals of the taker's trades and fees; ``held`` was reserved for them."""
    make_room(s)
    m = s.m
    credit_asset = m[market + M_BASE]
    fees_debit_balance, fees_credit_balance = m[market + M_FEE_QUOTE], m[market + M_FEE_BASE]
    if m[taker + O_FLAGS] & SIDE_MASK != SIDE_BUY:
        credit_asset = m[market + M_QUOTE]
        fees_debit_balance, fees_credit_balance = fees_credit_balance, fees_debit_balance
    post(s, m[taker + O_BALANCE], held - m[S_TAKER_DEBIT], -held)
    received = m[S_TAKER_CREDIT] - m[S_TAKER_FEE]
    post(s, find_balance(s, owner_of(s, taker), credit_asset), received, 0)
    if m[S_TAKER_FEE] != m[S_MAKER_REBATES]:
        post(s, fees_credit_balance, m[S_TAKER_FEE] - m[S_MAKER_REBATES], 0)
    if m[S_MAKER_FEES]:
        post(s, fees_debit_balance, m[S_MAKER_FEES], 0)
    reset_taker_totals(s)
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def reset_taker_totals(s: Store) -> cython.longlong:
    """Reset the totals for the next taker."""
    m = s.m
    m[S_TAKER_DEBIT] = 0
    m[S_TAKER_CREDIT] = 0
    m[S_TAKER_FEE] = 0
    m[S_MAKER_FEES] = 0
    m[S_MAKER_REBATES] = 0
    m[S_OWN_LOTS] = 0
    m[S_OWN_VALUE] = 0
    return 0
