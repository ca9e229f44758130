"""Where the files of each schema lie, and what a version of the software makes of them."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bursa.journal.record import EncodedRecord, decode_record
from bursa.journal.stream import StreamRecord
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from wire import codec
from wire.events import decode_events

DATA = Path(__file__).parent / "data"
JOURNAL, CHECKPOINT, MESSAGE, REPLY = "journal.bin", "checkpoint.bin", "message.json", "reply.bin"
EXPECTED = "expected.json"


class NoJournal:
    """A journal for a projector that is given every record."""

    def read(self, first_sequence: int, last_sequence: int) -> Any:
        raise AssertionError(f"{first_sequence} to {last_sequence} is missing")


def read_models(records: Sequence[EncodedRecord]) -> str:
    """Return a hash of every row that the records make."""

    def fail(error: Exception) -> None:
        raise error

    tables = MemoryTables(records[0].shard)
    projector = Projector(records[0].shard, NoJournal(), tables, fail)
    projector.project([StreamRecord(str(record.number), record) for record in records])
    rows = [
        [table.value, list(key), sorted((name, repr(value)) for name, value in item.items())]
        for table, items in tables.items.items()
        for key, item in sorted(items.items())
    ]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def kinds(records: Sequence[EncodedRecord]) -> tuple[set[int], set[str]]:
    """Return the kinds of command, and the classes of event, in some records."""
    opened = [decode_record(record) for record in records]
    commands = {command.kind for one in opened for command in codec.decode_commands(one.commands)}
    events = {type(event).__name__ for one in opened for event in decode_events(one.events)}
    return commands, events
