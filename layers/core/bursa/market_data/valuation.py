"""What an amount of one asset is worth in another, by the tenant's own markets. Pure.

An asset's price of a day (UTC) in a market is the last one at which the market traded on that day
or, where it did not, on the nearest day before; today's is the last price until now. It is one
trade's, so who trades last in a thin market decides on it. Anybody can work values out from public
trades.

The way from one asset to another is a market that trades one for the other, whichever of the two is
its base; without one, two markets by way of a third asset. Of several such assets it is the one for
which most of the tenant's markets trade, then the first by name: a new market of little else
changes no way. Only markets that had traded by then count; where no way has, the markets' first
prices after that day. So the first trade of another market leaves the days before it as they are.
An amount for which there is no such way, or no price yet, has no value; what follows from
that the caller says. Values are exact until they are rounded, once, at the end.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from bursa.kernel.markets import MarketUnits

# What a market's days ended at, in ticks, by the days' numbers; of the newest days at least.
ClosingPrices = Sequence[tuple[int, int]]


class Reference(NamedTuple):
    """The currency that values are counted in, and how many decimals their unit has."""

    currency: str
    scale: int


def price_of(closing_prices: ClosingPrices, day: int, *, may_be_later: bool = True) -> int | None:
    """Return a market's price of a day in ticks; before its first trade the first one, or None."""
    before = [one for one in closing_prices if one[0] <= day]
    if before:
        return max(before)[1]
    return min(closing_prices)[1] if closing_prices and may_be_later else None


class Valuation:
    """Values of amounts in a tenant's reference currency.

    Parameters
    ----------
    markets
        All markets of the tenant.
    closing_prices
        Returns those of a market, by its name. Asked only for what is needed.

    """

    def __init__(
        self,
        markets: Sequence[MarketUnits],
        closing_prices: Callable[[str], ClosingPrices],
        reference: Reference,
    ) -> None:
        self._markets = markets
        self._closing_prices = closing_prices
        self._reference = reference
        quotes = Counter(one.quote for one in markets)
        self._scales = {one.base: one.base_scale for one in markets}
        self._scales |= {one.quote: one.quote_scale for one in markets}
        self._by_weight = sorted(self._scales, key=lambda asset: (-quotes[asset], asset))

    def value(self, asset: str, units: int, day: int) -> int | None:
        """Return what units of an asset are worth on a day, rounded up; None without a price."""
        rate = self._rate(asset, day)
        return None if rate is None else -(-units * rate.numerator // rate.denominator)

    def _rate(self, asset: str, day: int) -> Fraction | None:
        """Return how many units of the reference one of an asset's units is worth."""
        currency, scale = self._reference
        if asset == currency and asset in self._scales:
            return Fraction(10**scale, 10 ** self._scales[asset])
        exact = self._way(asset, currency, day, may_be_later=False) or self._way(
            asset, currency, day, may_be_later=True
        )
        return exact and exact * Fraction(10**scale, 10 ** self._scales[currency])

    def _way(self, asset: str, currency: str, day: int, *, may_be_later: bool) -> Fraction | None:
        """Return how many ledger units of the currency one of an asset's is worth."""

        def exchange(given: str, received: str) -> Fraction | None:
            return next(self._rates(given, received, day, may_be_later=may_be_later), None)

        exact = exchange(asset, currency)
        if exact or currency not in self._scales:
            return exact
        for between in self._by_weight:
            if between not in (asset, currency):
                first = exchange(asset, between)
                second = first and exchange(between, currency)
                if first and second:
                    return first * second
        return None

    def _rates(
        self, given: str, received: str, day: int, *, may_be_later: bool
    ) -> Iterator[Fraction]:
        for market in self._markets:
            if {market.base, market.quote} != {given, received}:
                continue
            prices = self._closing_prices(market.symbol)
            ticks = price_of(prices, day, may_be_later=may_be_later)
            if ticks:
                quote_per_base = Fraction(ticks * market.tick_units, market.lot_units)
                yield quote_per_base if market.base == given else 1 / quote_per_base
