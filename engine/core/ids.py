"""What has been decided: the ids of commands, remembered for a time, and those of open orders.

A ring of the latest ids, and an index of (slot in the ring + 1, fingerprint). An id that is
forgotten while its order is open goes into an index of its own, of (the order's offset,
fingerprint). Ids are forgotten in the order of their commands, so open orders up to
``S_PLACED_LAST`` are in it, unless they were placed without an id, and later ones are not.
"""

import cython

from engine.core.index import find_account, find_order
from engine.core.records import (
    A_REJECTIONS_MS,
    HASH_MULTIPLIER,
    I_HIGH,
    I_LOW,
    I_OUTCOME,
    I_STAMP_MS,
    ID_FINGERPRINT_BITS,
    ID_FINGERPRINT_MASK,
    ID_WORDS,
    O_ID,
    O_ID_HIGH,
    O_ID_LOW,
    PLACED_FINGERPRINT_BITS,
    PLACED_FINGERPRINT_MASK,
    S_HORIZON_MS,
    S_ID_COUNT,
    S_ID_NEXT,
    S_PLACED_LAST,
    S_REJECTION_MS,
    S_REJECTIONS_MS,
    S_TIME_MS,
    WORD_MASK,
)
from engine.core.store import Store
from wire.layout import ID_MEMORY_MS, IDS_FORGOTTEN_MAX


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def id_fingerprint(high: cython.ulonglong, low: cython.ulonglong) -> cython.longlong:
    """Return 32 bits of an id."""
    mixed: cython.ulonglong = (high & WORD_MASK) ^ ((low * HASH_MULTIPLIER) & WORD_MASK)
    return ((mixed * HASH_MULTIPLIER) & WORD_MASK) >> 32


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def placed_fingerprint(high: cython.longlong, low: cython.longlong) -> cython.longlong:
    """Return 30 bits of an id."""
    return id_fingerprint(high, low) >> ID_FINGERPRINT_BITS - PLACED_FINGERPRINT_BITS


@cython.cfunc
@cython.exceptval(check=False)
def find_placed(s: Store, high: cython.longlong, low: cython.longlong) -> cython.longlong:
    """Return the open order that a command placed whose id is forgotten, or 0."""
    m = s.m
    fingerprint = placed_fingerprint(high, low)
    position = fingerprint >> s.placed_index_shift
    while True:
        entry = m[s.placed_index + position]
        if not entry:
            return 0
        if entry & PLACED_FINGERPRINT_MASK == fingerprint:
            order = entry >> PLACED_FINGERPRINT_BITS
            if m[order + O_ID_HIGH] == high and m[order + O_ID_LOW] == low:
                return order
        position = position + 1 & s.placed_index_mask


@cython.cfunc
@cython.exceptval(check=False)
def placed_order_id(s: Store, high: cython.longlong, low: cython.longlong) -> cython.longlong:
    """Return the order that a command placed, if it is open; else 0, or something that is none."""
    m = s.m
    order = find_placed(s, high, low) if m[S_PLACED_LAST] else 0
    if order:
        return m[order + O_ID]
    known = find_id(s, high, low)
    return m[known + I_OUTCOME] if known else 0


@cython.cfunc
@cython.exceptval(check=False)
def index_placed(s: Store, order: cython.longlong) -> cython.longlong:
    """Make an order findable by the id of the command that placed it, which is forgotten."""
    m = s.m
    m[S_PLACED_LAST] = m[order + O_ID]
    fingerprint = placed_fingerprint(m[order + O_ID_HIGH], m[order + O_ID_LOW])
    position = fingerprint >> s.placed_index_shift
    while m[s.placed_index + position]:
        position = position + 1 & s.placed_index_mask
    m[s.placed_index + position] = order << PLACED_FINGERPRINT_BITS | fingerprint
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def read_placed(s: Store, order: cython.longlong) -> cython.longlong:
    """Make an order findable by its command's id when that is not remembered as the order's."""
    m = s.m
    high, low = m[order + O_ID_HIGH], m[order + O_ID_LOW]
    if high | low and placed_order_id(s, high, low) != m[order + O_ID]:
        index_placed(s, order)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def unindex_placed(s: Store, order: cython.longlong) -> cython.longlong:
    """Make an order unfindable by its command's id, if it has one, and close the gap."""
    m = s.m
    if not m[order + O_ID_HIGH] | m[order + O_ID_LOW]:
        return 0
    index = s.placed_index
    mask = s.placed_index_mask
    fingerprint = placed_fingerprint(m[order + O_ID_HIGH], m[order + O_ID_LOW])
    position = fingerprint >> s.placed_index_shift
    while m[index + position] >> PLACED_FINGERPRINT_BITS != order:
        position = position + 1 & mask
    gap = position
    while True:
        position = position + 1 & mask
        entry = m[index + position]
        if not entry:
            break
        home = (entry & PLACED_FINGERPRINT_MASK) >> s.placed_index_shift
        if (position - home & mask) >= (position - gap & mask):
            m[index + gap] = entry
            gap = position
    m[index + gap] = 0
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def find_id(s: Store, high: cython.longlong, low: cython.longlong) -> cython.longlong:
    """Return what is remembered about a command id, or 0."""
    m = s.m
    fingerprint = id_fingerprint(high, low)
    position = fingerprint >> s.id_index_shift
    while True:
        entry = m[s.id_index + position]
        if not entry:
            return 0
        if entry & ID_FINGERPRINT_MASK == fingerprint:
            known = s.ids + ((entry >> ID_FINGERPRINT_BITS) - 1) * ID_WORDS
            if m[known + I_HIGH] == high and m[known + I_LOW] == low:
                return known
        position = position + 1 & s.id_index_mask


@cython.cfunc
@cython.exceptval(check=False)
def take_share(s: Store, number: cython.longlong) -> cython.bint:
    """Count a rejection against its account's share of the memory; return whether there was room.

    Accounts that do not exist have one share together.
    """
    m = s.m
    account = find_account(s, number)
    until = account + A_REJECTIONS_MS if account else S_REJECTIONS_MS
    now_ms = m[S_TIME_MS]
    until_ms = m[until] if m[until] > now_ms else now_ms
    until_ms += m[S_REJECTION_MS]
    if until_ms > now_ms + ID_MEMORY_MS:
        return False
    m[until] = until_ms
    return True


@cython.cfunc
@cython.exceptval(check=False)
def remember_id(
    s: Store,
    high: cython.longlong,
    low: cython.longlong,
    outcome: cython.longlong,
    stamp_ms: cython.longlong,
) -> cython.longlong:
    """Keep a command id; forget the oldest when there is no room."""
    if s.m[S_ID_COUNT] == s.capacity_ids:
        forget_id(s, oldest_slot(s))
    return append_id(s, high, low, outcome, stamp_ms)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def append_id(
    s: Store,
    high: cython.longlong,
    low: cython.longlong,
    outcome: cython.longlong,
    stamp_ms: cython.longlong,
) -> cython.longlong:
    """Put a command id into the ring, which has room."""
    m = s.m
    slot = m[S_ID_NEXT]
    known = s.ids + slot * ID_WORDS
    m[S_ID_COUNT] += 1
    m[known + I_HIGH] = high
    m[known + I_LOW] = low
    m[known + I_OUTCOME] = outcome
    m[known + I_STAMP_MS] = stamp_ms
    m[S_ID_NEXT] = slot + 1 if slot + 1 < s.capacity_ids else 0
    fingerprint = id_fingerprint(high, low)
    position = fingerprint >> s.id_index_shift
    while m[s.id_index + position]:
        position = position + 1 & s.id_index_mask
    m[s.id_index + position] = (slot + 1 << ID_FINGERPRINT_BITS) | fingerprint
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def oldest_slot(s: Store) -> cython.longlong:
    """Return the slot of the oldest id in the ring."""
    slot = s.m[S_ID_NEXT] - s.m[S_ID_COUNT]
    return slot if slot >= 0 else slot + s.capacity_ids


@cython.cfunc
@cython.exceptval(check=False)
def forget_old_ids(s: Store) -> cython.longlong:
    """Forget the ids that are old enough, not too many at a time."""
    m = s.m
    for _ in range(IDS_FORGOTTEN_MAX):
        slot = oldest_slot(s)
        stamp_ms = m[s.ids + slot * ID_WORDS + I_STAMP_MS]
        if not m[S_ID_COUNT] or stamp_ms + ID_MEMORY_MS > m[S_TIME_MS]:
            break
        forget_id(s, slot)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def forget_id(s: Store, slot: cython.longlong) -> cython.longlong:
    """Forget the oldest id, in this slot; move the horizon past it, and keep an open order's."""
    m = s.m
    known = s.ids + slot * ID_WORDS
    if m[known + I_STAMP_MS] > m[S_HORIZON_MS]:
        m[S_HORIZON_MS] = m[known + I_STAMP_MS]
    order = find_order(s, m[known + I_OUTCOME]) if m[known + I_OUTCOME] > 0 else 0
    differs = m[order + O_ID_HIGH] ^ m[known + I_HIGH] | m[order + O_ID_LOW] ^ m[known + I_LOW]
    if order and not differs:
        index_placed(s, order)
    unindex_id(s, slot)
    m[S_ID_COUNT] -= 1
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def unindex_id(s: Store, slot: cython.longlong) -> cython.longlong:
    """Take the id in a slot of the ring out of the index, and close the gap."""
    m = s.m
    index = s.id_index
    mask = s.id_index_mask
    known = s.ids + slot * ID_WORDS
    position = id_fingerprint(m[known + I_HIGH], m[known + I_LOW]) >> s.id_index_shift
    while m[index + position] >> ID_FINGERPRINT_BITS != slot + 1:
        position = position + 1 & mask
    gap = position
    while True:
        position = position + 1 & mask
        entry = m[index + position]
        if not entry:
            break
        home = (entry & ID_FINGERPRINT_MASK) >> s.id_index_shift
        if (position - home & mask) >= (position - gap & mask):
            m[index + gap] = entry
            gap = position
    m[index + gap] = 0
    return 0
