"""Settlement: what a trade moves between maker, taker and the fee account.

Nothing here rejects or fails: what may be rejected has been rejected before (``place``).
"""

import cython

from engine.core.emit import emit_trade
from engine.core.index import find_balance
from engine.core.ledger import fee_amount, order_reserve, owner_of, post, value_of
from engine.core.records import (
    A_FEES,
    BAL_ACCOUNT,
    M_BASE,
    M_FEE_BASE,
    M_FEE_QUOTE,
    M_LOT_UNITS,
    M_QUOTE,
    M_TICK_UNITS,
    O_BALANCE,
    O_FILLED_QUOTE,
    O_FLAGS,
    O_REMAINING,
    S_FEES_CREDIT,
    S_FEES_DEBIT,
    S_TAKER_CREDIT,
    S_TAKER_DEBIT,
    S_TRADE_ID,
    TIER_MAKER_PPM,
    TIER_TAKER_PPM,
)
from engine.core.store import Store, make_room
from wire.layout import SIDE_BUY, SIDE_MASK


@cython.cfunc
@cython.inline
def settle_trade(
    s: Store,
    market: cython.longlong,
    maker: cython.longlong,
    taker: cython.longlong,
    side: cython.longlong,
    price: cython.longlong,
    lots: cython.longlong,
    at_own_price: cython.bint,
) -> cython.longlong:
    """Move the maker's assets in one trade, emit it, and return its quote units.

    The maker pays from what is held for it and receives at once what a better price than its own
    saves. Debits and credits of the taker, on a ``side``, and of the fee account are added up: a
    taker that trades with many makers is settled once (``settle_taker``).
    """
    make_room(s)
    m = s.m
    quote_units = value_of(price, m[market + M_TICK_UNITS], lots)
    base_units = value_of(1, m[market + M_LOT_UNITS], lots)
    pays_from = m[maker + O_BALANCE]
    maker_account, taker_account = m[pays_from + BAL_ACCOUNT], owner_of(s, taker)
    debit, credit = quote_units, base_units  # of the taker; the maker the other way round
    debit_asset = m[market + M_QUOTE]
    if side != SIDE_BUY:
        debit, credit, debit_asset = credit, debit, m[market + M_BASE]
    pays_to = find_balance(s, maker_account, debit_asset)
    maker_ppm = m[m[maker_account + A_FEES] + TIER_MAKER_PPM]
    taker_fee = fee_amount(credit, m[m[taker_account + A_FEES] + TIER_TAKER_PPM])
    maker_fee = fee_amount(debit, maker_ppm) if maker_ppm > 0 else 0
    # In the asset that the maker gives, out of the taker's fee of this trade.
    rebate = fee_amount(credit, -maker_ppm) if maker_ppm < 0 else 0

    held = credit if at_own_price else order_reserve(s, maker, lots)
    post(s, pays_from, held - credit + rebate, -held)
    post(s, pays_to, debit - maker_fee, 0)
    m[S_TAKER_DEBIT] += debit
    m[S_TAKER_CREDIT] += credit - taker_fee
    m[S_FEES_DEBIT] += maker_fee
    m[S_FEES_CREDIT] += taker_fee - rebate

    m[maker + O_REMAINING] -= lots
    m[maker + O_FILLED_QUOTE] += quote_units
    m[taker + O_REMAINING] -= lots
    m[taker + O_FILLED_QUOTE] += quote_units
    m[S_TRADE_ID] += 1

    maker_fee -= rebate
    emit_trade(s, market, side, price, lots, quote_units, maker, taker, maker_fee, taker_fee)
    return quote_units


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
    post(s, find_balance(s, owner_of(s, taker), credit_asset), m[S_TAKER_CREDIT], 0)
    if m[S_FEES_CREDIT]:
        post(s, fees_credit_balance, m[S_FEES_CREDIT], 0)
    if m[S_FEES_DEBIT]:
        post(s, fees_debit_balance, m[S_FEES_DEBIT], 0)
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
    m[S_FEES_DEBIT] = 0
    m[S_FEES_CREDIT] = 0
    return 0
