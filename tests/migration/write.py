"""Writes the files of a new schema, once: `python -m tests.migration.write record-6`.

`python -m tests.migration.write read-models` states again which rows today's projector makes of
what is stored: for a change that adds rows or attributes to read models, and for nothing else.
"""

import json
import sys

from bursa.intake.message import MESSAGE_VERSION, CommandMessage, encode_message
from bursa.intake.reply import pack_events
from bursa.journal.checkpoint import CHECKPOINT_SCHEMA, CheckpointHeader, encode_checkpoint
from bursa.journal.file import read_records, write_records
from bursa.journal.record import RECORD_SCHEMA, decode_record
from engine.checkpoint import VERSION
from tests.doubles.shard import ALICE
from tests.migration import files
from tests.migration.history import goes_on, history


def main(name: str) -> None:
    """Write every file of a schema; refuses to write over what is there."""
    folder = files.DATA / name
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / files.JOURNAL).exists():
        sys.exit(f"{folder.name} is written already, and what has been stored does not change.")
    shard = history()
    last = shard.records[-1]
    write_records(folder / files.JOURNAL, shard.records)
    header = CheckpointHeader(
        CHECKPOINT_SCHEMA,
        last.shard,
        last.number,
        last.last_sequence,
        last.epoch,
        last.time_ms,
        last.hash,
    )
    (folder / files.CHECKPOINT).write_bytes(encode_checkpoint(header, shard.engine.checkpoint()))
    record = decode_record(shard.records[2])
    message = CommandMessage("ab" * 16, ALICE, record.commands[128:256], {0: "ask-1"}, reply=True)
    (folder / files.MESSAGE).write_text(encode_message(message))
    (folder / files.REPLY).write_bytes(pack_events(record.events))
    expected = {
        "record_schema": RECORD_SCHEMA,
        "checkpoint_schema": CHECKPOINT_SCHEMA,
        "engine_version": VERSION,
        "message_version": MESSAGE_VERSION,
        "records": len(shard.records),
        "state_digest": f"{shard.engine.digest():016x}",
        "last_hash": last.hash.hex(),
        "read_models": files.read_models(shard.records),
        "events_after": goes_on(shard.engine).hex(),
    }
    (folder / files.EXPECTED).write_text(json.dumps(expected, indent=2) + "\n")


def restate_read_models() -> None:
    """Write into each folder the hash of the rows that its journal makes now."""
    for path in files.DATA.glob(f"*/{files.EXPECTED}"):
        records = list(read_records(path.with_name(files.JOURNAL)))
        stated = json.loads(path.read_text()) | {"read_models": files.read_models(records)}
        path.write_text(json.dumps(stated, indent=2) + "\n")


if __name__ == "__main__":
    if sys.argv[1] == "read-models":
        restate_read_models()
    else:
        main(sys.argv[1])
