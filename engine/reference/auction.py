"""Auctions: the price that trades most, and the uncross at that price."""

from collections.abc import Iterator

from engine.reference.emit import touch_market
from engine.reference.execution import execute_all_triggered
from engine.reference.ledger import order_reserve
from engine.reference.matching import update_filled_order
from engine.reference.model import Market, Order
from engine.reference.settlement import settle_taker, settle_trade
from engine.reference.state import State
from engine.reference.stops import collect_triggered
from wire import layout as w


def find_equilibrium(market: Market) -> tuple[int, int]:
    """Return the (price, quantity in lots) that an uncross would have; (0, 0) if none would trade.

    Most quantity first, then least imbalance, then nearest the reference price (the lowest without
    one), then the lower price.
    """
    reference = market.reference_price
    choices = []
    for low, high, bid, ask in price_ranges(market):
        price = max(low, min(high, reference))
        choices.append((-min(bid, ask), abs(bid - ask), abs(price - reference), price))
    if not choices:
        return (0, 0)
    quantity, _, _, price = min(choices)
    return (price, -quantity)


def price_ranges(market: Market) -> Iterator[tuple[int, int, int, int]]:
    """Yield (lowest, highest price, lots bid, lots asked) where both quantities are constant.

    Each price with orders is a range, and so is each gap between two of them: in a gap the
    imbalance can be smaller than at either end.
    """
    low, high = market.asks.best_price(), market.bids.best_price()
    if low is None or high is None or high < low:
        return
    prices = sorted(
        price for price in {*market.bids.levels, *market.asks.levels} if low <= price <= high
    )

    def bid_at(price: int) -> int:
        levels = market.bids.levels.items()
        return sum(order.remaining for p, level in levels if p >= price for order in level)

    def ask_at(price: int) -> int:
        levels = market.asks.levels.items()
        return sum(order.remaining for p, level in levels if p <= price for order in level)

    for price, following in zip(prices, [*prices[1:], 0], strict=True):
        yield price, price, bid_at(price), ask_at(price)
        if following > price + 1:
            yield price + 1, following - 1, bid_at(price + 1), ask_at(price)


def update_indicative(state: State, market: Market) -> None:
    """State what an uncross would do now, if that has changed."""
    found = find_equilibrium(market) if market.state == w.STATE_AUCTION else (0, 0)
    if found != (market.indicative_price, market.indicative_quantity):
        market.indicative_price, market.indicative_quantity = found
        touch_market(state, market)


def uncross(state: State, market: Market) -> None:
    """Trade everything that can trade at the equilibrium price, all of it at that price.

    The older of two orders is the maker. Here the taker, too, has waited in the book, and pays from
    what was held for it.
    """
    price, _ = find_equilibrium(market)
    if not price:
        return
    while True:
        bid, ask = first_order(market, w.SIDE_BUY), first_order(market, w.SIDE_SELL)
        if bid is None or ask is None or bid.price < price or ask.price > price:
            break
        maker, taker = (bid, ask) if bid.order_id < ask.order_id else (ask, bid)
        lots = min(bid.visible, ask.visible)
        held = order_reserve(taker, lots)
        settle_trade(state, maker, taker, price, lots, waited=True)
        settle_taker(state, taker, held)
        update_filled_order(state, maker, lots)
        update_filled_order(state, taker, lots, took=True)
    market.last_price = price
    set_reference(state, market, price)


def first_order(market: Market, side: int) -> Order | None:
    """Return the order of a side that would trade first."""
    book = market.book(side)
    best = book.best_price()
    return None if best is None else book.levels[best][0]


def set_reference(state: State, market: Market, reference: int) -> None:
    """Set the reference price, and when it may follow the last price again."""
    market.reference_price = reference
    market.reference_until_ms = state.time_ms + market.limits.reference_interval_ms


def change_state(state: State, market: Market, market_state: int) -> None:
    """Enter a state; a book that collected crossing orders is uncrossed before it trades."""
    touch_market(state, market)
    if market_state in (w.STATE_OPEN, w.STATE_POST_ONLY):
        uncross(state, market)
    market.state = market_state
    update_indicative(state, market)
    if market_state == w.STATE_OPEN and market.last_price:
        collect_triggered(state, market)
        execute_all_triggered(state)
