"""Balances: what an account has, what is held for its orders, and how much a fee is.

Every change of a balance goes through ``post``. A balance that would turn negative is a bug, not a
rejection: what an account can't pay for has been rejected before anything changed.
"""

from engine.errors import InvariantViolation
from engine.reference.emit import emit_balance
from engine.reference.model import Account, Market, Order
from engine.reference.state import State
from wire import layout as w


def fee_amount(amount: int, ppm: int) -> int:
    """Return a fee in the asset of the amount, rounded down to a whole unit."""
    return amount * ppm // w.PPM


def fee_due(amount: int, ppm: int) -> int:
    """Return a fee in the asset of the amount, rounded up to a whole unit."""
    return (amount * ppm + w.PPM - 1) // w.PPM


def account_fees(state: State, account: Account) -> tuple[int, int]:
    """Return an account's (maker, taker) fees in ppm, by its tier."""
    return state.tiers.get((account.tenant, account.tier), (0, 0))


def post(state: State, account: Account, asset: int, available: int, held: int) -> None:
    """Add to the two parts of a balance, and state it as a fact."""
    balance = state.balances[account.number, asset]
    balance.available += available
    balance.held += held
    if balance.available < 0 or balance.held < 0:
        raise InvariantViolation(f"negative balance of account {account.number}, asset {asset}")
    emit_balance(state, balance)


def move_to_held(state: State, account: Account, asset: int, amount: int) -> None:
    """Hold an available amount; a negative one makes a held amount available."""
    post(state, account, asset, -amount, amount)


# --- what is held for orders ----------------------------------------------------------------------


def reserve_amount(market: Market, side: int, price: int, lots: int) -> int:
    """Return what an account must hold to trade so many lots at a price, in the asset it pays in.

    A buy pays quote units, a sell base units whatever the price.
    """
    if side == w.SIDE_BUY:
        return price * market.tick_units * lots
    return market.lot_units * lots


def order_reserve(order: Order, lots: int) -> int:
    """Return what is held for so many lots of an order.

    That is at its own price, the worst it can trade at, so that an open order can always be paid.
    """
    return reserve_amount(order.market, order.side, order.price, lots)


def extra_reserve(order: Order) -> int:
    """Return what an order needs beyond what is held for the other one of its list.

    Only one of the two ever trades, so funds are held once: the larger need.
    """
    need = order_reserve(order, order.remaining)
    if order.other:
        need -= min(need, order_reserve(order.other, order.other.remaining))
    return need


def reserve(state: State, order: Order) -> None:
    """Hold what an order needs."""
    move_to_held(state, order.account, order.pays_asset, extra_reserve(order))


def unreserve(state: State, order: Order, lots: int) -> None:
    """Make available what was held for so many lots of an order."""
    move_to_held(state, order.account, order.pays_asset, -order_reserve(order, lots))
