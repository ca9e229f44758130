"""A market's last trade, best prices and last day. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from bursa.kernel.markets import Market
from bursa.read_models.book_format import Level, unpack_hours, unpack_levels
from bursa.read_models.books import Book
from bursa.read_models.hourly_statistics import HourStatistics, last_day
from bursa.read_models.rows import BookRow

_NONE: Level = (0, 0)


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
    best_bid_quantity, best_ask_quantity
        Lots at the best prices.
    last_trade_id
        0 before the first trade.

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
    best_bid_quantity: int = 0
    best_ask_quantity: int = 0
    last_trade_id: int = 0

    @classmethod
    def of_row(cls, market: Market, row: BookRow | None, now_ms: int) -> Self:
        """Return what a book's row says; without one nothing has happened yet."""
        if row is None:
            return cls(market, 0, 0, 0, 0, 0, 0, 0, None)
        bids, asks = unpack_levels(row.bids), unpack_levels(row.asks)
        return cls._of(market, row, bids, asks, last_day(unpack_hours(row.hours), now_ms))

    @classmethod
    def of_book(
        cls, market: Market, book: Book, bids: Sequence[Level], asks: Sequence[Level], now_ms: int
    ) -> Self:
        """Return what a book in memory says, with the best of its levels."""
        return cls._of(market, book, bids, asks, last_day(book.hours, now_ms))

    def tells_the_same(self, before: "MarketTicker") -> bool:
        """Whether nothing but the command differs."""
        return replace(self, sequence=before.sequence, time_ms=before.time_ms) == before

    @classmethod
    def _of(
        cls,
        market: Market,
        known: Book | BookRow,
        bids: Sequence[Level],
        asks: Sequence[Level],
        day: HourStatistics | None,
    ) -> Self:
        best_bid, best_ask = bids[0] if bids else _NONE, asks[0] if asks else _NONE
        return cls(
            market,
            known.sequence,
            known.time_ms,
            known.last_price,
            known.last_quantity,
            known.last_time_ms,
            best_bid[0],
            best_ask[0],
            day,
            best_bid[1],
            best_ask[1],
            known.last_trade_id,
        )
