"""One command after the other: its shape, its identity, its owner, then its kind's own decision."""

from collections.abc import Callable

from engine.reference.accounts import set_account
from engine.reference.cancels import cancel, cancel_all
from engine.reference.changes import amend, replace
from engine.reference.clock import advance_time, start_epoch
from engine.reference.countdowns import cancel_all_after
from engine.reference.definitions import (
    define_asset,
    define_market,
    set_fee_tier,
    set_market_limits,
    set_market_state,
    set_tenant_limits,
)
from engine.reference.emit import emit_result, emit_touched_markets
from engine.reference.funds import (
    capture_hold,
    credit,
    debit,
    hold_funds,
    release_hold,
    transfer,
)
from engine.reference.ids import find_placed, remember_id, take_share
from engine.reference.lists import place_list, stage_order
from engine.reference.model import Command, Rejected
from engine.reference.place import place_order
from engine.reference.state import CommandId, State
from wire import layout as w

_ABOUT_NO_ACCOUNT = (
    w.COMMAND_DEFINE_ASSET,
    w.COMMAND_DEFINE_MARKET,
    w.COMMAND_SET_FEE_TIER,
    w.COMMAND_SET_TENANT_LIMITS,
    w.COMMAND_ADVANCE_TIME,
    w.COMMAND_EPOCH,
)
_MAY_NAME_ACCOUNT = (
    w.COMMAND_SET_MARKET_LIMITS,
    w.COMMAND_SET_MARKET_STATE,
    w.COMMAND_REJECT,
)
_OPENS_ORDER = (w.COMMAND_PLACE, w.COMMAND_REPLACE, w.COMMAND_STAGE, w.COMMAND_PLACE_LIST)
_HAS_FLAGS = (w.COMMAND_PLACE, w.COMMAND_STAGE, w.COMMAND_PLACE_LIST)
_TAKES_HOLD_ID = (w.COMMAND_HOLD, w.COMMAND_RELEASE, w.COMMAND_CAPTURE)
# Rejections that say nothing about the command itself, so they are not its outcome.
_NOT_REMEMBERED = (
    w.REASON_MALFORMED_COMMAND,
    w.REASON_DUPLICATE_COMMAND,
    w.REASON_COMMAND_TOO_OLD,
)


def decide(state: State, command: Command) -> list[int]:
    """Decide one command and return its events: a result first, then the facts it has caused."""
    state.sequence += 1
    reason, subject = w.REASON_ACCEPTED, 0
    try:
        check_shape(command)
        check_identity(state, command)
        check_owner(command)
        subject = execute_command(state, command)
    except Rejected as rejected:
        reason, subject = rejected.reason, rejected.subject
    return finish(state, command, reason, subject)


# --- what every command must be -------------------------------------------------------------------


def has_account(kind: int) -> bool:
    """Whether a kind of command is about an account."""
    return kind not in _ABOUT_NO_ACCOUNT and not may_name_account(kind)


def may_name_account(kind: int) -> bool:
    """Whether a kind of command is about no account, but may be in the name of one's tenant."""
    return kind in _MAY_NAME_ACCOUNT


def check_shape(command: Command) -> None:
    """Reject what no intake would write, whatever the state."""
    kind, account = command[w.HEADER_KIND], command[w.HEADER_ACCOUNT]
    if not 0 < kind <= w.COMMAND_KIND_LAST:
        raise Rejected(w.REASON_MALFORMED_COMMAND)
    if (
        any(command[w.COMMAND_WORDS_USED[kind] :])
        or not 0 <= command[w.HEADER_TIME_MS] <= w.TIME_MS_MAX
        or not 0 <= w.account_tenant(account) <= w.TENANT_MAX
        or not 0 <= command[w.HEADER_ACTOR] < 1 << w.ACTOR_BITS
        or (kind in _ABOUT_NO_ACCOUNT and account)
        or (kind in _HAS_FLAGS and command[w.PLACE_FLAGS] >> w.FLAGS_BITS)
        or (kind == w.COMMAND_CANCEL and command[w.CANCEL_LIST] not in (0, 1))
        or (kind in _TAKES_HOLD_ID and command[w.FUNDS_HOLD_ID] <= 0)
    ):
        raise Rejected(w.REASON_MALFORMED_COMMAND)


def command_id(command: Command) -> CommandId:
    """Return a command's id; (0, 0) for none."""
    return command[w.HEADER_ID_HIGH], command[w.HEADER_ID_LOW]


def check_identity(state: State, command: Command) -> None:
    """Reject a command that has been decided before, or may have been; one without an id never was.

    A duplicate names what became of the first delivery; an open order is known by its id for as
    long as it is open. A time far ahead of the engine's is rejected, because commands up to a
    forgotten one's time are.
    """
    identity, time_ms = command_id(command), command[w.HEADER_TIME_MS]
    if identity == (0, 0):
        return
    if identity in state.remembered:
        outcome, _ = state.remembered[identity]
        raise Rejected(w.REASON_DUPLICATE_COMMAND, subject=outcome)
    opens_order = command[w.HEADER_KIND] in _OPENS_ORDER
    order = find_placed(state, identity) if opens_order else None
    if order:
        raise Rejected(w.REASON_DUPLICATE_COMMAND, subject=order.order_id)
    if time_ms <= state.horizon_ms:
        raise Rejected(w.REASON_COMMAND_TOO_OLD)
    is_time = command[w.HEADER_KIND] == w.COMMAND_ADVANCE_TIME
    if time_ms > state.time_ms + w.INTAKE_AHEAD_MS_MAX and not is_time:
        raise Rejected(w.REASON_COMMAND_FROM_FUTURE)


def check_owner(command: Command) -> None:
    """Reject a command about an account that names none."""
    if has_account(command[w.HEADER_KIND]) and not w.account_tenant(command[w.HEADER_ACCOUNT]):
        raise Rejected(w.REASON_UNKNOWN_ACCOUNT)


# --- what each kind does --------------------------------------------------------------------------


def reject_command(_: State, command: Command) -> None:
    """Decide a REJECT command, what intake has refused, for its reason."""
    reason = command[w.REJECT_REASON]
    known = 0 < reason <= w.REASON_LAST
    raise Rejected(reason if known else w.REASON_MALFORMED_COMMAND)


# Kind -> its decision: it raises Rejected or takes effect, and may return a subject.
_DECISIONS: dict[int, Callable[[State, Command], int | None]] = {
    w.COMMAND_PLACE: place_order,
    w.COMMAND_CANCEL: cancel,
    w.COMMAND_CANCEL_ALL: cancel_all,
    w.COMMAND_AMEND: amend,
    w.COMMAND_REPLACE: replace,
    w.COMMAND_CANCEL_ALL_AFTER: cancel_all_after,
    w.COMMAND_CREDIT: credit,
    w.COMMAND_DEBIT: debit,
    w.COMMAND_HOLD: hold_funds,
    w.COMMAND_RELEASE: release_hold,
    w.COMMAND_CAPTURE: capture_hold,
    w.COMMAND_TRANSFER: transfer,
    w.COMMAND_DEFINE_ASSET: define_asset,
    w.COMMAND_DEFINE_MARKET: define_market,
    w.COMMAND_SET_MARKET_LIMITS: set_market_limits,
    w.COMMAND_SET_MARKET_STATE: set_market_state,
    w.COMMAND_SET_FEE_TIER: set_fee_tier,
    w.COMMAND_SET_TENANT_LIMITS: set_tenant_limits,
    w.COMMAND_SET_ACCOUNT: set_account,
    w.COMMAND_ADVANCE_TIME: advance_time,
    w.COMMAND_EPOCH: start_epoch,
    w.COMMAND_REJECT: reject_command,
    w.COMMAND_STAGE: stage_order,
    w.COMMAND_PLACE_LIST: place_list,
}


def execute_command(state: State, command: Command) -> int:
    """Let a well-formed command take effect; return its subject: an order's id, a count, or 0."""
    return _DECISIONS[command[w.HEADER_KIND]](state, command) or 0


# --- what every command leaves --------------------------------------------------------------------


def remember(state: State, command: Command, reason: int, subject: int) -> None:
    """Remember a decided command by its id, with the order it made or why it was rejected.

    A rejection beyond its account's share is not, so that none drives out what others need.
    """
    if command_id(command) == (0, 0) or reason in _NOT_REMEMBERED:
        return
    if reason and not take_share(state, command[w.HEADER_ACCOUNT]):
        return
    # How many orders a CANCEL_ALL closed is no order.
    order_id = 0 if command[w.HEADER_KIND] == w.COMMAND_CANCEL_ALL else subject
    time_ms = command[w.HEADER_TIME_MS]
    # Never far from the engine's time: that of a command from the future says nothing about others.
    is_near = state.time_ms < time_ms <= state.time_ms + w.INTAKE_AHEAD_MS_MAX
    stamp_ms = time_ms if is_near else state.time_ms
    remember_id(state, command_id(command), -reason if reason else order_id, stamp_ms)


def finish(state: State, command: Command, reason: int, subject: int) -> list[int]:
    """Remember a decided command; return all that it states, folded into the digest."""
    remember(state, command, reason, subject)
    emit_touched_markets(state)
    emit_result(state, command, reason, subject)
    words = [word for fact in state.facts for word in fact]
    state.digest.fold(words)
    state.facts.clear()
    state.stated_balances.clear()
    state.stated_levels.clear()
    return words
