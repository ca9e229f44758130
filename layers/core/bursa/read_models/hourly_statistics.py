"""What traded in a market hour by hour, and in the last day. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

HOUR_MS = 3_600_000
HOURS_KEPT = 25  # the hour that has begun and the 24 before it


@dataclass(frozen=True, slots=True)
class HourStatistics:
    """What traded in one hour that begins at ``hour * HOUR_MS``: ticks, lots, quote units."""

    hour: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    quote_volume: int
    trades: int


def with_trade(
    hours: list[HourStatistics], time_ms: int, price: int, quantity: int, quote_amount: int
) -> list[HourStatistics]:
    """Add a trade to the statistics and drop hours that are too old; trades come in order."""
    hour = time_ms // HOUR_MS
    if hours and hours[-1].hour == hour:
        last = hours[-1]
        updated = replace(
            last,
            high=max(last.high, price),
            low=min(last.low, price),
            close=price,
            volume=last.volume + quantity,
            quote_volume=last.quote_volume + quote_amount,
            trades=last.trades + 1,
        )
        return [*hours[:-1], updated]
    kept = [known for known in hours if known.hour > hour - HOURS_KEPT]
    return [*kept, HourStatistics(hour, price, price, price, price, quantity, quote_amount, 1)]


def last_day(hours: Iterable[HourStatistics], now_ms: int) -> HourStatistics | None:
    """Return the last 24 hours and the one that has begun as one; None when nothing traded."""
    first = now_ms // HOUR_MS - HOURS_KEPT + 1
    recent = [hour for hour in hours if hour.hour >= first]
    if not recent:
        return None
    return HourStatistics(
        recent[0].hour,
        recent[0].open,
        max(hour.high for hour in recent),
        min(hour.low for hour in recent),
        recent[-1].close,
        sum(hour.volume for hour in recent),
        sum(hour.quote_volume for hour in recent),
        sum(hour.trades for hour in recent),
    )
