"""Auctions: the price that trades most, and the uncross at that price."""

from collections.abc import Iterator

from engine.reference.matching import Matching
from engine.reference.model import Market, Order
from wire import layout as w


class Auction(Matching):
    """Collects orders without matching them, then lets them meet at one price."""

    def _equilibrium(self, market: Market) -> tuple[int, int]:
        """Return the auction's (price, quantity in lots), (0, 0) when nothing would trade.

        Most quantity first, then least imbalance, then nearest the reference price (the lowest
        without one), then the lower price.
        """
        choices = [
            (-min(bid, ask), abs(bid - ask), abs(price - market.reference_price), price)
            for low, high, bid, ask in self._segments(market)
            for price in (self._nearest(market.reference_price, low, high),)
        ]
        if not choices:
            return (0, 0)
        best = min(choices)
        return (best[3], -best[0])

    @staticmethod
    def _nearest(reference: int, low: int, high: int) -> int:
        return max(low, min(high, reference))

    @staticmethod
    def _segments(market: Market) -> Iterator[tuple[int, int, int, int]]:
        """Yield (lowest, highest price, lots bid, lots asked) where both quantities are constant.

        Each price with orders is a segment, and so is each gap between two of them: in a gap
        the imbalance can be smaller than at either end.
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

    def _publish_indicative(self, market: Market) -> None:
        """State what an uncross would do now, if that has changed."""
        found = self._equilibrium(market) if market.state == w.STATE_AUCTION else (0, 0)
        if found != (market.indicative_price, market.indicative_quantity):
            market.indicative_price, market.indicative_quantity = found
            self.touched_markets[market.number] = None

    def _uncross(self, market: Market) -> None:
        """Let everything that can trade at the equilibrium price trade at it."""
        price, _ = self._equilibrium(market)
        if not price:
            return
        while True:
            bid, ask = self._first(market, w.SIDE_BUY), self._first(market, w.SIDE_SELL)
            if bid is None or ask is None or bid.price < price or ask.price > price:
                break
            maker, taker = (bid, ask) if bid.order_id < ask.order_id else (ask, bid)
            lots = min(bid.visible, ask.visible)
            held = self._reserve_for(taker, lots)
            self._exchange(maker, taker, price, lots)
            self._settle_taker(taker, held)
            self._after_fill(maker, lots)
            self._after_fill(taker, lots)
        market.last_price = price
        market.reference_price = price
        market.reference_until_ms = self.time_ms + market.limits.reference_interval_ms

    @staticmethod
    def _first(market: Market, side: int) -> Order | None:
        best = market.side(side).best_price()
        return None if best is None else market.side(side).levels[best][0]

    def _change_state(self, market: Market, state: int) -> None:
        """Enter a state; a book that collected crossing orders is uncrossed before it trades."""
        self.touched_markets[market.number] = None
        if state in (w.STATE_OPEN, w.STATE_POST_ONLY):
            self._uncross(market)
        market.state = state
        self._publish_indicative(market)
        if state == w.STATE_OPEN and market.last_price:
            self._collect_fired(market)
            self._run_all_fired()
