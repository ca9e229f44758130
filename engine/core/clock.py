"""Engine time and epochs: what happens because time passes or a worker takes over."""

import cython

from engine.core.auction import change_state, update_indicative
from engine.core.countdowns import unschedule_countdown
from engine.core.emit import emit_countdown, emit_definition
from engine.core.execution import execute_all_triggered
from engine.core.ids import forget_old_ids
from engine.core.orders import close_all, close_order
from engine.core.records import (
    A_DEADLINE_MS,
    COND_EXPIRE_MS,
    COND_ORDER,
    M_AUCTION_UNTIL_MS,
    M_STATE,
    MARKET_LIST,
    S_COUNTDOWN_COUNT,
    S_EPOCH,
    S_EXPIRY_COUNT,
    S_MARKET_COUNT,
    S_RESULT_EVENT,
    S_TIME_MS,
)
from engine.core.store import Store, make_room, note_time
from wire.layout import (
    CLOSE_COUNTDOWN_ELAPSED,
    CLOSE_EXPIRED,
    COMMAND_ADVANCE_TIME,
    EPOCH_EPOCH,
    EPOCH_LENGTH,
    EVENT_EPOCH,
    HEADER_TIME_MS,
    REASON_INVALID_SETTING,
    SIDE_BOTH,
    STATE_AUCTION,
    STATE_OPEN,
    STATUS_EXPIRED,
)


@cython.cfunc
def advance_time(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide an ADVANCE_TIME command: expiries, then countdowns, then auctions."""
    m = s.m
    if command[HEADER_TIME_MS] > m[S_TIME_MS]:
        m[S_TIME_MS] = command[HEADER_TIME_MS]
        note_time(s)
        s.out[s.started] = m[S_RESULT_EVENT] | COMMAND_ADVANCE_TIME
    forget_old_ids(s)
    now = m[S_TIME_MS]
    while m[S_EXPIRY_COUNT]:
        conditions = m[s.expiries + 1]
        if m[conditions + COND_EXPIRE_MS] > now:
            break
        make_room(s)
        close_order(s, m[conditions + COND_ORDER], STATUS_EXPIRED, CLOSE_EXPIRED)
    execute_all_triggered(s)
    while m[S_COUNTDOWN_COUNT]:
        account = m[s.countdowns + 1]
        if m[account + A_DEADLINE_MS] > now:
            break
        unschedule_countdown(s, account)
        emit_countdown(s, account)
        close_all(s, account, 0, SIDE_BOTH, CLOSE_COUNTDOWN_ELAPSED)
    for position in range(m[S_MARKET_COUNT]):
        market = m[MARKET_LIST + position]
        if m[market + M_STATE] == STATE_AUCTION:
            until_ms = m[market + M_AUCTION_UNTIL_MS]
            if until_ms and until_ms <= now:
                change_state(s, market, STATE_OPEN)
            else:
                update_indicative(s, market)
    return 0


@cython.cfunc
def start_epoch(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide an EPOCH command."""
    m = s.m
    if command[EPOCH_EPOCH] < 0:
        return REASON_INVALID_SETTING
    for index in range(EPOCH_LENGTH - 1):
        m[S_EPOCH + index] = command[EPOCH_EPOCH + index]
    return emit_definition(s, EVENT_EPOCH, command, EPOCH_EPOCH, EPOCH_LENGTH)
