"""The full check: everything that must hold after every command, by adding it all up again."""

from engine.errors import InvariantViolation
from engine.reference.ledger import order_reserve
from engine.reference.model import Market
from engine.reference.state import State
from wire import layout as w


def audit(state: State) -> None:
    """Raise InvariantViolation for the first rule that does not hold."""
    audit_balances(state)
    for market in state.markets.values():
        audit_book(market)
    in_books = sum(
        len(level)
        for market in state.markets.values()
        for book in market.books
        for level in book.levels.values()
    )
    if in_books != len(state.orders):
        raise InvariantViolation("orders in books are not the orders known")


def audit_book(market: Market) -> None:
    """Check that a market that trades has no bid as high as an ask."""
    bid, ask = market.bids.best_price(), market.asks.best_price()
    trades = market.state in (w.STATE_OPEN, w.STATE_POST_ONLY)
    if trades and bid is not None and ask is not None and bid >= ask:
        raise InvariantViolation(f"market {market.number}: the book is crossed")


def audit_balances(state: State) -> None:
    """Check that nothing is negative, lost or made, and that what is held is what is needed."""
    needed = dict.fromkeys(state.balances, 0)
    for order in state.orders.values():
        if not 0 < order.visible <= order.remaining <= order.quantity:
            raise InvariantViolation(f"order {order.order_id}: bad quantities")
        needed[order.account.number, order.pays_asset] += order_reserve(order, order.remaining)
    for account in state.accounts.values():
        for hold in account.holds.values():
            needed[account.number, hold.asset] += hold.amount
    for key, balance in state.balances.items():
        if balance.available < 0 or balance.held != needed[key]:
            raise InvariantViolation(f"balance {key}: held is not what orders and holds need")
    for asset in state.assets.values():
        own = [one for one in state.balances.values() if one.asset == asset.number]
        if sum(one.available + one.held for one in own) != asset.supply:
            raise InvariantViolation(f"asset {asset.number}: balances are not the supply")
