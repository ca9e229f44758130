"""Settlement: what a trade moves between maker, taker and the fee account.

Nothing here refuses or fails: what may be refused has been refused before (``placing``).
"""

import cython

from engine.core.index import find_balance
from engine.core.ledger import change, fee, owner_of, reserve_of, value_of
from engine.core.records import (
    A_FEES,
    A_NUMBER,
    BAL_ACCOUNT,
    M_BASE,
    M_FEE_BASE,
    M_FEE_QUOTE,
    M_LOT_UNITS,
    M_QUOTE,
    M_TICK_UNITS,
    M_TRADE_EVENT,
    O_BALANCE,
    O_FILLED_QUOTE,
    O_ID,
    O_REMAINING,
    O_TERMS,
    S_FEES_GOT,
    S_FEES_PAID,
    S_TAKER_GETS,
    S_TAKER_PAYS,
    S_TRADE_ID,
    TIER_MAKER_PPM,
    TIER_TAKER_PPM,
)
from engine.core.store import Store, make_room
from wire.layout import (
    SIDE_BUY,
    SIDE_MASK,
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
)


@cython.cfunc
@cython.inline
def exchange(
    s: Store,
    market: cython.longlong,
    maker: cython.longlong,
    taker: cython.longlong,
    side: cython.longlong,
    price: cython.longlong,
    lots: cython.longlong,
    at_own_price: cython.bint,
) -> cython.longlong:
    """Move the maker's assets in one trade, state it as a fact, return its quote units.

    The maker pays from what is held for it and gets back at once what a better price than its
    own saves. What the taker, on a ``side``, and the fee account pay and get is noted: a sweep
    through many makers moves it once (``settle_taker``).
    """
    make_room(s)
    m = s.m
    quote_units = value_of(price, m[market + M_TICK_UNITS], lots)
    base_units = value_of(1, m[market + M_LOT_UNITS], lots)
    gives = m[maker + O_BALANCE]
    maker_account, taker_account = m[gives + BAL_ACCOUNT], owner_of(s, taker)
    pays, gets = quote_units, base_units  # the taker; the maker the other way round
    paid = m[market + M_QUOTE]
    if side != SIDE_BUY:
        pays, gets, paid = gets, pays, m[market + M_BASE]
    takes = find_balance(s, maker_account, paid)
    maker_ppm = m[m[maker_account + A_FEES] + TIER_MAKER_PPM]
    taker_fee = fee(gets, m[m[taker_account + A_FEES] + TIER_TAKER_PPM])
    maker_fee = fee(pays, maker_ppm) if maker_ppm > 0 else 0
    # In the asset that the maker gives, out of the taker's fee of this trade.
    rebate = fee(gets, -maker_ppm) if maker_ppm < 0 else 0

    held = gets if at_own_price else reserve_of(s, maker, lots)
    change(s, gives, held - gets + rebate, -held)
    change(s, takes, pays - maker_fee, 0)
    m[S_TAKER_PAYS] += pays
    m[S_TAKER_GETS] += gets - taker_fee
    m[S_FEES_PAID] += maker_fee
    m[S_FEES_GOT] += taker_fee - rebate

    m[maker + O_REMAINING] -= lots
    m[maker + O_FILLED_QUOTE] += quote_units
    m[taker + O_REMAINING] -= lots
    m[taker + O_FILLED_QUOTE] += quote_units
    m[S_TRADE_ID] += 1

    out, end = s.out, s.end
    out[end] = m[market + M_TRADE_EVENT] | side
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
def settle_taker(
    s: Store, market: cython.longlong, taker: cython.longlong, held: cython.longlong
) -> cython.longlong:
    """Move what the taker's trades and their fees come to; ``held`` was set aside for them."""
    make_room(s)
    m = s.m
    got = m[market + M_BASE]
    fees_paid_to, fees_got_to = m[market + M_FEE_QUOTE], m[market + M_FEE_BASE]
    if m[taker + O_TERMS] & SIDE_MASK != SIDE_BUY:
        got = m[market + M_QUOTE]
        fees_paid_to, fees_got_to = fees_got_to, fees_paid_to
    change(s, m[taker + O_BALANCE], held - m[S_TAKER_PAYS], -held)
    change(s, find_balance(s, owner_of(s, taker), got), m[S_TAKER_GETS], 0)
    if m[S_FEES_GOT]:
        change(s, fees_got_to, m[S_FEES_GOT], 0)
    if m[S_FEES_PAID]:
        change(s, fees_paid_to, m[S_FEES_PAID], 0)
    forget_taken(s)
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def forget_taken(s: Store) -> cython.longlong:
    """Begin to note anew what a taker pays and gets."""
    m = s.m
    m[S_TAKER_PAYS] = 0
    m[S_TAKER_GETS] = 0
    m[S_FEES_PAID] = 0
    m[S_FEES_GOT] = 0
    return 0
