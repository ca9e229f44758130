"""Dead-man switches: an account's open orders end unless it renews its countdown in time."""

from engine.reference.emit import emit_countdown
from engine.reference.model import Command, Rejected
from engine.reference.state import State
from wire import layout as w


def cancel_all_after(state: State, command: Command) -> None:
    """Decide a CANCEL_ALL_AFTER command: start, renew or, with a timeout of 0, end a countdown."""
    timeout_ms = command[w.CANCEL_ALL_AFTER_TIMEOUT_MS]
    account = state.accounts.get(command[w.HEADER_ACCOUNT])
    if account is None:
        raise Rejected(w.REASON_UNKNOWN_ACCOUNT)
    if not 0 <= timeout_ms <= w.TIMEOUT_MS_MAX:
        raise Rejected(w.REASON_INVALID_SETTING)

    account.deadline_ms = state.time_ms + timeout_ms if timeout_ms else 0
    emit_countdown(state, account)
