"""The bytes of a checkpoint: one format for both engines, versioned and checksummed.

::

    8 bytes   b"BURSA-SN"
    8 bytes   version
    then each section of that version in order: its length in words, its words
    32 bytes  BLAKE2b-256 of all the above

The sections are canonical: engines in equal states write equal bytes.
"""

import hashlib
import struct
from array import array

from engine.errors import CheckpointError
from wire.layout import (
    AUCTION_MS_DEFAULT,
    AUCTION_PAUSE_FACTOR,
    AUCTIONS_COUNTED_MAX,
    COMMAND_LENGTH,
    CONDITIONS_COUNT,
    TRAIL_COUNT,
)

# 2: the flags of an order have four bits for its type. 3: an account's share of the memory of ids;
# a market's window of trades for its reference price, and the end of its auction. 4: until when its
# breaker starts no other. 5: until when its auctions count, instead of that; the price by which
# stops trigger, and whether these are taken one by one. 6: trailing stops; four words an order.
# 7: the list that an order belongs to, and the orders of a list that is not decided yet.
VERSION = 7
MAGIC = b"BURSA-SN"
_CHECKSUM_BYTES = 32
_WORD = struct.Struct("<q")

# Section -> words a row. Words are named where the engines write them (``checkpoint`` of each).
SECTIONS = {
    "head": 16,
    "assets": 6,
    "tiers": 4,
    "tenants": 4,
    "markets": 31,
    "accounts": 6,
    "balances": 4,
    "holds": 4,
    "orders": 13 + CONDITIONS_COUNT + TRAIL_COUNT,
    "ids": 4,
    "staged": COMMAND_LENGTH,
}
Sections = dict[str, "array[int]"]
_BEFORE_LISTS = {name: width for name, width in SECTIONS.items() if name != "staged"}
_BEFORE_LISTS["orders"] = 12 + CONDITIONS_COUNT + TRAIL_COUNT
_BEFORE_TRAILS = _BEFORE_LISTS | {"orders": 15}


def pack(sections: Sections) -> bytes:
    """Return a checkpoint of the current version."""
    parts = [MAGIC, _WORD.pack(VERSION)]
    for name in SECTIONS:
        words = sections[name]
        parts += [_WORD.pack(len(words)), _little_endian(words).tobytes()]
    body = b"".join(parts)
    return body + _checksum(body)


def unpack(data: bytes) -> Sections:
    """Return the sections of a checkpoint, brought up to the current version.

    Raises
    ------
    CheckpointError
        Not a checkpoint, cut short, damaged, or written by a version this one can't read.
    """
    if len(data) < len(MAGIC) + _WORD.size + _CHECKSUM_BYTES:
        raise CheckpointError(f"{len(data)} bytes are too short for a checkpoint")
    body, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if body[: len(MAGIC)] != MAGIC:
        raise CheckpointError("not a checkpoint: it starts with other bytes")
    if checksum != _checksum(body):
        raise CheckpointError("the checksum does not match: damaged or cut short")
    (version,) = _WORD.unpack_from(body, len(MAGIC))
    if version not in _READERS:
        age = "a newer" if version > VERSION else "an older"
        raise CheckpointError(
            f"{age} engine wrote this checkpoint: its version is {version}, this engine reads "
            f"{VERSION}; start that engine, or replay the journal"
        )
    return _READERS[version](body, len(MAGIC) + _WORD.size)


def _read_version_7(body: bytes, position: int) -> Sections:
    return _read_rows(body, position, SECTIONS)


def _read_version_6(body: bytes, position: int) -> Sections:
    sections = _read_rows(body, position, _BEFORE_LISTS)
    return _with_order_words(sections, _BEFORE_LISTS["orders"])


def _read_version_5(body: bytes, position: int) -> Sections:
    return _with_order_words(_read_rows(body, position, _BEFORE_TRAILS))


def _read_version_4(body: bytes, position: int) -> Sections:
    sections = _read_rows(body, position, _BEFORE_TRAILS | {"markets": 27})
    return _with_order_words(_with_new_words(sections, 27))


def _read_version_3(body: bytes, position: int) -> Sections:
    sections = _read_rows(body, position, _BEFORE_TRAILS | {"markets": 26})
    return _with_order_words(_with_new_words(sections, 26))


def _with_order_words(sections: Sections, width: int = _BEFORE_TRAILS["orders"]) -> Sections:
    """Return sections whose orders have today's words: none is in a list, and none staged for one.

    Before version 6 none is a trailing stop either.
    """
    orders, new = array("q"), array("q", [0] * (SECTIONS["orders"] - width))
    for start in range(0, len(sections["orders"]), width):
        orders += sections["orders"][start : start + width] + new
    return sections | {"orders": orders, "staged": array("q")}


def _with_new_words(sections: Sections, width: int) -> Sections:
    """Return sections whose markets have today's words.

    A pause becomes auctions that count until its end; the last price has triggered what it can.
    """
    markets = array("q")
    for start in range(0, len(sections["markets"]), width):
        row = sections["markets"][start : start + width]
        auction_ms, last_price, pauses = row[17] or AUCTION_MS_DEFAULT, row[18], row[26:]
        others_ms = (AUCTIONS_COUNTED_MAX - 1) * AUCTION_PAUSE_FACTOR * auction_ms
        auctions_ms = pauses[0] + others_ms if any(pauses) else 0
        markets += row[:26] + array("q", [auctions_ms, last_price, 0, 0, 0])
    return sections | {"markets": markets}


def _read_rows(body: bytes, position: int, widths: dict[str, int]) -> Sections:
    sections = {}
    for name, row in widths.items():
        if position + _WORD.size > len(body):
            raise CheckpointError(f"section {name} is missing")
        (count,) = _WORD.unpack_from(body, position)
        position += _WORD.size
        end = position + count * _WORD.size
        if count < 0 or count % row or end > len(body):
            raise CheckpointError(f"section {name} has an impossible length of {count} words")
        sections[name] = array("q")
        sections[name].frombytes(body[position:end])
        sections[name] = _little_endian(sections[name])
        position = end
    if position != len(body):
        raise CheckpointError(f"{len(body) - position} bytes follow the last section")
    return sections


# A new version may keep readers of the old ones here: each returns today's sections.
_READERS = {
    3: _read_version_3,
    4: _read_version_4,
    5: _read_version_5,
    6: _read_version_6,
    7: _read_version_7,
}


def _little_endian(words: "array[int]") -> "array[int]":
    if struct.pack("=q", 1) == _WORD.pack(1):
        return words
    swapped = array("q", words)
    swapped.byteswap()
    return swapped


def _checksum(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_CHECKSUM_BYTES).digest()
