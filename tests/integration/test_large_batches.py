"""One command that closes a hundred thousand orders, from the queue to the read models."""

import asyncio
import base64
import random
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from bursa.intake.dynamodb import DynamoReplyReader, DynamoReplyWriter
from bursa.intake.outcomes import LISTED_MAX, read_outcomes
from bursa.journal.dynamodb import DynamoJournal, JournalReader
from bursa.journal.errors import OutcomeUnknown
from bursa.journal.record import PART_BYTES_MAX, EncodedRecord, RecordPart
from bursa.journal.replica import Head, Replica
from bursa.journal.stream import stream_records
from bursa.kernel.identifiers import CommandId, TenantId
from bursa.read_models.memory import MemoryTables
from bursa.read_models.projector import Projector
from bursa.read_models.row_writes import Table
from engine.core import Engine
from tests.doubles.deliveries import Sender
from tests.doubles.shard import ALICE, BOB, BTC, NOON_MS, OPENING, USDT, buy, sell
from tests.integration.test_worker_adapters import make_table
from tests.unit.worker.fakes import FakeClock
from wire import codec
from wire import layout as w
from worker.commit import commit
from worker.poison import Quarantine
from worker.recovery import catch_up
from worker.sequencer import Sequencer
from worker.threads import ThreadedJournal

ORDERS = 100_000
MAKERS = 20_000
# To be cancelled in a record of two parts.
ENOUGH = 30_000
BATCH = 2_000
WEALTH = 10**17
MESSAGE = "ab" * 16


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield


class Interrupted(Exception):  # noqa: N818 - the end of a process
    """The process ends here."""


class FaultyJournal(ThreadedJournal):
    """A journal that ends the process at a large record, or loses responses, on request."""

    def __init__(self, journal: DynamoJournal) -> None:
        super().__init__(journal)
        self.crash_before_head = self.crash_after_head = False
        self.crash_at_part = -1
        self.answers_lost = 0

    async def put_part(self, part: RecordPart) -> None:
        if part.index == self.crash_at_part:
            raise Interrupted
        await super().put_part(part)
        self._lose()

    async def put(self, record: EncodedRecord) -> None:
        if self.crash_before_head and record.parts:
            raise Interrupted
        await super().put(record)
        if self.crash_after_head and record.parts:
            raise Interrupted
        self._lose()

    def _lose(self) -> None:
        if self.answers_lost:
            self.answers_lost -= 1
            raise OutcomeUnknown("the answer was lost")


class Shard:
    """A worker's sequencer over a journal in moto, and what follows it."""

    def __init__(self) -> None:
        self.client = make_table("journal", pk="S", sk="N")
        make_table("replies", pk="S")
        self.journal = FaultyJournal(DynamoJournal(self.client, "journal", 0))
        self.rng = random.Random(1)
        self.time_ms = NOON_MS
        self.sender = Sender()
        self.start()

    def start(self) -> None:
        """Begin as a new process does: from the journal."""
        replica = Replica(Engine(), Head())
        asyncio.run(catch_up(replica, self.journal))
        self.sequencer = Sequencer(replica, 0, 1, lambda: self.rng.randbytes(16), Quarantine())

    def run(self, *commands: bytes, message_id: str = "", reply: bool = False) -> None:
        """Take a message, or as many as the commands need, and commit."""
        self.time_ms += 10
        taken = self.sender.deliveries(commands, self.time_ms, message_id=message_id, reply=reply)
        self.sequencer.take(list(taken), self.time_ms)
        for record in self.sequencer.seal():
            asyncio.run(commit(record, self.journal, FakeClock(), lambda: True))

    def open(self, orders: int, **terms: Any) -> None:
        """Fund everybody, and place orders."""
        funds = [(ALICE, USDT), (ALICE, BTC), (BOB, USDT), (BOB, BTC)]
        self.run(
            *OPENING,
            *(codec.encode_funds(w.COMMAND_CREDIT, *where, WEALTH) for where in funds),
        )
        rng = random.Random(2)
        for start in range(0, orders, BATCH):
            self.run(
                *(
                    buy(
                        ALICE,
                        rng.randint(1_000, 90_000),
                        rng.randint(100, 10_000),
                        command_id=(1, start + number + 1),
                        time_ms=NOON_MS,
                        **terms,
                    )
                    for number in range(min(BATCH, orders - start))
                )
            )

    def items(self) -> list[dict[str, Any]]:
        pages = self.client.get_paginator("scan").paginate(TableName="journal")
        return [item for page in pages for item in page["Items"]]

    def stream(self) -> dict[str, Any]:
        """Everything in the table, parts and orphans included, as the stream carries it."""
        return {
            "Records": [
                {"dynamodb": {"SequenceNumber": str(number), "NewImage": _image(item)}}
                for number, item in enumerate(self.items())
            ]
        }


def _image(item: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {"B": base64.b64encode(value["B"]).decode()} if "B" in value else value
        for name, value in item.items()
    }


def projected(shard: Shard, *, from_stream: bool) -> MemoryTables:
    """Project what the stream brings, or only its newest record and the rest from the journal."""
    tables = MemoryTables(0)
    failures: list[Exception] = []
    reader = JournalReader(shard.client, "journal", 0)
    projector = Projector(0, reader, tables, failures.append)
    batch = sorted(
        stream_records(shard.stream(), reader.joined),
        key=lambda one: one.record.number if one.record else 0,
    )
    outcome = projector.project(batch if from_stream else batch[-1:])
    assert (outcome.failed, failures) == (None, [])
    return tables


def statuses(tables: MemoryTables) -> dict[str, int]:
    counts: dict[str, int] = {}
    for item in tables.items[Table.ORDERS].values():
        if "status" in item and not item["pk"]["S"].endswith("#open"):
            status = item["status"]["S"]
            counts[status] = counts.get(status, 0) + 1
    return counts


def cancel_all(shard: Shard) -> None:
    shard.run(
        codec.encode_cancel_all(ALICE, 0, command_id=(9, 9), time_ms=NOON_MS),
        message_id=MESSAGE,
        reply=True,
    )


def large_records(shard: Shard) -> list[dict[str, Any]]:
    return [item for item in shard.items() if "parts" in item]


def parts(shard: Shard) -> list[dict[str, Any]]:
    return [item for item in shard.items() if "hash" not in item]


def test_a_hundred_thousand_orders_are_cancelled_by_one_command() -> None:
    shard = Shard()
    shard.open(ORDERS)
    cancel_all(shard)
    shard.run(buy(ALICE, 5, 100))

    (head,) = large_records(shard)
    assert int(head["parts"]["N"]) == len(parts(shard)) > 1
    assert all(len(part["body"]["B"]) <= PART_BYTES_MAX for part in parts(shard))

    # Another process makes the same state of it.
    digest = shard.sequencer.engine.digest()
    shard.start()
    assert shard.sequencer.engine.digest() == digest

    # And the read models follow.
    assert statuses(projected(shard, from_stream=True)) == {"cancelled": ORDERS, "open": 1}


def test_the_reply_to_a_cancel_of_a_hundred_thousand_fits() -> None:
    shard = Shard()
    shard.open(ORDERS)
    shard.sequencer.pop_acknowledgements(1 << 40)
    cancel_all(shard)
    replies = [one.reply for one in shard.sequencer.pop_acknowledgements(1 << 40) if one.reply]
    assert len(replies[0].events) > 8 * 10**6

    DynamoReplyWriter(shard.client, "replies").write(replies)

    stored = DynamoReplyReader(shard.client, "replies").find(
        TenantId(1), CommandId.from_hex(MESSAGE)
    )
    assert stored is not None
    (outcome,) = read_outcomes(stored.events, ALICE)
    assert (outcome.result.detail, len(outcome.orders)) == (ORDERS, LISTED_MAX)


def test_a_sweep_through_thousands_of_makers_is_one_record() -> None:
    shard = Shard()
    shard.open(MAKERS)
    shard.run(sell(BOB, 1, 10**9, command_id=(8, 8), time_ms=NOON_MS))

    assert len(large_records(shard)) == 1
    assert statuses(projected(shard, from_stream=True)) == {"filled": MAKERS, "partially_filled": 1}
    # What the stream did not bring is read from the journal, and makes the same rows.
    shard.run(buy(ALICE, 5, 100))
    streamed = projected(shard, from_stream=True)
    assert projected(shard, from_stream=False).items == streamed.items


def test_a_moment_at_which_thousands_expire_is_one_record() -> None:
    shard = Shard()
    shard.open(ENOUGH, time_in_force=w.TIF_GTD, expire_ms=NOON_MS + 10**6)
    shard.time_ms += 10**6
    shard.run(buy(ALICE, 5, 100))

    (head,) = large_records(shard)
    assert head["sk"] == {"N": head["last"]["N"]}
    assert statuses(projected(shard, from_stream=True)) == {"expired": ENOUGH, "open": 1}


@pytest.mark.parametrize(
    ("trouble", "orphans"),
    [
        pytest.param({"crash_at_part": 0}, 0, id="before any part"),
        pytest.param({"crash_at_part": 1}, 1, id="between the parts"),
        pytest.param({"crash_before_head": True}, 2, id="after the parts, before the head"),
        pytest.param({"crash_after_head": True}, 0, id="after the head, before its response"),
    ],
)
def test_a_redelivery_after_a_crash_is_done_once(trouble: dict[str, Any], orphans: int) -> None:
    shard = Shard()
    shard.open(ENOUGH)
    for name, value in trouble.items():
        setattr(shard.journal, name, value)
    with pytest.raises(Interrupted):
        cancel_all(shard)
    shard.journal = FaultyJournal(DynamoJournal(shard.client, "journal", 0))

    shard.start()
    cancel_all(shard)

    (head,) = large_records(shard)
    assert len(parts(shard)) == int(head["parts"]["N"]) + orphans
    assert statuses(projected(shard, from_stream=True)) == {"cancelled": ENOUGH}


def test_lost_responses_commit_once() -> None:
    shard = Shard()
    shard.open(ENOUGH)
    shard.journal.answers_lost = 3
    cancel_all(shard)

    assert shard.journal.answers_lost == 0
    (head,) = large_records(shard)
    assert len(parts(shard)) == int(head["parts"]["N"]) == 2
    assert statuses(projected(shard, from_stream=True)) == {"cancelled": ENOUGH}
