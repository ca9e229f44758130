"""Trailing stops: triggers that follow the best confirmed price at a distance, the trail.

Orders of one extreme are a level, whose price it is: when the confirmed price goes beyond it, the
level's price follows, and no order is touched. The first of a level to trigger is the root of its
heap, the first level of a side that of the side's (``melds``).
"""

import cython

from engine.core.book import (
    append_order,
    book_of,
    drop_level,
    find_level,
    make_level,
    merge_levels,
    move_level,
    next_level,
    rotate_level,
    unlink_order,
)
from engine.core.collar import is_marketable
from engine.core.emit import emit_decided_order
from engine.core.ledger import market_of
from engine.core.melds import meld, take_out
from engine.core.records import (
    B_BEST,
    B_ORDER_COUNT,
    BOOK_ACTIVATIONS,
    BOOK_PPM,
    BOOK_TICKS,
    COND_ACTIVATION_PRICE,
    COND_EXTREME,
    COND_LIMIT_OFFSET,
    COND_ORDER,
    COND_ORDER_ID,
    COND_TRAIL,
    COND_TRIGGER_PRICE,
    L_HEAD,
    L_PRICE,
    L_TRAIL_ROOT,
    L_TRIGGER,
    M_COLLAR_PPM,
    M_CONFIRMED_PRICE,
    M_PRICE_BOUND,
    M_REFERENCE_PRICE,
    M_TICK_UNITS,
    M_TRAILING,
    M_TRAILING_COUNT,
    O_CONDITIONS,
    O_FILLED_QUOTE,
    O_FLAGS,
    O_ID,
    O_LEVEL,
    O_PRICE,
    O_REMAINING,
)
from engine.core.store import Store, make_room
from wire.layout import (
    AMOUNT_MAX,
    CHANGE_PRICE,
    CHANGE_TRAIL,
    CHANGE_TRIGGER_PRICE,
    PLACE_FLAGS,
    PLACE_TRAIL,
    PLACE_TRIGGER_PRICE,
    PPM,
    PRICE_MAX,
    REASON_INVALID_TRIGGER_PRICE,
    REASON_PRICE_OUT_OF_RANGE,
    SIDE_BOTH,
    SIDE_BUY,
    SIDE_MASK,
    SIDE_SELL,
    TRAIL_PPM,
    TRAIL_PPM_MAX,
    TRAILING_TYPES,
    TRAILS_STATED_MAX,
    TRIGGERED_SHIFT,
    TYPE_MASK,
    TYPE_SHIFT,
)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def trails(flags: cython.longlong) -> cython.bint:
    """Whether flags are those of a trailing stop, whatever has become of it."""
    return TRAILING_TYPES >> (flags >> TYPE_SHIFT & TYPE_MASK) & 1


@cython.cfunc
@cython.exceptval(check=False)
def is_pending_trail(s: Store, order: cython.longlong) -> cython.bint:
    """Whether an order is a trailing stop that has not triggered."""
    return trails(s.m[order + O_FLAGS]) and not s.m[order + O_FLAGS] >> TRIGGERED_SHIFT & 1


@cython.cfunc
@cython.exceptval(check=False)
def trail_distance(trail: cython.longlong, price: cython.longlong) -> cython.longlong:
    """Return a valid trail in ticks; parts per million of a price are rounded up to whole ones."""
    if trail < TRAIL_PPM:
        return trail
    return (price * (trail - TRAIL_PPM) + PPM - 1) // PPM


@cython.cfunc
@cython.exceptval(check=False)
def trigger_from(
    side: cython.longlong, trail: cython.longlong, extreme: cython.longlong
) -> cython.longlong:
    """Return where a trailing stop would trigger if the price turned at an extreme."""
    distance = trail_distance(trail, extreme)
    return extreme + distance if side == SIDE_BUY else extreme - distance


@cython.cfunc
@cython.exceptval(check=False)
def is_valid_trail(trail: cython.longlong, price_bound: cython.longlong) -> cython.bint:
    """Whether a trail is some ticks, or a part of the price."""
    return 0 < trail <= price_bound or TRAIL_PPM < trail <= TRAIL_PPM + TRAIL_PPM_MAX


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_nearer(side: cython.longlong, price: cython.longlong, other: cython.longlong) -> cython.bint:
    """Whether a price is beyond another in the direction that moves a side's triggers."""
    return price < other if side == SIDE_BUY else price > other


@cython.cfunc
@cython.exceptval(check=False)
def extreme_of(s: Store, order: cython.longlong) -> cython.longlong:
    """Return a trailing stop's extreme: its level's price while it waits; 0 before it trails."""
    m = s.m
    extreme = m[m[order + O_CONDITIONS] + COND_EXTREME]
    if extreme and m[order + O_LEVEL] and is_pending_trail(s, order):
        return m[m[order + O_LEVEL] + L_PRICE]
    return extreme


@cython.cfunc
@cython.exceptval(check=False)
def current_trigger(s: Store, order: cython.longlong) -> cython.longlong:
    """Return a waiting stop's trigger price: where it trails by its extreme, or as it is stated."""
    m = s.m
    conditions = m[order + O_CONDITIONS]
    if trails(m[order + O_FLAGS]) and m[conditions + COND_EXTREME]:
        side = m[order + O_FLAGS] & SIDE_MASK
        return trigger_from(side, m[conditions + COND_TRAIL], extreme_of(s, order))
    return m[conditions + COND_TRIGGER_PRICE]


# --- a new order ----------------------------------------------------------------------------------


@cython.cfunc
@cython.exceptval(check=False)
def start_extreme(s: Store, market: cython.longlong, command: cython.p_longlong) -> cython.longlong:
    """Return the price from which a new order trails, 0 while it waits for its activation."""
    price = s.m[market + M_CONFIRMED_PRICE]
    activation = command[PLACE_TRIGGER_PRICE]
    if activation and is_nearer(command[PLACE_FLAGS] & SIDE_MASK, activation, price):
        return 0
    return price


@cython.cfunc
@cython.exceptval(check=False)
def start_trigger(s: Store, market: cython.longlong, command: cython.p_longlong) -> cython.longlong:
    """Return a new order's trigger price; 0 where there is no price to follow."""
    start = start_extreme(s, market, command)
    if not start:
        start = command[PLACE_TRIGGER_PRICE]
    if not start:
        return 0
    return trigger_from(command[PLACE_FLAGS] & SIDE_MASK, command[PLACE_TRAIL], start)


@cython.cfunc
@cython.exceptval(check=False)
def start_trail(
    s: Store, market: cython.longlong, order: cython.longlong, command: cython.p_longlong
) -> cython.longlong:
    """Let a new order trail from the confirmed price, or wait for its activation price."""
    m = s.m
    conditions = m[order + O_CONDITIONS]
    m[conditions + COND_ACTIVATION_PRICE] = command[PLACE_TRIGGER_PRICE]
    m[conditions + COND_EXTREME] = start_extreme(s, market, command)
    m[conditions + COND_TRIGGER_PRICE] = start_trigger(s, market, command)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def limit_from_trigger(
    s: Store,
    market: cython.longlong,
    side: cython.longlong,
    trigger: cython.longlong,
    offset: cython.longlong,
) -> cython.longlong:
    """Return the limit price that an offset makes of a trigger price."""
    if side == SIDE_BUY:
        return min(s.m[market + M_PRICE_BOUND], trigger + offset)
    return max(1, trigger - offset)


@cython.cfunc
@cython.exceptval(check=False)
def fix_prices(s: Store, order: cython.longlong) -> cython.longlong:
    """Fix the trigger price, and of a trailing stop-limit the limit, of one that triggers."""
    m = s.m
    market, conditions = market_of(s, order), m[order + O_CONDITIONS]
    side = m[order + O_FLAGS] & SIDE_MASK
    m[conditions + COND_TRIGGER_PRICE] = current_trigger(s, order)
    if is_marketable(s, order):
        return 0
    price, offset = m[order + O_PRICE], m[conditions + COND_LIMIT_OFFSET]
    if offset:
        price = limit_from_trigger(s, market, side, m[conditions + COND_TRIGGER_PRICE], offset)
    reference, ppm = m[market + M_REFERENCE_PRICE], m[market + M_COLLAR_PPM]
    if reference and ppm:
        band = reference * ppm // PPM
        nearest = reference + band if side == SIDE_BUY else reference - band
        price = min(price, nearest) if side == SIDE_BUY else max(price, nearest)
    worth = (AMOUNT_MAX - m[order + O_FILLED_QUOTE]) // (
        m[order + O_REMAINING] * m[market + M_TICK_UNITS]
    )
    m[order + O_PRICE] = max(1, min(price, worth))
    return 0


# --- a changed order ------------------------------------------------------------------------------


@cython.cfunc
@cython.exceptval(check=False)
def check_trail_change(
    s: Store, order: cython.longlong, command: cython.p_longlong
) -> cython.longlong:
    """Return why a waiting trailing stop can't be changed so, or 0."""
    m = s.m
    bound = m[market_of(s, order) + M_PRICE_BOUND]
    if command[CHANGE_TRIGGER_PRICE]:
        return REASON_INVALID_TRIGGER_PRICE
    if command[CHANGE_TRAIL]:
        trigger = changed_trigger(s, order, command)
        if not is_valid_trail(command[CHANGE_TRAIL], bound) or not 0 < trigger <= bound:
            return REASON_INVALID_TRIGGER_PRICE
    if command[CHANGE_PRICE] and m[m[order + O_CONDITIONS] + COND_LIMIT_OFFSET]:
        return REASON_PRICE_OUT_OF_RANGE
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def changed_trigger(
    s: Store, order: cython.longlong, command: cython.p_longlong
) -> cython.longlong:
    """Return the trigger price an order would have, 0 for none; of a trail that is none, any."""
    m = s.m
    conditions = m[order + O_CONDITIONS]
    if not conditions:
        return 0
    if command[CHANGE_TRAIL] and is_pending_trail(s, order):
        start = extreme_of(s, order)
        if not start:
            start = m[conditions + COND_ACTIVATION_PRICE]
        trail = command[CHANGE_TRAIL]
        if is_valid_trail(trail, PRICE_MAX):
            return trigger_from(m[order + O_FLAGS] & SIDE_MASK, trail, start)
    trigger = command[CHANGE_TRIGGER_PRICE]
    return trigger if trigger else m[conditions + COND_TRIGGER_PRICE]


# --- levels and the heaps of them -----------------------------------------------------------------


@cython.cfunc
@cython.exceptval(check=False)
def index_level(
    s: Store, market: cython.longlong, side: cython.longlong, level: cython.longlong
) -> cython.longlong:
    """Put a level among those of its side, by its first trigger price; not where it has none."""
    m = s.m
    first = m[level + L_TRAIL_ROOT]
    if not first:
        return 0
    m[level + L_TRIGGER] = trigger_from(side, m[first + COND_TRAIL], m[level + L_PRICE])
    root = market + M_TRAILING + side - SIDE_BUY
    m[root] = meld(s, side, m[root], level)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def unindex_level(
    s: Store, market: cython.longlong, side: cython.longlong, level: cython.longlong
) -> cython.longlong:
    """Take a level out of those of its side, if it is among them, before it changes."""
    m = s.m
    if m[level + L_TRAIL_ROOT]:
        root = market + M_TRAILING + side - SIDE_BUY
        m[root] = take_out(s, side, m[root], level)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def add_to_heap(
    s: Store, market: cython.longlong, side: cython.longlong, order: cython.longlong
) -> cython.longlong:
    """Add an order to the heap of the level that it is in."""
    m = s.m
    level, conditions = m[order + O_LEVEL], m[order + O_CONDITIONS]
    unindex_level(s, market, side, level)
    m[level + L_TRAIL_ROOT] = meld(s, SIDE_BOTH, m[level + L_TRAIL_ROOT], conditions)
    return index_level(s, market, side, level)


@cython.cfunc
@cython.exceptval(check=False)
def take_out_of_heap(
    s: Store, market: cython.longlong, side: cython.longlong, order: cython.longlong
) -> cython.longlong:
    """Take an order out of the heap of its level."""
    m = s.m
    level, conditions = m[order + O_LEVEL], m[order + O_CONDITIONS]
    unindex_level(s, market, side, level)
    m[level + L_TRAIL_ROOT] = take_out(s, SIDE_BOTH, m[level + L_TRAIL_ROOT], conditions)
    return index_level(s, market, side, level)


@cython.cfunc
@cython.exceptval(check=False)
def trailing_book(
    market: cython.longlong, side: cython.longlong, trail: cython.longlong
) -> cython.longlong:
    """Return the book in which orders of a side with this trail are."""
    return book_of(market, side) + BOOK_TICKS + (BOOK_PPM if trail > TRAIL_PPM else 0)


@cython.cfunc
@cython.exceptval(check=False)
def enter_trail(s: Store, order: cython.longlong) -> cython.longlong:
    """Put a waiting trailing stop at the back of its level; return the level."""
    m = s.m
    market, side = market_of(s, order), m[order + O_FLAGS] & SIDE_MASK
    conditions = m[order + O_CONDITIONS]
    extreme = m[conditions + COND_EXTREME]
    book = trailing_book(market, side, m[conditions + COND_TRAIL])
    price = extreme
    if not extreme:
        book, price = (
            book_of(market, side) + BOOK_ACTIVATIONS,
            m[conditions + COND_ACTIVATION_PRICE],
        )
    level = find_level(s, book, price)
    if not level:
        level = make_level(s, book, price)
    m[conditions + COND_ORDER_ID] = m[order + O_ID]
    m[conditions + COND_ORDER] = order
    m[book + B_ORDER_COUNT] += 1
    m[market + M_TRAILING_COUNT] += 1
    append_order(s, level, order)
    if extreme:
        add_to_heap(s, market, side, order)
    return level


@cython.cfunc
@cython.exceptval(check=False)
def leave_trail(s: Store, order: cython.longlong) -> cython.longlong:
    """Take an order that is about to leave its level out of what knows it as a trailing stop."""
    m = s.m
    flags = m[order + O_FLAGS]
    if not is_pending_trail(s, order):
        return 0
    market, conditions = market_of(s, order), m[order + O_CONDITIONS]
    m[market + M_TRAILING_COUNT] -= 1
    if m[conditions + COND_EXTREME]:
        m[conditions + COND_EXTREME] = extreme_of(s, order)
        take_out_of_heap(s, market, flags & SIDE_MASK, order)
    return 0


# --- following the price --------------------------------------------------------------------------


@cython.cfunc
def follow_price(s: Store, market: cython.longlong) -> cython.longlong:
    """Let what trails follow a new confirmed price, and begin to trail what it activates."""
    for side in (SIDE_BUY, SIDE_SELL):
        overtake(s, market, side, book_of(market, side) + BOOK_TICKS)
        overtake(s, market, side, book_of(market, side) + BOOK_TICKS + BOOK_PPM)
        activate(s, market, side)
        state_triggers(s, market, side)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def overtake(
    s: Store, market: cython.longlong, side: cython.longlong, book: cython.longlong
) -> cython.longlong:
    """Make one level of all whose extreme the price has reached; the older extremes come first."""
    m = s.m
    price = m[market + M_CONFIRMED_PRICE]
    level = m[book + B_BEST]
    if not level or m[level + L_PRICE] == price or is_nearer(side, m[level + L_PRICE], price):
        return 0
    unindex_level(s, market, side, level)
    behind = next_level(s, level)
    while behind and not is_nearer(side, m[behind + L_PRICE], price):
        unindex_level(s, market, side, behind)
        root = meld(s, SIDE_BOTH, m[behind + L_TRAIL_ROOT], m[level + L_TRAIL_ROOT])
        m[level + L_TRAIL_ROOT] = 0
        m[behind + L_TRAIL_ROOT] = 0
        level = merge_levels(s, behind, level)
        m[level + L_TRAIL_ROOT] = root
        behind = next_level(s, level)
    if m[level + L_PRICE] != price:
        move_level(s, level, price)
    return index_level(s, market, side, level)


@cython.cfunc
def activate(s: Store, market: cython.longlong, side: cython.longlong) -> cython.longlong:
    """Begin to trail the orders whose activation price has been reached."""
    m = s.m
    price = m[market + M_CONFIRMED_PRICE]
    book = book_of(market, side) + BOOK_ACTIVATIONS
    level = m[book + B_BEST]
    while level and not is_nearer(side, m[level + L_PRICE], price):
        make_room(s)
        order = m[level + L_HEAD]
        conditions = m[order + O_CONDITIONS]
        m[book + B_ORDER_COUNT] -= 1
        m[market + M_TRAILING_COUNT] -= 1
        unlink_order(s, level, order)
        if m[level + L_HEAD] == level:
            drop_level(s, level)
        m[conditions + COND_EXTREME] = price
        enter_trail(s, order)
        m[conditions + COND_TRIGGER_PRICE] = current_trigger(s, order)
        emit_decided_order(s, order, True)
        level = m[book + B_BEST]
    return 0


@cython.cfunc
def state_triggers(s: Store, market: cython.longlong, side: cython.longlong) -> cython.longlong:
    """State where some of those trigger that have the extreme of the one that triggers first."""
    m = s.m
    level = m[market + M_TRAILING + side - SIDE_BUY]
    first = m[level + L_HEAD] if level else 0
    left: cython.longlong = TRAILS_STATED_MAX if level else 0
    while left:
        order = m[level + L_HEAD]
        conditions, trigger = m[order + O_CONDITIONS], current_trigger(s, order)
        if m[conditions + COND_TRIGGER_PRICE] != trigger:
            make_room(s)
            m[conditions + COND_TRIGGER_PRICE] = trigger
            emit_decided_order(s, order, True)
        rotate_level(s, level)
        left -= 1
        if m[level + L_HEAD] == first:
            left = 0
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def first_trailing(s: Store, market: cython.longlong, side: cython.longlong) -> cython.longlong:
    """Return the order that trails on a side and would trigger first, or 0."""
    m = s.m
    level = m[market + M_TRAILING + side - SIDE_BUY]
    return m[m[level + L_TRAIL_ROOT] + COND_ORDER] if level else 0
