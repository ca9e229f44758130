"""Prefetching: memory is asked for before the command that needs it has its turn.

With a million orders resting, an order, its neighbours and its account are in as many distant
places, and waiting for each would take longer than all the work. Some commands ahead of its turn a
command's memory is asked for, in stages: each stage reads what the one before has fetched. Where
there is little to look through, finding the order or account early is enough.
Nothing here changes anything. The order or account found is only a guess: code that uses it first
checks that it is the one its command means.
"""

import cython

from engine.core.book import find_level
from engine.core.hints import prefetch
from engine.core.ids import id_fingerprint, placed_fingerprint
from engine.core.index import find_market, order_home, scatter_group
from engine.core.records import (
    A_BALANCE_NEW,
    A_BALANCE_OLD,
    A_ORDER_TAIL,
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
    PREFETCH_COMMANDS,
    PREFETCH_FROM_RECORDS,
    PREFETCH_INDEXES,
    PREFETCH_MASK,
    PREFETCH_NEIGHBOURS,
    PREFETCH_RECORDS,
    S_ACCOUNT_COUNT,
    S_ID_COUNT,
    S_ID_NEXT,
    S_ORDER_COUNT,
    S_PREFETCH_INDEX,
    S_PREFETCH_KEY,
    S_PREFETCH_MASK,
    S_PREFETCH_SHIFT,
    S_PREFETCHED,
    S_SEQUENCE,
)
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
    """Whether there is more than a processor's caches hold."""
    return s.m[S_ORDER_COUNT] + s.m[S_ACCOUNT_COUNT] > PREFETCH_FROM_RECORDS


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def prefetch_word(s: Store, offset: cython.longlong) -> cython.longlong:
    """Prefetch the memory at an offset."""
    prefetch(cython.address(s.m[offset]))
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def prefetch_id(s: Store, high: cython.longlong, low: cython.longlong) -> cython.longlong:
    """Prefetch the index entry of a command id."""
    prefetch_word(s, s.id_index + (id_fingerprint(high, low) >> s.id_index_shift))
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def prefetch_placed(s: Store, high: cython.longlong, low: cython.longlong) -> cython.longlong:
    """Prefetch the index entry of the order that a command places."""
    home = placed_fingerprint(high, low) >> s.placed_index_shift
    prefetch_word(s, s.placed_index + home)
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def prefetch_index(
    s: Store, command: cython.p_longlong, position: cython.longlong
) -> cython.longlong:
    """First stage: the index entry of the account of a PLACE, or of the order of another command.

    Without a branch: it would be guessed wrong for every third command. What other kinds have in
    the word of an order's id leads to some entry, which does no harm.
    """
    m = s.m
    is_place: cython.longlong = command[HEADER_KIND] == COMMAND_PLACE
    # The account is right before the order's id.
    number = command[CANCEL_ORDER_ID - is_place] & m[S_PREFETCH_KEY + is_place]
    entry = m[S_PREFETCH_INDEX + is_place] + scatter_group(number, m[S_PREFETCH_MASK + is_place])
    prefetch_word(s, entry)
    m[S_PREFETCHED + (position & PREFETCH_MASK)] = entry << 1 | is_place
    high, low = command[HEADER_ID_HIGH], command[HEADER_ID_LOW]
    if high | low:
        prefetch_id(s, high, low)
        prefetch_placed(s, high, low)
        if m[S_ID_COUNT] == s.capacity_ids:
            # Another id will be forgotten for it.
            oldest = m[S_ID_NEXT] + PREFETCH_INDEXES
            known = s.ids + (oldest * ID_WORDS if oldest < s.capacity_ids else 0)
            prefetch_id(s, m[known + I_HIGH], m[known + I_LOW])
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def prefetch_record(s: Store, position: cython.longlong) -> cython.longlong:
    """Second stage: the order or the account itself, kept until the command is decided."""
    m = s.m
    noted = m[S_PREFETCHED + (position & PREFETCH_MASK)]
    record = m[noted >> 1] >> m[S_PREFETCH_SHIFT + (noted & 1)]
    prefetch_word(s, record)
    prefetch_word(s, record + LINE_WORDS)
    m[S_PREFETCHED + (position & PREFETCH_MASK)] = record
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def prefetch_neighbours(
    s: Store, command: cython.p_longlong, position: cython.longlong
) -> cython.longlong:
    """Third stage: balances, and the orders beside it in its level and in its account."""
    m = s.m
    record = m[S_PREFETCHED + (position & PREFETCH_MASK)]
    if command[HEADER_KIND] == COMMAND_PLACE:
        prefetch_word(s, m[record + A_BALANCE_NEW])
        prefetch_word(s, m[record + A_BALANCE_OLD])
        prefetch_word(s, m[record + A_ORDER_TAIL] + O_ACCOUNT_NEXT)
        book = find_market(s, command[PLACE_MARKET]) + M_BOOKS
        book += (1 - (command[PLACE_FLAGS] & 1)) * BOOK_WORDS
        level = find_level(s, book, command[PLACE_PRICE] & PRICE_MAX)
        prefetch_word(s, m[level + L_TAIL])
    elif record:
        prefetch_word(s, m[record + O_NEXT])
        prefetch_word(s, m[record + O_PREVIOUS])
        prefetch_word(s, m[record + O_ACCOUNT_NEXT] + O_ACCOUNT_NEXT)
        prefetch_word(s, m[record + O_ACCOUNT_PREVIOUS] + O_ACCOUNT_NEXT)
        prefetch_word(s, m[record + O_BALANCE])
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def start_prefetch(
    s: Store, commands: cython.p_longlong, position: cython.longlong, count: cython.longlong
) -> cython.longlong:
    """Run the first stages for the first commands, which no command comes before."""
    for index in range(position, min(position + PREFETCH_INDEXES, count)):
        prefetch_index(s, commands + index * COMMAND_LENGTH, index)
    for index in range(position, min(position + PREFETCH_RECORDS, count)):
        prefetch_record(s, index)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def finish_prefetch(
    s: Store,
    commands: cython.p_longlong,
    position: cython.longlong,
    count: cython.longlong,
    large: cython.bint,
) -> cython.longlong:
    """Run the stages that still have a command."""
    if position + PREFETCH_RECORDS < count:
        prefetch_record(s, position + PREFETCH_RECORDS)
    later = position + PREFETCH_NEIGHBOURS
    if large and later < count:
        prefetch_neighbours(s, commands + later * COMMAND_LENGTH, later)
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def prefetch_ahead(
    s: Store,
    commands: cython.p_longlong,
    position: cython.longlong,
    count: cython.longlong,
    large: cython.bint,
) -> cython.longlong:
    """Run the stages for the commands that come some positions later."""
    here = commands + position * COMMAND_LENGTH
    prefetch(here + PREFETCH_COMMANDS * COMMAND_LENGTH)
    prefetch(here + PREFETCH_COMMANDS * COMMAND_LENGTH + LINE_WORDS)
    if not s.m[S_SEQUENCE] & INDEX_GROUP_MASK:
        # Where the next orders' entries will go.
        entry = s.order_index + order_home(s, s.m[S_SEQUENCE] + INDEX_GROUP_MASK + 1)
        for line in range(4):
            prefetch_word(s, entry + line * LINE_WORDS)
    if position + PREFETCH_INDEXES < count:
        prefetch_index(s, here + PREFETCH_INDEXES * COMMAND_LENGTH, position + PREFETCH_INDEXES)
        prefetch_record(s, position + PREFETCH_RECORDS)
        if large:
            later = position + PREFETCH_NEIGHBOURS
            prefetch_neighbours(s, here + PREFETCH_NEIGHBOURS * COMMAND_LENGTH, later)
    else:
        finish_prefetch(s, commands, position, count, large)
    s.guess = s.m[S_PREFETCHED + (position & PREFETCH_MASK)]
    return 0
