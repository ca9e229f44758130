"""Price levels: each a queue of orders, linked by price, found through a 64-way trie per side.

The trie's height follows the highest price it has seen (three digits for prices below 262,144),
so finding a level is that many reads; the next level is one read along the links.
"""

import cython

from engine.core.hints import highest_bit
from engine.core.records import (
    B_BEST,
    B_BEST_IS_HIGHEST,
    B_HIGHEST,
    B_LEVEL_EVENT,
    B_LOWEST,
    B_ROOT,
    B_SHIFT,
    BOOK_WORDS,
    L_BOOK,
    L_EMITTED,
    L_EVENT,
    L_HEAD,
    L_HIGHER,
    L_LOWER,
    L_NODE,
    L_PRICE,
    L_TAIL,
    L_TOTAL,
    L_VISIBLE,
    LEVEL_WORDS,
    M_BOOKS,
    N_BITS,
    N_DIGIT,
    N_PARENT,
    NODE_DIGIT_BITS,
    NODE_DIGIT_MASK,
    NODE_WORDS,
    O_LEVEL,
    O_NEXT,
    O_PREVIOUS,
    O_REMAINING,
    O_VISIBLE,
    S_LEVEL_FREE,
    S_NODE_FREE,
    S_VIOLATION,
    VIOLATION_LEVEL,
)
from engine.core.store import Store, cut_record
from wire.layout import SIDE_BUY


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def book_of(market: cython.longlong, side: cython.longlong) -> cython.longlong:
    """Return the bids or the asks."""
    return market + M_BOOKS + (side - SIDE_BUY) * BOOK_WORDS


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def is_worse(side: cython.longlong, price: cython.longlong, limit: cython.longlong) -> cython.bint:
    """Whether a price of the opposite book is beyond a limit."""
    return price > limit if side == SIDE_BUY else price < limit


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def next_level(s: Store, level: cython.longlong) -> cython.longlong:
    """Return the level behind, the next worse one, or 0."""
    m = s.m
    return m[level + L_LOWER] if m[m[level + L_BOOK] + B_BEST_IS_HIGHEST] else m[level + L_HIGHER]


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def find_level(s: Store, book: cython.longlong, price: cython.longlong) -> cython.longlong:
    """Return the level at a price, or 0."""
    m = s.m
    node = m[book + B_ROOT]
    shift = m[book + B_SHIFT]
    if not node or price >> shift > NODE_DIGIT_MASK:
        return 0
    while shift:
        node = m[node + (price >> shift & NODE_DIGIT_MASK)]
        if not node:
            return 0
        shift -= NODE_DIGIT_BITS
    return m[node + (price & NODE_DIGIT_MASK)]


# --- making and removing levels -------------------------------------------------------------------


@cython.cfunc
@cython.exceptval(check=False)
def make_level(s: Store, book: cython.longlong, price: cython.longlong) -> cython.longlong:
    """Make an empty level and link it between its neighbours."""
    m = s.m
    level = m[S_LEVEL_FREE]
    if level:
        m[S_LEVEL_FREE] = m[level + L_LOWER]
    else:
        level = cut_record(s, LEVEL_WORDS)
    m[level + L_PRICE] = price
    m[level + L_BOOK] = book
    m[level + L_EMITTED] = 0
    m[level + L_HEAD] = level
    m[level + L_TAIL] = level
    event = m[book + B_LEVEL_EVENT]
    m[level + L_EVENT] = event | price if event else 0
    leaf = make_path(s, book, price)
    digit = price & NODE_DIGIT_MASK
    lower = level_below(s, leaf, digit)
    set_child(s, leaf, digit, level)
    m[level + L_NODE] = leaf
    higher = m[lower + L_HIGHER] if lower else m[book + B_LOWEST]
    m[level + L_LOWER] = lower
    m[level + L_HIGHER] = higher
    if lower:
        m[lower + L_HIGHER] = level
    else:
        m[book + B_LOWEST] = level
    if higher:
        m[higher + L_LOWER] = level
    else:
        m[book + B_HIGHEST] = level
    update_best(s, book)
    return level


@cython.cfunc
@cython.exceptval(check=False)
def drop_level(s: Store, level: cython.longlong) -> cython.longlong:
    """Unlink an empty level and free it."""
    m = s.m
    book = m[level + L_BOOK]
    lower, higher = m[level + L_LOWER], m[level + L_HIGHER]
    if lower:
        m[lower + L_HIGHER] = higher
    else:
        m[book + B_LOWEST] = higher
    if higher:
        m[higher + L_LOWER] = lower
    else:
        m[book + B_HIGHEST] = lower
    update_best(s, book)
    clear_path(s, book, m[level + L_NODE], m[level + L_PRICE] & NODE_DIGIT_MASK)
    if m[level + L_VISIBLE] | m[level + L_TOTAL]:
        m[S_VIOLATION] |= VIOLATION_LEVEL
    m[level + L_LOWER] = m[S_LEVEL_FREE]
    m[S_LEVEL_FREE] = level
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def update_best(s: Store, book: cython.longlong) -> cython.longlong:
    """Update which level of a book is traded at first."""
    m = s.m
    end = B_HIGHEST if m[book + B_BEST_IS_HIGHEST] else B_LOWEST
    m[book + B_BEST] = m[book + end]
    return 0


# --- the trie -------------------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def make_node(s: Store) -> cython.longlong:
    """Return an empty node."""
    m = s.m
    node = m[S_NODE_FREE]
    if node:
        m[S_NODE_FREE] = m[node + N_PARENT]
        m[node + N_PARENT] = 0
    else:
        node = cut_record(s, NODE_WORDS)
    return node


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def set_child(
    s: Store, node: cython.longlong, digit: cython.longlong, child: cython.longlong
) -> cython.longlong:
    """Hang a child, a node or a level, under a node."""
    m = s.m
    m[node + digit] = child
    bit: cython.longlong = 1
    m[node + N_BITS + (digit >> 5)] |= bit << (digit & 31)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def make_path(s: Store, book: cython.longlong, price: cython.longlong) -> cython.longlong:
    """Return the leaf for a price, with the nodes that lead to it."""
    m = s.m
    if not m[book + B_ROOT]:
        m[book + B_ROOT] = make_node(s)
    while price >> m[book + B_SHIFT] > NODE_DIGIT_MASK:
        below = m[book + B_ROOT]
        m[book + B_SHIFT] += NODE_DIGIT_BITS
        if m[below + N_BITS] | m[below + N_BITS + 1]:
            root = make_node(s)
            set_child(s, root, 0, below)
            m[below + N_PARENT] = root
            m[below + N_DIGIT] = 0
            m[book + B_ROOT] = root
    node = m[book + B_ROOT]
    shift = m[book + B_SHIFT]
    while shift:
        digit = price >> shift & NODE_DIGIT_MASK
        child = m[node + digit]
        if not child:
            child = make_node(s)
            set_child(s, node, digit, child)
            m[child + N_PARENT] = node
            m[child + N_DIGIT] = digit
        node = child
        shift -= NODE_DIGIT_BITS
    return node


@cython.cfunc
@cython.exceptval(check=False)
def clear_path(
    s: Store, book: cython.longlong, node: cython.longlong, digit: cython.longlong
) -> cython.longlong:
    """Take a level out of its leaf, and out of the trie the nodes that are empty then."""
    m = s.m
    while True:
        m[node + digit] = 0
        bit: cython.longlong = 1
        m[node + N_BITS + (digit >> 5)] ^= bit << (digit & 31)
        if m[node + N_BITS] | m[node + N_BITS + 1] or node == m[book + B_ROOT]:
            return 0
        parent = m[node + N_PARENT]
        digit = m[node + N_DIGIT]
        m[node + N_PARENT] = m[S_NODE_FREE]
        m[S_NODE_FREE] = node
        node = parent


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def child_below(s: Store, node: cython.longlong, digit: cython.longlong) -> cython.longlong:
    """Return the last child before a digit, or 0."""
    m = s.m
    one: cython.longlong = 1
    if digit > 32:
        bits = m[node + N_BITS + 1] & (one << (digit - 32)) - 1
        if bits:
            return m[node + 32 + highest_bit(bits)]
        digit = 32
    bits = m[node + N_BITS] & (one << digit) - 1
    return m[node + highest_bit(bits)] if bits else 0


@cython.cfunc
@cython.exceptval(check=False)
def level_below(s: Store, leaf: cython.longlong, digit: cython.longlong) -> cython.longlong:
    """Return the highest level below a digit of a leaf, or 0."""
    m = s.m
    node = leaf
    depth: cython.longlong = 0
    child = child_below(s, node, digit)
    while not child:
        digit = m[node + N_DIGIT]
        node = m[node + N_PARENT]
        if not node:
            return 0
        depth += 1
        child = child_below(s, node, digit)
    while depth:
        child = child_below(s, child, 64)
        depth -= 1
    return child


# --- orders in levels -----------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def append_order(s: Store, level: cython.longlong, order: cython.longlong) -> cython.longlong:
    """Put an order at the back of a level."""
    m = s.m
    tail = m[level + L_TAIL]
    m[order + O_LEVEL] = level
    m[order + O_NEXT] = level
    m[order + O_PREVIOUS] = tail
    m[tail + O_NEXT] = order
    m[level + L_TAIL] = order
    m[level + L_VISIBLE] += m[order + O_VISIBLE]
    m[level + L_TOTAL] += m[order + O_REMAINING]
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def unlink_order(s: Store, level: cython.longlong, order: cython.longlong) -> cython.longlong:
    """Take an order out of its level, which may be left empty."""
    m = s.m
    following, previous = m[order + O_NEXT], m[order + O_PREVIOUS]
    m[following + O_PREVIOUS] = previous
    m[previous + O_NEXT] = following
    m[level + L_VISIBLE] -= m[order + O_VISIBLE]
    m[level + L_TOTAL] -= m[order + O_REMAINING]
    return 0


# --- whole levels that move -----------------------------------------------------------------------


@cython.cfunc
@cython.exceptval(check=False)
def name_level(s: Store, level: cython.longlong, named: cython.longlong) -> cython.longlong:
    """Have the orders of a level name another as theirs."""
    m = s.m
    order = m[level + L_HEAD]
    while order != level:
        m[order + O_LEVEL] = named
        order = m[order + O_NEXT]
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def merge_levels(s: Store, level: cython.longlong, other: cython.longlong) -> cython.longlong:
    """Put the orders of another level of a book behind a level's; return the level that is left.

    That is the larger of the two, at its own price: so an order seldom gets another level.
    """
    m = s.m
    one, two = m[level + L_HEAD], m[other + L_HEAD]
    while one != level and two != other:
        one, two = m[one + O_NEXT], m[two + O_NEXT]
    kept, gone = (level, other) if two == other else (other, level)
    name_level(s, gone, kept)
    first, last = m[level + L_HEAD], m[level + L_TAIL]
    second, end = m[other + L_HEAD], m[other + L_TAIL]
    m[last + O_NEXT] = second
    m[second + O_PREVIOUS] = last
    m[kept + L_HEAD] = first
    m[first + O_PREVIOUS] = kept
    m[kept + L_TAIL] = end
    m[end + O_NEXT] = kept
    m[gone + L_HEAD] = gone
    m[gone + L_TAIL] = gone
    m[kept + L_VISIBLE] += m[gone + L_VISIBLE]
    m[kept + L_TOTAL] += m[gone + L_TOTAL]
    m[gone + L_VISIBLE] = 0
    m[gone + L_TOTAL] = 0
    drop_level(s, gone)
    return kept


@cython.cfunc
@cython.exceptval(check=False)
def move_level(s: Store, level: cython.longlong, price: cython.longlong) -> cython.longlong:
    """Move a level to another price, with no other level between the two."""
    m = s.m
    book = m[level + L_BOOK]
    clear_path(s, book, m[level + L_NODE], m[level + L_PRICE] & NODE_DIGIT_MASK)
    leaf = make_path(s, book, price)
    set_child(s, leaf, price & NODE_DIGIT_MASK, level)
    m[level + L_NODE] = leaf
    m[level + L_PRICE] = price
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def rotate_level(s: Store, level: cython.longlong) -> cython.longlong:
    """Put the first order of a level behind its last."""
    m = s.m
    first, last = m[level + L_HEAD], m[level + L_TAIL]
    if first == last:
        return 0
    second = m[first + O_NEXT]
    m[level + L_HEAD] = second
    m[second + O_PREVIOUS] = level
    m[last + O_NEXT] = first
    m[first + O_PREVIOUS] = last
    m[first + O_NEXT] = level
    m[level + L_TAIL] = first
    return 0
