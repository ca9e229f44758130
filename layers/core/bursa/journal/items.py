"""A journal record as a DynamoDB item, in a client's form and in a stream's; parts of a large one.

A record in the form of an item may lack its body (`bursa.journal.record.split_record`):
`bursa.journal.dynamodb.JournalParts` joins it.
"""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from bursa.journal.record import (
    NOTHING_ATTESTED,
    Attestation,
    EncodedRecord,
    RecordError,
    RecordPart,
    segment_of,
)
from bursa.kernel import keys


def to_item(record: EncodedRecord) -> dict[str, dict[str, Any]]:
    """Write a record as an item with its keys."""
    body: dict[str, dict[str, Any]] = (
        {"parts": {"N": str(record.parts)}} if record.parts else {"body": {"B": record.body}}
    )
    return {
        "pk": {"S": keys.journal_partition(record.shard, segment_of(record.first_sequence))},
        "sk": {"N": str(record.first_sequence)},
        "schema": {"N": str(record.schema)},
        "shard": {"N": str(record.shard)},
        "number": {"N": str(record.number)},
        "last": {"N": str(record.last_sequence)},
        "epoch": {"N": str(record.epoch)},
        "time_ms": {"N": str(record.time_ms)},
        "state_digest": {"N": str(record.state_digest)},
        "batch_id": {"B": record.batch_id},
        **body,
        **_attestation_of(record),
        "previous_hash": {"B": record.previous_hash},
        "hash": {"B": record.hash},
    }


def _attestation_of(record: EncodedRecord) -> dict[str, dict[str, Any]]:
    sequence, digest = record.attestation
    if not sequence:
        return {}
    return {"checkpoint": {"N": str(sequence)}, "checkpoint_digest": {"B": digest}}


def part_to_item(part: RecordPart) -> dict[str, dict[str, Any]]:
    """Write a part of a record as an item with its keys."""
    return {
        "pk": {"S": keys.journal_parts(part.shard, part.batch_id)},
        "sk": {"N": str(part.index)},
        "body": {"B": part.data},
    }


def from_item(item: Mapping[str, Mapping[str, Any]]) -> EncodedRecord:
    """Read an item; raises `RecordError` when a part is missing or of another type."""
    try:
        parts = int(item["parts"]["N"]) if "parts" in item else 0
        return EncodedRecord(
            schema=int(item["schema"]["N"]),
            shard=int(item["shard"]["N"]),
            number=int(item["number"]["N"]),
            first_sequence=int(item["sk"]["N"]),
            last_sequence=int(item["last"]["N"]),
            epoch=int(item["epoch"]["N"]),
            time_ms=int(item["time_ms"]["N"]),
            state_digest=int(item["state_digest"]["N"]),
            batch_id=bytes(item["batch_id"]["B"]),
            body=b"" if parts else bytes(item["body"]["B"]),
            previous_hash=bytes(item["previous_hash"]["B"]),
            hash=bytes(item["hash"]["B"]),
            attestation=(
                Attestation(int(item["checkpoint"]["N"]), bytes(item["checkpoint_digest"]["B"]))
                if "checkpoint" in item
                else NOTHING_ATTESTED
            ),
            parts=parts,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RecordError(f"Not a journal item: {type(error).__name__} {error}") from None


def from_stream_image(image: Mapping[str, Mapping[str, Any]]) -> EncodedRecord:
    """Read a stream event's NewImage, whose bytes are base64; raises `RecordError`."""
    try:
        plain = {
            name: {"B": b64decode(attribute["B"], validate=True)} if "B" in attribute else attribute
            for name, attribute in image.items()
        }
    except (TypeError, ValueError) as error:
        raise RecordError(f"Not a journal image: {error}") from None
    return from_item(plain)
