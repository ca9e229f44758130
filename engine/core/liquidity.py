"""What of a price level is an account's own, and what others offer there.

A level knows its total. What is an account's own is marked on its levels from the account's orders,
which are fewer than a level may have; only a group's is counted order by order.
"""

import cython

from engine.core.index import find_balance
from engine.core.ledger import by_side, owner_of
from engine.core.records import (
    A_GROUP,
    A_ORDER_HEAD,
    BAL_NEXT,
    BALANCE_ORDERS_MASK,
    L_BOOK,
    L_HEAD,
    L_OWN,
    M_BASE,
    M_QUOTE,
    O_ACCOUNT_NEXT,
    O_BALANCE,
    O_LEVEL,
    O_NEXT,
    O_REMAINING,
    O_VISIBLE,
)
from engine.core.store import Store
from wire.layout import MEASURED_MAX


@cython.cfunc
@cython.exceptval(check=False)
def orders_paying(s: Store, balance: cython.longlong) -> cython.longlong:
    """Return how many open orders pay from a balance."""
    return s.m[balance + BAL_NEXT] & BALANCE_ORDERS_MASK if balance else 0


@cython.cfunc
@cython.exceptval(check=False)
def side_balance(
    s: Store, market: cython.longlong, side: cython.longlong, account: cython.longlong
) -> cython.longlong:
    """Return the balance from which an account's orders of a side pay, or 0."""
    m = s.m
    return find_balance(s, account, by_side(side, m[market + M_QUOTE], m[market + M_BASE]))


@cython.cfunc
@cython.exceptval(check=False)
def mark_own(
    s: Store,
    market: cython.longlong,
    side: cython.longlong,
    book: cython.longlong,
    account: cython.longlong,
) -> cython.bint:
    """Mark how many lots of the levels of a side's book are an account's; return whether any is."""
    m = s.m
    balance = side_balance(s, market, side, account)
    left = orders_paying(s, balance)
    marked: cython.bint = False
    order = m[account + A_ORDER_HEAD]
    while left and order != account:
        if m[order + O_BALANCE] == balance:
            left -= 1
            level = m[order + O_LEVEL]
            # Stops are in other books, and those that have just triggered in none.
            if m[level + L_BOOK] == book:
                m[level + L_OWN] += m[order + O_REMAINING]
                marked = True
        order = m[order + O_ACCOUNT_NEXT]
    return marked


@cython.cfunc
@cython.exceptval(check=False)
def clear_own(
    s: Store,
    market: cython.longlong,
    side: cython.longlong,
    book: cython.longlong,
    account: cython.longlong,
) -> cython.longlong:
    """Take the marks of ``mark_own`` away."""
    m = s.m
    balance = side_balance(s, market, side, account)
    left = orders_paying(s, balance)
    order = m[account + A_ORDER_HEAD]
    while left and order != account:
        if m[order + O_BALANCE] == balance:
            left -= 1
            level = m[order + O_LEVEL]
            if m[level + L_BOOK] == book:
                m[level + L_OWN] = 0
        order = m[order + O_ACCOUNT_NEXT]
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_own_order(
    s: Store, account: cython.longlong, group: cython.longlong, order: cython.longlong
) -> cython.bint:
    """Whether an order is an account's own, or of an account of its group, 0 for none."""
    owner = owner_of(s, order)
    return owner == account or (group and group == s.m[owner + A_GROUP])


@cython.cfunc
@cython.exceptval(check=False)
def own_lots(
    s: Store, level: cython.longlong, account: cython.longlong, group: cython.longlong
) -> cython.longlong:
    """Return how many lots of a level are an account's, as marked, or those of a group's."""
    m = s.m
    if not group:
        return m[level + L_OWN]
    own: cython.longlong = 0
    maker = m[level + L_HEAD]
    while maker != level:
        if is_own_order(s, account, group, maker):
            own += m[maker + O_REMAINING]
        maker = m[maker + O_NEXT]
    return own


@cython.cfunc
@cython.exceptval(check=False)
def lots_before_own(
    s: Store,
    level: cython.longlong,
    account: cython.longlong,
    group: cython.longlong,
    beyond: cython.longlong,
) -> cython.longlong:
    """Return how many lots a level shows before the first order of the account's own."""
    m = s.m
    shown: cython.longlong = 0
    left: cython.longlong = MEASURED_MAX
    maker = m[level + L_HEAD]
    while left and maker != level:
        if is_own_order(s, account, group, maker):
            return shown
        shown += m[maker + O_VISIBLE]
        left -= 1
        maker = m[maker + O_NEXT]
    return shown + beyond
