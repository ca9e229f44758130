"""Measures what orders consume: every AWS call of their way is made, against moto, and counted.

Counted are DynamoDB's write and read units (from the sizes of what is sent, by its own rules: name
and value bytes, rounded up to 1 KB a write) and requests. `python -m tests.integration.cost_units`
writes scripts/cost/units.json, which `make cost` multiplies with prices.
"""

import json
import os
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moto import mock_aws

from benchmarks.bench_book import count
from benchmarks.flow import Flow
from bursa.aws.clients import worker_client
from bursa.aws.table_writer import TableWriter
from bursa.intake.dynamodb import DynamoReplyWriter
from bursa.intake.message import Delivery
from bursa.journal.dynamodb import DynamoJournal, JournalReader
from bursa.journal.replica import Head, Replica
from bursa.journal.stream import StreamRecord
from bursa.read_models.dynamodb import ReadModelTables
from bursa.read_models.projector import Projector
from engine.core import Engine
from scripts.cost.orders import MILLION, Case
from tests.doubles.tables import INDEXES, READ_MODELS, create_tables
from wire import layout as w
from worker.poison import Quarantine
from worker.results import result_reason
from worker.sequencer import Sequencer

UNITS = Path(__file__).resolve().parents[2] / "scripts" / "cost" / "units.json"
# Orders in a request, requests that share a record, records that the stream hands over together,
# and requests measured.
CASES = ((1, 1, 1, 60), (1, 10, 10, 400), (10, 5, 10, 100), (50, 2, 10, 40))
# Levels a side of a quiet and a deep book, and commands that one write of it holds.
LEVELS = {"quiet": 50, "deep": 10_000}
COMMANDS_PER_WRITE = (10, 100, 500, 1_000)
BOOK_WRITES = 100
WARM_REQUESTS = 10
# Of steady state: long ago enough for time stamps to be of today's length.
STARTED_MS = 1_760_000_000_000


@dataclass(slots=True)
class Units:
    """What was consumed."""

    writes: Counter[str] = field(default_factory=Counter)
    reads: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    entries: dict[tuple[str, ...], list[str]] = field(default_factory=dict)

    def look(self, params: dict[str, Any], model: Any, **_: object) -> None:
        """See one request of DynamoDB's before it is sent."""
        self.calls[model.name] += 1
        if model.name == "BatchWriteItem":
            for table, requests in params["RequestItems"].items():
                for request in requests:
                    if "DeleteRequest" in request:
                        self.writes[table] += 1  # nothing that is deleted is larger, or in an index
                    else:
                        self._write(table, request["PutRequest"]["Item"])
        elif model.name == "PutItem":
            self._write(params["TableName"], params["Item"])
        elif model.name == "UpdateItem":
            self.writes[params["TableName"]] += 1
            names, values = params["ExpressionAttributeNames"], params["ExpressionAttributeValues"]
            given = {names.get(f"#{name[1:]}", name): value for name, value in values.items()}
            self._indexes(params["TableName"], params["Key"] | given, 1)
        elif model.name in ("GetItem", "Query"):
            self.reads[params["TableName"]] += 1

    def _write(self, table: str, item: dict[str, Any]) -> None:
        units = -(-item_bytes(item) // 1024)
        self.writes[table] += units
        self._indexes(table, item, units)

    def _indexes(self, table: str, item: dict[str, Any], units: int) -> None:
        """Count a put into each index, and where an entry's key changes its removal as well."""
        for index in INDEXES.get(table, ()):
            columns = [key["AttributeName"] for key in index["KeySchema"]]
            if not all(column in item for column in columns):
                continue
            key = (index["IndexName"], item["pk"]["S"], item["sk"]["S"])
            entry = [item[column]["S"] for column in columns]
            moves = self.entries.setdefault(key, entry) != entry
            self.entries[key] = entry
            self.writes[f"{table} indexes"] += units * (2 if moves else 1)


def item_bytes(item: dict[str, Any]) -> int:
    """Size of an item by DynamoDB's rules."""
    return sum(len(name) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "N":
        return 1 + (len(content.lstrip("-")) + 1) // 2
    if kind in ("S", "B"):
        return len(content)
    return 1


class Way:
    """An order's way from the queue to the read models, in the real code."""

    def __init__(self, client: Any, records_per_batch: int) -> None:
        self._records_per_batch = records_per_batch
        self.stream_batches = 0
        self.journal = DynamoJournal(client, "journal", 0)
        self.replies = DynamoReplyWriter(client, "replies")
        self.projector = Projector(
            0,
            JournalReader(client, "journal", 0),
            ReadModelTables(client, READ_MODELS, 0, TableWriter(client, threads=1)),
            _never,
        )
        self.sequencer = Sequencer(Replica(Engine(), Head()), 0, 1, _batch_ids(), Quarantine())
        self.accepted = 0
        self.commands = 0

    def go(self, batches: list[list[Delivery]]) -> None:
        """Decide, journal, reply and project; each batch is a record."""
        stream = []
        for batch in batches:
            self.sequencer.take(batch, STARTED_MS)
            for record in self.sequencer.seal():
                self.journal.put(record)
                stream.append(StreamRecord(str(record.number), record))
                for acknowledgement in self.sequencer.pop_acknowledgements(record.last_sequence):
                    if acknowledgement.reply is not None:
                        self._count(acknowledgement.reply.events)
                        self.replies.write([acknowledgement.reply])
        for start in range(0, len(stream), self._records_per_batch):
            self.projector.project(stream[start : start + self._records_per_batch])
            self.stream_batches += 1

    def _count(self, events: bytes) -> None:
        words = memoryview(events).cast("q")
        position = 0
        while position < len(words):
            kind = words[position] >> w.EVENT_KIND_SHIFT
            if kind == w.EVENT_RESULT:
                self.commands += 1
                placed = words[position] & w.RESULT_COMMAND_MASK == w.COMMAND_PLACE
                reason = result_reason(events, position * w.WORD_BYTES)
                self.accepted += placed and reason == w.REASON_ACCEPTED
            position += w.EVENT_LENGTH[kind]


def _never(error: Exception) -> None:
    raise AssertionError(str(error))


def _batch_ids() -> Any:
    rng = random.Random(1)
    return lambda: rng.randbytes(16)


def measure(
    orders_per_request: int, requests_per_record: int, records_per_batch: int, requests: int
) -> Case:
    """Send so many requests through the real code, and count; needs moto to be on."""
    client: Any = worker_client("dynamodb")
    create_tables(client, ("journal", "replies", *READ_MODELS))
    flow = Flow(7, accounts=40, time_ms=STARTED_MS)
    way = Way(client, records_per_batch)
    way.go([flow.set_up()])
    way.go([flow.messages(50 * WARM_REQUESTS, 50)])

    way.accepted = way.commands = way.stream_batches = 0
    units = Units()
    for name in ("PutItem", "UpdateItem", "BatchWriteItem", "GetItem", "Query"):
        client.meta.events.register(f"before-parameter-build.dynamodb.{name}", units.look)
    messages = flow.messages(orders_per_request * requests, orders_per_request, reply=True)
    batches = [
        messages[start : start + requests_per_record]
        for start in range(0, requests, requests_per_record)
    ]
    way.go(batches)
    return Case(
        orders_per_request,
        requests_per_record,
        way.accepted,
        requests,
        len(batches),
        way.stream_batches,
        way.commands,
        dict(sorted(units.writes.items())),
        dict(sorted(units.reads.items())),
    )


def measure_apart(*case: int) -> Case:
    """Measure in tables of its own."""
    with mock_aws():
        return measure(*case)


def book_units() -> dict[str, dict[str, float]]:
    """Return write units of one write of a quiet and of a deep book, by the commands in it."""
    return {
        kind: {
            str(commands): round(
                count(levels, commands, BOOK_WRITES, near=True).parts * commands / MILLION, 2
            )
            for commands in COMMANDS_PER_WRITE
        }
        for kind, levels in LEVELS.items()
    }


def main() -> None:
    """Write what is measured."""
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ[name] = "us-east-1"
    os.environ.pop("AWS_ENDPOINT_URL", None)
    measured = {
        "cases": [measure_apart(*case)._asdict() for case in CASES],
        "book units a write": book_units(),
    }
    UNITS.write_text(json.dumps(measured, indent=2) + "\n")


if __name__ == "__main__":
    main()
