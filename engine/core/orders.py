"""The life of an order record: allocated, in a book, out of it, freed."""

import cython

from engine.core.book import append_order, book_of, drop_level, find_level, make_level, unlink_order
from engine.core.emit import emit_level, emit_order
from engine.core.index import find_order
from engine.core.ledger import (
    extra_reserve,
    market_of,
    move_to_held,
    other_of,
    owner_of,
    reserve,
    unreserve,
)
from engine.core.records import (
    A_ORDER_HEAD,
    B_BEST,
    B_ORDER_COUNT,
    BOOK_STOPS,
    COND_DISPLAY_QUANTITY,
    COND_EXIT,
    COND_LIST_ID,
    COND_OTHER,
    COND_TRIGGER_PRICE,
    L_BOOK,
    L_HEAD,
    L_PRICE,
    L_TOTAL,
    L_VISIBLE,
    M_AWAITING,
    M_STATE,
    O_ACCOUNT_NEXT,
    O_BALANCE,
    O_CONDITIONS,
    O_FLAGS,
    O_LEVEL,
    O_NEXT,
    O_PRICE,
    O_QUANTITY,
    O_REMAINING,
    O_VISIBLE,
    S_AWAITING,
    S_ORDER_COUNT,
    S_RELEASED_HEAD,
    S_RELEASED_TAIL,
    S_VIOLATION,
    STATUS_BITS,
    VIOLATION_CROSSED,
)
from engine.core.registry import free_order, register_order, unregister_order
from engine.core.store import Store, make_room
from engine.core.trailing import enter_trail, leave_trail, trails
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
    STATUS_MASK,
    STATUS_OPEN,
    STATUS_PARTIALLY_FILLED,
    STATUS_PENDING_ENTRY,
    STATUS_PENDING_TRIGGER,
    STATUS_SHIFT,
    STOP_TYPES,
    TAKE_PROFIT_TYPES,
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


# --- in and out of a book -------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def trigger_side(flags: cython.longlong) -> cython.longlong:
    """Return SIDE_BUY where a rise triggers the order, SIDE_SELL where a fall does."""
    side = flags & SIDE_MASK
    is_take_profit = TAKE_PROFIT_TYPES >> (flags >> TYPE_SHIFT & TYPE_MASK) & 1
    return SIDE_BUY + SIDE_SELL - side if is_take_profit else side


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
    if pending and trails(m[order + O_FLAGS]):
        m[order + O_VISIBLE] = visible_of(s, order)
        return enter_trail(s, order)
    if pending:
        book = book_of(market_of(s, order), trigger_side(m[order + O_FLAGS])) + BOOK_STOPS
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
    if m[order + O_CONDITIONS]:
        leave_trail(s, order)
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
    reserve(s, order)
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
    if list_of(s, order):
        return close_listed(s, order, status, close_reason)
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
    before = m[S_ORDER_COUNT]
    order = m[account + A_ORDER_HEAD] if account else 0
    while order != account:
        following = m[order + O_ACCOUNT_NEXT]
        flags = m[order + O_FLAGS]
        number = flags >> EVENT_MARKET_SHIFT & MARKET_MAX
        in_market: cython.bint = not market_number or number == market_number
        if in_market and (side == SIDE_BOTH or flags & SIDE_MASK == side):
            make_room(s)
            if list_of(s, order):
                following = beyond_list(s, order)
                close_list(s, order, STATUS_CANCELLED, close_reason)
            else:
                close_order(s, order, STATUS_CANCELLED, close_reason)
        order = following
    return before - m[S_ORDER_COUNT]


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


# --- orders of a list -----------------------------------------------------------------------------
# They are next to each other in their account's ring, because their ids are.


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def list_of(s: Store, order: cython.longlong) -> cython.longlong:
    """Return the id of the list that an order belongs to, or 0."""
    return s.m[s.m[order + O_CONDITIONS] + COND_LIST_ID]


@cython.cfunc
@cython.exceptval(check=False)
def awaits_entry(s: Store, order: cython.longlong) -> cython.bint:
    """Whether an order waits, in no book, for the entry of its list."""
    return s.m[order + O_FLAGS] >> STATUS_SHIFT & STATUS_MASK == STATUS_PENDING_ENTRY


@cython.cfunc
@cython.exceptval(check=False)
def beyond_list(s: Store, order: cython.longlong) -> cython.longlong:
    """Return what comes after an order and the later ones of its list in its account's ring."""
    m = s.m
    account = owner_of(s, order)
    following = m[order + O_ACCOUNT_NEXT]
    while following != account and list_of(s, following) == list_of(s, order):
        following = m[following + O_ACCOUNT_NEXT]
    return following


@cython.cfunc
@cython.exceptval(check=False)
def count_awaiting(s: Store, order: cython.longlong, more: cython.longlong) -> cython.longlong:
    """Count an exit that begins to wait for its entry, or, with -1, one that does no more."""
    s.m[S_AWAITING] += more
    s.m[market_of(s, order) + M_AWAITING] += more
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def link_pair(s: Store, first: cython.longlong, second: cython.longlong) -> cython.longlong:
    """Let two orders know each other as the one that cancels the other."""
    m = s.m
    m[m[first + O_CONDITIONS] + COND_OTHER] = second
    m[m[second + O_CONDITIONS] + COND_OTHER] = first
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def unlink_pair(s: Store, first: cython.longlong, second: cython.longlong) -> cython.longlong:
    """Let two orders go their own ways."""
    m = s.m
    m[m[first + O_CONDITIONS] + COND_OTHER] = 0
    m[m[second + O_CONDITIONS] + COND_OTHER] = 0
    return 0


@cython.cfunc
def rest_pair(s: Store, first: cython.longlong, second: cython.longlong) -> cython.longlong:
    """Rest two orders of which one will cancel the other; funds are held for them once."""
    unlink_pair(s, first, second)
    rest_order(s, first)
    link_pair(s, first, second)
    rest_order(s, second)
    return 0


@cython.cfunc
def end_other(
    s: Store, order: cython.longlong, status: cython.longlong, close_reason: cython.longlong
) -> cython.longlong:
    """End the other one of an order's list, if both wait: this one is about to trade or to end."""
    m = s.m
    other = other_of(s, order)
    if not other:
        return 0
    make_room(s)
    amount = extra_reserve(s, other)
    unlink_pair(s, order, other)
    move_to_held(s, m[other + O_BALANCE], -amount)
    leave_book(s, other)
    return end_unbooked(s, other, status, close_reason)


@cython.cfunc
def end_unbooked(
    s: Store, order: cython.longlong, status: cython.longlong, close_reason: cython.longlong
) -> cython.longlong:
    """End an order that is in no book any more, or in none yet."""
    if awaits_entry(s, order):
        count_awaiting(s, order, -1)
    emit_order(s, order, with_status(s.m[order + O_FLAGS], status, close_reason))
    unregister_order(s, order)
    free_order(s, order)
    return 0


@cython.cfunc
def release_exits(
    s: Store, entry: cython.longlong, status: cython.longlong, close_reason: cython.longlong
) -> cython.longlong:
    """Have the exits of an entry that has ended placed for what it was filled; or end them."""
    m = s.m
    first = m[m[entry + O_CONDITIONS] + COND_EXIT]
    if not first:
        return 0
    lots = m[entry + O_QUANTITY] - m[entry + O_REMAINING]
    if not lots:
        return end_exits(s, entry, status, close_reason)
    m[m[entry + O_CONDITIONS] + COND_EXIT] = 0
    second = other_of(s, first)
    m[first + O_QUANTITY] = m[first + O_REMAINING] = lots
    m[second + O_QUANTITY] = m[second + O_REMAINING] = lots
    m[first + O_NEXT] = 0
    if m[S_RELEASED_HEAD]:
        m[m[S_RELEASED_TAIL] + O_NEXT] = first
    else:
        m[S_RELEASED_HEAD] = first
    m[S_RELEASED_TAIL] = first
    return 0


@cython.cfunc
def end_exits(
    s: Store, entry: cython.longlong, status: cython.longlong, close_reason: cython.longlong
) -> cython.longlong:
    """End the exits that wait for an entry."""
    m = s.m
    first = m[m[entry + O_CONDITIONS] + COND_EXIT]
    if not first:
        return 0
    m[m[entry + O_CONDITIONS] + COND_EXIT] = 0
    return end_pair(s, first, other_of(s, first), status, close_reason)


@cython.cfunc
def end_pair(
    s: Store,
    first: cython.longlong,
    second: cython.longlong,
    status: cython.longlong,
    close_reason: cython.longlong,
) -> cython.longlong:
    """End two exits that are in no book."""
    make_room(s)
    unlink_pair(s, first, second)
    end_unbooked(s, first, status, close_reason)
    return end_unbooked(s, second, status, close_reason)


@cython.cfunc
def close_listed(
    s: Store, order: cython.longlong, status: cython.longlong, close_reason: cython.longlong
) -> cython.longlong:
    """End a waiting order of a list, and what of the list can't be without it."""
    if awaits_entry(s, order):
        return close_list(s, order, status, close_reason)
    make_room(s)
    end_other(s, order, status, close_reason)
    withdraw(s, order)
    emit_order(s, order, with_status(s.m[order + O_FLAGS], status, close_reason))
    unregister_order(s, order)
    release_exits(s, order, status, close_reason)
    free_order(s, order)
    return 0


@cython.cfunc
def close_list(
    s: Store, order: cython.longlong, status: cython.longlong, close_reason: cython.longlong
) -> cython.longlong:
    """End an order and all others of its list, whatever an entry has been filled."""
    entry = find_order(s, list_of(s, order)) if awaits_entry(s, order) else order
    end_exits(s, entry, status, close_reason)
    return close_listed(s, entry, status, close_reason)
