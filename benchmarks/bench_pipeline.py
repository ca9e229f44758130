"""Commands a second through queue → worker → journal → delete, and what they cost.

    make bench-pipeline
    make bench-pipeline ARGS="--commands 20000 --runs 5 --json"

Three things are measured, each several times:

    in process   the worker alone: every AWS service is a stand-in in the same process
    pipeline     the same worker with its real adapters against an emulator of its own
    bare loop    receive, put and delete with the same clients, record sizes and batch sizes,
                 and nothing else: what the emulator and the clients can do at most

The worker's own processor time is the process's without its set-up and without the time that its
threads spend inside botocore's calls, which is shown apart.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks.flow import Flow
from benchmarks.rig import Rig
from benchmarks.standins import (
    DELETERS,
    RECEIVERS,
    BotocoreTime,
    Memory,
    Meter,
    NoArchive,
    WatchedJournal,
    WatchedQueue,
    ports_over,
)
from bursa.aws.clients import worker_client
from bursa.intake.dynamodb import DynamoReplyWriter
from bursa.intake.message import Delivery
from bursa.intake.queue_kinds import QueueKind
from bursa.intake.sqs import SqsCommandReceiver
from bursa.journal.checkpoint_s3 import S3Checkpoints
from bursa.journal.dynamodb import DynamoJournal
from bursa.journal.lease_dynamodb import DynamoLeases
from bursa.journal.record import EncodedRecord
from worker import threads
from worker.capture import CopyCapture
from worker.engines import NamedEngines
from worker.ports import Ports
from worker.probe import NoProbe
from worker.settings import ShardSettings
from worker.shard import ShardWorker

PER_MESSAGE = 50
_NEVER = 1 << 60


@dataclass(slots=True)
class Figures:
    """What one run gave."""

    commands: int = 0
    seconds: float = 0.0
    cpu_us: float = 0.0
    botocore_us: float = 0.0
    commit_ms: list[float] = field(default_factory=list)
    records: int = 0
    stored_bytes: int = 0

    @property
    def rate(self) -> float:
        """Commands a second."""
        return self.commands / self.seconds


def settings() -> ShardSettings:
    """Return a worker's settings without checkpoints, which have a benchmark of their own."""
    return ShardSettings(
        shard=0,
        checkpoint_commands=_NEVER,
        checkpoint_s=_NEVER,
        receivers=RECEIVERS,
        deleters=DELETERS,
    )


async def in_process(deliveries: list[Delivery]) -> Figures:
    """Run the worker over stand-ins."""
    stop = asyncio.Event()
    memory, meter = Memory(deliveries, stop), Meter()
    worker = ShardWorker(ports_over(memory, meter), settings(), stop)
    started, cpu = time.perf_counter(), time.process_time()
    await worker.run()
    return _figures(memory.records, time.perf_counter() - started, time.process_time() - cpu, meter)


def _figures(records: list[EncodedRecord], seconds: float, cpu_s: float, meter: Meter) -> Figures:
    commands = records[-1].last_sequence
    return Figures(
        commands,
        seconds,
        cpu_s / commands * 1e6,
        0.0,
        meter.commit_ms,
        len(records),
        sum(len(record.body) for record in records),
    )


# --- the emulator ---------------------------------------------------------------------------------


def fill_queue(rig: Rig, deliveries: list[Delivery]) -> None:
    """Send messages of one queue, ten a call."""
    sqs = rig.client("sqs")
    for start in range(0, len(deliveries), 10):
        funds = deliveries[start].queue is QueueKind.FUNDS
        sqs.send_message_batch(
            QueueUrl=rig.funds_queue_url if funds else rig.queue_url,
            Entries=[
                {
                    "Id": str(index),
                    "MessageBody": delivery.body,
                    "MessageGroupId": delivery.group,
                    "MessageDeduplicationId": delivery.message_id,
                }
                for index, delivery in enumerate(deliveries[start : start + 10])
            ],
        )


def sqs_queue(rig: Rig, kind: QueueKind = QueueKind.TRADING) -> SqsCommandReceiver:
    """Return the worker's adapter of a queue."""
    client: Any = worker_client("sqs")
    url = rig.funds_queue_url if kind is QueueKind.FUNDS else rig.queue_url
    return SqsCommandReceiver(client, url, kind, wait_s=1, visibility_s=120)


async def pipeline(rig: Rig, funds: int, messages: int) -> Figures:
    """Run the worker against the emulator, from its first receive to the last delete."""
    stop = asyncio.Event()
    dynamodb: Any = worker_client("dynamodb")
    s3: Any = worker_client("s3")
    journal, meter = WatchedJournal(DynamoJournal(dynamodb, "journal", 0)), Meter()
    funded = asyncio.Event()
    queue = WatchedQueue(sqs_queue(rig), messages, stop, begin=funded)
    funds_queue = WatchedQueue(sqs_queue(rig, QueueKind.FUNDS), funds, funded)
    ports = Ports(
        {QueueKind.TRADING: queue, QueueKind.FUNDS: funds_queue},
        journal,
        threads.ThreadedReplies(DynamoReplyWriter(dynamodb, "replies"), 2),
        threads.ThreadedLeases(DynamoLeases(dynamodb, "progress", 0)),
        threads.ThreadedCheckpoints(S3Checkpoints(s3, "checkpoints", 0, "archive")),
        NoArchive(), CopyCapture(), NamedEngines("core"), threads.SystemClock(), meter,
        os.urandom, NoProbe(),
    )  # fmt: skip
    worker = ShardWorker(ports, settings(), stop)
    with BotocoreTime() as botocore:
        cpu = time.process_time()
        running = asyncio.create_task(worker.run())
        await stop.wait()
        seconds, cpu_s = time.perf_counter() - queue.first_at, time.process_time() - cpu
        await running
    figures = _figures(journal.records, seconds, cpu_s - botocore.seconds, meter)
    figures.botocore_us = botocore.seconds / figures.commands * 1e6
    return figures


async def _records_of(flow: Flow, commands: int) -> list[EncodedRecord]:
    stop = asyncio.Event()
    memory = Memory(flow.set_up() + flow.messages(commands, PER_MESSAGE), stop)
    await ShardWorker(ports_over(memory, Meter()), settings(), stop).run()
    return memory.records


async def bare_loop(rig: Rig, messages: int, like: list[EncodedRecord]) -> float:
    """Receive, put records of the same number and size, delete; returns the seconds."""
    dynamodb: Any = worker_client("dynamodb")
    queue = threads.ThreadedQueue(sqs_queue(rig), RECEIVERS, DELETERS)
    journal = threads.ThreadedJournal(DynamoJournal(dynamodb, "bare", 0))
    salt = time.perf_counter_ns() << 20
    received: deque[str] = deque()
    per_record = max(1, round(messages / len(like)))
    arrived, done = asyncio.Event(), 0
    deleting: set[asyncio.Task[None]] = set()

    async def receive() -> None:
        while done < messages:
            received.extend(delivery.receipt for delivery in await queue.receive())
            arrived.set()

    started = time.perf_counter()
    receivers = [asyncio.create_task(receive()) for _ in range(RECEIVERS)]
    records = iter(like)
    while done < messages:
        await arrived.wait()
        arrived.clear()
        while received:
            receipts = [received.popleft() for _ in range(min(per_record, len(received)))]
            record = next(records, None)
            if record is not None:
                slot = salt + record.first_sequence
                await journal.put(replace(record, first_sequence=slot))
            for start in range(0, len(receipts), 10):
                deleting.add(asyncio.create_task(queue.delete(receipts[start : start + 10])))
            done += len(receipts)
    await asyncio.gather(*deleting)
    seconds = time.perf_counter() - started
    await asyncio.gather(*receivers)
    return seconds


def measure_emulator(commands: int, seed: int) -> tuple[Figures, float]:
    """Run the pipeline, and the bare loop before and after it: a busy machine drifts."""
    with Rig() as rig:
        os.environ.update(
            {name: value for name, value in rig.environment().items() if name.startswith("AWS_")}
        )
        rig.client("dynamodb").create_table(
            TableName="bare",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "N"},
            ],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
        )
        like = asyncio.run(_records_of(Flow(seed), commands))

        def bare_seconds(other: int) -> float:
            flow = Flow(other)
            deliveries = flow.messages(commands, PER_MESSAGE)
            fill_queue(rig, deliveries)
            return asyncio.run(bare_loop(rig, len(deliveries), like))

        before_s = bare_seconds(seed + 1)
        flow = Flow(seed)
        funds, deliveries = flow.set_up(), flow.messages(commands, PER_MESSAGE)
        fill_queue(rig, funds)
        fill_queue(rig, deliveries)
        figures = asyncio.run(pipeline(rig, len(funds), len(deliveries)))
        after_s = bare_seconds(seed + 2)
        return figures, figures.commands * 2 / (before_s + after_s)


def spread(values: list[float], digits: int = 0) -> str:
    """Return the median and the range as text."""
    return (
        f"{statistics.median(values):,.{digits}f} "
        f"({min(values):,.{digits}f} … {max(values):,.{digits}f})"
    )


def percentile(values: list[float], share: float) -> float:
    """Return the value below which a share of the values lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="make bench-pipeline",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--commands", type=int, default=30_000, help="through the emulator")
    parser.add_argument("--in-process-commands", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    alone: list[Figures] = []
    real: list[Figures] = []
    bare: list[float] = []
    for run in range(options.runs):
        flow = Flow(run)
        deliveries = flow.set_up() + flow.messages(options.in_process_commands, PER_MESSAGE)
        alone.append(asyncio.run(in_process(deliveries)))
        figures, bare_rate = measure_emulator(options.commands, run * 10)
        real.append(figures)
        bare.append(bare_rate)
    _report(alone, real, bare, as_json=options.json)
    return 0


def _report(alone: list[Figures], real: list[Figures], bare: list[float], *, as_json: bool) -> None:
    commits = [value for figures in real for value in figures.commit_ms]
    numbers: dict[str, list[float]] = {
        "in_process_commands_per_s": [round(figures.rate) for figures in alone],
        "in_process_cpu_us_per_command": [round(figures.cpu_us, 2) for figures in alone],
        "bytes_per_command": [round(one.stored_bytes / one.commands, 1) for one in alone],
        "commands_per_record": [round(one.commands / one.records) for one in alone],
        "pipeline_commands_per_s": [round(figures.rate) for figures in real],
        "bare_loop_commands_per_s": [round(rate) for rate in bare],
        "ratio": [round(figures.rate / rate, 3) for figures, rate in zip(real, bare, strict=True)],
        "worker_cpu_us_per_command": [round(figures.cpu_us, 2) for figures in real],
        "botocore_cpu_us_per_command": [round(figures.botocore_us, 2) for figures in real],
        "commit_p50_ms": [round(percentile(commits, 0.5), 2)],
        "commit_p99_ms": [round(percentile(commits, 0.99), 2)],
    }
    if as_json:
        print(json.dumps(numbers))
        return
    for name, values in numbers.items():
        digits = 0 if all(value == int(value) for value in values) else 2
        print(f"{name.replace('_', ' '):32} {spread([float(v) for v in values], digits)}")


if __name__ == "__main__":
    sys.exit(main())
