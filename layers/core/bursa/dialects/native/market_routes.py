"""The public routes: from parameters as text to a response."""

from collections.abc import Callable
from dataclasses import dataclass

from bursa.dialects.native import market_presentation as present
from bursa.dialects.native.candle_responses import CandleList
from bursa.dialects.native.cursors import Cursors
from bursa.dialects.native.parameters import read_choice, read_number, read_time_ms
from bursa.dialects.native.public_ids import PublicIds
from bursa.dialects.native.responses import (
    Book,
    Health,
    MarketDetail,
    MarketPage,
    Tenant,
    Ticker,
    TradePage,
)
from bursa.dialects.native.tenant_presentation import tenant_response
from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import TenantId
from bursa.market_data.candles import MarketCandles, Period, ReadCandles
from bursa.market_data.health import ReadHealth
from bursa.market_data.intervals import INTERVALS, Interval
from bursa.market_data.queries import MarketQueries, MarketTrades
from bursa.tenants.public_tenant import ReadPublicTenant

DEPTH_DEFAULT = 100
DEPTH_MAX = 1_000
LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Deployment:
    """What the routes say of the deployment itself: its version, and where WebSockets connect.

    Attributes
    ----------
    public_websocket_url
        Returns where those of a tenant connect that have not signed in; None where that is a host
        name of the tenant's own, which the deployment does not know.

    """

    version: str
    websocket_url: str
    public_websocket_url: Callable[[TenantId], str | None]


class MarketRoutes:
    """The public routes of all tenants.

    Those that name a market raise `NotFound` ``unknown_market``.
    """

    def __init__(
        self,
        queries: MarketQueries,
        read_candles: ReadCandles,
        read_health: ReadHealth,
        read_tenant: ReadPublicTenant,
        cursors: Cursors,
        *,
        ids: PublicIds,
        deployment: Deployment,
    ) -> None:
        self._queries = queries
        self._read_candles = read_candles
        self._cursors = cursors
        self._ids = ids
        self._read_health = read_health
        self._read_tenant = read_tenant
        self._deployment = deployment
        self.version = deployment.version

    def health(self) -> Health:
        """Return how the exchange is."""
        return present.health_response(self._read_health(), self.version)

    def tenant(self, tenant: TenantId) -> Tenant:
        """Return a tenant's public side; raises `NotFound` ``unknown_tenant``."""
        return tenant_response(
            self._read_tenant(tenant),
            self._queries.markets(tenant),
            self._deployment.websocket_url,
            self._deployment.public_websocket_url(tenant),
        )

    def markets(self, tenant: TenantId) -> MarketPage:
        """Return all markets."""
        return present.market_page(self._queries.markets(tenant))

    def market(self, tenant: TenantId, symbol: str) -> MarketDetail:
        """Return one market and the auction that it is in."""
        return present.market_detail(*self._queries.market_now(tenant, symbol))

    def depth(self, text: str | None) -> int:
        """Return how many levels are asked for; raises `InvalidInput` ``invalid_depth``."""
        return read_number(text, "depth", default=DEPTH_DEFAULT, most=DEPTH_MAX)

    def limit(self, text: str | None) -> int:
        """Return how many trades are asked for; raises `InvalidInput` ``invalid_limit``."""
        return read_number(text, "limit", default=LIMIT_DEFAULT, most=LIMIT_MAX)

    def book(self, tenant: TenantId, symbol: str, depth: int) -> Book:
        """Return the best levels of a book."""
        return present.book_response(self._queries.book(tenant, symbol, depth))

    def position(self, tenant: TenantId, symbol: str, cursor: str | None) -> str | None:
        """Return where a page of trades begins, None at the newest.

        Raises `InvalidInput` ``invalid_cursor``.
        """
        return self._cursors.read(cursor, "trades", tenant, symbol)

    def trades(self, tenant: TenantId, symbol: str, limit: int, before: str | None) -> MarketTrades:
        """Return the newest trades, or those before a position, for `trade_page`."""
        return self._queries.trades(tenant, symbol, limit, before)

    def trade_page(self, tenant: TenantId, trades: MarketTrades) -> TradePage:
        """Return trades and the cursor of those before them."""
        scope = ("trades", tenant, trades.market.symbol)
        cursor = self._cursors.write(trades.page.next_position, *scope)
        return present.trade_page(trades, cursor, self._ids.of(tenant))

    def interval(self, text: str | None) -> Interval:
        """Return the interval asked for; raises `InvalidInput` ``invalid_interval``."""
        name = read_choice(text or "", "interval", INTERVALS)
        return INTERVALS[name or ""]

    def period(self, from_text: str | None, to_text: str | None) -> Period:
        """Return which candles are asked for.

        Raises `InvalidInput` ``invalid_from_ms``, ``invalid_to_ms``.
        """
        from_ms, to_ms = read_time_ms(from_text, "from_ms"), read_time_ms(to_text, "to_ms")
        if from_ms is not None and to_ms is not None and to_ms <= from_ms:
            raise InvalidInput(
                "invalid_to_ms", "Send a to_ms that is later than from_ms.", field="to_ms"
            )
        return Period(from_ms, to_ms)

    def candles(
        self, tenant: TenantId, symbol: str, interval: Interval, period: Period, limit: int
    ) -> MarketCandles:
        """Return candles, for `candle_list`."""
        return self._read_candles(tenant, symbol, interval, period, limit)

    def candle_list(self, candles: MarketCandles, period: Period, limit: int) -> CandleList:
        """Return those of some candles that are meant: the newest, or the first of a range."""
        return present.candle_list(candles, period, limit)

    def ticker(self, tenant: TenantId, symbol: str) -> Ticker:
        """Return the last trade, the best prices and the last day."""
        return present.ticker_response(self._queries.ticker(tenant, symbol))
