"""Journal records in a local file, for tools: a length and a MessagePack array for each."""

import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from bursa.journal.record import NOTHING_ATTESTED, Attestation, EncodedRecord, RecordError

_LENGTH_BYTES = 4


class _Stored(msgspec.Struct, array_like=True, gc=False):
    """A record without its parts: in a file it has its whole body."""

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
    # Records of schema 3 had none, and are refused by their schema.
    attestation: Attestation = NOTHING_ATTESTED


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Stored)


def write_records(path: Path, records: Iterable[EncodedRecord]) -> int:
    """Write records to a file; returns how many."""
    count = 0
    with path.open("wb") as file:
        for record in records:
            data = _encoder.encode(
                tuple(getattr(record, name) for name in _Stored.__struct_fields__)
            )
            file.write(len(data).to_bytes(_LENGTH_BYTES, "little") + data)
            count += 1
    return count


def read_records(path: Path) -> Iterator[EncodedRecord]:
    """Read records from a file; raises `RecordError` where it is torn."""
    with path.open("rb") as file:
        if not path.stat().st_size:
            return
        # Mapped, so that a record is taken out of it without a call to the system for each field.
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            for begin, end in _places(mapped):
                yield _record(mapped[begin:end])


def last_sequence(path: Path) -> int:
    """Return the last sequence of a file, from its last record only; 0 when it has none."""
    if not path.stat().st_size:
        return 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        begin = end = 0
        for begin, end in _places(mapped):  # noqa: B007 - the last ones are what is wanted
            pass
        return _record(mapped[begin:end]).last_sequence


def _places(data: bytes | mmap.mmap) -> Iterator[tuple[int, int]]:
    position, size = 0, len(data)
    while position < size:
        begin = position + _LENGTH_BYTES
        position = begin + int.from_bytes(data[position:begin], "little")
        yield begin, position


def _record(data: bytes) -> EncodedRecord:
    try:
        return EncodedRecord(*msgspec.structs.astuple(_decoder.decode(data)))
    except msgspec.DecodeError as error:
        raise RecordError(f"The file is torn: {error}") from None
