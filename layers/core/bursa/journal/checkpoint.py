"""A snapshot as it is stored: an engine's state and the journal's head that it stands at.

    bytes       what
    8           magic
    4           length of the header, little-endian
    …           header, MessagePack
    …           state, Zstandard
    32          SHA-256 (FIPS 180-4) of all before it

The head's hash ties the snapshot to one history: the record that follows must be chained to it.
"""

from hashlib import sha256

import msgspec
import zstandard

MAGIC = b"BURSASNP"
# 2: what it stands at is a journal of packed events (docs/adr/0023).
SNAPSHOT_SCHEMA = 2
STATE_BYTES_MAX = 1 << 34
_LENGTH_BYTES = 4
_HASH_BYTES = 32
_COMPRESSION_LEVEL = 1


class SnapshotDamaged(Exception):  # noqa: N818
    """Raised when a snapshot can't be trusted; take the one before it."""


class SnapshotHeader(msgspec.Struct, frozen=True):
    """Where in the journal a snapshot stands."""

    schema: int
    shard: int
    number: int
    last_sequence: int
    epoch: int
    time_ms: int
    record_hash: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(SnapshotHeader)


def encode_snapshot(header: SnapshotHeader, state: bytes) -> bytes:
    """Compress and seal a state."""
    head = _encoder.encode(header)
    packed = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL).compress(state)
    data = b"".join((MAGIC, len(head).to_bytes(_LENGTH_BYTES, "little"), head, packed))
    return data + sha256(data).digest()


def decode_snapshot(data: bytes) -> tuple[SnapshotHeader, bytes]:
    """Open a stored snapshot; raises `SnapshotDamaged`."""
    content, digest = data[:-_HASH_BYTES], data[-_HASH_BYTES:]
    if not content.startswith(MAGIC) or sha256(content).digest() != digest:
        raise SnapshotDamaged("The snapshot's checksum does not fit.")
    start = len(MAGIC) + _LENGTH_BYTES
    end = start + int.from_bytes(content[len(MAGIC) : start], "little")
    try:
        header = _decoder.decode(content[start:end])
        state = zstandard.ZstdDecompressor().decompress(
            content[end:], max_output_size=STATE_BYTES_MAX
        )
    except (msgspec.DecodeError, msgspec.ValidationError, zstandard.ZstdError) as error:
        raise SnapshotDamaged(f"The snapshot can't be read: {error}") from None
    if header.schema != SNAPSHOT_SCHEMA:
        raise SnapshotDamaged(
            f"The snapshot has the schema {header.schema}; "
            f"this version reads {SNAPSHOT_SCHEMA} only."
        )
    return header, state
