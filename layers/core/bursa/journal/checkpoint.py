"""A checkpoint as it is stored: an engine's state and the journal's head that it stands at.

    bytes       what
    8           magic
    4           length of the header, little-endian
    …           header, MessagePack
    32          SHA-256 (FIPS 180-4) of all before it
    …           state, Zstandard

The state carries a hash of its own (``engine.checkpoint``), which the engine checks when it is
restored, so nothing large is hashed a second time here: the header has a CRC of the compressed
state, which finds damage and another checkpoint's state before they are unpacked. The head's hash
ties the checkpoint to one history: the record that follows must be chained to it.

None of that needs a key, so whoever can write to the bucket can make it up. A checkpoint is
believed only when a later record of the journal attests its digest (`checkpoint_digest`,
docs/adr/0035).
"""

from hashlib import sha256
from zlib import crc32

import msgspec
import zstandard

from bursa.kernel.schemas import other_schema

MAGIC = b"BURSACKP"
# 3: the state's hash is the engine's alone. Until 2 the file began with another magic.
CHECKPOINT_SCHEMA = 3
_OLD_MAGIC = b"BURSASNP"
_OLD_SCHEMA = 2
STATE_BYTES_MAX = 1 << 34
_LENGTH_BYTES = 4
_HASH_BYTES = 32
_COMPRESSION_LEVEL = 1


class CheckpointDamaged(Exception):  # noqa: N818
    """Raised when a checkpoint can't be trusted; take the one before it."""


class CheckpointHeader(msgspec.Struct, frozen=True):
    """Where in the journal a checkpoint stands."""

    schema: int
    shard: int
    number: int
    last_sequence: int
    epoch: int
    time_ms: int
    record_hash: bytes


class _SealedHeader(msgspec.Struct, frozen=True):
    header: CheckpointHeader
    packed_crc: int


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_SealedHeader)


def state_hash(state: bytes) -> bytes:
    """Return SHA-256 of an engine's state: the slow part of a checkpoint's digest."""
    return sha256(state).digest()


def checkpoint_digest(header: CheckpointHeader, hash_of_state: bytes) -> bytes:
    """Return what the journal attests a checkpoint by: SHA-256 of its header and state's hash."""
    return sha256(_encoder.encode(header) + hash_of_state).digest()


def encode_checkpoint(header: CheckpointHeader, state: bytes) -> bytes:
    """Return a compressed state with its sealed header."""
    packed = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL).compress(state)
    head = _encoder.encode(_SealedHeader(header, crc32(packed)))
    front = b"".join((MAGIC, len(head).to_bytes(_LENGTH_BYTES, "little"), head))
    return b"".join((front, sha256(front).digest(), packed))


def decode_checkpoint(data: bytes) -> tuple[CheckpointHeader, bytes]:
    """Return the header and the state of a stored checkpoint.

    Raises
    ------
    CheckpointDamaged
        Other bytes, another schema, cut short or damaged.
    """
    sealed, packed = _open(data)
    schema = sealed.header.schema
    if schema != CHECKPOINT_SCHEMA:
        raise CheckpointDamaged(other_schema("The checkpoint", schema, CHECKPOINT_SCHEMA))
    if crc32(packed) != sealed.packed_crc:
        raise CheckpointDamaged("The checkpoint's state is damaged or cut short.")
    try:
        state = zstandard.ZstdDecompressor().decompress(packed, max_output_size=STATE_BYTES_MAX)
    except zstandard.ZstdError as error:
        raise CheckpointDamaged(f"The checkpoint's state can't be unpacked: {error}") from None
    return sealed.header, state


def _open(data: bytes) -> tuple[_SealedHeader, memoryview]:
    if data.startswith(_OLD_MAGIC):
        raise CheckpointDamaged(other_schema("The checkpoint", _OLD_SCHEMA, CHECKPOINT_SCHEMA))
    start = len(MAGIC) + _LENGTH_BYTES
    end = start + int.from_bytes(data[len(MAGIC) : start], "little")
    digest = sha256(data[:end]).digest()
    if not data.startswith(MAGIC) or data[end : end + _HASH_BYTES] != digest:
        raise CheckpointDamaged("The checkpoint's header is damaged or cut short.")
    try:
        sealed = _decoder.decode(data[start:end])
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise CheckpointDamaged(f"The checkpoint's header can't be read: {error}") from None
    return sealed, memoryview(data)[end + _HASH_BYTES :]
