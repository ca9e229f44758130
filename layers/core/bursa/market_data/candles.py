"""Candles of any interval, made of those that are stored.

Where nothing traded there is no row: such a candle is flat, at the price at which the one before it
closed. There is none before a market's first trade.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from bursa.kernel.clock import WallClock
from bursa.kernel.identifiers import TenantId
from bursa.kernel.markets import Market
from bursa.market_data.intervals import INTERVALS, Interval
from bursa.read_models.book_format import unpack_going_on
from bursa.read_models.candles import STORED_MS, Candle
from bursa.read_models.rows import BookRow
from bursa.trading.catalogue import MarketCatalogue, named_market

_POSITIONS = {name: position for position, name in enumerate(STORED_MS)}
# What can be followed live: what is stored, and weeks, each put together of seven days at most.
LIVE_INTERVALS = (*STORED_MS, "1w")
# Any later time is now.
_LATEST_MS = (1 << 46) - 1


class StoredCandles(Protocol):
    """The rows that candles are made of."""

    def newest_book(self, tenant: TenantId, market: str) -> BookRow | None:
        """Read a market's book consistently; in its row are the candles that go on."""

    def candles(
        self, tenant: TenantId, market: str, interval: str, first_ms: int, end_ms: int
    ) -> Sequence[Candle]:
        """Read ended candles that begin in a range without its end, the oldest first."""

    def candle_before(
        self, tenant: TenantId, market: str, interval: str, time_ms: int
    ) -> Candle | None:
        """Read the last ended candle that begins before a time."""

    def first_candle(self, tenant: TenantId, market: str, interval: str) -> Candle | None:
        """Read the first ended candle of a market."""


class Period(NamedTuple):
    """Which candles are asked for: those that begin in it, without its end.

    Without a beginning the last of them are meant, else the first.
    """

    from_ms: int | None = None
    to_ms: int | None = None

    def of_starts(self, interval: Interval) -> "Period":
        """Return the same candles' period, from the start of one to the start of one.

        So what is kept of it serves every millisecond that somebody asks from.
        """
        return Period(
            None if self.from_ms is None else interval.start_from(self.from_ms),
            None if self.to_ms is None else interval.start_from(self.to_ms),
        )

    def cut(self, candles: Sequence[Candle], limit: int) -> Sequence[Candle]:
        """Return those that are meant of more of them."""
        return candles[-limit:] if self.from_ms is None else candles[:limit]


@dataclass(frozen=True, slots=True)
class MarketCandles:
    """Candles of a market, the oldest first; the last one may have just begun."""

    market: Market
    interval: Interval
    items: Sequence[Candle]


class ReadCandles:
    """Reads the candles of markets."""

    def __init__(self, catalogue: MarketCatalogue, data: StoredCandles, clock: WallClock) -> None:
        self._catalogue = catalogue
        self._data = data
        self._clock = clock

    def __call__(
        self, tenant: TenantId, symbol: str, interval: Interval, period: Period, limit: int
    ) -> MarketCandles:
        """Return at most ``limit`` candles; raises `NotFound` ``unknown_market``."""
        market = named_market(self._catalogue, tenant, symbol)
        # The book first: what has ended since is in the rows then, which count more.
        row = self._data.newest_book(tenant, symbol)
        if row is None or row.candles is None:
            return MarketCandles(market, interval, [])
        going_on = unpack_going_on(row.candles)[_POSITIONS[interval.stored]]
        now_ms = max(self._clock.now_ms(), row.last_time_ms)
        end_ms = _LATEST_MS if period.to_ms is None else period.to_ms
        newest_ms = interval.start_of(min(now_ms, end_ms - 1))
        if period.from_ms is None:
            first_ms = interval.after(newest_ms, 1 - limit)
        else:
            first_ms = interval.start_from(period.from_ms)
        return MarketCandles(
            market,
            interval,
            self._read(_Asked(tenant, symbol, interval, first_ms, newest_ms, limit), going_on),
        )

    def _read(self, asked: "_Asked", going_on: Candle) -> list[Candle]:
        interval, of = asked.interval, (asked.tenant, asked.symbol, asked.interval.stored)
        first_ms = max(0, asked.first_ms)
        before = going_on if going_on.start_ms < first_ms else None
        before = self._data.candle_before(*of, first_ms) if before is None else before
        if before is None:
            earliest = self._data.first_candle(*of) or going_on
            first_ms = max(first_ms, interval.start_of(earliest.start_ms))
        last_ms = min(asked.newest_ms, interval.after(first_ms, asked.limit - 1))
        if first_ms > last_ms:
            return []
        end_ms = interval.after(last_ms)
        known = {going_on.start_ms: going_on} if first_ms <= going_on.start_ms < end_ms else {}
        # None of them is missing once the book has a later one: so what is read is consistent.
        known |= {one.start_ms: one for one in self._data.candles(*of, first_ms, end_ms)}
        together = put_together(interval, known)
        return list(_without_gaps(interval.starts(first_ms, last_ms), together, before))


@dataclass(frozen=True, slots=True)
class _Asked:
    tenant: TenantId
    symbol: str
    interval: Interval
    first_ms: int
    newest_ms: int
    limit: int


class EndedCandles(Protocol):
    """The ended candles of one market."""

    def __call__(self, interval: str, first_ms: int, end_ms: int) -> Sequence[Candle]:
        """Return those of a stored interval that begin in a range without its end."""


def live_candle(name: str, going_on: Sequence[Candle], ended: EndedCandles) -> Candle:
    """Return the candle of a live interval that goes on.

    Parameters
    ----------
    going_on
        Of each stored interval the one that goes on, as a book has them.
    ended
        Asked only where the candle has parts that have ended.

    """
    interval = INTERVALS[name]
    newest = newest_part(name, going_on)
    start_ms = interval.start_of(newest.start_ms)
    if start_ms == newest.start_ms:
        return newest
    parts = [*ended(interval.stored, start_ms, newest.start_ms), newest]
    return put_together(interval, {one.start_ms: one for one in parts})[start_ms]


def newest_part(name: str, going_on: Sequence[Candle]) -> Candle:
    """Return the stored candle that a live interval's candle ends with."""
    return going_on[_POSITIONS[INTERVALS[name].stored]]


def put_together(interval: Interval, known: Mapping[int, Candle]) -> dict[int, Candle]:
    """Return candles of an interval by their start, of stored ones by theirs."""
    found: dict[int, Candle] = {}
    for time_ms in sorted(known):
        start_ms, candle = interval.start_of(time_ms), known[time_ms]
        before = found.get(start_ms)
        found[start_ms] = before.followed_by(candle) if before else candle.at(start_ms)
    return found


def _without_gaps(
    starts: Iterator[int], found: Mapping[int, Candle], before: Candle | None
) -> Iterator[Candle]:
    for start_ms in starts:
        candle = found.get(start_ms)
        if candle is None and before is not None:
            close = before.close
            candle = Candle(start_ms, *(close, close, close, close), *(0, 0, 0, 0, 0), *(0, 0))
        if candle is not None:
            yield candle
            before = candle
