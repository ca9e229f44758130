"""Markets, books, tickers and health on the wire; apart, because books need a decompressor."""

from collections.abc import Iterable, Sequence

from bursa.dialects.native.auction_presentation import auction
from bursa.dialects.native.candle_responses import Candle, CandleList
from bursa.dialects.native.public_ids import TenantIds
from bursa.dialects.native.responses import (
    Book,
    Fees,
    Health,
    MarketDataHealth,
    MarketDefinition,
    MarketDetail,
    MarketPage,
    OrdersHealth,
    PriceProtection,
    Ticker,
    TradePage,
)
from bursa.dialects.native.row_presentation import trade_from_row
from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.markets import Market, MarketUnits
from bursa.market_data import health
from bursa.market_data.candles import MarketCandles, Period
from bursa.market_data.queries import MarketBook, MarketTrades
from bursa.market_data.tickers import MarketTicker
from bursa.market_data.trading_state import TradingState
from bursa.read_models import candles as rows
from bursa.read_models.book_format import Level
from wire import layout as w


def market_page(markets: Iterable[Market]) -> MarketPage:
    """Return all markets as one page."""
    return MarketPage(items=[market_definition(market) for market in markets], next_cursor=None)


def market_definition(market: Market) -> MarketDefinition:
    """Return a market's definition."""
    units = market.units
    return MarketDefinition(
        market=units.symbol,
        base=units.base,
        quote=units.quote,
        status=market.state.value,
        tick_size=units.tick_size,
        lot_size=units.lot_size,
        min_notional=units.quote_text(market.min_notional),
        max_price=units.price_text(market.max_price),
        max_quantity=units.quantity_text(market.max_quantity),
        iceberg_parts_max=w.ICEBERG_SLICES_MAX,
        fees=Fees(maker_ppm=market.maker_ppm, taker_ppm=market.taker_ppm),
        price_protection=PriceProtection(
            limit_ppm=market.collar_ppm,
            market_ppm=market.market_collar_ppm,
            breaker_ppm=market.breaker_ppm,
            auction_ms=market.auction_ms,
        ),
    )


def market_detail(market: Market, trading: TradingState) -> MarketDetail:
    """Return a market's definition with its present state."""
    definition = market_definition(market) | {"status": trading.state.value}
    return MarketDetail(**definition, auction=auction(trading, market.units))


def book_response(book: MarketBook) -> Book:
    """Return a book, best prices first."""
    units = book.market.units
    return Book(
        market=book.market.symbol,
        sequence=book.time_ms,
        time_ms=book.time_ms,
        bids=_levels(book.bids, units),
        asks=_levels(book.asks, units),
    )


def _levels(levels: Iterable[Level], units: MarketUnits) -> list[tuple[str, str]]:
    return [
        (units.price_text(Ticks(price)), units.quantity_text(Lots(lots))) for price, lots in levels
    ]


def trade_page(trades: MarketTrades, next_cursor: str | None, ids: TenantIds) -> TradePage:
    """Return a page of trades and the cursor of the next one."""
    items = [trade_from_row(row, trades.market, ids) for row in trades.page.items]
    return TradePage(items=items, next_cursor=next_cursor)


def candle_list(candles: MarketCandles, period: Period, limit: int) -> CandleList:
    """Return those of some candles that are meant, the oldest of them first."""
    units = candles.market.units
    return CandleList(
        market=candles.market.symbol,
        interval=candles.interval.name,
        items=[candle_response(one, units) for one in period.cut(candles.items, limit)],
    )


def candle_response(candle: rows.Candle, units: MarketUnits) -> Candle:
    """Return a candle."""
    return Candle(
        start_ms=candle.start_ms,
        open=units.price_text(Ticks(candle.open)),
        high=units.price_text(Ticks(candle.high)),
        low=units.price_text(Ticks(candle.low)),
        close=units.price_text(Ticks(candle.close)),
        volume=units.quantity_text(Lots(candle.volume)),
        quote_volume=units.quote_text(Units(candle.quote_volume)),
        trades=candle.trades,
        taker_buy_volume=units.quantity_text(Lots(candle.taker_buy_volume)),
        taker_buy_quote_volume=units.quote_text(Units(candle.taker_buy_quote_volume)),
    )


def ticker_response(ticker: MarketTicker) -> Ticker:
    """Return a ticker; a figure that does not exist is null."""
    units, day = ticker.market.units, ticker.day

    def price(ticks: int) -> str | None:
        return units.price_text(Ticks(ticks)) if ticks else None

    return Ticker(
        market=ticker.market.symbol,
        last_price=price(ticker.last_price),
        last_quantity=(
            units.quantity_text(Lots(ticker.last_quantity)) if ticker.last_price else None
        ),
        last_time_ms=ticker.last_time_ms or None,
        best_bid=price(ticker.best_bid),
        best_ask=price(ticker.best_ask),
        open=price(day.open) if day else None,
        high=price(day.high) if day else None,
        low=price(day.low) if day else None,
        volume=units.quantity_text(Lots(day.volume if day else 0)),
        quote_volume=units.quote_text(Units(day.quote_volume if day else 0)),
        trades=day.trades if day else 0,
        sequence=ticker.time_ms,
        time_ms=ticker.time_ms,
    )


def health_response(shards: Sequence[health.ShardHealth], version: str) -> Health:
    """Return how the exchange is, and nothing of how much happens in it."""
    orders: OrdersHealth = "ok"
    if any(shard.is_down for shard in shards):
        orders = "down"
    elif any(shard.is_slow for shard in shards):
        orders = "slow"
    market_data: MarketDataHealth = "behind" if any(one.lag_records for one in shards) else "ok"
    return Health(
        status=market_data if orders == "ok" else orders,
        components={"orders": orders, "market_data": market_data},
        version=version,
    )
