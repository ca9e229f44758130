"""Which orders there are: their records, made and freed, known by id, to accounts and the clock."""

import cython

from engine.core.heap import heap_add, heap_remove
from engine.core.ids import unindex_placed
from engine.core.index import index_order, unindex_order
from engine.core.ledger import (
    owner_of,
)
from engine.core.records import (
    A_HOLD_HEAD,
    A_ORDER_HEAD,
    A_ORDER_TAIL,
    BAL_HELD,
    BAL_NEXT,
    COND_EXPIRE_MS,
    COND_ORDER,
    COND_ORDER_ID,
    CONDITIONS_WORDS,
    O_ACCOUNT_NEXT,
    O_ACCOUNT_PREVIOUS,
    O_BALANCE,
    O_CONDITIONS,
    O_ID,
    O_NEXT,
    ORDER_WORDS,
    S_CONDITIONS_FREE,
    S_EXPIRY_COUNT,
    S_ORDER_COUNT,
    S_ORDER_FREE,
    S_PLACED_LAST,
    S_VIOLATION,
    VIOLATION_HELD,
)
from engine.core.store import Store, cut_record


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def make_order(s: Store) -> cython.longlong:
    """Return an unused order record; its fields hold what they last held."""
    m = s.m
    order = m[S_ORDER_FREE]
    if order:
        m[S_ORDER_FREE] = m[order + O_NEXT]
    else:
        order = cut_record(s, ORDER_WORDS)
    return order


@cython.cfunc
@cython.exceptval(check=False)
def make_conditions(s: Store) -> cython.longlong:
    """Return an empty record of conditions."""
    m = s.m
    conditions = m[S_CONDITIONS_FREE]
    if conditions:
        m[S_CONDITIONS_FREE] = m[conditions]
        m[conditions] = 0
    else:
        conditions = cut_record(s, CONDITIONS_WORDS)
    return conditions


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def free_order(s: Store, order: cython.longlong) -> cython.longlong:
    """Return an order's records to the free lists."""
    m = s.m
    conditions = m[order + O_CONDITIONS]
    if conditions:
        for field in range(CONDITIONS_WORDS):
            m[conditions + field] = 0
        m[conditions] = m[S_CONDITIONS_FREE]
        m[S_CONDITIONS_FREE] = conditions
    m[order + O_ID] = 0  # so that a stale reference finds another order
    m[order + O_NEXT] = m[S_ORDER_FREE]
    m[S_ORDER_FREE] = order
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def register_order(s: Store, order: cython.longlong) -> cython.longlong:
    """Register an order by its id, with its account, and with the clock if it expires."""
    m = s.m
    account = owner_of(s, order)
    tail = m[account + A_ORDER_TAIL]
    m[order + O_ACCOUNT_NEXT] = account
    m[order + O_ACCOUNT_PREVIOUS] = tail
    m[tail + O_ACCOUNT_NEXT] = order
    m[account + A_ORDER_TAIL] = order
    m[S_ORDER_COUNT] += 1
    m[m[order + O_BALANCE] + BAL_NEXT] += 1
    index_order(s, order)
    if m[order + O_CONDITIONS]:
        schedule_expiry(s, order)
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def unregister_order(s: Store, order: cython.longlong) -> cython.longlong:
    """Unregister an order."""
    m = s.m
    following, previous = m[order + O_ACCOUNT_NEXT], m[order + O_ACCOUNT_PREVIOUS]
    m[following + O_ACCOUNT_PREVIOUS] = previous
    m[previous + O_ACCOUNT_NEXT] = following
    # The account's last order, and yet something held: rare, so one branch for both.
    if (following == previous) & (m[m[order + O_BALANCE] + BAL_HELD] != 0):
        watch_held(s, order)
    m[S_ORDER_COUNT] -= 1
    m[m[order + O_BALANCE] + BAL_NEXT] -= 1
    unindex_order(s, order)
    if m[order + O_ID] <= m[S_PLACED_LAST]:
        unindex_placed(s, order)
    if m[order + O_CONDITIONS]:
        heap_remove(s, s.expiries, S_EXPIRY_COUNT, m[order + O_CONDITIONS])
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def watch_held(s: Store, order: cython.longlong) -> cython.longlong:
    """Record a violation when money is held for an account without orders and holds."""
    m = s.m
    account = owner_of(s, order)
    if m[account + A_ORDER_HEAD] == account and not m[account + A_HOLD_HEAD]:
        m[S_VIOLATION] |= VIOLATION_HELD
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def schedule_expiry(s: Store, order: cython.longlong) -> cython.longlong:
    """Add an order to the heap of expiries, if it expires."""
    m = s.m
    conditions = m[order + O_CONDITIONS]
    if m[conditions + COND_EXPIRE_MS]:
        m[conditions + COND_ORDER_ID] = m[order + O_ID]
        m[conditions + COND_ORDER] = order
        heap_add(s, s.expiries, S_EXPIRY_COUNT, conditions)
    return 0
