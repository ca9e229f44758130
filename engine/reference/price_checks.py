"""What an order is worth, and the price that it is held against: by the market's limits and book.

docs/engine.md has the rules as a table, for every type and both sides.
"""

from engine.reference.collar import is_beyond_collar
from engine.reference.execution import crosses
from engine.reference.model import MARKETABLE, Order, Rejected
from engine.reference.reference_price import current_reference
from engine.reference.state import State
from engine.reference.stops import has_reached, is_triggered
from wire import layout as w


def check_worth(state: State, order: Order) -> None:
    """Reject an order by the market's limits on its value, and by the price it would trade at.

    A stop that its trigger has reached is what it becomes: a limit order, or a market order. One
    that waits is held against its trigger, where the price will be when it trades; and against the
    reference once it triggers (``execute_triggered``).
    """
    check_notional(order)
    if order.order_type in MARKETABLE:
        return
    if order.is_pending and not is_triggered(order):
        check_collar(order, order.conditions.trigger_price)
    else:
        check_price(state, order)


def value_price(order: Order) -> int:
    """Return the price by which an order is judged worth enough; 0 when there is none.

    That is a limit order's own, the best one that a market order meets, and a stop's trigger; but
    a trigger that the last price has passed says nothing about what the stop will trade at.
    """
    if order.is_pending and not has_reached(order):
        return order.conditions.trigger_price
    if order.order_type in MARKETABLE:
        return order.market.opposite(order.side).best_price() or 0
    return order.price


def check_notional(order: Order) -> None:
    """Reject an order worth too little, or so much that its value would not fit a word.

    What is held for it, at its own price, must fit too, with what it has been filled.
    """
    market, quote_amount = order.market, order.conditions.quote_amount
    price, lot_value = value_price(order), order.remaining * market.tick_units
    notional = quote_amount or price * lot_value
    if notional and notional < market.limits.min_notional:
        raise Rejected(w.REASON_NOTIONAL_TOO_SMALL)
    if max(notional, order.price * lot_value + order.filled_quote) > w.AMOUNT_MAX:
        raise Rejected(w.REASON_NOTIONAL_TOO_LARGE)


def check_collar(order: Order, reference: int) -> None:
    """Reject a limit price beyond the collar around a reference, on its costly side."""
    if is_beyond_collar(order, reference):
        raise Rejected(w.REASON_PRICE_OUTSIDE_COLLAR)


def check_price(state: State, order: Order) -> None:
    """Reject a price beyond the collar on its costly side, or a post-only that would take."""
    check_collar(order, current_reference(state, order.market))
    if w.flags_post_only(order.flags) and crosses(order):
        raise Rejected(w.REASON_POST_ONLY_WOULD_CROSS)
