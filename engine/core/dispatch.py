"""One command after the other: shape, identity, then the kind's own decision."""

import cython

from engine.core.accounts import set_account
from engine.core.cancels import cancel, cancel_all
from engine.core.changes import amend, replace
from engine.core.clock import advance_time, start_epoch
from engine.core.countdowns import cancel_all_after
from engine.core.definitions import (
    define_asset,
    define_market,
    set_fee_tier,
    set_market_limits,
    set_market_state,
    set_tenant_limits,
)
from engine.core.emit import emit_result, emit_touched_markets
from engine.core.funds import capture_hold, credit, debit, hold_funds, release_hold, transfer
from engine.core.ids import find_id, find_placed, remember_id, take_share
from engine.core.lists import place_list, stage_order
from engine.core.place import place_order
from engine.core.records import (
    ACCOUNT_BITS,
    I_OUTCOME,
    O_ID,
    S_COMMAND_WORDS_USED,
    S_HORIZON_MS,
    S_PLACED_LAST,
    S_SEQUENCE,
    S_TIME_MS,
    S_TOUCHED_MARKETS,
    TIME_BITS,
)
from engine.core.store import Store, make_room
from wire.layout import (
    ACCOUNT_TENANT_SHIFT,
    ACTOR_BITS,
    CANCEL_LIST,
    COMMAND_ADVANCE_TIME,
    COMMAND_AMEND,
    COMMAND_CANCEL,
    COMMAND_CANCEL_ALL,
    COMMAND_CANCEL_ALL_AFTER,
    COMMAND_CAPTURE,
    COMMAND_CREDIT,
    COMMAND_DEBIT,
    COMMAND_DEFINE_ASSET,
    COMMAND_DEFINE_MARKET,
    COMMAND_EPOCH,
    COMMAND_HOLD,
    COMMAND_KIND_LAST,
    COMMAND_LENGTH,
    COMMAND_PLACE,
    COMMAND_PLACE_LIST,
    COMMAND_REJECT,
    COMMAND_RELEASE,
    COMMAND_REPLACE,
    COMMAND_SET_ACCOUNT,
    COMMAND_SET_FEE_TIER,
    COMMAND_SET_MARKET_LIMITS,
    COMMAND_SET_MARKET_STATE,
    COMMAND_SET_TENANT_LIMITS,
    COMMAND_STAGE,
    COMMAND_TRANSFER,
    FLAGS_BITS,
    FUNDS_HOLD_ID,
    HEADER_ACCOUNT,
    HEADER_ACTOR,
    HEADER_ID_HIGH,
    HEADER_ID_LOW,
    HEADER_KIND,
    HEADER_TIME_MS,
    INTAKE_AHEAD_MS_MAX,
    PLACE_CONDITIONS,
    PLACE_CONDITIONS_COUNT,
    PLACE_FLAGS,
    REASON_COMMAND_FROM_FUTURE,
    REASON_COMMAND_TOO_OLD,
    REASON_DUPLICATE_COMMAND,
    REASON_LAST,
    REASON_MALFORMED_COMMAND,
    REASON_UNKNOWN_ACCOUNT,
    REJECT_REASON,
    RESULT_REASON_MASK,
    RESULT_REASON_SHIFT,
    RESULT_SUBJECT,
)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def has_account(kind: cython.longlong) -> cython.bint:
    """Whether a kind of command is about an account."""
    return kind <= COMMAND_TRANSFER or kind == COMMAND_SET_ACCOUNT or kind >= COMMAND_STAGE


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def may_name_account(kind: cython.longlong) -> cython.bint:
    """Whether a kind of command is about no account, but may be in the name of one's tenant."""
    of_market: cython.bint = kind == COMMAND_SET_MARKET_LIMITS or kind == COMMAND_SET_MARKET_STATE
    return of_market or kind == COMMAND_REJECT


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def check_shape(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Return REASON_MALFORMED_COMMAND for what no intake would write, whatever the state, or 0."""
    kind, account = command[HEADER_KIND], command[HEADER_ACCOUNT]
    # What must be 0; a negative number shifted is not 0 either.
    excess = command[HEADER_TIME_MS] >> TIME_BITS | account >> ACCOUNT_BITS
    excess |= command[HEADER_ACTOR] >> ACTOR_BITS
    if kind == COMMAND_PLACE:
        # The two most frequent need no look at COMMAND_WORDS_USED; a test compares them with it.
        excess |= command[PLACE_FLAGS] >> FLAGS_BITS
        for unused in range(PLACE_CONDITIONS + PLACE_CONDITIONS_COUNT, COMMAND_LENGTH):
            excess |= command[unused]
        return REASON_MALFORMED_COMMAND if excess else 0
    if kind == COMMAND_CANCEL:
        excess |= command[CANCEL_LIST] >> 1 | command[10] | command[11] | command[12]
        excess |= command[13] | command[14] | command[15]
        return REASON_MALFORMED_COMMAND if excess else 0
    if kind < COMMAND_PLACE or kind > COMMAND_KIND_LAST:
        return REASON_MALFORMED_COMMAND
    unused = s.m[S_COMMAND_WORDS_USED + kind]
    while unused < COMMAND_LENGTH:
        excess |= command[unused]
        unused += 1
    if kind >= COMMAND_STAGE:
        excess |= command[PLACE_FLAGS] >> FLAGS_BITS
    if excess:
        return REASON_MALFORMED_COMMAND
    if account and not has_account(kind) and not may_name_account(kind):
        return REASON_MALFORMED_COMMAND
    takes_hold_id: cython.bint = COMMAND_HOLD <= kind <= COMMAND_CAPTURE
    if takes_hold_id and command[FUNDS_HOLD_ID] <= 0:
        return REASON_MALFORMED_COMMAND
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def check_identity(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Return why a command may have been decided before, or 0."""
    m = s.m
    high, low = command[HEADER_ID_HIGH], command[HEADER_ID_LOW]
    kind, time_ms = command[HEADER_KIND], command[HEADER_TIME_MS]
    known = find_id(s, high, low)
    if known:
        s.out[s.started + RESULT_SUBJECT] = m[known + I_OUTCOME]
        return REASON_DUPLICATE_COMMAND
    opens_order: cython.bint = (
        kind == COMMAND_PLACE or kind == COMMAND_REPLACE or kind >= COMMAND_STAGE
    )
    if m[S_PLACED_LAST] and opens_order:
        order = find_placed(s, high, low)
        if order:
            s.out[s.started + RESULT_SUBJECT] = m[order + O_ID]
            return REASON_DUPLICATE_COMMAND
    if time_ms <= m[S_HORIZON_MS]:
        return REASON_COMMAND_TOO_OLD
    if time_ms > m[S_TIME_MS] + INTAKE_AHEAD_MS_MAX and kind != COMMAND_ADVANCE_TIME:
        return REASON_COMMAND_FROM_FUTURE
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def check_owner(command: cython.p_longlong) -> cython.longlong:
    """Return REASON_UNKNOWN_ACCOUNT for a command about an account that names none, or 0."""
    if not command[HEADER_ACCOUNT] >> ACCOUNT_TENANT_SHIFT and has_account(command[HEADER_KIND]):
        return REASON_UNKNOWN_ACCOUNT
    return 0


# --- execution by kind ----------------------------------------------------------------------------


@cython.cfunc
@cython.inline
def execute_command(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Execute a well-formed command; return the reason to reject it, or 0."""
    kind = command[HEADER_KIND]
    if kind == COMMAND_PLACE:
        return place_order(s, command)
    if kind == COMMAND_CANCEL:
        return cancel(s, command)
    if kind == COMMAND_CANCEL_ALL:
        return cancel_all(s, command)
    if kind == COMMAND_AMEND:
        return amend(s, command)
    if kind == COMMAND_REPLACE:
        return replace(s, command)
    if kind == COMMAND_CANCEL_ALL_AFTER:
        return cancel_all_after(s, command)
    if kind <= COMMAND_TRANSFER:
        return execute_funds(s, command)
    if kind == COMMAND_STAGE:
        return stage_order(s, command)
    if kind == COMMAND_PLACE_LIST:
        return place_list(s, command)
    return execute_definition(s, command)


@cython.cfunc
def execute_funds(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Execute a command about money."""
    kind = command[HEADER_KIND]
    if kind == COMMAND_CREDIT:
        return credit(s, command)
    if kind == COMMAND_DEBIT:
        return debit(s, command)
    if kind == COMMAND_HOLD:
        return hold_funds(s, command)
    if kind == COMMAND_TRANSFER:
        return transfer(s, command)
    if kind == COMMAND_RELEASE:
        return release_hold(s, command)
    return capture_hold(s, command)


@cython.cfunc
def execute_definition(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Execute a command about the shard, a market or an account's settings."""
    kind = command[HEADER_KIND]
    if kind == COMMAND_DEFINE_ASSET:
        return define_asset(s, command)
    if kind == COMMAND_DEFINE_MARKET:
        return define_market(s, command)
    if kind == COMMAND_SET_MARKET_LIMITS:
        return set_market_limits(s, command)
    if kind == COMMAND_SET_MARKET_STATE:
        return set_market_state(s, command)
    if kind == COMMAND_SET_TENANT_LIMITS:
        return set_tenant_limits(s, command)
    if kind == COMMAND_SET_FEE_TIER:
        return set_fee_tier(s, command)
    if kind == COMMAND_SET_ACCOUNT:
        return set_account(s, command)
    if kind == COMMAND_ADVANCE_TIME:
        return advance_time(s, command)
    if kind == COMMAND_EPOCH:
        return start_epoch(s, command)
    return reject_command(command)


@cython.cfunc
@cython.exceptval(check=False)
def reject_command(command: cython.p_longlong) -> cython.longlong:
    """Decide a REJECT command: reject it, for the reason that it carries."""
    reason = command[REJECT_REASON]
    if reason < 1 or reason > REASON_LAST:
        return REASON_MALFORMED_COMMAND
    return reason


# --- a decision -----------------------------------------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def remember(s: Store, command: cython.p_longlong, reason: cython.longlong) -> cython.longlong:
    """Remember a decided command by its id."""
    m = s.m
    if REASON_MALFORMED_COMMAND <= reason <= REASON_COMMAND_TOO_OLD:
        return 0
    if reason and not take_share(s, command[HEADER_ACCOUNT]):
        return 0
    stamp_ms = command[HEADER_TIME_MS]
    # Never far from the engine's time: that of a command from the future says nothing about others.
    if stamp_ms < m[S_TIME_MS] or stamp_ms > m[S_TIME_MS] + INTAKE_AHEAD_MS_MAX:
        stamp_ms = m[S_TIME_MS]
    outcome = -reason if reason else s.out[s.started + RESULT_SUBJECT]
    if command[HEADER_KIND] == COMMAND_CANCEL_ALL and not reason:
        # How many orders it closed is no order.
        outcome = 0
    return remember_id(s, command[HEADER_ID_HIGH], command[HEADER_ID_LOW], outcome, stamp_ms)


@cython.cfunc
@cython.inline
def finish(s: Store, command: cython.p_longlong, reason: cython.longlong) -> cython.longlong:
    """Complete what a decided command emits, and remember it."""
    if reason:
        others = ~(RESULT_REASON_MASK << RESULT_REASON_SHIFT)
        s.out[s.started] = s.out[s.started] & others | reason << RESULT_REASON_SHIFT
    if command[HEADER_ID_HIGH] | command[HEADER_ID_LOW]:
        remember(s, command, reason)
    if s.m[S_TOUCHED_MARKETS]:
        emit_touched_markets(s)
    return 0


@cython.cfunc
@cython.inline
def decide(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide one command: its result first, then the events that it has caused."""
    make_room(s)
    s.m[S_SEQUENCE] += 1
    emit_result(s, command)
    reason = check_shape(s, command)
    if not reason and command[HEADER_ID_HIGH] | command[HEADER_ID_LOW]:
        reason = check_identity(s, command)
    if not reason:
        reason = check_owner(command)
    if not reason:
        reason = execute_command(s, command)
    return finish(s, command, reason)
