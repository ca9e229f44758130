"""One journal record: a committed batch, its commands and their events, chained by hash.

A record covers a run of engine sequences without a gap; the next one begins where it ends.
Its slot (partition and sort key) follows from its first sequence alone, so two writers that
continue from the same state always collide on the same slot, and only one can win (DESIGN D3).

The body is compressed with Zstandard (RFC 8878): words are mostly zeros, and the journal is paid
for by the kilobyte. The hash covers everything that is stored.

One command can close every order of the shard, and its record can't be split. A body that is
larger than an item may be is stored in parts, each an item that never changes, under the batch's
own name; they are written before the record, which then holds their number in place of the body.
So writing the record into its slot is still the one thing that commits. The hash covers the
joined body: a part that is missing, damaged or another's shows when the record is opened.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import NamedTuple

import msgspec
import zstandard

from bursa.kernel.schemas import other_schema

# 2: events are packed (docs/adr/0023). 3: commands name who asked, money that moves is stated, a
# record carries the engine's digest (docs/adr/0028). 4: a record attests the checkpoint before it
# (docs/adr/0035); more reasons and rules (docs/adr/0039). 5: trailing stops, of which records of 4
# have none. 6: lists of orders, of which records of 5 have none; else they are the same.
RECORD_SCHEMA = 6
_READABLE_SCHEMAS = (4, 5, RECORD_SCHEMA)
HASH_BYTES = 32
GENESIS_HASH = bytes(HASH_BYTES)
BATCH_ID_BYTES = 16
# DynamoDB allows 400 KB; 64 KB keeps a commit fast and a record readable in one piece.
RECORD_BYTES_MAX = 64 * 1024
# A body up to this size is stored in the record itself, a larger one in parts of it.
PART_BYTES_MAX = 300 * 1024
# What one command can say at most: a million open orders (the engine's capacity) that all trade
# and close, in 290 bytes each. Larger bodies don't exist; the bound is for what only claims to be.
BODY_BYTES_MAX = 512 * 1024 * 1024
SEGMENT_SEQUENCES = 1 << 20

# schema shard number first_sequence last_sequence epoch time_ms, then the state digest, and the
# sequence of the checkpoint that it attests
_HEADER = struct.Struct("<qqqqqqqQq")
_COMPRESSION_LEVEL = 1


class RecordError(Exception):
    """Raised when a stored record is damaged, out of place or of an unknown schema."""


class _Body(msgspec.Struct, array_like=True):
    commands: bytes
    events: bytes
    client_order_ids: dict[int, str]


class _TracedBody(_Body, array_like=True):
    # Left out where there are none. Software that knows of none passes over them.
    traces: dict[int, str] = {}


class Attestation(NamedTuple):
    """What the writer says of a checkpoint: only a checkpoint with this digest is its own.

    Attributes
    ----------
    sequence
        Where the checkpoint stands; 0 where a record attests none.
    digest
        `bursa.journal.checkpoint.checkpoint_digest` of it; empty where there is none.

    """

    sequence: int
    digest: bytes


NOTHING_ATTESTED = Attestation(0, b"")


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """A committed batch.

    Attributes
    ----------
    shard, epoch
        Who wrote it: the shard, and the writer's fencing number.
    number
        Dense count of records in the shard, from 1.
    first_sequence, last_sequence
        The engine sequences it covers, both included.
    batch_id
        16 random bytes of the writer; tells "mine" from "another's" after a lost answer.
    time_ms
        The engine's time at its end, UTC milliseconds.
    state_digest
        The writer's `Engine.digest` at its end, unsigned; 0 where the batch was too large for one
        record and this is not the last of its records.
    commands, events
        Engine words.
    client_order_ids
        Client order ids by sequence.
    previous_hash
        Hash of the record before it; `GENESIS_HASH` for the first.
    attestation
        The checkpoint, taken at the end of an earlier record, that this record attests.
    traces
        Headers of sampled traces by the sequence of their request's first command
        (`bursa.kernel.traces`); they decide nothing.

    """

    shard: int
    number: int
    first_sequence: int
    last_sequence: int
    epoch: int
    time_ms: int
    state_digest: int
    batch_id: bytes
    commands: bytes
    events: bytes
    client_order_ids: dict[int, str]
    previous_hash: bytes
    attestation: Attestation = NOTHING_ATTESTED
    traces: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EncodedRecord:
    """A record as it is stored: header fields, compressed body, and the hash over both.

    Attributes
    ----------
    parts
        In how many parts the body is, while it is not here (`split_record`, `join_record`).

    """

    schema: int
    shard: int
    number: int
    first_sequence: int
    last_sequence: int
    epoch: int
    time_ms: int
    state_digest: int
    batch_id: bytes
    body: bytes
    previous_hash: bytes
    hash: bytes
    attestation: Attestation = NOTHING_ATTESTED
    parts: int = 0


@dataclass(frozen=True, slots=True)
class RecordPart:
    """A piece of a record's body.

    Attributes
    ----------
    shard, batch_id
        Name the record: another writer's parts, also for the same slot, have another name.
    index
        Place in the body, from 0.
    data
        The piece; never changes under this name.

    """

    shard: int
    batch_id: bytes
    index: int
    data: bytes


_compressor = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL, write_content_size=True)
_decompressor = zstandard.ZstdDecompressor()
_body_encoder = msgspec.msgpack.Encoder()
_body_decoder = msgspec.msgpack.Decoder(_TracedBody)


def segment_of(sequence: int) -> int:
    """Return the segment of the journal with the record that begins at this sequence."""
    return sequence // SEGMENT_SEQUENCES


def record_hash(record: EncodedRecord) -> bytes:
    """SHA-256 (FIPS 180-4) over the previous hash, the header, the batch id and the body."""
    digest = sha256(record.previous_hash)
    digest.update(
        _HEADER.pack(
            record.schema,
            record.shard,
            record.number,
            record.first_sequence,
            record.last_sequence,
            record.epoch,
            record.time_ms,
            record.state_digest,
            record.attestation.sequence,
        )
    )
    digest.update(record.attestation.digest)
    digest.update(record.batch_id)
    digest.update(record.body)
    return digest.digest()


def encode_record(record: JournalRecord) -> EncodedRecord:
    """Compress and seal a record.

    Raises
    ------
    RecordError
        When nobody could read it again: its body is larger than `BODY_BYTES_MAX`.

    """
    said = (record.commands, record.events, record.client_order_ids)
    plain = _body_encoder.encode(
        _TracedBody(*said, record.traces) if record.traces else _Body(*said)
    )
    if len(plain) > BODY_BYTES_MAX:
        raise RecordError(f"Record {record.number} would have a body of {len(plain)} bytes.")
    body = _compressor.compress(plain)
    encoded = EncodedRecord(
        RECORD_SCHEMA,
        record.shard,
        record.number,
        record.first_sequence,
        record.last_sequence,
        record.epoch,
        record.time_ms,
        record.state_digest,
        record.batch_id,
        body,
        record.previous_hash,
        b"",
        record.attestation,
    )
    return replace(encoded, hash=record_hash(encoded))


def split_record(
    record: EncodedRecord, part_bytes: int = PART_BYTES_MAX
) -> tuple[EncodedRecord, list[RecordPart]]:
    """Put a body that is too large for one item into parts.

    Returns
    -------
    tuple
        What goes into the slot, and the parts to be written before it; none when the record fits.

    """
    body = record.body
    if len(body) <= part_bytes:
        return record, []
    parts = [
        RecordPart(record.shard, record.batch_id, index, body[start : start + part_bytes])
        for index, start in enumerate(range(0, len(body), part_bytes))
    ]
    return replace(record, body=b"", parts=len(parts)), parts


def join_record(head: EncodedRecord, parts: Sequence[bytes]) -> EncodedRecord:
    """Return a record with its body; unchanged when parts are missing, so it can't be opened.

    Parameters
    ----------
    head
        What was in the slot.
    parts
        What is stored under the batch's name, in order.

    """
    if not head.parts or len(parts) != head.parts:
        return head
    return replace(head, body=b"".join(parts), parts=0)


def _check_attestation(record: EncodedRecord) -> None:
    """Refuse what would make the bytes under the hash ambiguous, or attest what is to come."""
    sequence, digest = record.attestation
    if len(digest) != (HASH_BYTES if sequence else 0):
        raise RecordError(f"Record {record.number} attests a checkpoint by {len(digest)} bytes.")
    if not 0 <= sequence < record.first_sequence:
        raise RecordError(f"Record {record.number} attests a checkpoint at {sequence}.")


def decode_record(encoded: EncodedRecord) -> JournalRecord:
    """Open a stored record.

    Raises
    ------
    RecordError
        When the schema is unknown, the hash does not fit, or the body can't be read or is not
        whole.

    """
    if encoded.schema not in _READABLE_SCHEMAS:
        what = f"Record {encoded.number}"
        raise RecordError(other_schema(what, encoded.schema, RECORD_SCHEMA))
    _check_attestation(encoded)
    if encoded.parts:
        raise RecordError(f"Record {encoded.number} lacks some of its {encoded.parts} parts.")
    if record_hash(encoded) != encoded.hash:
        raise RecordError(f"Record {encoded.number} is damaged: its hash does not fit.")
    try:
        if zstandard.frame_content_size(encoded.body) > BODY_BYTES_MAX:
            raise RecordError(f"Record {encoded.number} claims to have too large a body.")
        plain = _decompressor.decompress(encoded.body, max_output_size=BODY_BYTES_MAX)
        body = _body_decoder.decode(plain)
    except (zstandard.ZstdError, msgspec.DecodeError) as error:
        raise RecordError(f"Record {encoded.number} has an unreadable body: {error}") from None
    return JournalRecord(
        encoded.shard,
        encoded.number,
        encoded.first_sequence,
        encoded.last_sequence,
        encoded.epoch,
        encoded.time_ms,
        encoded.state_digest,
        encoded.batch_id,
        body.commands,
        body.events,
        body.client_order_ids,
        encoded.previous_hash,
        encoded.attestation,
        body.traces,
    )
