"""Auctions: the price that trades most, and the uncross at that price."""

from collections.abc import Iterator

from engine.reference.breaker import count_auction
from engine.reference.emit import touch_market
from engine.reference.execution import execute_all_triggered
from engine.reference.ledger import order_reserve
from engine.reference.matching import is_self_trade, prevent_waiting, update_filled_order
from engine.reference.model import Market, Order
from engine.reference.orders import end_other
from engine.reference.reference_price import is_own_trade, note_volume, set_reference
from engine.reference.settlement import settle_taker, settle_trade
from engine.reference.state import State
from engine.reference.stops import collect_triggered, confirm_price
from engine.reference.trailing import follow_price
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


def uncross(state: State, market: Market) -> int:
    """Trade everything that can trade, at the equilibrium price; return its value.

    That is of the trades between two owners, in quote units.

    Where self-trade prevention takes orders away, what is left may have another equilibrium: then
    that is found, until nothing crosses.
    """
    lots = value = 0
    while price := find_equilibrium(market)[0]:
        traded = uncross_at(state, market, price)
        if traded:
            quote_units = price * traded * market.tick_units
            market.last_price = price
            if confirm_price(market, price, traded, quote_units):
                follow_price(state, market)
            lots += traded
            value += quote_units
    if value >= market.limits.least_traded:
        set_reference(state, market, value // (lots * market.tick_units))
    else:
        note_volume(state, market, lots, value)
    return value


def uncross_at(state: State, market: Market, price: int) -> int:
    """Trade what can trade at a price; return how many lots had two owners.

    The older of two orders is the maker. Here the taker, too, has waited in the book, and pays from
    what was held for it. Orders of one owner are prevented from trading as they are elsewhere:
    before the first trade that ends this, because the price is another one then; what they trade
    with each other all the same says nothing about the price.
    """
    traded, begun = 0, False
    while True:
        bid, ask = first_order(market, w.SIDE_BUY), first_order(market, w.SIDE_SELL)
        if bid is None or ask is None or bid.price < price or ask.price > price:
            return traded
        maker, taker = (bid, ask) if bid.order_id < ask.order_id else (ask, bid)
        if is_self_trade(taker, maker):
            prevent_waiting(state, taker, maker)
            if not begun:
                return 0
            continue
        begun = True
        for one in (maker, taker):
            end_other(state, one, w.STATUS_CANCELLED, w.CLOSE_ONE_CANCELS_OTHER)
        lots = min(bid.visible, ask.visible)
        if not is_own_trade(taker, maker):
            traded += lots
        held = order_reserve(taker, lots)
        settle_trade(state, maker, taker, price, lots, waited=True)
        settle_taker(state, taker, held)
        update_filled_order(state, maker, lots)
        update_filled_order(state, taker, lots, took=True)


def first_order(market: Market, side: int) -> Order | None:
    """Return the order of a side that would trade first."""
    book = market.book(side)
    best = book.best_price()
    return None if best is None else book.levels[best][0]


def change_state(state: State, market: Market, market_state: int) -> None:
    """Enter a state; a book that collected crossing orders is uncrossed before it trades."""
    touch_market(state, market)
    opens = market_state in (w.STATE_OPEN, w.STATE_POST_ONLY)
    traded = uncross(state, market) if opens else 0
    market.state = market_state
    count_auction(state, market, traded)
    update_indicative(state, market)
    market.one_by_one_until_ms = 0
    if market_state == w.STATE_OPEN and market.confirmed_price:
        collect_triggered(state, market)
    execute_all_triggered(state)
