"""How markets, books and tickers are said to people; apart, because books need a decompressor."""

from collections.abc import Iterable

from bursa.dialects.native.responses import Book, Fees, MarketDefinition, Ticker
from bursa.kernel.markets import Market, MarketUnits
from bursa.read_models.book_format import Level
from bursa.read_models.hourly_statistics import HourStatistics
from bursa.read_models.rows import BookRow


def market_definition(market: Market) -> MarketDefinition:
    """Say a market."""
    units = market.units
    return MarketDefinition(
        market=units.symbol,
        base=units.base,
        quote=units.quote,
        status=market.state,
        tick_size=units.tick_size,
        lot_size=units.lot_size,
        min_notional=units.quote_text(market.min_notional),
        fees=Fees(maker_ppm=market.maker_ppm, taker_ppm=market.taker_ppm),
    )


def book_answer(row: BookRow, bids: Iterable[Level], asks: Iterable[Level], market: Market) -> Book:
    """Say a book, best prices first."""
    return Book(
        market=market.symbol,
        sequence=row.sequence,
        time_ms=row.time_ms,
        bids=_levels(bids, market.units),
        asks=_levels(asks, market.units),
    )


def _levels(levels: Iterable[Level], units: MarketUnits) -> list[tuple[str, str]]:
    return [(units.price_text(price), units.quantity_text(lots)) for price, lots in levels]


def ticker_answer(
    row: BookRow, day: HourStatistics | None, best: tuple[int, int], market: Market
) -> Ticker:
    """Say a ticker.

    Parameters
    ----------
    day
        The last 24 hours in one, None when nothing traded.
    best
        Best bid and ask in ticks, 0 where a side is empty.

    """
    units = market.units

    def price(ticks: int) -> str | None:
        return units.price_text(ticks) if ticks else None

    return Ticker(
        market=market.symbol,
        last_price=price(row.last_price),
        last_quantity=units.quantity_text(row.last_quantity) if row.last_price else None,
        last_time_ms=row.last_time_ms or None,
        best_bid=price(best[0]),
        best_ask=price(best[1]),
        open=price(day.open) if day else None,
        high=price(day.high) if day else None,
        low=price(day.low) if day else None,
        volume=units.quantity_text(day.volume if day else 0),
        quote_volume=units.quote_text(day.quote_volume if day else 0),
        trades=day.trades if day else 0,
        sequence=row.sequence,
        time_ms=row.time_ms,
    )
