"""How far a shard's lake is, as JSON that a person can read."""

import msgspec

from bursa.journal.replica import Head
from bursa.lake.ingestion import Position
from bursa.lake.rows import NamedAsset, NamedMarket, Names


class _Stored(msgspec.Struct, forbid_unknown_fields=True):
    segments: int
    number: int
    last_sequence: int
    epoch: int
    time_ms: int
    hash: str
    assets: dict[int, NamedAsset]
    markets: dict[int, NamedMarket]


def encode_position(position: Position) -> bytes:
    """Write a position."""
    end, names = position.end, position.names
    return msgspec.json.encode(
        _Stored(
            position.segments,
            end.number,
            end.last_sequence,
            end.epoch,
            end.time_ms,
            end.hash.hex(),
            names.assets,
            names.markets,
        )
    )


def decode_position(data: bytes | None) -> Position:
    """Read a position; without one, the beginning. Raises `ValueError` for anything else."""
    if data is None:
        return Position(0, Head(), Names())
    one = msgspec.json.decode(data, type=_Stored)
    end = Head(one.number, one.last_sequence, one.epoch, one.time_ms, bytes.fromhex(one.hash))
    return Position(one.segments, end, Names(one.assets, one.markets))
