"""Journal records in a local file, for tools: a length and a MessagePack array for each."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from bursa.contracts.record import BODY_BYTES_MAX, EncodedRecord, RecordError

_LENGTH_BYTES = 4
# A record in a file has its whole body, so there are no parts to count.
_FIELDS = tuple(name for name in EncodedRecord.__slots__ if name != "parts")
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(
    tuple[int, int, int, int, int, int, int, bytes, bytes, bytes, bytes]
)


def write_records(path: Path, records: Iterable[EncodedRecord]) -> int:
    """Write records to a file; returns how many."""
    count = 0
    with path.open("wb") as file:
        for record in records:
            data = _encoder.encode(tuple(getattr(record, name) for name in _FIELDS))
            file.write(len(data).to_bytes(_LENGTH_BYTES, "little") + data)
            count += 1
    return count


def read_records(path: Path) -> Iterator[EncodedRecord]:
    """Read records from a file; raises `RecordError` where it is torn."""
    with path.open("rb") as file:
        while length := file.read(_LENGTH_BYTES):
            size = int.from_bytes(length, "little")
            data = file.read(min(size, BODY_BYTES_MAX))
            try:
                yield EncodedRecord(*_decoder.decode(data))
            except msgspec.DecodeError as error:
                raise RecordError(f"The file is torn: {error}") from None
