"""Time and epochs. The engine has no clock: time is what a command brings."""

from engine.reference.auction import change_state, update_indicative
from engine.reference.emit import emit_countdown, emit_definition
from engine.reference.execution import execute_all_triggered
from engine.reference.ids import forget_old_ids
from engine.reference.model import Command, Rejected
from engine.reference.orders import close_all, close_order
from engine.reference.state import State
from wire import layout as w


def advance_time(state: State, command: Command) -> None:
    """Decide an ADVANCE_TIME command: expiries, then countdowns, then auctions.

    Exits of an entry that expires are placed before the others' turn.

    Time never goes back. What is due goes by its time, then by the number of order or account; so
    every machine closes in the same order.
    """
    state.time_ms = max(state.time_ms, command[w.HEADER_TIME_MS])
    forget_old_ids(state)
    due = [
        order for order in state.orders.values() if 0 < order.conditions.expire_ms <= state.time_ms
    ]
    for order in sorted(due, key=lambda order: (order.conditions.expire_ms, order.order_id)):
        if order.order_id in state.orders:
            close_order(state, order, w.STATUS_EXPIRED, w.CLOSE_EXPIRED)
    execute_all_triggered(state)
    elapsed = [one for one in state.accounts.values() if 0 < one.deadline_ms <= state.time_ms]
    for account in sorted(elapsed, key=lambda account: (account.deadline_ms, account.number)):
        account.deadline_ms = 0
        emit_countdown(state, account)
        close_all(state, account.number, 0, w.SIDE_BOTH, w.CLOSE_COUNTDOWN_ELAPSED)
    for _, market in sorted(state.markets.items()):
        if 0 < market.auction_until_ms <= state.time_ms:
            change_state(state, market, w.STATE_OPEN)
        elif market.state == w.STATE_AUCTION:
            update_indicative(state, market)


def start_epoch(state: State, command: Command) -> None:
    """Decide an EPOCH command: note which worker writes from here on."""
    words = command[w.EPOCH_EPOCH : w.EPOCH_WORKER_LOW + 1]
    if words[0] < 0:
        raise Rejected(w.REASON_INVALID_SETTING)
    state.epoch = words
    emit_definition(state, w.EVENT_EPOCH, words)
