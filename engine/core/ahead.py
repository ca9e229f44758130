"""Looking ahead in a batch, so that memory is near when its command's turn comes.

With a million orders resting, an order, its neighbours and its account are in as many distant
places, and waiting for each would take longer than all the work. Some commands before its turn a
command's places are asked for, in stages: each stage reads what the one before has brought.
Nothing here changes anything, and nothing found here is relied upon.
"""

import cython

from engine.core.book import find_level
from engine.core.hints import prefetch
from engine.core.index import id_fingerprint, order_home, scatter_group
from engine.core.records import (
    A_ASSET_NEW,
    A_BALANCE_NEW,
    A_BALANCE_OLD,
    A_ORDER_TAIL,
    AHEAD_INDEXES,
    AHEAD_NEIGHBOURS,
    AHEAD_RECORDS,
    BOOK_WORDS,
    L_TAIL,
    M_BOOKS,
    O_ACCOUNT,
    O_ACCOUNT_NEXT,
    O_ACCOUNT_PREVIOUS,
    O_NEXT,
    O_PREVIOUS,
    ORDER_INDEX_ID_BITS,
)
from engine.core.refusing import market_at
from engine.core.store import Store
from engine.layout import (
    CANCEL_ORDER_ID,
    COMMAND_CANCEL,
    COMMAND_LENGTH,
    COMMAND_PLACE,
    HEADER_ACCOUNT,
    HEADER_ID_HIGH,
    HEADER_ID_LOW,
    HEADER_KIND,
    PLACE_MARKET,
    PLACE_PRICE,
    PLACE_TERMS,
    PRICE_MAX,
)


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
def bring_indexes(s: Store, command: cython.p_longlong) -> cython.longlong:
    """First stage: where a command's order or account is found."""
    kind = command[HEADER_KIND]
    if kind == COMMAND_PLACE:
        account_home = scatter_group(command[HEADER_ACCOUNT], s.account_index_shift)
        bring(s, s.account_index + account_home)
    elif kind == COMMAND_CANCEL:
        bring(s, s.order_index + order_home(s, command[CANCEL_ORDER_ID]))
    high, low = command[HEADER_ID_HIGH], command[HEADER_ID_LOW]
    if high | low:
        bring(s, s.id_index + (id_fingerprint(high, low) >> s.id_index_shift))
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def bring_records(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Second stage: the order or the account itself."""
    m = s.m
    kind = command[HEADER_KIND]
    if kind == COMMAND_PLACE:
        home = scatter_group(command[HEADER_ACCOUNT], s.account_index_shift)
        account = m[s.account_index + home]
        bring(s, account)
        bring(s, account + A_ASSET_NEW)
    elif kind == COMMAND_CANCEL:
        home = order_home(s, command[CANCEL_ORDER_ID])
        order = m[s.order_index + home] >> ORDER_INDEX_ID_BITS
        bring(s, order)
        bring(s, order + O_NEXT)
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def bring_neighbours(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Third stage: balances, and the orders beside it in its level and in its account."""
    m = s.m
    kind = command[HEADER_KIND]
    if kind == COMMAND_PLACE:
        home = scatter_group(command[HEADER_ACCOUNT], s.account_index_shift)
        account = m[s.account_index + home]
        bring(s, m[account + A_BALANCE_NEW])
        bring(s, m[account + A_BALANCE_OLD])
        bring(s, m[account + A_ORDER_TAIL] + O_ACCOUNT_NEXT)
        market = market_at(command[PLACE_MARKET])
        side = command[PLACE_TERMS] & 1
        book = market + M_BOOKS + (1 - side) * BOOK_WORDS
        level = find_level(s, book, command[PLACE_PRICE] & PRICE_MAX)
        bring(s, m[level + L_TAIL] + O_NEXT)
    elif kind == COMMAND_CANCEL:
        home = order_home(s, command[CANCEL_ORDER_ID])
        order = m[s.order_index + home] >> ORDER_INDEX_ID_BITS
        bring(s, m[order + O_NEXT] + O_NEXT)
        bring(s, m[order + O_PREVIOUS] + O_NEXT)
        bring(s, m[order + O_ACCOUNT_NEXT] + O_NEXT)
        bring(s, m[order + O_ACCOUNT_PREVIOUS] + O_NEXT)
        account = m[order + O_ACCOUNT]
        bring(s, account)
        bring(s, account + A_ASSET_NEW)
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def look_ahead(
    s: Store, commands: cython.p_longlong, place: cython.longlong, count: cython.longlong
) -> cython.longlong:
    """Run the stages for the commands that come some places later."""
    if place + AHEAD_INDEXES < count:
        bring_indexes(s, commands + (place + AHEAD_INDEXES) * COMMAND_LENGTH)
    if place + AHEAD_RECORDS < count:
        bring_records(s, commands + (place + AHEAD_RECORDS) * COMMAND_LENGTH)
    if place + AHEAD_NEIGHBOURS < count:
        bring_neighbours(s, commands + (place + AHEAD_NEIGHBOURS) * COMMAND_LENGTH)
    return 0
