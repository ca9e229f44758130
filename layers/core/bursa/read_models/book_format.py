"""What is packed inside a market's book row: price levels, hourly statistics and candles.

Levels are stored best first as the distance to the level before, which keeps most numbers to a byte
or two; then MessagePack, then Zstandard (RFC 8878).
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import add, sub

import msgspec
import zstandard

from bursa.read_models.candles import MINUTE_MS, STORED_MS, Candle
from bursa.read_models.hourly_statistics import HourStatistics

Level = tuple[int, int]  # price in ticks, quantity in lots

_COMPRESSION_LEVEL = 1
# Far above what fits into an item; keeps a damaged row from eating memory.
_PLAIN_BYTES_MAX = 16 * 1024 * 1024


class BookError(Exception):
    """Raised when a stored book can't be read."""


_compressor = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL, write_content_size=True)
_decompressor = zstandard.ZstdDecompressor()
_encoder = msgspec.msgpack.Encoder()
_numbers_decoder = msgspec.msgpack.Decoder(list[int])
_hours_decoder = msgspec.msgpack.Decoder(
    list[tuple[int, int, int, int, int, int, int, int]],
)
# What a candle has besides its start and close; prices first.
_GROWING = (
    *("open", "high", "low"),
    *("volume", "quote_volume", "trades", "taker_buy_volume", "taker_buy_quote_volume"),
    *("base_fees", "quote_fees"),
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
        flat = _numbers_decoder.decode(_plain(packed))
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
    """Pack one side given as price -> quantity; bids are ``descending``."""
    return pack_levels(sorted(levels.items(), reverse=descending))


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


class CandleRow(msgspec.Struct, frozen=True):
    """A candle that has ended; its key says whose, and of which interval."""

    candle: bytes


def pack_candle(candle: Candle) -> bytes:
    """Pack a candle that has ended."""
    return _encoder.encode(
        (candle.start_ms // MINUTE_MS, candle.close, *(getattr(candle, one) for one in _GROWING))
    )


def unpack_candle(packed: bytes) -> Candle:
    """Read a candle that has ended; raises `BookError`."""
    start, close, *figures = _candle_numbers(packed, 2 + len(_GROWING))
    return Candle(start_ms=start * MINUTE_MS, close=close, **_named(figures))


def pack_going_on(candles: Sequence[Candle]) -> bytes:
    """Pack the candles that go on, one of each stored interval; at least those.

    Each contains the one before it and closes as it does. So of each only the difference is kept,
    which is often nothing: it is in the row that is written most.
    """
    shortest = candles[0]
    flat = [shortest.start_ms // MINUTE_MS, shortest.close]
    before = _nothing_at(shortest.close)
    for candle in candles:
        figures = [getattr(candle, name) for name in _GROWING]
        flat += map(sub, figures, before)
        before = figures
    return _encoder.encode(flat)


def unpack_going_on(packed: bytes) -> list[Candle]:
    """Read the candles that go on, one of each stored interval; raises `BookError`."""
    count = len(_GROWING)
    start, close, *flat = _candle_numbers(packed, 2 + len(STORED_MS) * count)
    figures = _nothing_at(close)
    candles: list[Candle] = []
    for position, length_ms in enumerate(STORED_MS.values()):
        figures = [*map(add, figures, flat[position * count : (position + 1) * count])]
        start_ms = start * MINUTE_MS - start * MINUTE_MS % length_ms
        candles.append(Candle(start_ms=start_ms, close=close, **_named(figures)))
    return candles


def _nothing_at(price: int) -> list[int]:
    return [price, price, price] + [0] * (len(_GROWING) - 3)


def _named(figures: Sequence[int]) -> dict[str, int]:
    return dict(zip(_GROWING, figures, strict=True))


def _candle_numbers(packed: bytes, count: int) -> list[int]:
    numbers = unpack_numbers(packed)
    if len(numbers) != count:
        raise BookError(f"Unreadable candles: {len(numbers)} numbers instead of {count}.")
    return numbers


def pack_numbers(numbers: Sequence[int]) -> bytes:
    """Pack a few numbers."""
    return _encoder.encode(numbers)


def unpack_numbers(packed: bytes) -> list[int]:
    """Read a few numbers; raises `BookError`."""
    try:
        return _numbers_decoder.decode(packed)
    except msgspec.DecodeError as error:
        raise BookError(f"Unreadable numbers: {error}") from None


def _plain(packed: bytes) -> bytes:
    try:
        return _decompressor.decompress(packed, max_output_size=_PLAIN_BYTES_MAX)
    except zstandard.ZstdError as error:
        raise BookError(f"Unreadable book: {error}") from None
