"""The life of an order record: allocated, in a book, out of it, freed."""

import cython

from engine.core.book import (
    append_order,
    book_of,
    drop_level,
    find_level,
    make_level,
    show_level,
    unlink_order,
)
from engine.core.index import index_order, unindex_order
from engine.core.ledger import hold_for, market_of, owner_of, put_order, set_aside
from engine.core.records import (
    A_HOLD_HEAD,
    A_ORDER_HEAD,
    A_ORDER_TAIL,
    B_BEST,
    BAL_HELD,
    BOOK_STOPS,
    L_HEAD,
    L_PRICE,
    L_TOTAL,
    L_VISIBLE,
    M_STATE,
    O_ACCOUNT_NEXT,
    O_ACCOUNT_PREVIOUS,
    O_BALANCE,
    O_ID,
    O_LEVEL,
    O_NEXT,
    O_PRICE,
    O_QUANTITY,
    O_RARE,
    O_REMAINING,
    O_TERMS,
    O_VISIBLE,
    ORDER_WORDS,
    RARE_WORDS,
    S_EXPIRY_COUNT,
    S_ORDER_COUNT,
    S_ORDER_FREE,
    S_RARE_FREE,
    S_VIOLATION,
    STATUS_BITS,
    VIOLATION_CROSSED,
    VIOLATION_HELD,
    X_DISPLAY_QUANTITY,
    X_EXPIRE_MS,
    X_HEAP,
    X_TRIGGER_PRICE,
)
from engine.core.store import Store, cut_record
from wire.layout import (
    CLOSE_NONE,
    CLOSE_SHIFT,
    SIDE_BUY,
    SIDE_MASK,
    SIDE_SELL,
    STATE_POST_ONLY,
    STATUS_OPEN,
    STATUS_PARTIALLY_FILLED,
    STATUS_PENDING_TRIGGER,
    STATUS_SHIFT,
    TRIGGERED_SHIFT,
    TYPE_MASK,
    TYPE_SHIFT,
    TYPE_STOP_LIMIT,
)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_pending(s: Store, order: cython.longlong) -> cython.bint:
    """Whether an order is a stop that has not fired."""
    terms = s.m[order + O_TERMS]
    return terms >> TYPE_SHIFT & TYPE_MASK >= TYPE_STOP_LIMIT and not terms >> TRIGGERED_SHIFT & 1


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
def make_rare(s: Store) -> cython.longlong:
    """Return an empty record of rare terms."""
    m = s.m
    rare = m[S_RARE_FREE]
    if rare:
        m[S_RARE_FREE] = m[rare]
        m[rare] = 0
    else:
        rare = cut_record(s, RARE_WORDS)
    return rare


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def free_order(s: Store, order: cython.longlong) -> cython.longlong:
    """Give an order's records back."""
    m = s.m
    rare = m[order + O_RARE]
    if rare:
        for field in range(RARE_WORDS):
            m[rare + field] = 0
        m[rare] = m[S_RARE_FREE]
        m[S_RARE_FREE] = rare
    m[order + O_ID] = 0  # so that whoever still has its place does not take it for what it was
    m[order + O_NEXT] = m[S_ORDER_FREE]
    m[S_ORDER_FREE] = order
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def with_status(
    terms: cython.longlong, status: cython.longlong, close_reason: cython.longlong
) -> cython.longlong:
    """Return terms with another status and close reason."""
    return terms & ~STATUS_BITS | status << STATUS_SHIFT | close_reason << CLOSE_SHIFT


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def set_status(
    s: Store, order: cython.longlong, status: cython.longlong, close_reason: cython.longlong
) -> cython.longlong:
    """Write status and close reason into an order's terms."""
    s.m[order + O_TERMS] = with_status(s.m[order + O_TERMS], status, close_reason)
    return 0


# --- known to its account and by its id -----------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def register_order(s: Store, order: cython.longlong) -> cython.longlong:
    """Make an order known: by its id, to its account, and to the clock if it expires."""
    m = s.m
    account = owner_of(s, order)
    tail = m[account + A_ORDER_TAIL]
    m[order + O_ACCOUNT_NEXT] = account
    m[order + O_ACCOUNT_PREVIOUS] = tail
    m[tail + O_ACCOUNT_NEXT] = order
    m[account + A_ORDER_TAIL] = order
    m[S_ORDER_COUNT] += 1
    index_order(s, order)
    if m[order + O_RARE]:
        schedule_expiry(s, order)
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def unregister_order(s: Store, order: cython.longlong) -> cython.longlong:
    """Make an order unknown."""
    m = s.m
    following, previous = m[order + O_ACCOUNT_NEXT], m[order + O_ACCOUNT_PREVIOUS]
    m[following + O_ACCOUNT_PREVIOUS] = previous
    m[previous + O_ACCOUNT_NEXT] = following
    # The account's last order, and yet something held: hardly ever, so no two looks.
    if (following == previous) & (m[m[order + O_BALANCE] + BAL_HELD] != 0):
        watch_held(s, order)
    m[S_ORDER_COUNT] -= 1
    unindex_order(s, order)
    if m[order + O_RARE]:
        unschedule_expiry(s, order)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def watch_held(s: Store, order: cython.longlong) -> cython.longlong:
    """Note when money stays held after an account's last order, with no hold to explain it."""
    m = s.m
    account = owner_of(s, order)
    if m[account + A_ORDER_HEAD] == account and not m[account + A_HOLD_HEAD]:
        m[S_VIOLATION] |= VIOLATION_HELD
    return 0


# --- in and out of a book -------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def visible_of(s: Store, order: cython.longlong) -> cython.longlong:
    """Return how many lots an order shows when it joins its level."""
    m = s.m
    remaining = m[order + O_REMAINING]
    rare = m[order + O_RARE]
    if rare:
        display = m[rare + X_DISPLAY_QUANTITY]
        if display and display < remaining:
            return display
    return remaining


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def enter_level(s: Store, order: cython.longlong, pending: cython.bint) -> cython.longlong:
    """Put an order at the back of its level, in its book or among the stops; return the level."""
    m = s.m
    book = book_of(market_of(s, order), m[order + O_TERMS] & SIDE_MASK)
    price = m[order + O_PRICE]
    if pending:
        book += BOOK_STOPS
        price = m[m[order + O_RARE] + X_TRIGGER_PRICE]
    level = find_level(s, book, price)
    if not level:
        level = make_level(s, book, price)
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
    unlink_order(s, level, order)
    show_level(s, level)
    m[order + O_LEVEL] = 0
    if m[level + L_HEAD] == level:
        drop_level(s, level)
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def watch_book(s: Store, market: cython.longlong) -> cython.longlong:
    """Note when a market that trades has a bid as high as an ask."""
    m = s.m
    bid, ask = m[book_of(market, SIDE_BUY) + B_BEST], m[book_of(market, SIDE_SELL) + B_BEST]
    crossed: cython.bint = bid and ask and m[bid + L_PRICE] >= m[ask + L_PRICE]
    if crossed and m[market + M_STATE] <= STATE_POST_ONLY:
        m[S_VIOLATION] |= VIOLATION_CROSSED
    return 0


@cython.cfunc
@cython.inline
def rest(s: Store, order: cython.longlong) -> cython.longlong:
    """Let an order wait: state, place in the book, and what its account must hold."""
    m = s.m
    remaining = m[order + O_REMAINING]
    status = STATUS_OPEN if remaining == m[order + O_QUANTITY] else STATUS_PARTIALLY_FILLED
    pending = is_pending(s, order)
    if pending:
        status = STATUS_PENDING_TRIGGER
    set_status(s, order, status, CLOSE_NONE)
    show_level(s, enter_level(s, order, pending))
    hold_for(s, order, remaining)
    watch_book(s, market_of(s, order))
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def rest_at_once(
    s: Store,
    order: cython.longlong,
    book: cython.longlong,
    price: cython.longlong,
    quantity: cython.longlong,
    pays_from: cython.longlong,
    need: cython.longlong,
) -> cython.longlong:
    """Let an order without rare terms wait that meets no other; the same as ``rest``."""
    m = s.m
    m[order + O_TERMS] |= STATUS_OPEN << STATUS_SHIFT
    m[order + O_VISIBLE] = quantity
    level = find_level(s, book, price)
    if not level:
        level = make_level(s, book, price)
    append_order(s, level, order)
    show_level(s, level)
    set_aside(s, pays_from, need)
    register_order(s, order)
    put_order(s, order, m[order + O_TERMS])
    return 0


@cython.cfunc
@cython.inline
def withdraw(s: Store, order: cython.longlong) -> cython.longlong:
    """Take a waiting order out of its book and give back what was held for it."""
    hold_for(s, order, -s.m[order + O_REMAINING])
    leave_book(s, order)
    return 0


@cython.cfunc
@cython.inline
def close_order(
    s: Store, order: cython.longlong, status: cython.longlong, close_reason: cython.longlong
) -> cython.longlong:
    """End a waiting order before it is filled; whoever ends many makes room for each."""
    withdraw(s, order)
    put_order(s, order, with_status(s.m[order + O_TERMS], status, close_reason))
    unregister_order(s, order)
    free_order(s, order)
    return 0


@cython.cfunc
def reduce(s: Store, order: cython.longlong, lots: cython.longlong) -> cython.longlong:
    """Shrink a waiting order in place; an iceberg's hidden part goes first."""
    m = s.m
    level = m[order + O_LEVEL]
    hold_for(s, order, -lots)
    m[order + O_QUANTITY] -= lots
    m[order + O_REMAINING] -= lots
    m[level + L_TOTAL] -= lots
    hidden = m[order + O_VISIBLE] - m[order + O_REMAINING]
    if hidden > 0:
        m[order + O_VISIBLE] -= hidden
        m[level + L_VISIBLE] -= hidden
    show_level(s, level)
    return 0


# --- expiry: a heap of orders by (expiry, id) -----------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def expires_before(s: Store, one: cython.longlong, other: cython.longlong) -> cython.bint:
    """Whether an order expires before another."""
    m = s.m
    first = m[m[one + O_RARE] + X_EXPIRE_MS]
    second = m[m[other + O_RARE] + X_EXPIRE_MS]
    return first < second or (first == second and m[one + O_ID] < m[other + O_ID])


@cython.cfunc
@cython.exceptval(check=False)
def schedule_expiry(s: Store, order: cython.longlong) -> cython.longlong:
    """Add an order that expires to the heap."""
    m = s.m
    if not m[m[order + O_RARE] + X_EXPIRE_MS]:
        return 0
    m[S_EXPIRY_COUNT] += 1
    raise_expiry(s, m[S_EXPIRY_COUNT], order)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def unschedule_expiry(s: Store, order: cython.longlong) -> cython.longlong:
    """Take an order out of the heap, if it is in there."""
    m = s.m
    place = m[m[order + O_RARE] + X_HEAP]
    if not place:
        return 0
    m[m[order + O_RARE] + X_HEAP] = 0
    last = m[s.expiries + m[S_EXPIRY_COUNT]]
    m[S_EXPIRY_COUNT] -= 1
    if last != order:
        sink_expiry(s, place, last)
        raise_expiry(s, m[m[last + O_RARE] + X_HEAP], last)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def raise_expiry(s: Store, place: cython.longlong, order: cython.longlong) -> cython.longlong:
    """Put an order at a place of the heap, or nearer to the top where it belongs."""
    m = s.m
    while place > 1:
        above = m[s.expiries + (place >> 1)]
        if not expires_before(s, order, above):
            break
        m[s.expiries + place] = above
        m[m[above + O_RARE] + X_HEAP] = place
        place >>= 1
    m[s.expiries + place] = order
    m[m[order + O_RARE] + X_HEAP] = place
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def sink_expiry(s: Store, place: cython.longlong, order: cython.longlong) -> cython.longlong:
    """Put an order at a place of the heap, or further from the top where it belongs."""
    m = s.m
    count = m[S_EXPIRY_COUNT]
    while 2 * place <= count:
        child = 2 * place
        below = m[s.expiries + child]
        if child < count and expires_before(s, m[s.expiries + child + 1], below):
            child += 1
            below = m[s.expiries + child]
        if not expires_before(s, below, order):
            break
        m[s.expiries + place] = below
        m[m[below + O_RARE] + X_HEAP] = place
        place = child
    m[s.expiries + place] = order
    m[m[order + O_RARE] + X_HEAP] = place
    return 0
