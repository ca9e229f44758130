"""The collar: how far from the reference price an order may go.

Nothing here trades or rejects. docs/engine.md has the rules as a table.
"""

from engine.reference.book import is_worse
from engine.reference.model import MARKETABLE, Market, Order
from wire import layout as w


def is_marketable(order: Order) -> bool:
    """Whether an order never rests, whatever its time in force."""
    return order.order_type in MARKETABLE


def limit_price(order: Order, reference: int) -> int:
    """Return the worst price an order may trade at: its own, or a market order's collar.

    A market order with a price of its own keeps to both.
    """
    if not is_marketable(order):
        return order.price
    collar = market_collar(order.market, order.side, reference)
    if not order.price:
        return collar
    return min(order.price, collar) if order.is_buy else max(order.price, collar)


def is_beyond_collar(order: Order, reference: int) -> bool:
    """Whether a limit price is further than the collar from a reference, on its costly side."""
    ppm = order.market.limits.collar_ppm
    too_far = order.price - reference if order.is_buy else reference - order.price
    return bool(ppm and reference) and too_far > reference * ppm // w.PPM


def market_collar(market: Market, side: int, reference: int) -> int:
    """Return the worst price that market orders of a side may trade at.

    The collar is around the reference price, or the best price while there is no reference.
    """
    ppm, is_buy = market.limits.market_band_ppm, side == w.SIDE_BUY
    bound = market.price_bound if is_buy else 1
    anchor = reference or market.opposite(side).best_price()
    if not anchor or not ppm:
        return bound
    band = anchor * ppm // w.PPM
    return min(bound, anchor + band) if is_buy else max(bound, anchor - band)


def is_collared(order: Order) -> bool:
    """Whether an order can't trade now for the collar.

    A market order also for a price of its own, or because there is nothing within the collar. The
    limit of a trailing stop is brought within it when it triggers.
    """
    market = order.market
    if not is_marketable(order) and order.is_trailing:
        return False
    if not is_marketable(order):
        return is_beyond_collar(order, market.reference_price)
    best = market.opposite(order.side).best_price()
    if best is None:
        return market.limits.market_band_ppm > 0
    return is_worse(order.side, best, limit_price(order, market.reference_price))
