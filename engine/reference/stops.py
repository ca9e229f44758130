"""Stops: which of them the last price triggers, and the queue in which they wait for their turn."""

from engine.reference.model import Market, Order
from engine.reference.orders import withdraw
from engine.reference.state import State
from wire import layout as w


def collect_triggered(state: State, market: Market) -> None:
    """Queue the stops that the last price triggers: by trigger price, then time; buys first."""
    for side in (w.SIDE_BUY, w.SIDE_SELL):
        stops = market.stops(side)
        while (price := stops.best_price()) is not None and is_reached(market, side, price):
            queue_triggered(state, stops.levels[price][0])


def is_reached(market: Market, side: int, trigger_price: int) -> bool:
    """Whether the last price has risen to a buy stop's trigger, or fallen to a sell stop's."""
    if side == w.SIDE_BUY:
        return trigger_price <= market.last_price
    return trigger_price >= market.last_price


def queue_triggered(state: State, stop: Order) -> None:
    """Move a stop from its book to the queue of triggered stops."""
    withdraw(state, stop)
    stop.flags |= 1 << w.TRIGGERED_SHIFT
    state.triggered.append(stop)


def has_reached(order: Order) -> bool:
    """Whether the last price has reached a stop's trigger, whatever its market's state."""
    market = order.market
    return bool(market.last_price) and is_reached(
        market, order.side, order.conditions.trigger_price
    )


def is_triggered(order: Order) -> bool:
    """Whether a stop that arrives now has nothing to wait for."""
    return order.market.state == w.STATE_OPEN and has_reached(order)
