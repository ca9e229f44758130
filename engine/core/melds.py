"""Heaps that melt into one, for trailing stops: skew heaps (Sleator, Tarjan 1986), linked by words.

The orders of a level are one, by their trail; the levels of a side are one, by their trigger
price. An entry is the offset of an order's conditions, or of a level: both have their links at the
same offsets. Adding, taking out and melting cost the logarithm of the size, over all of them.
"""

import cython

from engine.core.records import (
    COND_ORDER_ID,
    COND_TRAIL,
    L_TRAIL_ROOT,
    L_TRIGGER,
    MELD_LEFT,
    MELD_PARENT,
    MELD_RIGHT,
)
from engine.core.store import Store
from wire.layout import SIDE_BOTH, SIDE_BUY


@cython.cfunc
@cython.exceptval(check=False)
def goes_before(
    s: Store, side: cython.longlong, one: cython.longlong, other: cython.longlong
) -> cython.bint:
    """Whether an entry is before another: an order for SIDE_BOTH, else a level of that side."""
    m = s.m
    if side != SIDE_BOTH:
        first, second = m[one + L_TRIGGER], m[other + L_TRIGGER]
        if first != second:
            return first < second if side == SIDE_BUY else first > second
        one, other = m[one + L_TRAIL_ROOT], m[other + L_TRAIL_ROOT]
    if m[one + COND_TRAIL] != m[other + COND_TRAIL]:
        return m[one + COND_TRAIL] < m[other + COND_TRAIL]
    return m[one + COND_ORDER_ID] < m[other + COND_ORDER_ID]


@cython.cfunc
@cython.exceptval(check=False)
def meld(
    s: Store, side: cython.longlong, one: cython.longlong, other: cython.longlong
) -> cython.longlong:
    """Make one heap of two, 0 for an empty one; return its first entry."""
    m = s.m
    root: cython.longlong = 0
    above: cython.longlong = 0
    while one and other:
        if goes_before(s, side, other, one):
            one, other = other, one
        if above:
            m[above + MELD_LEFT] = one
        else:
            root = one
        m[one + MELD_PARENT] = above
        above = one
        # Its left side becomes the right one, and what is still to be melted its left.
        one = m[above + MELD_RIGHT]
        m[above + MELD_RIGHT] = m[above + MELD_LEFT]
        m[above + MELD_LEFT] = 0
    rest = one if one else other
    if not above:
        if rest:
            m[rest + MELD_PARENT] = 0
        return rest
    m[above + MELD_LEFT] = rest
    if rest:
        m[rest + MELD_PARENT] = above
    return root


@cython.cfunc
@cython.exceptval(check=False)
def take_out(
    s: Store, side: cython.longlong, root: cython.longlong, entry: cython.longlong
) -> cython.longlong:
    """Take an entry out of a heap; return the first that is left, or 0."""
    m = s.m
    parent = m[entry + MELD_PARENT]
    below = meld(s, side, m[entry + MELD_LEFT], m[entry + MELD_RIGHT])
    m[entry + MELD_LEFT] = 0
    m[entry + MELD_RIGHT] = 0
    m[entry + MELD_PARENT] = 0
    if not parent:
        return below
    if below:
        m[below + MELD_PARENT] = parent
    if m[parent + MELD_LEFT] == entry:
        m[parent + MELD_LEFT] = below
    else:
        m[parent + MELD_RIGHT] = below
    return root
