"""Room for one more order: of an account in a market, of a tenant, of all; and for balances.

Nothing here changes anything. Only an order that may come to wait takes up room.
"""

import cython

from engine.core.accounts import check_new_balances
from engine.core.order_checks import can_rest
from engine.core.orders import trigger_side
from engine.core.records import (
    A_ORDER_HEAD,
    B_ORDER_COUNT,
    BAL_ACCOUNT,
    BAL_NEXT,
    BALANCE_ORDERS_MASK,
    BOOK_WORDS,
    M_AWAITING,
    M_BASE,
    M_BOOKS,
    M_NUMBER,
    M_ORDERS_PER_MARKET,
    M_QUOTE,
    M_TENANT,
    MARKET_BOOKS,
    MARKET_LIST,
    O_ACCOUNT_NEXT,
    O_FLAGS,
    S_BALANCE_COUNT,
    S_MARKET_COUNT,
    S_ORDER_COUNT,
    S_ORDERS_WATCH,
    TENANT_ORDERS,
    TENANTS,
)
from engine.core.stops import is_triggered
from engine.core.store import Store
from engine.core.trailing import trails
from wire.layout import (
    EVENT_MARKET_SHIFT,
    HEADER_ACCOUNT,
    MARKET_MAX,
    PLACE_FLAGS,
    PLACE_TRIGGER_PRICE,
    REASON_CAPACITY_EXHAUSTED,
    REASON_TOO_MANY_ORDERS,
    STOP_TYPES,
    TYPE_MASK,
    TYPE_SHIFT,
)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def may_wait(
    s: Store, market: cython.longlong, flags: cython.longlong, trigger: cython.longlong
) -> cython.bint:
    """Whether an order may come to wait in a book."""
    if can_rest(flags):
        return True
    is_stop: cython.bint = STOP_TYPES >> (flags >> TYPE_SHIFT & TYPE_MASK) & 1
    if is_stop and trails(flags):
        return True
    return is_stop and not is_triggered(s, market, trigger_side(flags), trigger)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def has_many_orders(
    s: Store, market: cython.longlong, base_balance: cython.longlong, quote_balance: cython.longlong
) -> cython.bint:
    """Whether as many orders pay from two balances as their account may have in one market."""
    m = s.m
    if not m[market + M_ORDERS_PER_MARKET]:
        return False
    count = (m[base_balance + BAL_NEXT] & BALANCE_ORDERS_MASK) + (
        m[quote_balance + BAL_NEXT] & BALANCE_ORDERS_MASK
    )
    return count >= m[market + M_ORDERS_PER_MARKET]


@cython.cfunc
@cython.exceptval(check=False)
def check_room(
    s: Store,
    market: cython.longlong,
    base_balance: cython.longlong,
    quote_balance: cython.longlong,
    count: cython.longlong,
) -> cython.longlong:
    """Return why there is no room for so many more open orders of a market's account, or 0."""
    m = s.m
    limit = m[market + M_ORDERS_PER_MARKET]
    paying = (m[base_balance + BAL_NEXT] & BALANCE_ORDERS_MASK) + (
        m[quote_balance + BAL_NEXT] & BALANCE_ORDERS_MASK
    )
    many: cython.bint = limit and paying + count > limit
    if many and market_orders(s, market) + count > limit:
        # Some of them may be in other markets with the same assets.
        account = m[(base_balance if base_balance else quote_balance) + BAL_ACCOUNT]
        left = limit - count
        order = m[account + A_ORDER_HEAD]
        while order != account and left >= 0:
            left -= m[order + O_FLAGS] >> EVENT_MARKET_SHIFT & MARKET_MAX == m[market + M_NUMBER]
            order = m[order + O_ACCOUNT_NEXT]
        if left < 0:
            return REASON_TOO_MANY_ORDERS
    if m[S_ORDER_COUNT] + count > s.capacity_orders:
        return REASON_CAPACITY_EXHAUSTED
    limit = m[m[TENANTS + m[market + M_TENANT]] + TENANT_ORDERS]
    watched: cython.bint = limit and m[S_ORDER_COUNT] + count > limit
    if watched and tenant_orders(s, m[market + M_TENANT]) + count > limit:
        return REASON_CAPACITY_EXHAUSTED
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def tenant_orders(s: Store, tenant: cython.longlong) -> cython.longlong:
    """Return how many open orders a tenant has, over all its books."""
    m = s.m
    count: cython.longlong = 0
    for position in range(m[S_MARKET_COUNT]):
        market = m[MARKET_LIST + position]
        if m[market + M_TENANT] == tenant:
            count += market_orders(s, market)
    return count


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def market_orders(s: Store, market: cython.longlong) -> cython.longlong:
    """Return how many open orders a market has, over all its books."""
    count = s.m[market + M_AWAITING]
    for book in range(MARKET_BOOKS):
        count += s.m[market + M_BOOKS + book * BOOK_WORDS + B_ORDER_COUNT]
    return count


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def check_capacity(
    s: Store,
    market: cython.longlong,
    command: cython.p_longlong,
    base_balance: cython.longlong,
    quote_balance: cython.longlong,
) -> cython.longlong:
    """Return why an order that may wait, or balances, do not fit, or 0."""
    m = s.m
    watched: cython.bint = m[S_ORDER_COUNT] >= m[S_ORDERS_WATCH]
    many: cython.bint = watched or has_many_orders(s, market, base_balance, quote_balance)
    if many and may_wait(s, market, command[PLACE_FLAGS], command[PLACE_TRIGGER_PRICE]):
        reason = check_room(s, market, base_balance, quote_balance, 1)
        if reason:
            return reason
    if base_balance and quote_balance:
        return 0
    missing: cython.longlong = 1 if base_balance or quote_balance else 2
    if m[S_BALANCE_COUNT] + missing > s.capacity_balances:
        return REASON_CAPACITY_EXHAUSTED
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def check_list_capacity(
    s: Store,
    market: cython.longlong,
    command: cython.p_longlong,
    base_balance: cython.longlong,
    quote_balance: cython.longlong,
    others: cython.longlong,
) -> cython.longlong:
    """Return why a list's orders that may wait, or balances, do not fit, or 0."""
    m = s.m
    waits = may_wait(s, market, command[PLACE_FLAGS], command[PLACE_TRIGGER_PRICE])
    reason = check_room(s, market, base_balance, quote_balance, others + waits)
    if reason:
        return reason
    return check_new_balances(s, command[HEADER_ACCOUNT], m[market + M_BASE], m[market + M_QUOTE])
