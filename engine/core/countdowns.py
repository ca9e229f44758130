"""The dead-man switch: a heap of armed accounts by (deadline, account number)."""

import cython

from engine.core.emit import emit_countdown
from engine.core.heap import heap_add, heap_remove
from engine.core.index import find_account
from engine.core.records import A_DEADLINE_MS, S_COUNTDOWN_COUNT, S_TIME_MS
from engine.core.store import Store
from wire.layout import (
    CANCEL_ALL_AFTER_TIMEOUT_MS,
    HEADER_ACCOUNT,
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
    emit_countdown(s, account)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def schedule_countdown(s: Store, account: cython.longlong) -> cython.longlong:
    """Arm an account whose deadline is set."""
    return heap_add(s, s.countdowns, S_COUNTDOWN_COUNT, account)


@cython.cfunc
@cython.exceptval(check=False)
def unschedule_countdown(s: Store, account: cython.longlong) -> cython.longlong:
    """Disarm an account, armed or not."""
    heap_remove(s, s.countdowns, S_COUNTDOWN_COUNT, account)
    s.m[account + A_DEADLINE_MS] = 0
    return 0
