"""The rolling digest of the output: ``engine.digest``, word for word."""

from operator import mul

import cython

from engine.core.hints import sum_of_block
from engine.core.records import (
    DIGEST_BLOCK_WORDS,
    DIGEST_MULTIPLIER,
    S_DIGEST,
    S_DIGEST_LENGTH,
    S_DIGEST_SUM,
    S_KEYS,
    WORD_MASK,
)
from engine.core.store import Store


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def sum_of_products(
    s: Store, position: cython.longlong, keys: cython.longlong, count: cython.longlong
) -> cython.ulonglong:
    """Return the sum of some words of output, each times its key."""
    m, out = s.m, s.out
    total: cython.ulonglong = 0
    if not cython.compiled:
        total = sum(map(mul, out[position : position + count], m[keys : keys + count]))
    elif count == DIGEST_BLOCK_WORDS:
        total = sum_of_block(out + position)
    else:
        for index in range(count):
            word: cython.ulonglong = out[position + index]
            total += word * m[keys + index]
    return total


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def mix(
    digest: cython.ulonglong, total: cython.ulonglong, length: cython.longlong
) -> cython.ulonglong:
    """Return the digest with a block's sum and length."""
    mixed: cython.ulonglong = ((digest ^ total) * DIGEST_MULTIPLIER + length) & WORD_MASK
    return mixed ^ mixed >> 32


@cython.cfunc
@cython.exceptval(check=False)
def fold_digest(s: Store) -> cython.longlong:
    """Fold the batch's output into the digest."""
    m, end = s.m, s.end
    position = fold_part(s, 0, min(end, DIGEST_BLOCK_WORDS - m[S_DIGEST_LENGTH]))
    digest: cython.ulonglong = m[S_DIGEST] & WORD_MASK
    while end - position >= DIGEST_BLOCK_WORDS:
        total = sum_of_products(s, position, S_KEYS, DIGEST_BLOCK_WORDS) & WORD_MASK
        digest = mix(digest, total, DIGEST_BLOCK_WORDS)
        position += DIGEST_BLOCK_WORDS
    m[S_DIGEST] = signed(digest)
    fold_part(s, position, end - position)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def fold_part(s: Store, position: cython.longlong, count: cython.longlong) -> cython.longlong:
    """Fold words that fit the block which is not full yet; return the position after them."""
    m = s.m
    length = m[S_DIGEST_LENGTH]
    total = sum_of_products(s, position, S_KEYS + length, count)
    m[S_DIGEST_SUM] = signed(m[S_DIGEST_SUM] + total & WORD_MASK)
    m[S_DIGEST_LENGTH] = length + count
    if length + count == DIGEST_BLOCK_WORDS:
        m[S_DIGEST] = signed(current_digest(s))
        m[S_DIGEST_SUM] = 0
        m[S_DIGEST_LENGTH] = 0
    return position + count


@cython.cfunc
@cython.exceptval(check=False)
def current_digest(s: Store) -> cython.ulonglong:
    """Return the digest with the block that is not full yet."""
    m = s.m
    if not m[S_DIGEST_LENGTH]:
        return m[S_DIGEST] & WORD_MASK
    return mix(m[S_DIGEST] & WORD_MASK, m[S_DIGEST_SUM] & WORD_MASK, m[S_DIGEST_LENGTH])


@cython.cfunc
@cython.exceptval(check=False)
def digest_before(s: Store) -> cython.ulonglong:
    """Return the digest as it was before the command that is being decided."""
    m = s.m
    value, total, length, end = m[S_DIGEST], m[S_DIGEST_SUM], m[S_DIGEST_LENGTH], s.end
    s.end = s.started
    fold_digest(s)
    digest: cython.ulonglong = current_digest(s)
    m[S_DIGEST], m[S_DIGEST_SUM], m[S_DIGEST_LENGTH], s.end = value, total, length, end
    return digest


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def signed(word: cython.ulonglong) -> cython.longlong:
    """Return the signed word with the same bits."""
    if cython.compiled:
        return cython.cast(cython.longlong, word)
    return word - (word >> 63 << 64)
