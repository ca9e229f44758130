"""Stops: the confirmed price, which of them it triggers, and the queue of those that it does.

It is the last price that trades of the market's least value stand behind: docs/adr has why.
"""

from collections.abc import Iterator
from itertools import islice

from engine.reference.breaker import auction_ms, trips_breaker
from engine.reference.collar import is_collared
from engine.reference.emit import emit_decided_order
from engine.reference.model import Market, Order
from engine.reference.orders import end_other, withdraw
from engine.reference.state import State
from engine.reference.trailing import current_trigger, fix_prices, follow_price, trailing_orders
from wire import layout as w


def confirm_price(market: Market, price: int, lots: int, quote_units: int) -> bool:
    """Let a trade confirm its price; return whether that is another one than before.

    A trade below the least value confirms nothing by itself. Together with those before it that
    have not either it may: then the price is the average of them all, by quantity.
    """
    if quote_units < market.limits.least_traded:
        price = unconfirmed_average(market, lots, quote_units)
        if not price:
            return False
    market.unconfirmed_quantity = market.unconfirmed_value = 0
    changed = price != market.confirmed_price
    market.confirmed_price = price
    return changed


def unconfirmed_average(market: Market, lots: int, quote_units: int) -> int:
    """Add a trade below the least value to those before it; return their average once it counts."""
    market.unconfirmed_quantity += lots
    market.unconfirmed_value += quote_units
    if market.unconfirmed_value < market.limits.least_traded:
        return 0
    return market.unconfirmed_value // (market.unconfirmed_quantity * market.tick_units)


def note_trade(state: State, market: Market, price: int, lots: int, quote_units: int) -> None:
    """Note the price of a trade between two owners, and queue the stops that it triggers.

    Where breaker or collar have stopped some, those that wait are looked at after each trade.
    """
    market.last_price = price
    changed = confirm_price(market, price, lots, quote_units)
    if changed:
        follow_price(state, market)
    if changed or market.one_by_one_until_ms:
        collect_triggered(state, market)


def collect_triggered(state: State, market: Market) -> None:
    """Queue the stops that the confirmed price triggers: by trigger price, then time; buys first.

    Trailing stops come after all others. One by one, a trade, or a stop that has been executed,
    moves one other of each side at most, and one that trails: so stops that have been stopped cost
    no more the more of them wait.
    """
    sides = (w.SIDE_BUY, w.SIDE_SELL)
    if market.one_by_one_until_ms > state.time_ms:
        for side in sides:
            collect_first(state, market, reached_stops(market, side))
        for side in sides:
            collect_first(state, market, reached_trailing(market, side))
        return
    market.one_by_one_until_ms = 0
    for side in sides:
        stops = market.stops(side)
        while (price := stops.best_price()) is not None and is_reached(market, side, price):
            queue_triggered(state, stops.levels[price][0])
    for side in sides:
        for stop in list(reached_trailing(market, side)):
            queue_triggered(state, stop)


def collect_first(state: State, market: Market, reached: Iterator[Order]) -> None:
    """Queue the first of some reached stops that the breaker or the collar would not stop again.

    Those that they would are passed over, PASSED_OVER_MAX of them.
    """
    for stop in islice(reached, w.PASSED_OVER_MAX + 1):
        if not is_blocked(market, stop.side) and not is_collared(stop):
            queue_triggered(state, stop)
            return


def reached_stops(market: Market, side: int) -> Iterator[Order]:
    """Yield the stops of a side that the confirmed price has reached, first triggered first."""
    stops = market.stops(side)
    for price in stops.prices():
        if is_reached(market, side, price):
            yield from stops.levels[price]


def reached_trailing(market: Market, side: int) -> Iterator[Order]:
    """Yield the trailing stops of a side that the confirmed price has reached, first to last."""
    for stop in trailing_orders(market, side):
        if is_reached(market, side, current_trigger(stop)):
            yield stop


def is_blocked(market: Market, side: int) -> bool:
    """Whether the breaker is before the best price that an order of this side could trade at."""
    best = market.opposite(side).best_price()
    return best is not None and trips_breaker(market, best)


def is_reached(market: Market, side: int, trigger_price: int) -> bool:
    """Whether the confirmed price has risen to a trigger, or, for SIDE_SELL, fallen to one."""
    if side == w.SIDE_BUY:
        return trigger_price <= market.confirmed_price
    return trigger_price >= market.confirmed_price


def queue_triggered(state: State, stop: Order) -> None:
    """Move a stop from its book to the queue of triggered stops; state where one has trailed to."""
    end_other(state, stop, w.STATUS_CANCELLED, w.CLOSE_ONE_CANCELS_OTHER)
    withdraw(state, stop)
    stop.flags |= 1 << w.TRIGGERED_SHIFT
    if stop.is_trailing:
        fix_prices(stop)
        emit_decided_order(state, stop, with_conditions=True)
    state.triggered.append(stop)


def take_one_by_one(state: State, market: Market) -> None:
    """Have a market's stops taken one by one for a while, since one has been stopped."""
    market.one_by_one_until_ms = state.time_ms + auction_ms(market)


def has_reached(order: Order) -> bool:
    """Whether the confirmed price has reached a stop's trigger, whatever its market's state."""
    market = order.market
    waits = order.is_trailing and not order.extreme
    return bool(market.confirmed_price and not waits) and is_reached(
        market, order.trigger_side, current_trigger(order)
    )


def is_triggered(order: Order) -> bool:
    """Whether a stop that arrives now has nothing to wait for."""
    return order.market.state == w.STATE_OPEN and has_reached(order)
