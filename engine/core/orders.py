"""The life of an order record: allocated, in a book, out of it, freed."""

import cython

from engine.core.book import append_order, book_of, drop_level, find_level, make_level, unlink_order
from engine.core.emit import emit_level, emit_order
from engine.core.heap import heap_add, heap_remove
from engine.core.ids import unindex_placed
from engine.core.index import index_order, unindex_order
from engine.core.ledger import market_of, move_to_held, owner_of, reserve, unreserve
from engine.core.records import (
    A_HOLD_HEAD,
    A_ORDER_HEAD,
    A_ORDER_TAIL,
    B_BEST,
    B_ORDER_COUNT,
    BAL_HELD,
    BAL_NEXT,
    BOOK_STOPS,
    COND_DISPLAY_QUANTITY,
    COND_EXPIRE_MS,
    COND_ORDER,
    COND_ORDER_ID,
    COND_TRIGGER_PRICE,
    CONDITIONS_WORDS,
    L_BOOK,
    L_HEAD,
    L_PRICE,
    L_TOTAL,
    L_VISIBLE,
    M_STATE,
    O_ACCOUNT_NEXT,
    O_ACCOUNT_PREVIOUS,
    O_BALANCE,
    O_CONDITIONS,
    O_FLAGS,
    O_ID,
    O_LEVEL,
    O_NEXT,
    O_PRICE,
    O_QUANTITY,
    O_REMAINING,
    O_VISIBLE,
    ORDER_WORDS,
    S_CONDITIONS_FREE,
    S_EXPIRY_COUNT,
    S_ORDER_COUNT,
    S_ORDER_FREE,
    S_PLACED_LAST,
    S_VIOLATION,
    STATUS_BITS,
    VIOLATION_CROSSED,
    VIOLATION_HELD,
)
from engine.core.store import Store, cut_record, make_room
from wire.layout import (
    CLOSE_NONE,
    CLOSE_SHIFT,
    EVENT_MARKET_SHIFT,
    MARKET_MAX,
    SIDE_BOTH,
    SIDE_BUY,
    SIDE_MASK,
    SIDE_SELL,
    STATUS_CANCELLED,
    STATUS_OPEN,
    STATUS_PARTIALLY_FILLED,
    STATUS_PENDING_TRIGGER,
    STATUS_SHIFT,
    STOP_TYPES,
    TRADING_STATES,
    TRIGGERED_SHIFT,
    TYPE_MASK,
    TYPE_SHIFT,
)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_pending(s: Store, order: cython.longlong) -> cython.bint:
    """Whether an order is a stop that has not triggered."""
    flags = s.m[order + O_FLAGS]
    return STOP_TYPES >> (flags >> TYPE_SHIFT & TYPE_MASK) & 1 and not flags >> TRIGGERED_SHIFT & 1


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
def with_status(
    flags: cython.longlong, status: cython.longlong, close_reason: cython.longlong
) -> cython.longlong:
    """Return flags with another status and close reason."""
    return flags & ~STATUS_BITS | status << STATUS_SHIFT | close_reason << CLOSE_SHIFT


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def set_status(
    s: Store, order: cython.longlong, status: cython.longlong, close_reason: cython.longlong
) -> cython.longlong:
    """Write status and close reason into an order's flags."""
    s.m[order + O_FLAGS] = with_status(s.m[order + O_FLAGS], status, close_reason)
    return 0


# --- known to its account and by its id -----------------------------------------------------------


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


# --- in and out of a book -------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def visible_of(s: Store, order: cython.longlong) -> cython.longlong:
    """Return how many lots an order shows when it joins its level."""
    m = s.m
    remaining = m[order + O_REMAINING]
    conditions = m[order + O_CONDITIONS]
    if conditions:
        display = m[conditions + COND_DISPLAY_QUANTITY]
        if display and display < remaining:
            return display
    return remaining


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def enter_level(s: Store, order: cython.longlong, pending: cython.bint) -> cython.longlong:
    """Put an order at the back of its level, in its book or among the stops; return the level."""
    m = s.m
    book = book_of(market_of(s, order), m[order + O_FLAGS] & SIDE_MASK)
    price = m[order + O_PRICE]
    if pending:
        book += BOOK_STOPS
        price = m[m[order + O_CONDITIONS] + COND_TRIGGER_PRICE]
    level = find_level(s, book, price)
    if not level:
        level = make_level(s, book, price)
    m[book + B_ORDER_COUNT] += 1
    m[order + O_VISIBLE] = visible_of(s, order)
    append_order(s, level, order)
    return level


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def leave_book(s: Store, order: cython.longlong) -> cython.longlong:
    """Take an order out of its level."""
    m = s.m
    level = m[order + O_LEVEL]
    m[m[level + L_BOOK] + B_ORDER_COUNT] -= 1
    unlink_order(s, level, order)
    emit_level(s, level)
    m[order + O_LEVEL] = 0
    if m[level + L_HEAD] == level:
        drop_level(s, level)
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def watch_book(s: Store, market: cython.longlong) -> cython.longlong:
    """Record a violation when a market that trades has a bid as high as an ask."""
    m = s.m
    bid, ask = m[book_of(market, SIDE_BUY) + B_BEST], m[book_of(market, SIDE_SELL) + B_BEST]
    crossed: cython.bint = bid and ask and m[bid + L_PRICE] >= m[ask + L_PRICE]
    if crossed and TRADING_STATES >> m[market + M_STATE] & 1:
        m[S_VIOLATION] |= VIOLATION_CROSSED
    return 0


@cython.cfunc
@cython.inline
def rest_order(s: Store, order: cython.longlong) -> cython.longlong:
    """Put an order into its book: set its status, join its level, reserve its funds."""
    m = s.m
    remaining = m[order + O_REMAINING]
    status = STATUS_OPEN if remaining == m[order + O_QUANTITY] else STATUS_PARTIALLY_FILLED
    pending = is_pending(s, order)
    if pending:
        status = STATUS_PENDING_TRIGGER
    set_status(s, order, status, CLOSE_NONE)
    emit_level(s, enter_level(s, order, pending))
    reserve(s, order, remaining)
    watch_book(s, market_of(s, order))
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def rest_plain_limit(
    s: Store,
    order: cython.longlong,
    book: cython.longlong,
    price: cython.longlong,
    quantity: cython.longlong,
    pays_from: cython.longlong,
    need: cython.longlong,
) -> cython.longlong:
    """Put a plain limit order that trades with none into its book, as ``rest_order`` does."""
    m = s.m
    m[order + O_FLAGS] |= STATUS_OPEN << STATUS_SHIFT
    m[order + O_VISIBLE] = quantity
    level = find_level(s, book, price)
    if not level:
        level = make_level(s, book, price)
    m[book + B_ORDER_COUNT] += 1
    append_order(s, level, order)
    emit_level(s, level)
    move_to_held(s, pays_from, need)
    register_order(s, order)
    emit_order(s, order, m[order + O_FLAGS])
    return 0


@cython.cfunc
@cython.inline
def withdraw(s: Store, order: cython.longlong) -> cython.longlong:
    """Take a waiting order out of its book and unreserve its funds."""
    unreserve(s, order, s.m[order + O_REMAINING])
    leave_book(s, order)
    return 0


@cython.cfunc
@cython.inline
def close_order(
    s: Store, order: cython.longlong, status: cython.longlong, close_reason: cython.longlong
) -> cython.longlong:
    """End a waiting order before it is filled; callers that end many make room for each."""
    withdraw(s, order)
    emit_order(s, order, with_status(s.m[order + O_FLAGS], status, close_reason))
    unregister_order(s, order)
    free_order(s, order)
    return 0


@cython.cfunc
def close_all(
    s: Store,
    account: cython.longlong,
    market_number: cython.longlong,
    side: cython.longlong,
    close_reason: cython.longlong,
) -> cython.longlong:
    """Close an account's open orders, oldest first, 0 = any; return how many."""
    m = s.m
    count: cython.longlong = 0
    order = m[account + A_ORDER_HEAD] if account else 0
    while order != account:
        following = m[order + O_ACCOUNT_NEXT]
        flags = m[order + O_FLAGS]
        number = flags >> EVENT_MARKET_SHIFT & MARKET_MAX
        in_market: cython.bint = not market_number or number == market_number
        if in_market and (side == SIDE_BOTH or flags & SIDE_MASK == side):
            make_room(s)
            close_order(s, order, STATUS_CANCELLED, close_reason)
            count += 1
        order = following
    return count


@cython.cfunc
def reduce_order(s: Store, order: cython.longlong, lots: cython.longlong) -> cython.longlong:
    """Shrink a waiting order in place; an iceberg's hidden part goes first."""
    m = s.m
    level = m[order + O_LEVEL]
    unreserve(s, order, lots)
    m[order + O_QUANTITY] -= lots
    m[order + O_REMAINING] -= lots
    m[level + L_TOTAL] -= lots
    hidden = m[order + O_VISIBLE] - m[order + O_REMAINING]
    if hidden > 0:
        m[order + O_VISIBLE] -= hidden
        m[level + L_VISIBLE] -= hidden
    emit_level(s, level)
    return 0
