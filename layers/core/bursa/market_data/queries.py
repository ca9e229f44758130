"""What anyone may read: markets, books, trades, tickers, and how the exchange is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bursa.kernel import keys
from bursa.kernel.clock import WallClock
from bursa.kernel.identifiers import TenantId
from bursa.kernel.markets import Market
from bursa.kernel.pages import Page
from bursa.market_data.tickers import MarketTicker
from bursa.market_data.trading_state import TradingState
from bursa.read_models.book_format import Level, unpack_levels
from bursa.read_models.rows import BookRow, TradeRow
from bursa.trading.catalogue import MarketCatalogue, named_market


class MarketData(Protocol):
    """The market data read models."""

    def book(self, tenant: TenantId, market: str, depth: int) -> BookRow | None:
        """Read a market's book, ``depth`` levels of it at least; None before its first command."""

    def newest_trades(
        self, tenant: TenantId, market: str, *, before: str | None, limit: int
    ) -> Page[TradeRow]:
        """List public trades, newest first."""

    def trades_from(
        self, tenant: TenantId, market: str, first: int, limit: int
    ) -> Sequence[TradeRow]:
        """List public trades from an id on, the oldest first."""


@dataclass(frozen=True, slots=True)
class MarketBook:
    """The best levels of a book, best first, as of the command ``sequence``."""

    market: Market
    sequence: int
    time_ms: int
    bids: Sequence[Level]
    asks: Sequence[Level]


@dataclass(frozen=True, slots=True)
class MarketTrades:
    """A page of a market's trades, newest first."""

    market: Market
    page: Page[TradeRow]

    def newest(self, count: int) -> "MarketTrades":
        """Return the page as it were with ``count`` trades at most."""
        items = self.page.items[:count]
        if len(items) == len(self.page.items):
            return self
        return MarketTrades(self.market, Page(items, keys.trade(items[-1].trade_id)))


class MarketQueries:
    """Queries about the markets of tenants.

    Each raises `NotFound` ``unknown_market`` for a market that the tenant does not have.
    """

    def __init__(self, catalogue: MarketCatalogue, data: MarketData, clock: WallClock) -> None:
        self._catalogue = catalogue
        self._data = data
        self._clock = clock

    def markets(self, tenant: TenantId) -> Sequence[Market]:
        """Return all markets by name."""
        return self._catalogue.all(tenant)

    def market(self, tenant: TenantId, symbol: str) -> Market:
        """Return one market."""
        return named_market(self._catalogue, tenant, symbol)

    def market_now(self, tenant: TenantId, symbol: str) -> tuple[Market, TradingState]:
        """Return one market and its state."""
        market = self.market(tenant, symbol)
        return market, TradingState.of_row(self._data.book(tenant, symbol, 1), market.state)

    def book(self, tenant: TenantId, symbol: str, depth: int) -> MarketBook:
        """Return the best ``depth`` levels of each side of a book."""
        market = self.market(tenant, symbol)
        row = self._data.book(tenant, symbol, depth)
        if row is None:
            return MarketBook(market, 0, 0, (), ())
        bids, asks = unpack_levels(row.bids)[:depth], unpack_levels(row.asks)[:depth]
        return MarketBook(market, row.sequence, row.time_ms, bids, asks)

    def trades(
        self, tenant: TenantId, symbol: str, limit: int, before: str | None = None
    ) -> MarketTrades:
        """Return at most ``limit`` trades, the newest or those before a page's position."""
        market = self.market(tenant, symbol)
        page = self._data.newest_trades(tenant, symbol, before=before, limit=limit)
        return MarketTrades(market, page)

    def trades_from(
        self, tenant: TenantId, symbol: str, first: int, limit: int
    ) -> Sequence[TradeRow]:
        """Return at most ``limit`` trades from an id on, the oldest first."""
        self.market(tenant, symbol)
        return self._data.trades_from(tenant, symbol, first, limit)

    def ticker(self, tenant: TenantId, symbol: str) -> MarketTicker:
        """Return the last trade, the best prices and the last day."""
        market = self.market(tenant, symbol)
        row = self._data.book(tenant, symbol, 1)
        return MarketTicker.of_row(market, row, self._clock.now_ms())
