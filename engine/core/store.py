"""The memory of an engine: reserved once, touched as it is used.

All regions are laid into one anonymous mapping at start. The system hands out its pages when they
are first written, so a large capacity costs address space, not memory, and nothing is ever moved
or grown while orders wait.
"""

import mmap
import sys

import cython

from engine.core.records import (
    ACCOUNT_WORDS,
    BALANCE_WORDS,
    FIXED_WORDS,
    HOLD_WORDS,
    ID_FINGERPRINT_BITS,
    ID_WORDS,
    INDEX_GROUP_BITS,
    LEVEL_WORDS,
    NODE_WORDS,
    ORDER_WORDS,
    OUTPUT_MARGIN_WORDS,
    RARE_WORDS,
    S_ACCOUNT_END,
    S_BALANCE_END,
    S_HOLD_END,
    S_HORIZON_MS,
    S_KEYS,
    S_LEVEL_END,
    S_NODE_END,
    S_ORDER_END,
    S_RARE_END,
    TOUCHED_LEVEL_WORDS,
)
from engine.digest import KEYS
from engine.layout import WORD_BYTES


@cython.cclass
class Store:
    """The words, where the regions begin, and the output of the batch being decided."""

    m: cython.p_longlong
    out: cython.p_longlong
    end: cython.longlong  # words put out so far
    out_words: cython.longlong
    started: cython.longlong  # where the command being decided began to put out
    decided: cython.longlong  # commands of the batch that have been decided

    capacity_orders: cython.longlong
    capacity_accounts: cython.longlong
    capacity_balances: cython.longlong
    capacity_holds: cython.longlong
    capacity_ids: cython.longlong

    account_index: cython.longlong
    account_index_shift: cython.longlong
    account_index_mask: cython.longlong
    balance_index: cython.longlong
    balance_index_shift: cython.longlong
    balance_index_mask: cython.longlong
    order_index: cython.longlong
    order_index_shift: cython.longlong
    order_index_mask: cython.longlong
    id_index: cython.longlong
    id_index_shift: cython.longlong
    id_index_mask: cython.longlong
    ids: cython.longlong
    expiries: cython.longlong
    countdowns: cython.longlong
    touched_balances: cython.longlong
    touched_levels: cython.longlong
    touched_markets: cython.longlong
    accounts: cython.longlong
    balances: cython.longlong

    # What keeps the mappings alive.
    mapping: object
    out_mapping: object


def reserve_words(count: int, *, huge: bool = False) -> memoryview:
    """Return so many words of memory that cost nothing until they are written.

    Huge pages spare the look-ups that scattered reads through a large memory otherwise cost.
    """
    if hasattr(mmap, "MAP_PRIVATE"):
        # MAP_NORESERVE, by number where this Python does not name it: Linux must not refuse
        # address space just because it is larger than the machine's memory.
        no_reserve = getattr(mmap, "MAP_NORESERVE", 0x4000 if sys.platform == "linux" else 0)
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | no_reserve
        mapping = mmap.mmap(-1, count * WORD_BYTES, flags=flags)
        if huge and hasattr(mmap, "MADV_HUGEPAGE"):
            mapping.madvise(mmap.MADV_HUGEPAGE)
    else:
        mapping = mmap.mmap(-1, count * WORD_BYTES)
    return memoryview(mapping).cast("q")


def index_bits(capacity: int) -> int:
    """Return the size, as a power of two, of an index that stays at most half full."""
    return max(INDEX_GROUP_BITS + 1, (2 * capacity - 1).bit_length())


@cython.ccall
def lay_out(s: Store) -> object:
    """Give every region its place and map the memory."""
    position = FIXED_WORDS

    s.accounts = position
    position += (s.capacity_accounts + 1) * ACCOUNT_WORDS
    s.balances = position
    position += (s.capacity_balances + 1) * BALANCE_WORDS
    orders = position
    position += (s.capacity_orders + 2) * ORDER_WORDS
    rares = position
    position += (s.capacity_orders + 2) * RARE_WORDS
    levels = position
    position += (s.capacity_orders + 2) * LEVEL_WORDS
    holds = position
    position += (s.capacity_holds + 2) * HOLD_WORDS

    s.account_index = position
    bits = index_bits(s.capacity_accounts)
    s.account_index_mask = (1 << bits) - 1
    s.account_index_shift = 64 - bits + INDEX_GROUP_BITS
    position += 1 << bits
    s.balance_index = position
    bits = index_bits(s.capacity_balances)
    s.balance_index_shift, s.balance_index_mask = 64 - bits, (1 << bits) - 1
    position += 1 << bits
    s.order_index = position
    bits = index_bits(s.capacity_orders)
    s.order_index_mask = (1 << bits) - 1
    s.order_index_shift = 64 - bits + INDEX_GROUP_BITS
    position += 1 << bits
    s.id_index = position
    bits = min(index_bits(s.capacity_ids), ID_FINGERPRINT_BITS)
    s.id_index_shift, s.id_index_mask = ID_FINGERPRINT_BITS - bits, (1 << bits) - 1
    position += 1 << bits

    s.ids = position
    position += s.capacity_ids * ID_WORDS
    s.expiries = position
    position += s.capacity_orders + 3
    s.countdowns = position
    position += s.capacity_accounts + 2
    s.touched_balances = position
    position += s.capacity_balances + 1
    s.touched_levels = position
    position += (4 * s.capacity_orders + 8) * TOUCHED_LEVEL_WORDS
    s.touched_markets = position
    position += 65536
    nodes = position
    # A price has at most 42 bits, so at most seven nodes lead to a level.
    position += (7 * (s.capacity_orders + 2) + 1) * NODE_WORDS

    words = reserve_words(position, huge=True)
    s.mapping = words
    if cython.compiled:
        view: cython.longlong[::1] = words
        s.m = cython.address(view[0])
    else:
        s.m = words
    grow_output(s, 1 << 16)
    m = s.m
    m[S_ACCOUNT_END] = s.accounts
    m[S_BALANCE_END] = s.balances
    m[S_ORDER_END] = orders
    m[S_RARE_END] = rares
    m[S_LEVEL_END] = levels
    m[S_HOLD_END] = holds
    m[S_NODE_END] = nodes
    m[S_HORIZON_MS] = -1
    for index, key in enumerate(KEYS):
        m[S_KEYS + index] = key - (1 << 64) if key >> 63 else key
    return None


@cython.ccall
def grow_output(s: Store, count: cython.longlong) -> object:
    """Make room for so many words of output, keeping what has been put out."""
    words = reserve_words(count)
    if s.end:
        words[: s.end] = s.out_mapping[: s.end]
    s.out_mapping = words
    s.out_words = count
    if cython.compiled:
        view: cython.longlong[::1] = words
        s.out = cython.address(view[0])
    else:
        s.out = words
    return None


@cython.cfunc
@cython.inline
def make_room(s: Store) -> cython.longlong:
    """Make sure that a few more events fit the output."""
    if s.end + OUTPUT_MARGIN_WORDS > s.out_words:
        grow_output(s, 4 * s.out_words)
    return 0
