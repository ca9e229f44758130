"""The full check: everything that must hold after every command, by adding it all up again."""

from engine.errors import InvariantViolation
from engine.reference.ledger import extra_reserve, order_reserve
from engine.reference.model import Market, Order
from engine.reference.state import State
from engine.reference.trailing import is_nearer, trailing_orders
from wire import layout as w


def audit(state: State) -> None:
    """Raise InvariantViolation for the first rule that does not hold."""
    audit_balances(state)
    for market in state.markets.values():
        audit_book(market)
        audit_trails(market)
    in_books = sum(
        len(level)
        for market in state.markets.values()
        for book in market.books
        for level in book.levels.values()
    )
    awaiting = sum(order.awaits_entry for order in state.orders.values())
    if in_books + awaiting != len(state.orders):
        raise InvariantViolation("orders in books are not the orders known")


def audit_book(market: Market) -> None:
    """Check that a market that trades has no bid as high as an ask."""
    bid, ask = market.bids.best_price(), market.asks.best_price()
    trades = market.state in (w.STATE_OPEN, w.STATE_POST_ONLY)
    if trades and bid is not None and ask is not None and bid >= ask:
        raise InvariantViolation(f"market {market.number}: the book is crossed")


def audit_trails(market: Market) -> None:
    """Check that what trails has followed the price, and what waits for its activation has not."""
    price = market.confirmed_price
    for side in (w.SIDE_BUY, w.SIDE_SELL):
        for order in trailing_orders(market, side):
            if not order.extreme or is_nearer(side, price, order.extreme):
                raise InvariantViolation(f"order {order.order_id}: has not followed the price")
        waiting = market.activations(side).levels.values()
        if any(order.extreme for level in waiting for order in level):
            raise InvariantViolation(f"market {market.number}: trails before its activation price")


def audit_balances(state: State) -> None:
    """Check that nothing is negative, lost or made, and that what is held is what is needed."""
    needed = dict.fromkeys(state.balances, 0)
    for order in state.orders.values():
        audit_list(state, order)
        if order.awaits_entry:
            continue
        if not 0 < order.visible <= order.remaining <= order.quantity:
            raise InvariantViolation(f"order {order.order_id}: bad quantities")
        # Of two orders of a list the larger need is held: all of one, and what the other adds.
        other = order.other
        adds = other is not None and other.order_id < order.order_id
        need = extra_reserve(order) if adds else order_reserve(order, order.remaining)
        needed[order.account.number, order.pays_asset] += need
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


def audit_list(state: State, order: Order) -> None:
    """Check that the orders of a list know each other, and wait for the same thing."""
    other, first, list_id = order.other, order.exit, order.list_id
    if other and (
        other.other is not order
        or state.orders.get(other.order_id) is not other
        or (other.account, other.market, other.side, other.remaining, other.awaits_entry)
        != (order.account, order.market, order.side, order.remaining, order.awaits_entry)
        or other.list_id != list_id
    ):
        raise InvariantViolation(f"order {order.order_id}: not one of two orders of a list")
    if order.awaits_entry and (other is None or order.order_id == list_id):
        raise InvariantViolation(f"order {order.order_id}: waits for an entry, but is no exit")
    if order.awaits_entry:
        entry = state.orders.get(list_id)
        if entry is None or entry.exit not in (order, other):
            raise InvariantViolation(f"order {order.order_id}: the entry that it waits for is gone")
    if first and (not first.awaits_entry or first.list_id != order.order_id):
        raise InvariantViolation(f"order {order.order_id}: its exits do not wait for it")
