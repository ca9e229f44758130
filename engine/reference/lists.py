"""Lists of orders: two of which one cancels the other, or an entry and the two exits after it.

A list comes as one command for each order, all but the last staged: so each has a sequence that is
its id. The last decides about all at once. What lists do later is in ``orders`` and ``execution``.
"""

from engine.reference.emit import emit_decided_order
from engine.reference.execution import accept_order, crosses
from engine.reference.index import open_balance
from engine.reference.model import STOPS, Command, Order, Rejected
from engine.reference.order_checks import can_rest, check_funds
from engine.reference.orders import rest_pair, set_status
from engine.reference.place import check_stated, fill_order, follow_reference
from engine.reference.registry import register_order
from engine.reference.room import check_list_capacity
from engine.reference.state import State
from engine.reference.stops import is_triggered
from wire import layout as w


def stage_order(state: State, command: Command) -> int:
    """Decide a STAGE command: keep an order until its list is decided; return what its id will be.

    That is by the next command, or by the one after it: what is staged else is forgotten.
    """
    if not continues_list(state, command) or len(state.staged) == w.STAGED_MAX:
        state.staged = []
    state.staged.append(command)
    state.staged_sequence = state.sequence
    return state.sequence


def continues_list(state: State, command: Command) -> bool:
    """Whether a command comes right after orders of its account that have been staged."""
    follows = bool(state.staged) and state.staged_sequence == state.sequence - 1
    return follows and state.staged[0][w.HEADER_ACCOUNT] == command[w.HEADER_ACCOUNT]


def place_list(state: State, command: Command) -> int:
    """Decide a PLACE_LIST command: all orders of a list, or none; return the id of the last.

    They are checked one after the other, then together.
    """
    orders = fill_list(state, command)
    last = orders[-1]
    if last.account.number not in state.accounts:
        raise Rejected(w.REASON_INSUFFICIENT_BALANCE)
    # Exits are paid from what their entry brings, and of two orders only one will ever trade.
    for order in [last] if len(orders) > w.STAGED_MAX else orders:
        check_funds(state, order)
    check_list_capacity(state, last, len(orders) - 1)
    check_list(orders)

    open_balance(state, last.account, last.market.base)
    open_balance(state, last.account, last.market.quote)
    follow_reference(state, last.market)
    if len(orders) == w.STAGED_MAX:
        accept_pair(state, *orders)
    else:
        accept_entry(state, *orders)
    return last.order_id


def fill_list(state: State, command: Command) -> list[Order]:
    """Return the orders that were staged, and the last, each checked by itself."""
    orders = []
    for one in (*(state.staged if continues_list(state, command) else ()), command):
        orders.append(fill_order(state, one))
        check_stated(state, orders[-1])
    for before, order in enumerate(reversed(orders)):
        order.order_id = state.sequence - before
        order.list_id = state.sequence
    return orders


# --- what a list may be ---------------------------------------------------------------------------


def check_list(orders: list[Order]) -> None:
    """Reject orders that make no list, or one of which would be executed at once, not wait."""
    if len(orders) < w.STAGED_MAX:
        raise Rejected(w.REASON_INVALID_LIST)
    first, second = orders[:2]
    entry = orders[-1] if len(orders) > w.STAGED_MAX else None
    if not is_pair(first, second) or (entry and not has_exits(entry, first, second)):
        raise Rejected(w.REASON_INVALID_LIST)
    if not entry and (executes_on_arrival(first) or executes_on_arrival(second)):
        raise Rejected(w.REASON_LIST_WOULD_EXECUTE)


def is_pair(first: Order, second: Order) -> bool:
    """Whether one of two orders takes a profit and the other stops a loss, of the same position."""
    if (first.market, first.side, first.quantity) != (second.market, second.side, second.quantity):
        return False
    if not waits(first) or not waits(second) or takes_profit(first) == takes_profit(second):
        return False
    profit, stop = (first, second) if takes_profit(first) else (second, first)
    price = profit.conditions.trigger_price or profit.price
    above = price - stop.conditions.trigger_price
    return above < 0 if profit.is_buy else above > 0


def waits(order: Order) -> bool:
    """Whether an order waits: a stop or take-profit, or a limit order that may also take.

    None that trails: its trigger may move to where the other one is.
    """
    if w.flags_post_only(order.flags) or order.is_trailing:
        return False
    return order.order_type in STOPS or (order.order_type == w.TYPE_LIMIT and can_rest(order))


def takes_profit(order: Order) -> bool:
    """Whether an order waits for a better price: it is no stop."""
    return order.order_type not in STOPS or order.trigger_side != order.side


def has_exits(entry: Order, first: Order, second: Order) -> bool:
    """Whether two orders are exits of an entry: the other side of as much, and without an end.

    The entry does not trail.
    """
    if entry.market is not first.market or entry.side == first.side or entry.is_trailing:
        return False
    expires = first.conditions.expire_ms or second.conditions.expire_ms
    return entry.quantity == first.quantity and not expires


def executes_on_arrival(order: Order) -> bool:
    """Whether an order would trade or trigger now, or cross what an auction has collected."""
    return is_triggered(order) if order.is_pending else crosses(order)


# --- effects --------------------------------------------------------------------------------------


def accept_pair(state: State, first: Order, second: Order) -> None:
    """Let two orders wait, of which one will cancel the other."""
    rest_pair(state, first, second)
    for order in (first, second):
        register_order(state, order)
        emit_decided_order(state, order, with_conditions=True)


def accept_entry(state: State, first: Order, second: Order, entry: Order) -> None:
    """Let two exits wait for their entry, and start its life."""
    first.other, second.other, entry.exit = second, first, first
    for order in (first, second):
        order.visible = 0
        set_status(order, w.STATUS_PENDING_ENTRY)
        register_order(state, order)
        emit_decided_order(state, order, with_conditions=True)
    accept_order(state, entry)
