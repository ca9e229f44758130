"""What an order costs: every AWS call of its way is made, against moto, and counted.

Counted are DynamoDB's write and read units (from the sizes of what is sent, by its own rules: name
and value bytes, rounded up to 1 KB a write) and the requests of the other services. The
prices are list prices of us-east-1 in US dollars; docs/cost.md explains the sum.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from moto import mock_aws

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
from tests.doubles.tables import INDEXES, READ_MODELS, create_tables
from wire import layout as w
from worker.poison import Quarantine
from worker.results import result_reason
from worker.sequencer import Sequencer

MESSAGES_PER_RECORD = 2
PER_MESSAGE = 50
MESSAGES = 40
# The last hundred messages of a shard in steady state: nothing is defined or funded any more.
PRICES = {
    "write unit": 0.625e-6,
    "read unit": 0.125e-6,
    "queue request": 0.50e-6,
    "api request": 3.50e-6,
    "function request": 0.20e-6,
    "function GB second": 16.6667e-6,
}
# Measured on warm functions locally (docs/performance.md), rounded up; 512 MB.
EDGE_FUNCTION_S = 0.100
PROJECTOR_FUNCTION_S_PER_RECORD = 0.100
FUNCTION_GB = 0.5
RECORDS_PER_STREAM_BATCH = 10


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
                    self._write(table, request["PutRequest"]["Item"])
        elif model.name == "PutItem":
            self._write(params["TableName"], params["Item"])
        elif model.name == "UpdateItem":
            self.writes[params["TableName"]] += 1
            names, values = params["ExpressionAttributeNames"], params["ExpressionAttributeValues"]
            given = {names[f"#{name[1:]}"]: value for name, value in values.items()}
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


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "us-east-1")
    with mock_aws():
        client: Any = worker_client("dynamodb")
        create_tables(client, ("journal", "replies", *READ_MODELS))
        yield client


class Way:
    """An order's way from the queue to the read models, in the real code."""

    def __init__(self, client: Any) -> None:
        self.journal = DynamoJournal(client, "journal", 0)
        self.replies = DynamoReplyWriter(client, "replies")
        self.projector = Projector(
            0,
            JournalReader(client, "journal", 0),
            ReadModelTables(client, READ_MODELS, 0, TableWriter(client, threads=1)),
            _never,
        )
        self.sequencer = Sequencer(
            Replica(Engine(), Head()), 0, 1, lambda: os.urandom(16), Quarantine()
        )
        self.accepted = 0
        self.commands = 0

    def go(self, batches: list[list[Delivery]]) -> None:
        """Decide, journal, reply and project; each batch is a record."""
        stream = []
        for batch in batches:
            self.sequencer.take(batch, time.time_ns() // 1_000_000)
            for record in self.sequencer.seal():
                self.journal.put(record)
                stream.append(StreamRecord(str(record.number), record))
                for acknowledgement in self.sequencer.pop_acknowledgements(record.last_sequence):
                    if acknowledgement.reply is not None:
                        self._count(acknowledgement.reply.events)
                        self.replies.write([acknowledgement.reply])
        for start in range(0, len(stream), RECORDS_PER_STREAM_BATCH):
            self.projector.project(stream[start : start + RECORDS_PER_STREAM_BATCH])

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


def test_a_million_orders_cost_at_most_four_dollars(
    dynamodb: Any,
    record_property: Any,
) -> None:
    flow = Flow(7, accounts=40)
    way = Way(dynamodb)
    way.go([flow.set_up()])
    way.go([flow.messages(PER_MESSAGE * 10, PER_MESSAGE)])

    way.accepted = way.commands = 0
    units = Units()
    for name in ("PutItem", "UpdateItem", "BatchWriteItem", "GetItem", "Query"):
        dynamodb.meta.events.register(f"before-parameter-build.dynamodb.{name}", units.look)
    messages = flow.messages(PER_MESSAGE * MESSAGES, PER_MESSAGE, reply=True)
    way.go(
        [
            messages[start : start + MESSAGES_PER_RECORD]
            for start in range(0, MESSAGES, MESSAGES_PER_RECORD)
        ]
    )

    dollars = price(units, MESSAGES)
    per_million = {name: value / way.accepted * 1e6 for name, value in dollars.items()}
    journal_units = units.writes["journal"] / way.commands
    say(f"\n{way.commands} commands, {way.accepted} orders, {dict(units.calls)}")
    say(f"write units per order: {per(units.writes, way.accepted)}")
    say(f"journal write units per command: {journal_units:.3f}")
    say({name: round(value, 3) for name, value in per_million.items()})
    say(f"total ${sum(per_million.values()):.2f} per million orders")
    record_property("dollars_per_million_orders", round(sum(per_million.values()), 2))
    assert journal_units <= 0.15
    assert sum(per_million.values()) <= 4


def say(line: object) -> None:
    """Show the sum with `pytest -s`."""
    sys.stdout.write(f"{line}\n")


def per(counts: Counter[str], number: int) -> dict[str, float]:
    return {name: round(count / number, 3) for name, count in counts.items()}


def price(units: Units, messages: int) -> dict[str, float]:
    """Turn what was consumed into dollars."""
    records = messages / MESSAGES_PER_RECORD
    stream_batches = records / RECORDS_PER_STREAM_BATCH
    # Send; a tenth of a receive and a tenth of a delete.
    queue_requests = messages * (1 + 0.1 + 0.1)
    # The edge asks for the answer about three times, 4 KB a strongly consistent unit.
    answer_reads = messages * 3 * -(-PER_MESSAGE * 300 // 4096)
    function_s = messages * EDGE_FUNCTION_S + records * PROJECTOR_FUNCTION_S_PER_RECORD
    return {
        "journal": units.writes["journal"] * PRICES["write unit"],
        "replies": units.writes["replies"] * PRICES["write unit"]
        + answer_reads * PRICES["read unit"],
        "read models": sum(
            count for table, count in units.writes.items() if table not in ("journal", "replies")
        )
        * PRICES["write unit"]
        + sum(units.reads.values()) * PRICES["read unit"],
        "queue": queue_requests * PRICES["queue request"],
        "api": messages * PRICES["api request"],
        "functions": (messages + stream_batches) * PRICES["function request"]
        + function_s * FUNCTION_GB * PRICES["function GB second"],
    }
