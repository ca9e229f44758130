"""Changing open orders; a rejected change leaves an order as it was."""

import dataclasses

from engine.reference.accounts import is_frozen
from engine.reference.cancels import find_target
from engine.reference.emit import emit_decided_order
from engine.reference.execution import accept_order
from engine.reference.ledger import order_reserve
from engine.reference.model import STOP_MARKETS, Command, Order, Rejected
from engine.reference.order_checks import (
    check_display,
    check_funds,
    check_numbers,
    check_state,
    order_price,
    worst_price,
)
from engine.reference.orders import (
    close_order,
    reduce_order,
    set_status,
    withdraw,
)
from engine.reference.place import follow_reference
from engine.reference.price_checks import check_notional, check_worth
from engine.reference.registry import unregister_order
from engine.reference.state import State
from engine.reference.trailing import check_trail_change, trigger_from
from wire import layout as w


def amend(state: State, command: Command) -> int:
    """Decide an AMEND command: change an order, which stays the same one; return its id.

    The quantity is the new total, what is filled included; one that is filled already ends the
    order. Only less of the same keeps its place in the queue. Everything else goes to the back of
    its new level, and may trade on the way, like an order that has just arrived.
    """
    order = find_target(state, command)
    changed = changed_order(order, command, filled=order.quantity - order.remaining)
    check_amend(state, order, changed, command)
    check_alone(order)

    if changed.remaining <= 0:
        end_as_filled(state, order)
        return order.order_id
    if only_shrinks(order, changed):
        reduce_order(state, order, order.remaining - changed.remaining)
        emit_decided_order(state, order, with_conditions=True)
        return order.order_id
    follow_reference(state, order.market)
    withdraw(state, order)
    order.quantity = changed.quantity
    order.remaining = changed.remaining
    order.price = changed.price
    order.conditions = changed.conditions
    accept_order(state, order)
    return order.order_id


def end_as_filled(state: State, order: Order) -> None:
    """End a waiting order as one for what it has been filled."""
    withdraw(state, order)
    order.quantity -= order.remaining
    order.remaining = 0
    set_status(order, w.STATUS_FILLED, w.CLOSE_FILLED)
    emit_decided_order(state, order, with_conditions=True)
    unregister_order(state, order)


def replace(state: State, command: Command) -> int:
    """Decide a REPLACE command: close an order, open another in its stead; return the new id."""
    order = find_target(state, command)
    changed = changed_order(order, command, filled=0)
    if is_frozen(state, order.account.number):
        raise Rejected(w.REASON_ACCOUNT_FROZEN)
    check_state(changed)
    check_change(order, changed, command)
    check_requeue(state, order, changed)
    check_alone(order)

    follow_reference(state, order.market)
    close_order(state, order, w.STATUS_CANCELLED, w.CLOSE_REPLACED)
    changed.order_id = state.sequence
    changed.id_high = command[w.HEADER_ID_HIGH]
    changed.id_low = command[w.HEADER_ID_LOW]
    accept_order(state, changed)
    return changed.order_id


def changed_order(order: Order, command: Command, filled: int) -> Order:
    """Return what a change would make of an order, without touching it; 0 leaves a word alone.

    ``filled`` is what its quantity includes that was filled before; nothing may remain of it.
    """
    quantity, before = command[w.CHANGE_QUANTITY] or filled + order.remaining, order.conditions
    changed = Order(
        order_id=order.order_id,
        account=order.account,
        market=order.market,
        flags=order.flags & ((1 << w.STATUS_SHIFT) - 1),
        price=order.price,
        quantity=quantity,
        remaining=quantity - filled,
        conditions=dataclasses.replace(
            before,
            trigger_price=command[w.CHANGE_TRIGGER_PRICE] or before.trigger_price,
            display_quantity=command[w.CHANGE_DISPLAY_QUANTITY] or before.display_quantity,
            trail=command[w.CHANGE_TRAIL] or before.trail,
        ),
        extreme=order.extreme,
    )
    if order.is_pending and order.is_trailing and command[w.CHANGE_TRAIL]:
        start = order.extreme or before.activation_price
        changed.conditions.trigger_price = trigger_from(changed, start)
    changed.price = changed_price(changed, command)
    return changed


def changed_price(changed: Order, command: Command) -> int:
    """Return the price an order would have: one that is made of the trigger price follows that."""
    trail = changed.is_pending and command[w.CHANGE_TRAIL]
    moved = (command[w.CHANGE_TRIGGER_PRICE] or trail) and not command[w.CHANGE_PRICE]
    if moved and changed.is_trailing and changed.conditions.limit_offset:
        return order_price(changed)
    if moved and changed.order_type in STOP_MARKETS and changed.is_buy:
        return worst_price(changed)
    return command[w.CHANGE_PRICE] or changed.price


def changes_more_than_quantity(order: Order, changed: Order) -> bool:
    """Whether a change is about more than the quantity."""
    return changed.price != order.price or changed.conditions != order.conditions


def only_shrinks(order: Order, changed: Order) -> bool:
    """Whether a change leaves less of the same, or nothing: as harmless as a cancel."""
    if changed.remaining <= 0:
        return True
    return not changes_more_than_quantity(order, changed) and changed.remaining < order.remaining


# --- checks of a change ---------------------------------------------------------------------------


def check_amend(state: State, order: Order, changed: Order, command: Command) -> None:
    """Reject an AMEND; one that only shrinks an order needs a running market and nothing else."""
    if is_frozen(state, order.account.number):
        raise Rejected(w.REASON_ACCOUNT_FROZEN)
    shrinks = only_shrinks(order, changed)
    if not shrinks:
        check_state(changed)
    elif order.market.state == w.STATE_HALTED:
        raise Rejected(w.REASON_MARKET_HALTED)
    check_change(order, changed, command)
    same_quantity = changed.remaining == order.remaining
    if same_quantity and not changes_more_than_quantity(order, changed):
        raise Rejected(w.REASON_NOTHING_TO_CHANGE)
    if changed.remaining <= 0:
        return
    if shrinks:
        check_notional(changed)
    else:
        # What is filled and what may still be must fit a word together.
        changed.filled_quote = order.filled_quote
        check_requeue(state, order, changed)


def check_alone(order: Order) -> None:
    """Reject a change of an order of a list: the others are for what it is."""
    if order.list_id:
        raise Rejected(w.REASON_ORDER_IN_LIST)


def check_change(order: Order, changed: Order, command: Command) -> None:
    """Reject a change whose numbers are out of range."""
    if order.is_pending and order.is_trailing:
        check_trail_change(order, changed, command)
    elif command[w.CHANGE_TRAIL]:
        raise Rejected(w.REASON_INVALID_TRIGGER_PRICE)
    elif order.is_pending:
        if not 0 < changed.conditions.trigger_price <= order.market.price_bound:
            raise Rejected(w.REASON_INVALID_TRIGGER_PRICE)
    elif command[w.CHANGE_TRIGGER_PRICE]:
        raise Rejected(w.REASON_INVALID_TRIGGER_PRICE)
    check_numbers(changed)
    if command[w.CHANGE_DISPLAY_QUANTITY]:
        if not order.conditions.display_quantity:
            raise Rejected(w.REASON_INVALID_DISPLAY_QUANTITY)
        check_display(changed)
    elif 0 < changed.conditions.display_quantity * w.ICEBERG_SLICES_MAX < changed.remaining:
        raise Rejected(w.REASON_INVALID_DISPLAY_QUANTITY)


def check_requeue(state: State, order: Order, changed: Order) -> None:
    """Reject a change that can't go to the back of its new level, as an order that arrives."""
    check_worth(state, changed)
    check_funds(state, changed, freed=order_reserve(order, order.remaining))
