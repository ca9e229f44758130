"""Heaps of what is due: the first is due first; expiries and countdowns are one each.

An entry is the offset of a record whose number, time and position in its heap are at the same
offsets, ``HEAP_NUMBER``, ``HEAP_DUE_MS`` and ``HEAP_POSITION``: an account, or the conditions of an
order. Positions begin at 1; 0 is "in no heap".
"""

import cython

from engine.core.records import HEAP_DUE_MS, HEAP_NUMBER, HEAP_POSITION
from engine.core.store import Store


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def due_before(s: Store, one: cython.longlong, other: cython.longlong) -> cython.bint:
    """Whether an entry is due before another; of two due together, the smaller number is first."""
    m = s.m
    first, second = m[one + HEAP_DUE_MS], m[other + HEAP_DUE_MS]
    return first < second or (first == second and m[one + HEAP_NUMBER] < m[other + HEAP_NUMBER])


@cython.cfunc
@cython.exceptval(check=False)
def heap_add(
    s: Store, heap: cython.longlong, count: cython.longlong, entry: cython.longlong
) -> cython.longlong:
    """Add an entry to the heap whose size is the word ``count``."""
    m = s.m
    m[count] += 1
    sift_up(s, heap, m[count], entry)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def heap_remove(
    s: Store, heap: cython.longlong, count: cython.longlong, entry: cython.longlong
) -> cython.longlong:
    """Take an entry out of the heap, if it is in it."""
    m = s.m
    position = m[entry + HEAP_POSITION]
    if not position:
        return 0
    m[entry + HEAP_POSITION] = 0
    last = m[heap + m[count]]
    m[count] -= 1
    if last != entry:
        sift_down(s, heap, m[count], position, last)
        sift_up(s, heap, m[last + HEAP_POSITION], last)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def sift_up(
    s: Store, heap: cython.longlong, position: cython.longlong, entry: cython.longlong
) -> cython.longlong:
    """Put an entry at a position, or nearer to the top where it belongs."""
    m = s.m
    while position > 1:
        above = m[heap + (position >> 1)]
        if not due_before(s, entry, above):
            break
        m[heap + position] = above
        m[above + HEAP_POSITION] = position
        position >>= 1
    m[heap + position] = entry
    m[entry + HEAP_POSITION] = position
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def sift_down(
    s: Store,
    heap: cython.longlong,
    size: cython.longlong,
    position: cython.longlong,
    entry: cython.longlong,
) -> cython.longlong:
    """Put an entry at a position, or further from the top where it belongs."""
    m = s.m
    while 2 * position <= size:
        child = 2 * position
        below = m[heap + child]
        if child < size and due_before(s, m[heap + child + 1], below):
            child += 1
            below = m[heap + child]
        if not due_before(s, below, entry):
            break
        m[heap + position] = below
        m[below + HEAP_POSITION] = position
        position = child
    m[heap + position] = entry
    m[entry + HEAP_POSITION] = position
    return 0
