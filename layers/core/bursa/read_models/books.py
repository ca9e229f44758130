"""A market's book and statistics in memory, and what its facts make of them. Pure.

Levels are absolute but volumes add up, so a book remembers the sequence it reflects and passes
over every fact up to that one: applying the same facts twice, or more than needed, changes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from bursa.read_models.book_format import pack_hours, pack_side, unpack_hours, unpack_levels
from bursa.read_models.fold import BookFact
from bursa.read_models.hourly_statistics import HourStatistics, with_trade
from bursa.read_models.rows import BookRow
from wire import events as e
from wire import layout as w


@dataclass(slots=True)
class Book:
    """One market's book: price -> quantity on each side, the last trade, a day of statistics."""

    tenant: str
    market: str
    sequence: int = 0
    time_ms: int = 0
    bids: dict[int, int] = field(default_factory=dict)
    asks: dict[int, int] = field(default_factory=dict)
    hours: list[HourStatistics] = field(default_factory=list)
    last_price: int = 0
    last_quantity: int = 0
    last_trade_id: int = 0
    last_time_ms: int = 0
    reference_price: int = 0
    indicative_price: int = 0
    indicative_quantity: int = 0

    @classmethod
    def from_row(cls, row: BookRow) -> Self:
        """Unpack a stored book."""
        return cls(
            tenant=row.tenant,
            market=row.market,
            sequence=row.sequence,
            time_ms=row.time_ms,
            bids=dict(unpack_levels(row.bids)),
            asks=dict(unpack_levels(row.asks)),
            hours=unpack_hours(row.hours),
            last_price=row.last_price,
            last_quantity=row.last_quantity,
            last_trade_id=row.last_trade_id,
            last_time_ms=row.last_time_ms,
            reference_price=row.reference_price,
            indicative_price=row.indicative_price,
            indicative_quantity=row.indicative_quantity,
        )

    def to_row(self) -> BookRow:
        """Pack it for storing."""
        return BookRow(
            tenant=self.tenant,
            market=self.market,
            sequence=self.sequence,
            time_ms=self.time_ms,
            bids=pack_side(self.bids, descending=True),
            asks=pack_side(self.asks, descending=False),
            hours=pack_hours(self.hours),
            last_price=self.last_price,
            last_quantity=self.last_quantity,
            last_trade_id=self.last_trade_id,
            last_time_ms=self.last_time_ms,
            reference_price=self.reference_price,
            indicative_price=self.indicative_price,
            indicative_quantity=self.indicative_quantity,
        )

    def apply(self, facts: Iterable[tuple[int, BookFact]]) -> bool:
        """Apply facts in order, passing over what the book reflects already.

        Returns
        -------
        bool
            Whether any was new.

        """
        reflected = self.sequence
        for time_ms, fact in facts:
            if fact.sequence <= reflected:
                continue
            self.sequence = fact.sequence
            self.time_ms = time_ms
            match fact:
                case e.Level():
                    self._level(fact)
                case e.Trade():
                    self._trade(fact, time_ms)
                case e.Market():
                    self.reference_price = fact.reference_price
                    self.indicative_price = fact.indicative_price
                    self.indicative_quantity = fact.indicative_quantity
        return self.sequence > reflected

    def _level(self, level: e.Level) -> None:
        side = self.bids if level.side == w.SIDE_BUY else self.asks
        if level.quantity:
            side[level.price] = level.quantity
        else:
            side.pop(level.price, None)

    def _trade(self, trade: e.Trade, time_ms: int) -> None:
        self.last_price = trade.price
        self.last_quantity = trade.quantity
        self.last_trade_id = trade.trade_id
        self.last_time_ms = time_ms
        self.hours = with_trade(
            self.hours, time_ms, trade.price, trade.quantity, trade.quote_amount
        )
