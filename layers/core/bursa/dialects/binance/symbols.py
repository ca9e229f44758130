"""Markets by this wire's names: ``BTCUSDT`` is what is ``BTC-USDT`` elsewhere.

Two markets may read the same without the hyphen, as A-BC and AB-C do. The one that was listed first
has the name, for good; the other is not to be found here.
"""

from collections.abc import Mapping

from bursa.dialects.binance.errors import INVALID_SYMBOL, error
from bursa.kernel.identifiers import TenantId
from bursa.kernel.markets import Market
from bursa.trading.catalogue import MarketCatalogue


def symbol_of(market: Market) -> str:
    """Return a market's name here."""
    return f"{market.units.base}{market.units.quote}"


class Symbols:
    """The markets of tenants."""

    def __init__(self, catalogue: MarketCatalogue) -> None:
        self._catalogue = catalogue

    def all(self, tenant: TenantId) -> Mapping[str, Market]:
        """Return a tenant's markets by name, in the order in which they were listed."""
        found: dict[str, Market] = {}
        for market in sorted(self._catalogue.all(tenant), key=lambda one: one.number):
            found.setdefault(symbol_of(market), market)
        return found

    def market(self, tenant: TenantId, symbol: str) -> Market:
        """Return the market of a name; raises `BinanceError` -1121."""
        market = self.all(tenant).get(symbol)
        if market is None:
            raise error(INVALID_SYMBOL)
        return market
