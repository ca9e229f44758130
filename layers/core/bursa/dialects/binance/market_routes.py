"""Endpoints that anyone may read: the exchange's rules, books, trades, candles and tickers.

They are made from what is kept for half a second, whoever asks; see `Kept`.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final, Protocol

from bursa.dialects.binance import market_presentation as present
from bursa.dialects.binance.calls import Call, Endpoint, Endpoints, Json, Ready
from bursa.dialects.binance.errors import (
    BAD_COMBINATION,
    INVALID_INTERVAL,
    INVALID_SYMBOL,
    LOOKUP_TOO_BIG,
    BinanceError,
    error,
    invalid,
)
from bursa.dialects.binance.ids import NUMBER_MAX, first_trade
from bursa.dialects.binance.parameters import known
from bursa.dialects.binance.symbols import Symbols
from bursa.kernel.identifiers import TenantId
from bursa.kernel.markets import Market
from bursa.market_data.candles import MarketCandles, Period, ReadCandles
from bursa.market_data.intervals import INTERVALS
from bursa.market_data.queries import MarketQueries, MarketTrades
from bursa.market_data.tickers import MarketTicker
from bursa.read_models.rows import TradeRow
from bursa.tenants.limits import TenantLimits
from wire import layout as w

KEPT_MS: Final = 500
RULES_KEPT_MS: Final = 1_000
DEPTH_DEFAULT: Final = 100
DEPTH_MAX: Final = 1_000
TRADES_DEFAULT: Final = 500
TRADES_MAX: Final = 1_000
CANDLES_DEFAULT: Final = 500
CANDLES_MAX: Final = 1_000
# Candles begin by UTC, whatever is asked for.
_UTC: Final = dict.fromkeys(("0", "00", "0:00", "00:00", "+0", "+00:00", "-0:00", "-00:00"), 0)
# Trades are read from the newest back, a page at a time, and no further than so many pages.
_PAGES_MAX: Final = 3
_AVERAGE_MS: Final = present.AVERAGE_MINUTES * 60_000
_TICKER_NAMES: Final = known(("symbol", "symbols", "symbolStatus"))
_SYMBOL_STATUSES: Final = {one: one for one in ("TRADING", "HALT", "BREAK", "CANCEL_ONLY")}


class KeptText(Protocol):
    """A response that is kept."""

    @property
    def text(self) -> str:
        """The body in JSON."""


class Kept(Protocol):
    """Keeps responses for a moment; see `bursa.dialects.native.public_responses`."""

    def find(
        self,
        tenant: TenantId | None,
        key: Hashable,
        kept_ms: int | None,
        make: Callable[[], object],
    ) -> KeptText:
        """Return a response that is at most so old."""

    def find_list(  # noqa: PLR0917 - whose, which, how old, how long, from what
        self,
        tenant: TenantId,
        key: Hashable,
        kept_ms: int,
        length: int,
        make: Callable[[int], Any],
        cut: Callable[[Any], object],
    ) -> KeptText:
        """Return a response of so many items, cut from a longer one that is at most so old."""


class MarketRoutes:
    """The public endpoints of all tenants."""

    def __init__(
        self,
        queries: MarketQueries,
        read_candles: ReadCandles,
        symbols: Symbols,
        limits_of: Callable[[TenantId], TenantLimits],
        kept: Kept,
    ) -> None:
        self._queries = queries
        self._read_candles = read_candles
        self._symbols = symbols
        self._limits_of = limits_of
        self._kept = kept

    def endpoints(self) -> Endpoints:
        """Return the endpoints by method and path."""
        one, page = frozenset({"symbol"}), known(("symbol", "limit"))
        candles = Endpoint(
            self.candles, known(page, ("interval", "startTime", "endTime", "timeZone"))
        )
        rules = known(("symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus"))
        found = {
            "ping": Endpoint(lambda _call: {}),
            "time": Endpoint(lambda call: {"serverTime": call.now_ms}),
            "exchangeInfo": Endpoint(self.exchange_info, rules),
            "depth": Endpoint(self.depth, known(page, ("symbolStatus",))),
            "trades": Endpoint(self.trades, page),
            "historicalTrades": Endpoint(self.historical_trades, known(page, ("fromId",))),
            "klines": candles,
            "uiKlines": candles,
            "aggTrades": Endpoint(
                self.aggregate_trades, known(page, ("fromId", "startTime", "endTime"))
            ),
            "avgPrice": Endpoint(self.average_price, one),
            "ticker/24hr": Endpoint(self.day_tickers, known(_TICKER_NAMES, ("type",))),
            "ticker/price": Endpoint(self.prices, _TICKER_NAMES),
            "ticker/bookTicker": Endpoint(self.book_tickers, _TICKER_NAMES),
        }
        return {("GET", f"/api/v3/{path}"): endpoint for path, endpoint in found.items()}

    def exchange_info(self, call: Call) -> object:
        """Return the rules of all symbols or of some."""
        parameters = call.parameters
        parameters.flag("showPermissionSets")
        markets = list(self._chosen(call).values())
        permissions = parameters.text("permissions")
        if permissions is not None and permissions != "SPOT" and '"SPOT"' not in permissions:
            markets = []
        limits = self._limits_of(call.tenant)
        shown = present.rate_limits(limits.account_reads, limits.account_commands)
        return present.exchange_info(markets, shown, call.now_ms)

    def depth(self, call: Call) -> Ready:
        """Return the best levels of a book."""
        market = self._market(call)
        depth = call.parameters.limit(DEPTH_DEFAULT, DEPTH_MAX)
        kept = self._kept.find_list(
            call.tenant,
            ("binance depth", market.symbol),
            KEPT_MS,
            depth,
            lambda longer: self._queries.book(call.tenant, market.symbol, longer),
            lambda found: present.book(found, depth),
        )
        return Ready(kept.text)

    def trades(self, call: Call) -> Ready:
        """Return the newest trades, the oldest of them first."""
        return self._newest(call, "binance trades", present.public_trade)

    def historical_trades(self, call: Call) -> Ready:
        """Return the newest trades, or those from a number on."""
        number = call.parameters.number("fromId", most=NUMBER_MAX)
        if number is None:
            return self.trades(call)
        market, limit = self._market(call), call.parameters.limit(TRADES_DEFAULT, TRADES_MAX)
        first = first_trade(number)
        kept = self._kept.find(
            call.tenant,
            ("binance historicalTrades", market.symbol, first, limit),
            KEPT_MS,
            lambda: [
                present.public_trade(row, market)
                for row in self._queries.trades_from(call.tenant, market.symbol, first, limit)
            ],
        )
        return Ready(kept.text)

    def candles(self, call: Call) -> Ready:
        """Return candles, the oldest first: the newest ones, or those from a time on."""
        parameters = call.parameters
        market, limit = self._market(call), parameters.limit(CANDLES_DEFAULT, CANDLES_MAX)
        parameters.required("interval")
        interval = parameters.choice("interval", INTERVALS, error(INVALID_INTERVAL))
        parameters.choice("timeZone", _UTC)
        start_ms = parameters.number("startTime", most=w.TIME_MS_MAX)
        end_ms = parameters.number("endTime", most=w.TIME_MS_MAX)
        if start_ms is not None and end_ms is not None and end_ms < start_ms:
            raise invalid("endTime")
        if interval is None:
            raise error(INVALID_INTERVAL)
        asked = Period(start_ms, None if end_ms is None else end_ms + 1)
        period = asked.of_starts(interval)
        key = ("binance klines", market.symbol, interval.name, period)

        def make(count: int) -> MarketCandles:
            return self._read_candles(call.tenant, market.symbol, interval, period, count)

        def cut(found: MarketCandles) -> list[list[Any]]:
            items = period.cut(found.items, limit)
            return [present.candle(one, interval, market.units) for one in items]

        return Ready(self._kept.find_list(call.tenant, key, KEPT_MS, limit, make, cut).text)

    def aggregate_trades(self, call: Call) -> object:
        """Return trades, each as an aggregate of one; the newest, or those of a time or number."""
        parameters = call.parameters
        first = parameters.number("fromId", most=NUMBER_MAX)
        start_ms = parameters.number("startTime", most=w.TIME_MS_MAX)
        end_ms = parameters.number("endTime", most=w.TIME_MS_MAX)
        if first is None and start_ms is None and end_ms is None:
            return self._newest(call, "binance aggTrades", present.aggregate_trade)
        if first is not None and (start_ms is not None or end_ms is not None):
            raise error(BAD_COMBINATION)
        market, limit = self._market(call), parameters.limit(TRADES_DEFAULT, TRADES_MAX)
        wanted = self._kept.find(
            call.tenant,
            ("binance aggTrades", market.symbol, first, start_ms, end_ms, limit),
            KEPT_MS,
            lambda: [
                present.aggregate_trade(row, market)
                for row in self._range(call.tenant, market, first, start_ms, end_ms, limit)
            ],
        )
        return Ready(wanted.text)

    def average_price(self, call: Call) -> Ready:
        """Return the average of the last minutes by volume; the last price where nothing traded.

        Of a thousand trades at most.
        """
        market = self._market(call)

        def make() -> Json:
            found = self._queries.trades(call.tenant, market.symbol, TRADES_MAX)
            recent = [
                row for row in found.page.items if row.time_ms > call.now_ms - _AVERAGE_MS
            ] or found.page.items[:1]
            value = sum(row.quote_amount for row in recent)
            lots = sum(row.quantity for row in recent)
            return {
                "mins": present.AVERAGE_MINUTES,
                "price": present.average_price(value, lots, market.units),
                "closeTime": recent[0].time_ms if recent else 0,
            }

        key = ("binance avgPrice", market.symbol)
        return Ready(self._kept.find(call.tenant, key, KEPT_MS, make).text)

    def day_tickers(self, call: Call) -> object:
        """Return the last 24 hours of a symbol, of some or of all."""
        kinds = {"FULL": False, "MINI": True}
        is_mini = call.parameters.choice("type", kinds, BinanceError(-1139, "Invalid ticker type."))
        return self._tickers(
            call,
            f"24hr {is_mini}",
            lambda ticker: present.day_ticker(ticker, call.now_ms, is_mini=bool(is_mini)),
        )

    def prices(self, call: Call) -> object:
        """Return last prices."""
        return self._tickers(call, "price", present.ticker_price)

    def book_tickers(self, call: Call) -> object:
        """Return best prices."""
        return self._tickers(call, "bookTicker", present.book_ticker)

    def _tickers(self, call: Call, what: str, write: Callable[[MarketTicker], Json]) -> Ready:
        """Return what is written of the tickers of the symbols that are asked for."""
        chosen = tuple(market.symbol for market in self._chosen(call).values())

        def make() -> list[Json]:
            return [write(self._queries.ticker(call.tenant, symbol)) for symbol in chosen]

        if "symbol" in call.parameters:
            key = (f"binance {what}", chosen[0])
            return Ready(self._kept.find(call.tenant, key, KEPT_MS, lambda: make()[0]).text)
        return Ready(
            self._kept.find(call.tenant, (f"binance {what}s", chosen), RULES_KEPT_MS, make).text
        )

    def _chosen(self, call: Call) -> Mapping[str, Market]:
        """Return the symbols that are asked for: one, some or all; raises -1121, -1128."""
        parameters, markets = call.parameters, self._symbols.all(call.tenant)
        symbol, symbols = parameters.text("symbol"), parameters.names("symbols")
        if symbol is not None and symbols is not None:
            raise error(BAD_COMBINATION)
        status = parameters.choice(
            "symbolStatus", _SYMBOL_STATUSES, BinanceError(-1122, "Invalid symbolStatus.")
        )
        named = [symbol] if symbol is not None else symbols
        if named is not None and status is not None:
            raise error(BAD_COMBINATION)
        if named is not None:
            if any(one not in markets for one in named):
                raise error(INVALID_SYMBOL)
            return {one: markets[one] for one in named}
        if status is None:
            return markets
        return {
            name: market
            for name, market in markets.items()
            if present.status_word(market) == status
        }

    def _market(self, call: Call) -> Market:
        return self._symbols.market(call.tenant, call.parameters.required("symbol"))

    def _newest(self, call: Call, name: str, write: Callable[[TradeRow, Market], Json]) -> Ready:
        market, limit = self._market(call), call.parameters.limit(TRADES_DEFAULT, TRADES_MAX)

        def cut(found: MarketTrades) -> list[Json]:
            return [write(row, market) for row in reversed(found.newest(limit).page.items)]

        kept = self._kept.find_list(
            call.tenant,
            (name, market.symbol),
            KEPT_MS,
            limit,
            lambda longer: self._queries.trades(call.tenant, market.symbol, longer),
            cut,
        )
        return Ready(kept.text)

    def _range(  # noqa: PLR0917 - whose, from where, until when, how many
        self,
        tenant: TenantId,
        market: Market,
        first: int | None,
        start_ms: int | None,
        end_ms: int | None,
        limit: int,
    ) -> Sequence[TradeRow]:
        """Return the first trades of a range, or the last ones where it has no beginning.

        Raises `BinanceError` -1127 where it begins too many trades ago.
        """
        if start_ms is not None and end_ms is not None and end_ms < start_ms:
            raise invalid("endTime")
        found: list[TradeRow] = []
        before = None
        for _ in range(_PAGES_MAX):
            page = self._queries.trades(tenant, market.symbol, TRADES_MAX, before).page
            for row in page.items:
                if _is_before(row, first, start_ms):
                    return found[::-1][:limit]
                if end_ms is None or row.time_ms <= end_ms:
                    found.append(row)
                if first is None and start_ms is None and len(found) == limit:
                    return found[::-1]
            before = page.next_position
            if before is None:
                return found[::-1][:limit]
        raise error(LOOKUP_TOO_BIG)


def _is_before(row: TradeRow, first: int | None, start_ms: int | None) -> bool:
    if first is not None:
        return row.trade_id < first_trade(first)
    return start_ms is not None and row.time_ms < start_ms
