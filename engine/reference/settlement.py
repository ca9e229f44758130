"""Settlement: what a trade moves between maker, taker and the fee account.

Nothing here rejects or fails: what an order can't pay for has been rejected before it could trade.
"""

from engine.errors import InvariantViolation
from engine.reference.emit import emit_trade
from engine.reference.ledger import account_fees, fee_amount, fee_due, order_reserve, post
from engine.reference.model import Order, TakerTotals
from engine.reference.state import State
from wire import layout as w


def settle_trade(
    state: State, maker: Order, taker: Order, price: int, lots: int, *, waited: bool = False
) -> None:
    """Move the maker's assets in one trade, note the taker's, and state the trade.

    The maker pays from what is held for it, and what a better price than its own saves is available
    again at once. What the taker and the fee account pay and receive is noted only: a sweep through
    many makers moves it once (``settle_taker``).

    ``waited`` says that the taker, too, has waited: for an uncross.
    """
    market = maker.market
    quote_units = price * lots * market.tick_units
    base_units = lots * market.lot_units
    # The taker's side; the maker's is the other way round.
    debit, credit = (quote_units, base_units) if taker.is_buy else (base_units, quote_units)
    taker_fee = taker_charge(state, taker, credit, waited=waited)
    charge = maker_charge(state, maker, debit, credit, taker_fee)
    maker_fee, rebate = max(charge, 0), max(-charge, 0)

    held = order_reserve(maker, lots)
    post(state, maker.account, maker.pays_asset, held - credit + rebate, -held)
    post(state, maker.account, maker.receives_asset, debit - maker_fee, 0)
    totals = state.taker_totals
    totals.taker_debit += debit
    totals.taker_credit += credit
    totals.taker_fee += taker_fee
    totals.maker_fees += maker_fee
    totals.maker_rebates += rebate

    for order in (maker, taker):
        order.remaining -= lots
        order.filled_quote += quote_units
        if order.filled_quote > w.WORD_MAX:
            raise InvariantViolation(f"order {order.order_id}: filled beyond a word")
    state.trade_id += 1
    emit_trade(state, maker, taker, price, lots, maker_fee=charge, taker_fee=taker_fee)


# --- fees, on running totals ----------------------------------------------------------------------


def taker_charge(state: State, taker: Order, credit: int, *, waited: bool) -> int:
    """Return a taker's fee, in the asset received: on its sweep's total, or else its order's."""
    _, ppm = account_fees(state, taker.account)
    if waited:
        switched = not w.flags_took(taker.flags)
        return running_fee(filled_units(taker, taker.side), credit, ppm, switched)
    totals = state.taker_totals
    return fee_due(totals.taker_credit + credit, ppm) - totals.taker_fee


def maker_charge(state: State, maker: Order, debit: int, credit: int, taker_fee: int) -> int:
    """Return a maker's fee, in the asset received, on its order's total; a negative is a rebate.

    A rebate is in the asset that it pays, and out of fees: it is never more than the fee account
    has. No rate of it is larger than the least taker fee of its tenant.
    """
    ppm, _ = account_fees(state, maker.account)
    switched = w.flags_took(maker.flags)
    if ppm >= 0:
        return running_fee(filled_units(maker, maker.side), debit, ppm, switched)
    other_side = w.SIDE_BUY + w.SIDE_SELL - maker.side
    rebate = running_rebate(filled_units(maker, other_side), credit, -ppm, switched)
    fee_account = state.balances[w.account_number(maker.market.tenant, 0), maker.pays_asset]
    totals = state.taker_totals
    gained = totals.taker_fee + taker_fee - totals.maker_rebates
    return -min(rebate, fee_account.available + gained)


def filled_units(order: Order, side: int) -> int:
    """Return what an order has moved so far of the asset that this side receives."""
    if side == w.SIDE_BUY:
        return (order.quantity - order.remaining) * order.market.lot_units
    return order.filled_quote


def running_fee(before: int, amount: int, ppm: int, switched: bool) -> int:  # noqa: FBT001
    """Return the fee on some more of an order: due on all of it, less what was due before.

    So slices cost what the block costs. Where the last trade was ``switched``, at the other rate,
    what was due before is rounded down, so that changing to and fro saves nothing.
    """
    due_before = fee_amount(before, ppm) if switched else fee_due(before, ppm)
    return min(fee_due(before + amount, ppm) - due_before, amount)


def running_rebate(before: int, amount: int, ppm: int, switched: bool) -> int:  # noqa: FBT001
    """Return the rebate on some more of an order, rounded the other way."""
    due_before = fee_due(before, ppm) if switched else fee_amount(before, ppm)
    return max(fee_amount(before + amount, ppm) - due_before, 0)


def settle_taker(state: State, taker: Order, held: int = 0) -> None:
    """Move the totals of the taker's trades and fees; ``held`` was held for them."""
    totals = state.taker_totals
    post(state, taker.account, taker.pays_asset, held - totals.taker_debit, -held)
    post(state, taker.account, taker.receives_asset, totals.taker_credit - totals.taker_fee, 0)
    fee_account = state.accounts[w.account_number(taker.market.tenant, 0)]
    if totals.taker_fee != totals.maker_rebates:
        gained = totals.taker_fee - totals.maker_rebates
        post(state, fee_account, taker.receives_asset, gained, 0)
    if totals.maker_fees:
        post(state, fee_account, taker.pays_asset, totals.maker_fees, 0)
    reset_taker_totals(state)


def reset_taker_totals(state: State) -> None:
    """Start a new sum of what a taker pays and receives."""
    state.taker_totals = TakerTotals()
