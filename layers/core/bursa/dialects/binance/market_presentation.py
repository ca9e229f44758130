"""Markets, books, trades and tickers as this wire has them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from bursa.dialects.binance.decimals import PLACES, ZERO, padded, ratio_text
from bursa.dialects.binance.ids import trade_number, update_number
from bursa.dialects.binance.orders import (
    SELF_TRADE_PREVENTIONS,
    TRAILING_DELTA_MAX,
    TRAILING_DELTA_MIN,
    TYPES,
)
from bursa.dialects.binance.symbols import symbol_of
from bursa.kernel.amounts import Lots, Ticks, Units, format_units
from bursa.kernel.markets import Market, MarketState, MarketUnits
from bursa.kernel.rates import Rate
from bursa.market_data.intervals import Interval
from bursa.market_data.queries import MarketBook
from bursa.market_data.tickers import MarketTicker
from bursa.read_models.candles import Candle
from bursa.read_models.hourly_statistics import HOUR_MS
from bursa.read_models.rows import TradeRow
from wire import layout as w

Json = dict[str, Any]

ORDERS_INTERVAL_S: Final = 10
# How many fields a candle has, and at which of them it says when it ends.
CANDLE_FIELDS: Final = 12
CANDLE_CLOSED: Final = 6
AVERAGE_MINUTES: Final = 5
_STATUSES: Final[Mapping[MarketState, str]] = {
    MarketState.OPEN: "TRADING",
    # It takes LIMIT_MAKER alone.
    MarketState.POST_ONLY: "TRADING",
    MarketState.CANCEL_ONLY: "CANCEL_ONLY",
    MarketState.HALTED: "HALT",
    MarketState.AUCTION: "BREAK",
}
_ONE_PPM: Final = 1_000_000


def status_word(market: Market) -> str:
    """Return which orders a market takes, in one word."""
    return _STATUSES[market.state]


def rate_limits(reads: Rate, commands: Rate) -> list[Json]:
    """Return an account's limits: what is there at once, and comes back within the interval."""
    return [
        _limit("REQUEST_WEIGHT", "MINUTE", 1, reads.burst),
        _limit("ORDERS", "SECOND", ORDERS_INTERVAL_S, commands.burst),
    ]


def _limit(kind: str, interval: str, count: int, limit: int) -> Json:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": count, "limit": limit}


def exchange_info(markets: Iterable[Market], limits: Sequence[Json], now_ms: int) -> Json:
    """Return what may be traded, and by which rules."""
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
        "rateLimits": list(limits),
        "exchangeFilters": [],
        "symbols": [_symbol(market) for market in markets],
    }


def _symbol(market: Market) -> Json:
    units = market.units
    return {
        "symbol": symbol_of(market),
        "status": status_word(market),
        "baseAsset": units.base,
        "baseAssetPrecision": units.base_scale,
        "quoteAsset": units.quote,
        "quotePrecision": units.quote_scale,
        "quoteAssetPrecision": units.quote_scale,
        "baseCommissionPrecision": units.base_scale,
        "quoteCommissionPrecision": units.quote_scale,
        "orderTypes": sorted(TYPES),
        "icebergAllowed": True,
        "ocoAllowed": False,
        "otoAllowed": False,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(market),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": list(SELF_TRADE_PREVENTIONS),
    }


def _filters(market: Market) -> list[Json]:
    units = market.units
    tick, lot = padded(units.tick_size), padded(units.lot_size)
    lots = {"minQty": lot, "maxQty": padded(units.quantity_text(market.max_quantity))}
    filters: list[Json] = [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": tick,
            "maxPrice": padded(units.price_text(market.max_price)),
            "tickSize": tick,
        },
        {"filterType": "LOT_SIZE", **lots, "stepSize": lot},
        {"filterType": "ICEBERG_PARTS", "limit": w.ICEBERG_SLICES_MAX},
        {"filterType": "MARKET_LOT_SIZE", **lots, "stepSize": lot},
        {
            "filterType": "NOTIONAL",
            "minNotional": padded(units.quote_text(market.min_notional)),
            "applyMinToMarket": True,
            "maxNotional": padded(units.quote_text(Units(w.AMOUNT_MAX))),
            "applyMaxToMarket": True,
            "avgPriceMins": 0,
        },
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": TRAILING_DELTA_MIN,
            "maxTrailingAboveDelta": TRAILING_DELTA_MAX,
            "minTrailingBelowDelta": TRAILING_DELTA_MIN,
            "maxTrailingBelowDelta": TRAILING_DELTA_MAX,
        },
    ]
    if market.collar_ppm:
        filters.append(
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": format_units(_ONE_PPM + market.collar_ppm, 6),
                "multiplierDown": format_units(max(0, _ONE_PPM - market.collar_ppm), 6),
                "avgPriceMins": 0,
            }
        )
    return filters


def book(found: MarketBook, depth: int) -> Json:
    """Return the best levels of a book."""
    units = found.market.units
    return {
        "lastUpdateId": update_number(found.time_ms),
        "bids": [_level(units, *level) for level in found.bids[:depth]],
        "asks": [_level(units, *level) for level in found.asks[:depth]],
    }


def _level(units: MarketUnits, price: int, lots: int) -> list[str]:
    return [_price(units, price), _quantity(units, lots)]


def public_trade(row: TradeRow, market: Market) -> Json:
    """Return a trade as anyone sees it."""
    units = market.units
    return {
        "id": trade_number(row.trade_id),
        "price": padded(units.price_text(row.price)),
        "qty": padded(units.quantity_text(row.quantity)),
        "quoteQty": padded(units.quote_text(row.quote_amount)),
        "time": row.time_ms,
        "isBuyerMaker": row.taker_side == "sell",
        "isBestMatch": True,
    }


def aggregate_trade(row: TradeRow, market: Market) -> Json:
    """Return a trade as an aggregate of one."""
    number = trade_number(row.trade_id)
    return {
        "a": number,
        "p": padded(market.units.price_text(row.price)),
        "q": padded(market.units.quantity_text(row.quantity)),
        "f": number,
        "l": number,
        "T": row.time_ms,
        "m": row.taker_side == "sell",
        "M": True,
    }


def candle(one: Candle, interval: Interval, units: MarketUnits) -> list[Any]:
    """Return a candle."""
    return [
        one.start_ms,
        _price(units, one.open),
        _price(units, one.high),
        _price(units, one.low),
        _price(units, one.close),
        _quantity(units, one.volume),
        interval.after(one.start_ms) - 1,
        padded(units.quote_text(Units(one.quote_volume))),
        one.trades,
        _quantity(units, one.taker_buy_volume),
        padded(units.quote_text(Units(one.taker_buy_quote_volume))),
        "0",
    ]


def ticker_price(ticker: MarketTicker) -> Json:
    """Return the last price."""
    return {
        "symbol": symbol_of(ticker.market),
        "price": _price(ticker.market.units, ticker.last_price),
    }


def book_ticker(ticker: MarketTicker) -> Json:
    """Return the best prices; zeros where a side is empty."""
    units = ticker.market.units
    return {
        "symbol": symbol_of(ticker.market),
        "bidPrice": _price(units, ticker.best_bid),
        "bidQty": _quantity(units, ticker.best_bid_quantity),
        "askPrice": _price(units, ticker.best_ask),
        "askQty": _quantity(units, ticker.best_ask_quantity),
    }


def day_ticker(ticker: MarketTicker, now_ms: int, *, is_mini: bool) -> Json:
    """Return the last 24 hours with the one that has begun; zeros where nothing traded.

    The first trade's number is not kept, and is -1.
    """
    units, day = ticker.market.units, ticker.day
    opened, last = (day.open, ticker.last_price) if day else (0, ticker.last_price)
    first_hour_ms = day.hour * HOUR_MS if day else now_ms - 24 * HOUR_MS
    mini: Json = {
        "symbol": symbol_of(ticker.market),
        "openPrice": _price(units, opened),
        "highPrice": _price(units, day.high if day else 0),
        "lowPrice": _price(units, day.low if day else 0),
        "lastPrice": _price(units, last),
        "volume": _quantity(units, day.volume if day else 0),
        "quoteVolume": padded(units.quote_text(Units(day.quote_volume if day else 0))),
        "openTime": first_hour_ms,
        "closeTime": now_ms,
        "firstId": -1,
        "lastId": trade_number(ticker.last_trade_id) if day else -1,
        "count": day.trades if day else 0,
    }
    if is_mini:
        return mini
    change = last - opened if day else 0
    sign = "-" if change < 0 else ""
    return mini | {
        "priceChange": f"{sign}{_price(units, abs(change))}",
        "priceChangePercent": ratio_text(change * 100, opened, 3),
        "weightedAvgPrice": average_price(day.quote_volume, day.volume, units) if day else ZERO,
        "prevClosePrice": _price(units, opened),
        "lastQty": _quantity(units, ticker.last_quantity),
        **book_ticker(ticker),
    }


def average_price(quote_units: int, lots: int, units: MarketUnits) -> str:
    """Return a value by its quantity, as a price to eight places."""
    return ratio_text(
        quote_units * 10**units.base_scale, lots * units.lot_units * 10**units.quote_scale, PLACES
    )


def _price(units: MarketUnits, ticks: int) -> str:
    return padded(units.price_text(Ticks(ticks)))


def _quantity(units: MarketUnits, lots: int) -> str:
    return padded(units.quantity_text(Lots(lots)))
