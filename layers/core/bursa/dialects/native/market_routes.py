"""The public routes: from parameters as text to a response."""

from bursa.dialects.native import market_presentation as present
from bursa.dialects.native.cursors import Cursors
from bursa.dialects.native.parameters import read_number
from bursa.dialects.native.responses import (
    Book,
    Health,
    MarketDefinition,
    MarketPage,
    Ticker,
    TradePage,
)
from bursa.kernel.identifiers import TenantId
from bursa.market_data.health import ReadHealth
from bursa.market_data.queries import MarketQueries

DEPTH_DEFAULT = 100
DEPTH_MAX = 1_000
LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000


class MarketRoutes:
    """The public routes of all tenants.

    Those that name a market raise `NotFound` ``unknown_market``.
    """

    def __init__(
        self, queries: MarketQueries, read_health: ReadHealth, version: str, cursors: Cursors
    ) -> None:
        self._queries = queries
        self._cursors = cursors
        self._read_health = read_health
        self.version = version

    def health(self) -> Health:
        """Return how far the read models are behind the journal."""
        return present.health_response(self._read_health(), self.version)

    def markets(self, tenant: TenantId) -> MarketPage:
        """Return all markets."""
        return present.market_page(self._queries.markets(tenant))

    def market(self, tenant: TenantId, symbol: str) -> MarketDefinition:
        """Return one market."""
        return present.market_definition(self._queries.market(tenant, symbol))

    def book(self, tenant: TenantId, symbol: str, depth: str | None) -> Book:
        """Return the best levels of a book; raises `InvalidInput` ``invalid_depth``."""
        levels = read_number(depth, "depth", default=DEPTH_DEFAULT, most=DEPTH_MAX)
        return present.book_response(self._queries.book(tenant, symbol, levels))

    def trades(
        self, tenant: TenantId, symbol: str, limit: str | None, cursor: str | None
    ) -> TradePage:
        """Return a page of trades, newest first.

        Raises
        ------
        InvalidInput
            ``invalid_limit``, ``invalid_cursor``.

        """
        most = read_number(limit, "limit", default=LIMIT_DEFAULT, most=LIMIT_MAX)
        scope = ("trades", tenant, symbol)
        before = self._cursors.read(cursor, *scope)
        trades = self._queries.trades(tenant, symbol, most, before)
        return present.trade_page(trades, self._cursors.write(trades.page.next_position, *scope))

    def ticker(self, tenant: TenantId, symbol: str) -> Ticker:
        """Return the last trade, the best prices and the last day."""
        return present.ticker_response(self._queries.ticker(tenant, symbol))
