"""Trailing stops: triggers that follow the best confirmed price at a distance, the trail.

A sell's trigger follows the highest confirmed price since the order began to trail, its *extreme*,
and is below it; a buy's follows the lowest, and is above. An order with an activation price begins
when the confirmed price reaches that, a sell by a rise, a buy by a fall; others begin at once.
Orders of one extreme are a level of their book. docs/adr has what readers see of a moved trigger.
"""

from engine.reference.book import append_order, unlink_order
from engine.reference.emit import emit_decided_order
from engine.reference.model import MARKETABLE, Book, Command, Market, Order, Rejected
from engine.reference.state import State
from wire import layout as w


def trail_distance(trail: int, price: int) -> int:
    """Return a trail in ticks; parts per million of a price are rounded up to whole ones."""
    if trail < w.TRAIL_PPM:
        return trail
    return -(-price * (trail - w.TRAIL_PPM) // w.PPM)


def trigger_from(order: Order, extreme: int) -> int:
    """Return where a trailing stop would trigger if the price turned at an extreme."""
    distance = trail_distance(order.conditions.trail, extreme)
    return extreme + distance if order.is_buy else extreme - distance


def is_valid_trail(trail: int, price_bound: int) -> bool:
    """Whether a trail is some ticks, or a part of the price."""
    return 0 < trail <= price_bound or 0 < trail - w.TRAIL_PPM <= w.TRAIL_PPM_MAX


def current_trigger(order: Order) -> int:
    """Return an order's trigger price: of one that trails, by its extreme; else as it is stated."""
    if order.is_trailing and order.extreme:
        return trigger_from(order, order.extreme)
    return order.conditions.trigger_price


def is_nearer(side: int, price: int, other: int) -> bool:
    """Whether a price is beyond another in the direction that moves a side's triggers."""
    return price < other if side == w.SIDE_BUY else price > other


def start_trail(order: Order) -> None:
    """Let a new order trail from the confirmed price, or wait for its activation price.

    Its trigger is 0 where there is no price to follow, and else as if it began at its activation.
    """
    conditions, price = order.conditions, order.market.confirmed_price
    conditions.activation_price = conditions.trigger_price
    activation = conditions.activation_price
    if price and (not activation or not is_nearer(order.side, activation, price)):
        order.extreme = price
    start = order.extreme or activation
    conditions.trigger_price = trigger_from(order, start) if start else 0


def limit_from_trigger(order: Order) -> int:
    """Return the limit price that an order's offset makes of its trigger price."""
    trigger_price, offset = order.conditions.trigger_price, order.conditions.limit_offset
    if order.is_buy:
        return min(order.market.price_bound, trigger_price + offset)
    return max(1, trigger_price - offset)


def fix_prices(order: Order) -> None:
    """Fix the trigger price, and of a trailing stop-limit the limit, of one that triggers.

    The limit is no further from the reference than the collar: the price it was allowed at may be
    far behind. What it is worth fits a word, as it did when it was placed.
    """
    market, conditions = order.market, order.conditions
    conditions.trigger_price = current_trigger(order)
    if order.order_type in MARKETABLE:
        return
    price = limit_from_trigger(order) if conditions.limit_offset else order.price
    reference, ppm = market.reference_price, market.limits.collar_ppm
    if reference and ppm:
        band = reference * ppm // w.PPM
        price = min(price, reference + band) if order.is_buy else max(price, reference - band)
    worth = (w.AMOUNT_MAX - order.filled_quote) // (order.remaining * market.tick_units)
    order.price = max(1, min(price, worth))


def check_trail_change(order: Order, changed: Order, command: Command) -> None:
    """Reject a change of a waiting trailing stop: of its trail only, and of a price of its own."""
    bound, trail = order.market.price_bound, changed.conditions.trail
    if command[w.CHANGE_TRIGGER_PRICE]:
        raise Rejected(w.REASON_INVALID_TRIGGER_PRICE)
    if command[w.CHANGE_TRAIL]:
        trigger_price = changed.conditions.trigger_price
        if not is_valid_trail(trail, bound) or not 0 < trigger_price <= bound:
            raise Rejected(w.REASON_INVALID_TRIGGER_PRICE)
    if command[w.CHANGE_PRICE] and order.conditions.limit_offset:
        raise Rejected(w.REASON_PRICE_OUT_OF_RANGE)


# --- following the price --------------------------------------------------------------------------


def follow_price(state: State, market: Market) -> None:
    """Let what trails follow a new confirmed price, and begin to trail what it activates."""
    for side in (w.SIDE_BUY, w.SIDE_SELL):
        for book in market.trailing(side):
            overtake(market, side, book)
        activate(state, market, side)
        state_triggers(state, market, side)


def overtake(market: Market, side: int, book: Book) -> None:
    """Make one level of all whose extreme the price has reached; the older extremes come first."""
    price = market.confirmed_price
    reached = [one for one in book.prices() if not is_nearer(side, one, price)]
    if not reached:
        return
    orders = [order for one in reversed(reached) for order in book.levels.pop(one)]
    for order in orders:
        order.extreme = price
    book.levels[price] = orders


def activate(state: State, market: Market, side: int) -> None:
    """Begin to trail the orders whose activation price has been reached."""
    price, waiting = market.confirmed_price, market.activations(side)
    while (first := waiting.best_price()) is not None and not is_nearer(side, first, price):
        order = waiting.levels[first][0]
        unlink_order(order)
        order.extreme = price
        order.conditions.trigger_price = current_trigger(order)
        append_order(order)
        emit_decided_order(state, order, with_conditions=True)


def trailing_orders(market: Market, side: int) -> list[Order]:
    """Return the orders that trail on a side, in the order in which they would trigger.

    That is by trigger price, then the smaller trail (ticks are before ppm), then the older order.
    """
    sign = 1 if side == w.SIDE_BUY else -1
    return sorted(
        (one for book in market.trailing(side) for level in book.levels.values() for one in level),
        key=lambda one: (sign * current_trigger(one), one.conditions.trail, one.order_id),
    )


def state_triggers(state: State, market: Market, side: int) -> None:
    """State where some of those trigger that have the extreme of the one that triggers first.

    TRAILS_STATED_MAX of them, which go to the back of their level, so that all get their turn.
    """
    trailing = trailing_orders(market, side)
    if not trailing:
        return
    first = trailing[0]
    book = market.trailing_book(side, first.conditions.trail)
    level = book.levels[first.extreme]
    looked_at = level[: w.TRAILS_STATED_MAX]
    for order in looked_at:
        trigger_price = current_trigger(order)
        if trigger_price != order.conditions.trigger_price:
            order.conditions.trigger_price = trigger_price
            emit_decided_order(state, order, with_conditions=True)
    book.levels[first.extreme] = level[w.TRAILS_STATED_MAX :] + looked_at
