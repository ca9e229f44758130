"""The sample of the journal's stream says what the engine says today.

After a change of the engine's words, `python -m tests.contract.test_sample_stream` writes it anew
from its own commands.
"""

import base64
import dataclasses
import json
from pathlib import Path
from typing import Any

from bursa.journal.items import from_stream_image, to_item
from bursa.journal.record import (
    GENESIS_HASH,
    RECORD_SCHEMA,
    JournalRecord,
    decode_record,
    encode_record,
    record_hash,
)
from engine.reference.engine import Engine

SAMPLE = Path(__file__).parents[2] / "events" / "journal-stream.json"


def images() -> list[dict[str, Any]]:
    sample = json.loads(SAMPLE.read_text())
    return [record["dynamodb"]["NewImage"] for record in sample["Records"]]


def stored() -> list[JournalRecord]:
    return [decode_record(from_stream_image(image)) for image in images()]


def said_today(records: list[JournalRecord]) -> list[JournalRecord]:
    engine, previous_hash, found = Engine(), GENESIS_HASH, []
    for record in records:
        events = engine.apply(record.commands)
        again = dataclasses.replace(
            record,
            events=events,
            state_digest=engine.digest(),
            previous_hash=previous_hash,
        )
        previous_hash = encode_record(again).hash
        found.append(again)
    return found


def test_the_sample_stream_is_what_the_engine_says() -> None:
    records = stored()
    assert len(records) > 1
    assert said_today(records) == records


def stored_before() -> list[JournalRecord]:
    """Read the sample as of today's schema, whichever it has: only its commands are wanted."""
    before = [
        dataclasses.replace(from_stream_image(image), schema=RECORD_SCHEMA) for image in images()
    ]
    return [decode_record(dataclasses.replace(one, hash=record_hash(one))) for one in before]


def write() -> None:
    """Write the sample again."""
    sample = json.loads(SAMPLE.read_text())
    for holder, record in zip(sample["Records"], said_today(stored_before()), strict=True):
        item = to_item(encode_record(record))
        holder["dynamodb"]["NewImage"] = {
            name: {kind: _plain(value) for kind, value in attribute.items()}
            for name, attribute in item.items()
        }
    SAMPLE.write_text(json.dumps(sample, indent=2) + "\n")


def _plain(value: object) -> object:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


if __name__ == "__main__":
    write()
