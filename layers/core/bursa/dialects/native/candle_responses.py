"""Candles as clients see them."""

from typing_extensions import TypedDict


class Candle(TypedDict):
    """What traded from ``start_ms`` to the beginning of the next; of it, what takers bought."""

    start_ms: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    quote_volume: str
    trades: int
    taker_buy_volume: str
    taker_buy_quote_volume: str


class CandleList(TypedDict):
    """Candles, the oldest first; the last one may have just begun."""

    market: str
    interval: str
    items: list[Candle]
