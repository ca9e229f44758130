"""The memory of an engine: reserved once, touched as it is used.

Indexes and heap lie in one anonymous mapping. The system hands out its pages when they are first
written, so a large capacity costs address space, not memory, and nothing is ever moved or grown
while orders wait. Words put out are C's ``long``, words kept are ``long long``: as many bits, but
so the compiler knows that writing one leaves the other as it is. Interpreted, both are lists.
"""

import mmap
import sys
from typing import Any

import cython

from engine.core.hints import new_bytes, text_of
from engine.core.records import (
    ACCOUNT_WORDS,
    BALANCE_WORDS,
    CONDITIONS_WORDS,
    FIXED_WORDS,
    HEAP_ALIGNMENT_WORDS,
    HEAP_GROWTH_WORDS,
    HOLD_WORDS,
    ID_FINGERPRINT_BITS,
    ID_WORDS,
    INDEX_GROUP_BITS,
    LEVEL_WORDS,
    MARKET_BOOKS,
    MARKET_WORDS,
    NODE_WORDS,
    ORDER_INDEX_ID_BITS,
    ORDER_INDEX_ID_MASK,
    ORDER_WORDS,
    OUTPUT_MARGIN_WORDS,
    PLACED_FINGERPRINT_BITS,
    S_COMMAND_WORDS_USED,
    S_HEAP_END,
    S_HORIZON_MS,
    S_KEYS,
    S_ORDERS_WATCH,
    S_PREFETCH_INDEX,
    S_PREFETCH_KEY,
    S_PREFETCH_MASK,
    S_PREFETCH_SHIFT,
    S_REJECTION_MS,
    S_RESULT_EVENT,
    S_TIME_MS,
    TENANT_WORDS,
)
from engine.digest import KEYS
from wire.layout import (
    COMMAND_WORDS_USED,
    EVENT_KIND_SHIFT,
    EVENT_RESULT,
    ID_MEMORY_MS,
    REJECTIONS_SHARE_SHIFT,
    RESULT_TIME_SHIFT,
    WORD_BYTES,
)


@cython.cclass
class Store:
    """The words, where the regions begin, and the output of the batch being decided."""

    m: cython.p_longlong
    out: cython.p_long
    end: cython.Py_ssize_t  # words put out so far, of this batch
    out_words: cython.Py_ssize_t
    started: cython.Py_ssize_t  # where the command being decided began to put out
    base: cython.Py_ssize_t  # words put out by the batches before
    decided: cython.Py_ssize_t  # commands of the batch that have been decided
    guess: cython.Py_ssize_t  # the order or account that prefetching has found, or 0

    capacity_orders: cython.Py_ssize_t
    capacity_accounts: cython.Py_ssize_t
    capacity_balances: cython.Py_ssize_t
    capacity_holds: cython.Py_ssize_t
    capacity_ids: cython.Py_ssize_t

    account_index: cython.Py_ssize_t
    account_index_mask: cython.Py_ssize_t
    balance_index: cython.Py_ssize_t
    balance_index_shift: cython.Py_ssize_t
    balance_index_mask: cython.Py_ssize_t
    order_index: cython.Py_ssize_t
    order_index_mask: cython.Py_ssize_t
    id_index: cython.Py_ssize_t
    id_index_shift: cython.Py_ssize_t
    id_index_mask: cython.Py_ssize_t
    placed_index: cython.Py_ssize_t
    placed_index_shift: cython.Py_ssize_t
    placed_index_mask: cython.Py_ssize_t
    ids: cython.Py_ssize_t
    expiries: cython.Py_ssize_t
    countdowns: cython.Py_ssize_t
    touched_markets: cython.Py_ssize_t

    mapping: object  # what keeps ``m`` alive
    output: Any  # the batch's, as bytes; interpreted, a list of words


def reserve_words(count: int, *, huge: bool = False) -> memoryview:
    """Return words of memory that cost nothing until they are written.

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
    return max(INDEX_GROUP_BITS + 2, (2 * capacity - 1).bit_length())


@cython.ccall
def lay_out(s: Store) -> object:
    """Lay out indexes, ring and heaps, and leave the rest to the records."""
    position = FIXED_WORDS
    s.account_index = position
    bits = index_bits(s.capacity_accounts)
    s.account_index_mask = (1 << bits) - 1
    position += 1 << bits
    s.balance_index = position
    bits = index_bits(s.capacity_balances)
    s.balance_index_shift, s.balance_index_mask = 64 - bits, (1 << bits) - 1
    position += 1 << bits
    s.order_index = position
    bits = index_bits(s.capacity_orders)
    s.order_index_mask = (1 << bits) - 1
    position += 1 << bits
    s.id_index = position
    # A quarter full: ids come and go with each command, and a search seldom looks twice.
    bits = min(index_bits(s.capacity_ids) + 1, ID_FINGERPRINT_BITS)
    s.id_index_shift, s.id_index_mask = ID_FINGERPRINT_BITS - bits, (1 << bits) - 1
    position += 1 << bits
    s.placed_index = position
    bits = min(index_bits(s.capacity_orders), PLACED_FINGERPRINT_BITS)
    s.placed_index_shift, s.placed_index_mask = PLACED_FINGERPRINT_BITS - bits, (1 << bits) - 1
    position += 1 << bits

    s.ids = position
    position += s.capacity_ids * ID_WORDS
    s.expiries = position
    position += s.capacity_orders + 3
    s.countdowns = position
    position += s.capacity_accounts + 2
    s.touched_markets = position
    position += 65536
    heap = position + -position % HEAP_ALIGNMENT_WORDS

    if cython.compiled:
        words = reserve_words(heap + heap_words(s), huge=True)
        s.mapping = words
        view: cython.longlong[::1] = words
        s.m = cython.address(view[0])
    else:
        # A list is read twice as fast as mapped memory, and can grow.
        s.m = [0] * heap
    m = s.m
    m[S_HEAP_END] = heap
    m[S_HORIZON_MS] = -1
    m[S_ORDERS_WATCH] = s.capacity_orders
    m[S_REJECTION_MS] = ID_MEMORY_MS // max(1, s.capacity_ids >> REJECTIONS_SHARE_SHIFT)
    note_time(s)
    m[S_PREFETCH_INDEX], m[S_PREFETCH_INDEX + 1] = s.order_index, s.account_index
    m[S_PREFETCH_MASK], m[S_PREFETCH_MASK + 1] = s.order_index_mask, s.account_index_mask
    m[S_PREFETCH_KEY], m[S_PREFETCH_KEY + 1] = ORDER_INDEX_ID_MASK, -1
    m[S_PREFETCH_SHIFT], m[S_PREFETCH_SHIFT + 1] = ORDER_INDEX_ID_BITS, 0
    for index, key in enumerate(KEYS):
        m[S_KEYS + index] = key
    for kind, used in enumerate(COMMAND_WORDS_USED):
        m[S_COMMAND_WORDS_USED + kind] = used
    return None


@cython.cfunc
@cython.exceptval(check=False)
def note_time(s: Store) -> cython.longlong:
    """Put the engine's time into the first word of results."""
    m = s.m
    m[S_RESULT_EVENT] = EVENT_RESULT << EVENT_KIND_SHIFT | m[S_TIME_MS] << RESULT_TIME_SHIFT
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def heap_words(s: Store) -> cython.longlong:
    """Return how many words all records need when everything is at its capacity."""
    words = s.capacity_accounts * ACCOUNT_WORDS + s.capacity_balances * BALANCE_WORDS
    words += s.capacity_holds * HOLD_WORDS + 65536 * (TENANT_WORDS + MARKET_WORDS)
    # A market's books keep their root when they are empty again.
    words += 65536 * MARKET_BOOKS * NODE_WORDS
    # A price has at most 42 bits, so at most seven nodes lead to a level.
    order_words = ORDER_WORDS + CONDITIONS_WORDS + LEVEL_WORDS + 7 * NODE_WORDS
    return words + (s.capacity_orders + 2) * order_words


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def cut_record(s: Store, words: cython.longlong) -> cython.longlong:
    """Return a record that has never been used, all zeros."""
    m = s.m
    record = m[S_HEAP_END]
    m[S_HEAP_END] = record + words
    if not cython.compiled and record + words > len(m):
        m.extend([0] * HEAP_GROWTH_WORDS)
    return record


@cython.ccall
def grow_output(s: Store, count: cython.longlong) -> object:
    """Enlarge the output to a number of words, keeping what has been put out."""
    if cython.compiled:
        # Written in place: copying a batch's events took a tenth of the time.
        output = new_bytes(cython.NULL, count * WORD_BYTES)
        out, kept = cython.cast(cython.p_long, text_of(output)), s.out
        for index in range(s.end):
            out[index] = kept[index]
        s.output, s.out = output, out
    else:
        words = s.output[: s.end] if s.end else []
        s.output = words + [0] * (count - s.end)
        s.out = s.output
    s.out_words = count
    return None


@cython.cfunc
@cython.inline
def make_room(s: Store) -> cython.longlong:
    """Make sure that a few more events fit the output."""
    if s.end + OUTPUT_MARGIN_WORDS > s.out_words:
        grow_output(s, 4 * s.out_words)
    return 0
