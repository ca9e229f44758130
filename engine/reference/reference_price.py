"""The reference price, which collars and the breaker are around: what it is, and what moves it.

It is the average price of a window of trades, each weighted by its quantity. A window begins with
its first trade, and is over when it has lasted as long, and traded as much, as the market's limits
ask for: docs/adr has why.
"""

from engine.reference.model import Market, Order
from engine.reference.state import State
from wire import layout as w


def set_reference(state: State, market: Market, reference: int) -> None:
    """Set the reference price; the next window begins with the next trade."""
    market.reference_price = reference
    market.reference_until_ms = state.time_ms
    market.window_quantity = market.window_value = 0


def due_reference(state: State, market: Market) -> int:
    """Return the average price of a window that is over, or 0.

    The first window of a market need not last: without a reference there is no collar.
    """
    lasted = state.time_ms >= market.reference_until_ms or not market.reference_price
    if not lasted or market.window_value < market.limits.least_traded:
        return 0
    return market.window_value // (market.window_quantity * market.tick_units)


def current_reference(state: State, market: Market) -> int:
    """Return the reference price that an order arriving now is held against."""
    return due_reference(state, market) or market.reference_price


def note_volume(state: State, market: Market, lots: int, quote_units: int) -> None:
    """Add what was traded to the window, and keep both sums within a word."""
    if not lots:
        return
    if market.window_value >> w.WINDOW_VALUE_BITS:
        shrink_window(market)
    if not market.window_quantity:
        interval_ms = market.limits.reference_interval_ms
        market.reference_until_ms = state.time_ms + interval_ms
    market.window_quantity += lots
    market.window_value += quote_units


def shrink_window(market: Market) -> None:
    """Halve both sums, which leaves the average; where that would be inexact, begin anew."""
    exact = market.window_quantity >> w.WINDOW_QUANTITY_BITS
    market.window_quantity = market.window_quantity >> 1 if exact else 0
    market.window_value = market.window_value >> 1 if exact else 0


def is_own_trade(taker: Order, maker: Order) -> bool:
    """Whether both sides of a trade have one owner, whatever their self-trade prevention says."""
    group = taker.account.stp_group
    return maker.account is taker.account or (group > 0 and group == maker.account.stp_group)
