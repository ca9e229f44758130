"""Looking ahead in a batch, so that memory is near when its command's turn comes.

With a million orders resting, an order, its neighbours and its account are in as many distant
places, and waiting for each would take longer than all the work. Some commands before its turn a
command's places are asked for, in stages: each stage reads what the one before has brought. Where
there is little to look through, finding the order or account early is enough.
Nothing here changes anything. The order or account found is only a guess: whoever takes it up
looks whether it is the one that its command means.
"""

import cython

from engine.core.book import find_level
from engine.core.hints import prefetch
from engine.core.index import id_fingerprint, order_home, scatter_group
from engine.core.records import (
    A_BALANCE_NEW,
    A_BALANCE_OLD,
    A_ORDER_TAIL,
    AHEAD_COMMANDS,
    AHEAD_FROM_RECORDS,
    AHEAD_INDEXES,
    AHEAD_MASK,
    AHEAD_NEIGHBOURS,
    AHEAD_RECORDS,
    BOOK_WORDS,
    I_HIGH,
    I_LOW,
    ID_WORDS,
    INDEX_GROUP_MASK,
    L_TAIL,
    LINE_WORDS,
    M_BOOKS,
    O_ACCOUNT_NEXT,
    O_ACCOUNT_PREVIOUS,
    O_BALANCE,
    O_NEXT,
    O_PREVIOUS,
    S_ACCOUNT_COUNT,
    S_AHEAD,
    S_ID_COUNT,
    S_ID_NEXT,
    S_LOOK_INDEX,
    S_LOOK_KEY,
    S_LOOK_MASK,
    S_LOOK_SHIFT,
    S_ORDER_COUNT,
    S_SEQUENCE,
)
from engine.core.refusing import market_at
from engine.core.store import Store
from wire.layout import (
    CANCEL_ORDER_ID,
    COMMAND_LENGTH,
    COMMAND_PLACE,
    HEADER_ID_HIGH,
    HEADER_ID_LOW,
    HEADER_KIND,
    PLACE_FLAGS,
    PLACE_MARKET,
    PLACE_PRICE,
    PRICE_MAX,
)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_large(s: Store) -> cython.bint:
    """Whether there is more than a processor keeps near by itself."""
    return s.m[S_ORDER_COUNT] + s.m[S_ACCOUNT_COUNT] > AHEAD_FROM_RECORDS


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def bring(s: Store, offset: cython.longlong) -> cython.longlong:
    """Ask for the memory at an offset."""
    prefetch(cython.address(s.m[offset]))
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def bring_id(s: Store, high: cython.longlong, low: cython.longlong) -> cython.longlong:
    """Ask for where a command id is noted, or will be."""
    bring(s, s.id_index + (id_fingerprint(high, low) >> s.id_index_shift))
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def bring_index(s: Store, command: cython.p_longlong, place: cython.longlong) -> cython.longlong:
    """First stage: where the account of a PLACE, or the order of another command, may be noted.

    Without a branch: it would be guessed wrong for every third command. What other kinds have in
    the word of an order's id leads to some other entry, which does no harm.
    """
    m = s.m
    is_place: cython.longlong = command[HEADER_KIND] == COMMAND_PLACE
    # The account stands right before the order's id.
    number = command[CANCEL_ORDER_ID - is_place] & m[S_LOOK_KEY + is_place]
    entry = m[S_LOOK_INDEX + is_place] + scatter_group(number, m[S_LOOK_MASK + is_place])
    bring(s, entry)
    m[S_AHEAD + (place & AHEAD_MASK)] = entry << 1 | is_place
    high, low = command[HEADER_ID_HIGH], command[HEADER_ID_LOW]
    if high | low:
        bring_id(s, high, low)
        if m[S_ID_COUNT] == s.capacity_ids:
            # Another id will be forgotten for it.
            oldest = m[S_ID_NEXT] + AHEAD_INDEXES
            known = s.ids + (oldest * ID_WORDS if oldest < s.capacity_ids else 0)
            bring_id(s, m[known + I_HIGH], m[known + I_LOW])
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def bring_record(s: Store, place: cython.longlong) -> cython.longlong:
    """Second stage: the order or the account itself, noted for when the command is decided."""
    m = s.m
    noted = m[S_AHEAD + (place & AHEAD_MASK)]
    record = m[noted >> 1] >> m[S_LOOK_SHIFT + (noted & 1)]
    bring(s, record)
    bring(s, record + LINE_WORDS)
    m[S_AHEAD + (place & AHEAD_MASK)] = record
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def bring_neighbours(
    s: Store, command: cython.p_longlong, place: cython.longlong
) -> cython.longlong:
    """Third stage: balances, and the orders beside it in its level and in its account."""
    m = s.m
    record = m[S_AHEAD + (place & AHEAD_MASK)]
    if command[HEADER_KIND] == COMMAND_PLACE:
        bring(s, m[record + A_BALANCE_NEW])
        bring(s, m[record + A_BALANCE_OLD])
        bring(s, m[record + A_ORDER_TAIL] + O_ACCOUNT_NEXT)
        book = market_at(s, command[PLACE_MARKET]) + M_BOOKS
        book += (1 - (command[PLACE_FLAGS] & 1)) * BOOK_WORDS
        level = find_level(s, book, command[PLACE_PRICE] & PRICE_MAX)
        bring(s, m[level + L_TAIL])
    elif record:
        bring(s, m[record + O_NEXT])
        bring(s, m[record + O_PREVIOUS])
        bring(s, m[record + O_ACCOUNT_NEXT] + O_ACCOUNT_NEXT)
        bring(s, m[record + O_ACCOUNT_PREVIOUS] + O_ACCOUNT_NEXT)
        bring(s, m[record + O_BALANCE])
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def start_looking_ahead(
    s: Store, commands: cython.p_longlong, place: cython.longlong, count: cython.longlong
) -> cython.longlong:
    """Bring the first commands to where the stages would have brought them."""
    for index in range(place, min(place + AHEAD_INDEXES, count)):
        bring_index(s, commands + index * COMMAND_LENGTH, index)
    for index in range(place, min(place + AHEAD_RECORDS, count)):
        bring_record(s, index)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def look_ahead_at_the_end(
    s: Store,
    commands: cython.p_longlong,
    place: cython.longlong,
    count: cython.longlong,
    large: cython.bint,
) -> cython.longlong:
    """Run the stages that still have a command."""
    if place + AHEAD_RECORDS < count:
        bring_record(s, place + AHEAD_RECORDS)
    later = place + AHEAD_NEIGHBOURS
    if large and later < count:
        bring_neighbours(s, commands + later * COMMAND_LENGTH, later)
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def look_ahead(
    s: Store,
    commands: cython.p_longlong,
    place: cython.longlong,
    count: cython.longlong,
    large: cython.bint,
) -> cython.longlong:
    """Run the stages for the commands that come some places later."""
    here = commands + place * COMMAND_LENGTH
    prefetch(here + AHEAD_COMMANDS * COMMAND_LENGTH)
    prefetch(here + AHEAD_COMMANDS * COMMAND_LENGTH + LINE_WORDS)
    if not s.m[S_SEQUENCE] & INDEX_GROUP_MASK:
        # Where the next orders' entries will go.
        entry = s.order_index + order_home(s, s.m[S_SEQUENCE] + INDEX_GROUP_MASK + 1)
        for line in range(4):
            bring(s, entry + line * LINE_WORDS)
    if place + AHEAD_INDEXES < count:
        bring_index(s, here + AHEAD_INDEXES * COMMAND_LENGTH, place + AHEAD_INDEXES)
        bring_record(s, place + AHEAD_RECORDS)
        if large:
            later = place + AHEAD_NEIGHBOURS
            bring_neighbours(s, here + AHEAD_NEIGHBOURS * COMMAND_LENGTH, later)
    else:
        look_ahead_at_the_end(s, commands, place, count, large)
    s.ahead = s.m[S_AHEAD + (place & AHEAD_MASK)]
    return 0
