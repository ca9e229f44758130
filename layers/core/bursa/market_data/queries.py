"""What anyone may read: markets, books, trades, tickers, and how the exchange is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bursa.kernel import keys
from bursa.kernel.clock import WallClock
from bursa.kernel.identifiers import TenantId
from bursa.kernel.markets import Market
from bursa.kernel.pages import Page
from bursa.read_models.book_format import (
    Level,
    pack_hours,
    pack_levels,
    unpack_hours,
    unpack_levels,
)
from bursa.read_models.hourly_statistics import HourStatistics, last_day
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


@dataclass(frozen=True, slots=True)
class MarketTicker:
    """A market's last trade, best prices and last day, as of the command ``sequence``.

    Attributes
    ----------
    last_price, last_quantity, last_time_ms
        Ticks, lots, UTC milliseconds; 0 before the first trade.
    best_bid, best_ask
        Ticks; 0 where a side is empty.
    day
        The last 24 hours in one; None when nothing traded.

    """

    market: Market
    sequence: int
    time_ms: int
    last_price: int
    last_quantity: int
    last_time_ms: int
    best_bid: int
    best_ask: int
    day: HourStatistics | None


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

    def book(self, tenant: TenantId, symbol: str, depth: int) -> MarketBook:
        """Return the best ``depth`` levels of each side of a book."""
        market = self.market(tenant, symbol)
        row = self._book_row(tenant, symbol, depth)
        bids, asks = unpack_levels(row.bids)[:depth], unpack_levels(row.asks)[:depth]
        return MarketBook(market, row.sequence, row.time_ms, bids, asks)

    def trades(
        self, tenant: TenantId, symbol: str, limit: int, before: str | None = None
    ) -> MarketTrades:
        """Return at most ``limit`` trades, the newest or those before a page's position."""
        market = self.market(tenant, symbol)
        page = self._data.newest_trades(tenant, symbol, before=before, limit=limit)
        return MarketTrades(market, page)

    def ticker(self, tenant: TenantId, symbol: str) -> MarketTicker:
        """Return the last trade, the best prices and the last day."""
        market = self.market(tenant, symbol)
        row = self._book_row(tenant, symbol, 1)
        return MarketTicker(
            market,
            row.sequence,
            row.time_ms,
            row.last_price,
            row.last_quantity,
            row.last_time_ms,
            _best_price(row.bids),
            _best_price(row.asks),
            last_day(unpack_hours(row.hours), self._clock.now_ms()),
        )

    def _book_row(self, tenant: TenantId, symbol: str, depth: int) -> BookRow:
        row = self._data.book(tenant, symbol, depth)
        if row is not None:
            return row
        empty = pack_levels([])
        return BookRow(str(tenant), symbol, 0, 0, empty, empty, pack_hours([]))


def _best_price(packed: bytes) -> int:
    levels = unpack_levels(packed)
    return levels[0][0] if levels else 0
