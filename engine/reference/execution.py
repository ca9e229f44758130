"""The life of an order that is in no book: matched, then left to wait or ended.

The stops that its trades trigger run after it, in the order in which they were triggered.
"""

from engine.reference.book import is_worse
from engine.reference.breaker import trips_breaker
from engine.reference.collar import is_beyond_collar, is_marketable, limit_price
from engine.reference.emit import emit_decided_order
from engine.reference.ledger import order_reserve
from engine.reference.liquidity import lots_before_own, own_lots, total_lots
from engine.reference.matching import match, prevent_own_crosses
from engine.reference.model import CAN_REST, Order
from engine.reference.orders import (
    end_pair,
    end_unbooked,
    release_exits,
    rest_order,
    rest_pair,
    set_status,
)
from engine.reference.registry import register_order, unregister_order
from engine.reference.state import State
from engine.reference.stops import collect_triggered, is_triggered, take_one_by_one
from engine.reference.trailing import current_trigger, fix_prices, is_nearer
from wire import layout as w


def accept_order(state: State, order: Order) -> None:
    """Start an order's life, or a changed order's, then run the stops that its trades trigger."""
    if not order.is_pending:
        execute_order(state, order, has_arrived=True)
    elif is_triggered(order):
        order.flags |= 1 << w.TRIGGERED_SHIFT
        if order.is_trailing:
            fix_prices(order)
        execute_triggered(state, order, has_arrived=True)
    else:
        order.conditions.trigger_price = current_trigger(order)
        rest_order(state, order)
        register_order(state, order)
        emit_decided_order(state, order, with_conditions=True)
    execute_all_triggered(state)


def execute_order(state: State, order: Order, *, has_arrived: bool) -> None:
    """Match an order, then rest or end it.

    One that ``has_arrived`` has just been placed or changed. Any other is a triggered stop that has
    waited for its turn, and waits again where the breaker or the collar stops it, or where a market
    order finds nothing within the collar.
    """
    close_reason = w.CLOSE_NONE
    if order.market.state == w.STATE_OPEN:
        limit = limit_price(order, order.market.reference_price)
        if order.time_in_force == w.TIF_FOK and not can_fill(order, limit):
            close_reason = w.CLOSE_FILL_OR_KILL_UNFILLED
        else:
            close_reason = match(state, order, limit)
    waits = close_reason == w.CLOSE_NONE and order.market.state == w.STATE_AUCTION
    if waits and prevent_own_crosses(state, order):
        close_reason = w.CLOSE_SELF_TRADE_PREVENTION
    if close_reason == w.CLOSE_NONE:
        close_reason = remainder_reason(order)
    if not has_arrived and may_trade_later(order, close_reason):
        take_one_by_one(state, order.market)
        wait_again(state, order)
        return
    if close_reason != w.CLOSE_NONE:
        end_order(state, order, close_reason, has_arrived=has_arrived)
        return
    rest_order(state, order)
    register_order(state, order)
    emit_decided_order(state, order, with_conditions=has_arrived)


def can_fill(taker: Order, limit: int) -> bool:
    """Whether a fill-or-kill order would fill whole; nothing changes.

    Meeting an order of its own ends it, unless its mode cancels the maker; how much of that
    order's level comes before it is found by looking at MEASURED_MAX of its orders. It fills
    from MEASURED_MAX levels at most, so that one that fills nothing costs little.
    """
    market, need = taker.market, taker.remaining
    prevents, by_group = w.flags_stp(taker.flags), w.flags_stp_by_group(taker.flags)
    book = market.opposite(taker.side)
    for price in book.prices()[: w.MEASURED_MAX]:
        if is_worse(taker.side, price, limit) or trips_breaker(market, price):
            return False
        level = book.levels[price]
        own = own_lots(level, taker.account, by_group=by_group) if prevents else 0
        if own and prevents != w.STP_CANCEL_MAKER:
            before = lots_before_own(level, taker.account, by_group=by_group, beyond=0)
            return before >= need
        need -= total_lots(level) - own
        if need <= 0:
            return True
    return False


def remainder_reason(order: Order) -> int:
    """Return why what is left of an order that may not rest ends; CLOSE_NONE when it may rest.

    For a market order, either its collar is in the way of what there is, or there is nothing.
    """
    if order.time_in_force in CAN_REST:
        return w.CLOSE_NONE
    beyond = order.market.opposite(order.side).best_price() is not None
    if beyond and is_marketable(order):
        return w.CLOSE_PRICE_PROTECTION
    return w.CLOSE_UNFILLED_REMAINDER


def may_trade_later(order: Order, close_reason: int) -> bool:
    """Whether what ends an order is what the market is like now, not what the order asks.

    Within a collar, a market order that finds nothing is like one that finds only what is beyond.
    """
    found_nothing = close_reason == w.CLOSE_UNFILLED_REMAINDER and is_marketable(order)
    has_collar = order.market.limits.market_band_ppm > 0
    return close_reason == w.CLOSE_PRICE_PROTECTION or (found_nothing and has_collar)


def end_order(state: State, order: Order, close_reason: int, *, has_arrived: bool) -> None:
    """End an order that is in no book."""
    filled = close_reason == w.CLOSE_FILLED
    set_status(order, w.STATUS_FILLED if filled else w.STATUS_CANCELLED, close_reason)
    emit_decided_order(state, order, with_conditions=has_arrived)
    unregister_order(state, order)
    release_exits(state, order, w.STATUS_CANCELLED, close_reason)


# --- triggered stops ------------------------------------------------------------------------------


def execute_triggered(state: State, stop: Order, *, has_arrived: bool) -> None:
    """Execute a triggered stop, unless its price or its flags do not allow that.

    Where the breaker has started an auction since, it waits again, and triggers at the opening. So
    does one that has waited and whose limit is beyond the collar: the reference may follow.
    """
    market = stop.market
    beyond = not is_marketable(stop) and is_beyond_collar(stop, market.reference_price)
    if market.state != w.STATE_OPEN:
        wait_again(state, stop)
    elif beyond and has_arrived:
        end_order(state, stop, w.CLOSE_PRICE_PROTECTION, has_arrived=True)
    elif beyond:
        take_one_by_one(state, market)
        wait_again(state, stop)
    elif w.flags_post_only(stop.flags) and crosses(stop):
        end_order(state, stop, w.CLOSE_POST_ONLY_WOULD_CROSS, has_arrived=has_arrived)
    else:
        execute_order(state, stop, has_arrived=has_arrived)


def wait_again(state: State, stop: Order) -> None:
    """Put a triggered stop back among those that wait, with what is left of it and its reserve.

    One that trails follows what the price has done since it triggered.
    """
    stop.flags &= ~(1 << w.TRIGGERED_SHIFT)
    price = stop.market.confirmed_price
    if stop.is_trailing and is_nearer(stop.side, price, stop.extreme):
        stop.extreme = price
    rest_order(state, stop)
    emit_decided_order(state, stop, with_conditions=False)


def execute_all_triggered(state: State) -> None:
    """Execute the triggered stops, and those that they trigger, in the order of triggering.

    Exits whose entry has ended come after all of them, so that what is available is to spare.
    """
    while state.triggered or state.released:
        if not state.triggered:
            place_exits(state, state.released.pop(0))
            continue
        stop = state.triggered.pop(0)
        market = stop.market
        execute_triggered(state, stop, has_arrived=False)
        looks = market.one_by_one_until_ms and market.state == w.STATE_OPEN
        if looks and not state.triggered:
            collect_triggered(state, market)


# --- exits of an entry ----------------------------------------------------------------------------


def place_exits(state: State, first: Order) -> None:
    """Place two exits for what their entry was filled, as far as their account can pay for it.

    One that has nothing to wait for is executed, and ends the other; else they wait together.
    """
    second = first.other or first
    lots = payable_lots(state, first, second)
    if is_too_small(first, lots) or is_too_small(second, lots):
        end_pair(state, first, second, w.STATUS_CANCELLED, w.CLOSE_EXIT_TOO_SMALL)
        return
    for one in (first, second):
        one.quantity = one.remaining = lots
    if executes_at_once(first):
        execute_exit(state, first, second)
    elif executes_at_once(second):
        execute_exit(state, second, first)
    else:
        rest_exits(state, first, second)


def payable_lots(state: State, first: Order, second: Order) -> int:
    """Return how many lots of two exits their account can pay for with what is available."""
    unit = max(order_reserve(first, 1), order_reserve(second, 1))
    available = state.balances[first.account.number, first.pays_asset].available
    return min(first.remaining, available // unit)


def is_too_small(order: Order, lots: int) -> bool:
    """Whether so many lots of an exit are none, or worth less than its market's least value."""
    price = order.conditions.trigger_price or order.price
    return not lots or price * lots * order.market.tick_units < order.market.limits.min_notional


def executes_at_once(order: Order) -> bool:
    """Whether an exit has nothing to wait for: its trigger is reached, or its price is there."""
    if order.is_pending:
        return is_triggered(order)
    return order.market.state in (w.STATE_OPEN, w.STATE_AUCTION) and crosses(order)


def execute_exit(state: State, order: Order, other: Order) -> None:
    """Execute an exit that has nothing to wait for, instead of the other."""
    order.other = other.other = None
    end_unbooked(state, other, w.STATUS_CANCELLED, w.CLOSE_ONE_CANCELS_OTHER)
    set_status(order, w.STATUS_OPEN)
    if order.is_pending:
        order.flags |= 1 << w.TRIGGERED_SHIFT
        execute_triggered(state, order, has_arrived=False)
    else:
        execute_order(state, order, has_arrived=True)


def rest_exits(state: State, first: Order, second: Order) -> None:
    """Let two exits wait; a limit order that a post-only market would cross ends instead."""
    if is_crossed_exit(first):
        rest_without(state, first, second)
    elif is_crossed_exit(second):
        rest_without(state, second, first)
    else:
        rest_pair(state, first, second)
        emit_decided_order(state, first, with_conditions=False)
        emit_decided_order(state, second, with_conditions=False)


def is_crossed_exit(order: Order) -> bool:
    """Whether an exit may neither trade, because its market is post-only, nor rest."""
    post_only = order.market.state == w.STATE_POST_ONLY
    return post_only and not order.is_pending and crosses(order)


def rest_without(state: State, ended: Order, order: Order) -> None:
    """End an exit, and let the other wait alone."""
    ended.other = order.other = None
    end_unbooked(state, ended, w.STATUS_CANCELLED, w.CLOSE_POST_ONLY_WOULD_CROSS)
    rest_order(state, order)
    emit_decided_order(state, order, with_conditions=False)


def crosses(order: Order) -> bool:
    """Whether an order's price would trade at once."""
    best = order.market.opposite(order.side).best_price()
    return best is not None and not is_worse(order.side, best, order.price)
