"""Room for one more order: of an account in a market, of a tenant, of all; and for balances.

Nothing here changes anything. Only an order that may come to wait takes up room.
"""

from engine.reference.accounts import check_new_balances
from engine.reference.definitions import find_tenant_limits
from engine.reference.model import Order, Rejected
from engine.reference.order_checks import can_rest
from engine.reference.state import State
from engine.reference.stops import is_triggered
from wire import layout as w


def may_wait(order: Order) -> bool:
    """Whether an order may come to wait in a book."""
    return can_rest(order) or (order.is_pending and not is_triggered(order))


def check_room(state: State, order: Order, count: int = 1) -> None:
    """Reject so many more open orders of an account in a market, of a tenant, or of all."""
    tenant, market = order.market.tenant, order.market
    limits = find_tenant_limits(state, tenant)
    own = sum(one.market is market for one in order.account.orders.values())
    if limits.orders_per_market and own + count > limits.orders_per_market:
        raise Rejected(w.REASON_TOO_MANY_ORDERS)
    of_tenant = sum(one.market.tenant == tenant for one in state.orders.values())
    is_full = len(state.orders) + count > state.capacity.orders
    if is_full or (limits.orders and of_tenant + count > limits.orders):
        raise Rejected(w.REASON_CAPACITY_EXHAUSTED)


def check_capacity(state: State, order: Order) -> None:
    """Reject an order when it, if it may have to wait, or its account's balances do not fit."""
    if may_wait(order):
        check_room(state, order)
    market = order.market
    check_new_balances(state, order.account.number, market.base, market.quote)


def check_list_capacity(state: State, last: Order, others: int) -> None:
    """Reject a list when its orders that may wait, or its account's balances, do not fit.

    Of the last order there are so many others, which wait; it may be an entry that does not.
    """
    count = others + may_wait(last)
    check_room(state, last, count)
    check_new_balances(state, last.account.number, last.market.base, last.market.quote)
