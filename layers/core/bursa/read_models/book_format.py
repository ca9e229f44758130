"""What is packed inside a market's book row: price levels and hourly statistics.

A book of thousands of levels is one item, so that a reader gets both sides at one sequence with
one read. Levels are stored best first as the distance to the level before, which keeps most
numbers to a byte or two; then MessagePack, then Zstandard (RFC 8878).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import msgspec
import zstandard

Level = tuple[int, int]  # price in ticks, quantity in lots

HOUR_MS = 3_600_000
HOURS_KEPT = 25  # the hour that has begun and the 24 before it
# An item holds 400 KB. This many levels a side fit even when no number in them is small, so that
# nobody can stop a market's view by placing orders at ever more prices.
LEVELS_STORED_MAX = 10_000
_COMPRESSION_LEVEL = 1
# Far above what fits into an item; keeps a damaged row from eating memory.
_PLAIN_BYTES_MAX = 16 * 1024 * 1024


class BookError(Exception):
    """Raised when a stored book can't be read."""


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


_compressor = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL, write_content_size=True)
_decompressor = zstandard.ZstdDecompressor()
_encoder = msgspec.msgpack.Encoder()
_levels_decoder = msgspec.msgpack.Decoder(list[int])
_hours_decoder = msgspec.msgpack.Decoder(
    list[tuple[int, int, int, int, int, int, int, int]],
)


def pack_levels(levels: Iterable[Level]) -> bytes:
    """Pack one side, best price first."""
    flat: list[int] = []
    before = 0
    for price, quantity in levels:
        flat.append(price - before)
        flat.append(quantity)
        before = price
    return _compressor.compress(_encoder.encode(flat))


def unpack_levels(packed: bytes) -> list[Level]:
    """Read one side, best price first; raises `BookError`."""
    try:
        flat = _levels_decoder.decode(_plain(packed))
    except msgspec.DecodeError as error:
        raise BookError(f"Unreadable levels: {error}") from None
    if len(flat) % 2:
        raise BookError("Unreadable levels: a price without a quantity.")
    levels = []
    price = 0
    for distance, quantity in zip(flat[::2], flat[1::2], strict=True):
        price += distance
        levels.append((price, quantity))
    return levels


def pack_side(levels: Mapping[int, int], *, descending: bool) -> bytes:
    """Pack a side given as price -> quantity; bids are ``descending``.

    Levels beyond the best `LEVELS_STORED_MAX` are left out.
    """
    return pack_levels(sorted(levels.items(), reverse=descending)[:LEVELS_STORED_MAX])


def pack_hours(hours: Iterable[HourStatistics]) -> bytes:
    """Pack hourly statistics, oldest first."""
    rows = [
        (h.hour, h.open, h.high, h.low, h.close, h.volume, h.quote_volume, h.trades) for h in hours
    ]
    return _compressor.compress(_encoder.encode(rows))


def unpack_hours(packed: bytes) -> list[HourStatistics]:
    """Read hourly statistics, oldest first; raises `BookError`."""
    try:
        return [HourStatistics(*row) for row in _hours_decoder.decode(_plain(packed))]
    except msgspec.DecodeError as error:
        raise BookError(f"Unreadable statistics: {error}") from None


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
    """Merge the last 24 hours and the one that has begun; None when nothing traded."""
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


def _plain(packed: bytes) -> bytes:
    try:
        return _decompressor.decompress(packed, max_output_size=_PLAIN_BYTES_MAX)
    except zstandard.ZstdError as error:
        raise BookError(f"Unreadable book: {error}") from None
