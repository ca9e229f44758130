"""Matching: where two orders meet, and self-trade prevention.

Nothing here rejects. What may be rejected has been before (``order_checks``).
"""

from engine.reference.book import is_worse, unlink_order
from engine.reference.breaker import may_start_auction, start_auction, trips_breaker
from engine.reference.emit import emit_level, emit_order
from engine.reference.model import CAN_REST, Order
from engine.reference.orders import (
    close_order,
    end_other,
    enter_level,
    leave_book,
    reduce_order,
    release_exits,
    set_status,
)
from engine.reference.reference_price import is_own_trade, note_volume
from engine.reference.registry import unregister_order
from engine.reference.settlement import settle_taker, settle_trade
from engine.reference.state import State
from engine.reference.stops import note_trade
from wire import layout as w

# --- matching -------------------------------------------------------------------------------------


def match(state: State, taker: Order, limit: int) -> int:
    """Trade, then settle for the taker; return why it must end, or CLOSE_NONE."""
    close_reason = match_book(state, taker, limit)
    totals = state.taker_totals
    if totals.taker_debit:
        note_volume(state, taker.market, totals.window_quantity, totals.window_value)
        settle_taker(state, taker)
        taker.flags |= 1 << w.TOOK_SHIFT
    return close_reason


def match_book(state: State, taker: Order, limit: int) -> int:
    """Trade with the opposite book, best price first and oldest order first.

    It goes on until the taker is filled, no price within its limit is left, or something stops it;
    return why it must end, or CLOSE_NONE.
    """
    market = taker.market
    book = market.opposite(taker.side)
    while (price := book.best_price()) is not None and not is_worse(taker.side, price, limit):
        wanted = taker.remaining
        if taker.conditions.quote_amount:
            wanted = taker.budget // (price * market.tick_units)
            if not wanted:
                return w.CLOSE_FILLED if taker.filled_quote else w.CLOSE_UNFILLED_REMAINDER
        maker = book.levels[price][0]
        if is_self_trade(taker, maker):
            if prevent_self_trade(state, taker, maker, wanted):
                return w.CLOSE_SELF_TRADE_PREVENTION
            continue
        if trips_breaker(market, price):
            if not may_start_auction(state, taker, limit):
                return w.CLOSE_PRICE_PROTECTION
            start_auction(state, market)
            return w.CLOSE_NONE
        end_other(state, maker, w.STATUS_CANCELLED, w.CLOSE_ONE_CANCELS_OTHER)
        # Here two orders meet.
        trade(state, maker, taker, price, min(wanted, maker.visible))
        if not taker.remaining and not taker.budget:
            return w.CLOSE_FILLED
    return w.CLOSE_NONE


def trade(state: State, maker: Order, taker: Order, price: int, lots: int) -> None:
    """Trade the first order of a book with the one being decided, at the maker's price.

    Trades of an owner with itself say nothing about a price: they set none.
    """
    market = maker.market
    if taker.conditions.quote_amount:
        # How many lots an amount buys is known only as it buys them.
        taker.quantity += lots
        taker.remaining += lots
        taker.budget -= price * lots * market.tick_units
    settle_trade(state, maker, taker, price, lots)
    own = is_own_trade(taker, maker)
    update_filled_order(state, maker, lots)
    if own:
        return
    quote_units = price * lots * market.tick_units
    state.taker_totals.window_quantity += lots
    state.taker_totals.window_value += quote_units
    note_trade(state, market, price, lots, quote_units)


def update_filled_order(state: State, order: Order, lots: int, *, took: bool = False) -> None:
    """Update a waiting order that has traded: close it, or show an iceberg's next slice.

    A new slice goes to the back of the level: only what is shown keeps its place.
    """
    order.visible -= lots
    if not order.remaining:
        leave_book(state, order)
        set_status(order, w.STATUS_FILLED, w.CLOSE_FILLED)
        emit_order(state, order)
        unregister_order(state, order)
        release_exits(state, order, w.STATUS_FILLED, w.CLOSE_FILLED)
        return
    order.flags = order.flags & ~(1 << w.TOOK_SHIFT) | took << w.TOOK_SHIFT
    set_status(order, w.STATUS_PARTIALLY_FILLED)
    if not order.visible:
        unlink_order(order)
        enter_level(order)
    emit_level(state, order)
    emit_order(state, order)


# --- self-trade prevention ------------------------------------------------------------------------


def is_self_trade(taker: Order, maker: Order) -> bool:
    """Whether two orders have one owner, in the sense of the taker's mode: account or group."""
    if w.flags_stp(taker.flags) == w.STP_NONE:
        return False
    if maker.account is taker.account:
        return True
    group = taker.account.stp_group
    by_group = w.flags_stp_by_group(taker.flags) and group > 0
    return by_group and group == maker.account.stp_group


def prevent_self_trade(state: State, taker: Order, maker: Order, wanted: int) -> bool:
    """Apply the taker's mode to a meeting with an order of its own; return whether it ends."""
    mode = w.flags_stp(taker.flags)
    if mode == w.STP_DECREMENT:
        return decrement(state, taker, maker, wanted)
    if mode != w.STP_CANCEL_TAKER:
        close_order(state, maker, w.STATUS_CANCELLED, w.CLOSE_SELF_TRADE_PREVENTION)
    return mode != w.STP_CANCEL_MAKER


def decrement(state: State, taker: Order, maker: Order, wanted: int) -> bool:
    """Shrink both by the smaller of the two; an order with nothing left ends.

    So does one that would be left in a book worth less than any order may be: it costs no fee to
    make, and a place in the book.
    """
    lots = min(wanted, maker.remaining)
    if taker.conditions.quote_amount:
        taker.budget -= lots * maker.price * maker.market.tick_units
    else:
        taker.quantity -= lots
        taker.remaining -= lots
    decrement_waiting(state, maker, lots)
    if taker.time_in_force in CAN_REST and is_dust(taker):
        return True
    return not taker.remaining and not taker.budget


def is_dust(order: Order) -> bool:
    """Whether what remains of an order with a price is worth less than its market's least value."""
    market = order.market
    return order.price * order.remaining * market.tick_units < market.limits.min_notional


def decrement_waiting(state: State, order: Order, lots: int) -> None:
    """Shrink an order in a book; with nothing left, or only dust, it ends.

    For the other one of its list that is as a trade would be.
    """
    end_other(state, order, w.STATUS_CANCELLED, w.CLOSE_ONE_CANCELS_OTHER)
    reduce_order(state, order, lots)
    if not order.remaining:
        leave_book(state, order)
        set_status(order, w.STATUS_CANCELLED, w.CLOSE_SELF_TRADE_PREVENTION)
        unregister_order(state, order)
        emit_order(state, order)
        release_exits(state, order, w.STATUS_CANCELLED, w.CLOSE_SELF_TRADE_PREVENTION)
    elif is_dust(order):
        close_order(state, order, w.STATUS_CANCELLED, w.CLOSE_SELF_TRADE_PREVENTION)
    else:
        emit_order(state, order)


def prevent_own_crosses(state: State, order: Order) -> bool:
    """Apply an order's mode to what it crosses of its own account's; return whether it ends.

    In an auction, where nothing trades on arrival: so own orders never move the indicative price.
    """
    if w.flags_stp(order.flags) == w.STP_NONE:
        return False
    # Stops that have triggered in the same sweep are in no book.
    in_no_book = {stop.order_id for stop in state.triggered}
    for order_id, other in sorted(order.account.orders.items()):
        if order_id in in_no_book or other.awaits_entry or order_id not in state.orders:
            continue
        meets = other.market is order.market and other.side != order.side and not other.is_pending
        crosses = meets and not is_worse(order.side, other.price, order.price)
        if crosses and prevent_self_trade(state, order, other, order.remaining):
            return True
    return False


def prevent_waiting(state: State, taker: Order, maker: Order) -> None:
    """Apply the taker's mode where both orders have waited for an uncross."""
    mode = w.flags_stp(taker.flags)
    if mode == w.STP_DECREMENT:
        lots = min(taker.remaining, maker.remaining)
        decrement_waiting(state, maker, lots)
        decrement_waiting(state, taker, lots)
        return
    if mode != w.STP_CANCEL_TAKER:
        close_order(state, maker, w.STATUS_CANCELLED, w.CLOSE_SELF_TRADE_PREVENTION)
    if mode != w.STP_CANCEL_MAKER:
        close_order(state, taker, w.STATUS_CANCELLED, w.CLOSE_SELF_TRADE_PREVENTION)
