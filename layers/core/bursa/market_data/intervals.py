"""The intervals that candles can be asked for, and when each begins; in UTC. Pure.

Weeks begin on Mondays, months on their first day; three days are counted from 1970-01-01.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bursa.kernel.calendar_time import CalendarDate, month_at
from bursa.read_models.candles import STORED_MS

_DAY_MS: Final = STORED_MS["1d"]
_FIRST_MONTH: Final = 1970 * 12
# The first Monday.
_MONDAY_MS: Final = 4 * _DAY_MS


@dataclass(frozen=True, slots=True)
class Interval:
    """One of the intervals.

    Attributes
    ----------
    stored
        The stored interval of which its candles are put together.
    length_ms
        0 for months.
    offset_ms
        When the first one after 1970-01-01 begins.

    """

    name: str
    stored: str
    length_ms: int = 0
    offset_ms: int = 0

    def start_of(self, time_ms: int) -> int:
        """Return when the one begins in which a time is."""
        if self.length_ms:
            return time_ms - (time_ms - self.offset_ms) % self.length_ms
        return _month_start(month_at(time_ms))

    def start_from(self, time_ms: int) -> int:
        """Return when the first one begins that does not begin before a time."""
        start_ms = self.start_of(time_ms)
        return start_ms if start_ms == time_ms else self.after(start_ms)

    def after(self, start_ms: int, count: int = 1) -> int:
        """Return when the one begins that comes so many after, or before, one that begins then."""
        if self.length_ms:
            return start_ms + count * self.length_ms
        return _month_start(month_at(start_ms) + count)

    def starts(self, first_ms: int, last_ms: int) -> Iterator[int]:
        """Yield when each begins, from one that begins then to one that does."""
        start_ms = first_ms
        while start_ms <= last_ms:
            yield start_ms
            start_ms = self.after(start_ms)


def _month_start(months: int) -> int:
    """Return when a month begins, counted from the year 0; the first that there is, at least."""
    year, month = divmod(max(months, _FIRST_MONTH), 12)
    return CalendarDate(year, month + 1, 1).day_number * _DAY_MS


def _multiple(name: str, stored: str, count: int, offset_ms: int = 0) -> Interval:
    return Interval(name, stored, count * STORED_MS[stored], offset_ms)


INTERVALS: Final = {
    one.name: one
    for one in (
        _multiple("1m", "1m", 1),
        _multiple("3m", "1m", 3),
        _multiple("5m", "5m", 1),
        _multiple("15m", "15m", 1),
        _multiple("30m", "15m", 2),
        _multiple("1h", "1h", 1),
        _multiple("2h", "1h", 2),
        _multiple("4h", "4h", 1),
        _multiple("6h", "1h", 6),
        _multiple("8h", "4h", 2),
        _multiple("12h", "4h", 3),
        _multiple("1d", "1d", 1),
        _multiple("3d", "1d", 3),
        _multiple("1w", "1d", 7, _MONDAY_MS),
        Interval("1M", "1d"),
    )
}
