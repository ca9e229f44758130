"""Settlement: what a trade moves between maker, taker and the fee account.

Nothing here rejects or fails: what an order can't pay for has been rejected before it could trade.
"""

from engine.reference.emit import emit_trade
from engine.reference.ledger import account_fees, fee_amount, order_reserve, post
from engine.reference.model import Order, TakerTotals
from engine.reference.state import State
from wire import layout as w


def settle_trade(state: State, maker: Order, taker: Order, price: int, lots: int) -> None:
    """Move the maker's assets in one trade, note the taker's, and state the trade.

    The maker pays from what is held for it, and what a better price than its own saves is available
    again at once. What the taker and the fee account pay and receive is noted only: a sweep through
    many makers moves it once (``settle_taker``).

    Everyone pays fees in the asset received. A maker's rebate is in the asset that it pays, out of
    the taker's fee in this very trade: no rebate is larger than the least taker fee of its tenant.
    """
    market = maker.market
    quote_units = price * lots * market.tick_units
    base_units = lots * market.lot_units
    # The taker's side; the maker's is the other way round.
    debit, credit = (quote_units, base_units) if taker.is_buy else (base_units, quote_units)
    maker_ppm, _ = account_fees(state, maker.account)
    _, taker_ppm = account_fees(state, taker.account)
    taker_fee = fee_amount(credit, taker_ppm)
    maker_fee = fee_amount(debit, max(maker_ppm, 0))
    rebate = fee_amount(credit, max(-maker_ppm, 0))

    held = order_reserve(maker, lots)
    post(state, maker.account, maker.pays_asset, held - credit + rebate, -held)
    post(state, maker.account, maker.receives_asset, debit - maker_fee, 0)
    totals = state.taker_totals
    totals.taker_debit += debit
    totals.taker_credit += credit - taker_fee
    totals.fees_debit += maker_fee
    totals.fees_credit += taker_fee - rebate

    for order in (maker, taker):
        order.remaining -= lots
        order.filled_quote += quote_units
    state.trade_id += 1
    emit_trade(state, maker, taker, price, lots, maker_fee=maker_fee - rebate, taker_fee=taker_fee)


def settle_taker(state: State, taker: Order, held: int = 0) -> None:
    """Move the totals of the taker's trades and fees; ``held`` was held for them."""
    totals = state.taker_totals
    post(state, taker.account, taker.pays_asset, held - totals.taker_debit, -held)
    post(state, taker.account, taker.receives_asset, totals.taker_credit, 0)
    fee_account = state.accounts[w.account_number(taker.market.tenant, 0)]
    if totals.fees_credit:
        post(state, fee_account, taker.receives_asset, totals.fees_credit, 0)
    if totals.fees_debit:
        post(state, fee_account, taker.pays_asset, totals.fees_debit, 0)
    reset_taker_totals(state)


def reset_taker_totals(state: State) -> None:
    """Start a new sum of what a taker pays and receives."""
    state.taker_totals = TakerTotals()
