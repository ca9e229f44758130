"""The dead-man switch: a heap of armed accounts by (deadline, account number)."""

import cython

from engine.core.index import find_account
from engine.core.ledger import put4
from engine.core.records import A_DEADLINE_MS, A_HEAP, A_NUMBER, S_COUNTDOWN_COUNT, S_TIME_MS
from engine.core.store import Store
from wire.layout import (
    CANCEL_ALL_AFTER_TIMEOUT_MS,
    COUNTDOWN_LENGTH,
    EVENT_COUNTDOWN,
    HEADER_ACCOUNT,
    HOLD_LENGTH,
    REASON_INVALID_SETTING,
    REASON_UNKNOWN_ACCOUNT,
    TIMEOUT_MS_MAX,
)


@cython.cfunc
def cancel_all_after(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide a CANCEL_ALL_AFTER command."""
    m = s.m
    account = find_account(s, command[HEADER_ACCOUNT])
    timeout_ms = command[CANCEL_ALL_AFTER_TIMEOUT_MS]
    if not account:
        return REASON_UNKNOWN_ACCOUNT
    if timeout_ms < 0 or timeout_ms > TIMEOUT_MS_MAX:
        return REASON_INVALID_SETTING
    unschedule_countdown(s, account)
    if timeout_ms:
        m[account + A_DEADLINE_MS] = m[S_TIME_MS] + timeout_ms
        schedule_countdown(s, account)
    put_countdown(s, account)
    return 0


@cython.cfunc
def put_countdown(s: Store, account: cython.longlong) -> cython.longlong:
    """State when an account's dead-man switch fires."""
    m = s.m
    put4(s, EVENT_COUNTDOWN, m[account + A_NUMBER], m[account + A_DEADLINE_MS], 0, 0)
    s.end += COUNTDOWN_LENGTH - HOLD_LENGTH
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def fires_before(s: Store, one: cython.longlong, other: cython.longlong) -> cython.bint:
    """Whether an account's switch fires before another's."""
    m = s.m
    first, second = m[one + A_DEADLINE_MS], m[other + A_DEADLINE_MS]
    return first < second or (first == second and m[one + A_NUMBER] < m[other + A_NUMBER])


@cython.cfunc
@cython.exceptval(check=False)
def schedule_countdown(s: Store, account: cython.longlong) -> cython.longlong:
    """Add an armed account to the heap."""
    m = s.m
    m[S_COUNTDOWN_COUNT] += 1
    raise_countdown(s, m[S_COUNTDOWN_COUNT], account)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def unschedule_countdown(s: Store, account: cython.longlong) -> cython.longlong:
    """Disarm an account, armed or not."""
    m = s.m
    place = m[account + A_HEAP]
    m[account + A_HEAP] = 0
    m[account + A_DEADLINE_MS] = 0
    if not place:
        return 0
    last = m[s.countdowns + m[S_COUNTDOWN_COUNT]]
    m[S_COUNTDOWN_COUNT] -= 1
    if last != account:
        sink_countdown(s, place, last)
        raise_countdown(s, m[last + A_HEAP], last)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def raise_countdown(s: Store, place: cython.longlong, account: cython.longlong) -> cython.longlong:
    """Put an account at a place of the heap, or nearer to the top where it belongs."""
    m = s.m
    while place > 1:
        above = m[s.countdowns + (place >> 1)]
        if not fires_before(s, account, above):
            break
        m[s.countdowns + place] = above
        m[above + A_HEAP] = place
        place >>= 1
    m[s.countdowns + place] = account
    m[account + A_HEAP] = place
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def sink_countdown(s: Store, place: cython.longlong, account: cython.longlong) -> cython.longlong:
    """Put an account at a place of the heap, or further from the top where it belongs."""
    m = s.m
    count = m[S_COUNTDOWN_COUNT]
    while 2 * place <= count:
        child = 2 * place
        below = m[s.countdowns + child]
        if child < count and fires_before(s, m[s.countdowns + child + 1], below):
            child += 1
            below = m[s.countdowns + child]
        if not fires_before(s, below, account):
            break
        m[s.countdowns + place] = below
        m[below + A_HEAP] = place
        place = child
    m[s.countdowns + place] = account
    m[account + A_HEAP] = place
    return 0
