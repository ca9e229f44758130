"""How long a worker takes to start: a checkpoint with many open orders, and a long tail behind it.

    make bench-recovery
    make bench-recovery ARGS="--orders 100000 --tail 100000"

Fills the journal of an emulator of its own by the worker's own code, takes a checkpoint in between,
and then starts a worker process and waits until it leads. Also measures how long the batch loop
stopped for the checkpoint, and how fast the journal replays from records in memory.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.bench_pipeline import settings
from benchmarks.flow import Flow
from benchmarks.rig import Rig
from benchmarks.standins import Memory, Meter, ports_over
from bursa.journal.checkpoint import (
    CHECKPOINT_SCHEMA,
    CheckpointHeader,
    checkpoint_digest,
    state_hash,
)
from bursa.journal.checkpoint_s3 import S3Checkpoints
from bursa.journal.dynamodb import DynamoJournal
from bursa.journal.record import Attestation, EncodedRecord, record_hash
from bursa.journal.replica import Head, Replica
from engine.core import Engine
from worker.shard import ShardWorker

_PER_MESSAGE = 50
_LEADS_S_MAX = 120.0


async def make_records(flow: Flow, orders: int, tail: int) -> list[EncodedRecord]:
    """Sequence orders that rest, and then ordinary flow."""
    stop = asyncio.Event()
    memory = Memory(
        flow.set_up()
        + flow.messages(orders, _PER_MESSAGE, rests=True)
        + flow.messages(tail, _PER_MESSAGE),
        stop,
    )
    await ShardWorker(ports_over(memory, Meter()), settings(), stop).run()
    return memory.records


def split(records: list[EncodedRecord], sequence: int) -> int:
    """Find the first record that begins behind a sequence."""
    return next(index for index, record in enumerate(records) if record.first_sequence > sequence)


def checkpoint_at(records: list[EncodedRecord]) -> tuple[CheckpointHeader, bytes]:
    """Replay, and copy the state."""
    replica = Replica(Engine(), Head())
    for record in records:
        replica.follow(record)
    head = replica.head
    header = CheckpointHeader(
        CHECKPOINT_SCHEMA, 0, head.number, head.last_sequence, head.epoch, head.time_ms, head.hash
    )
    return header, replica.engine.checkpoint()


def attested(
    records: list[EncodedRecord], header: CheckpointHeader, state: bytes
) -> list[EncodedRecord]:
    """Have the first of these records attest a checkpoint, and chain the others to it again."""
    digest = checkpoint_digest(header, state_hash(state))
    chained: list[EncodedRecord] = []
    for record in records:
        one = (
            replace(record, previous_hash=chained[-1].hash)
            if chained
            else replace(record, attestation=Attestation(header.last_sequence, digest))
        )
        chained.append(replace(one, hash=record_hash(one)))
    return chained


@dataclass(slots=True)
class Start:
    """How a worker has started, and what its last checkpoint took from its batch loop."""

    seconds: float
    rebuilt_s: float
    memory_mb: int
    checkpoint_pause_ms: list[float]


def start_and_stop(rig: Rig) -> Start:
    """Start a worker, wait until it leads, and end it, so that it leaves a checkpoint."""
    started = time.perf_counter()
    worker = rig.worker("worker")
    while not _lines(rig, "Leading"):
        if worker.poll() is not None or time.perf_counter() - started > _LEADS_S_MAX:
            raise RuntimeError(f"The worker does not lead: {rig.log('worker')[-500:]}")
        time.sleep(0.02)
    seconds = time.perf_counter() - started
    status = Path(f"/proc/{worker.pid}/status").read_text()
    peak_kb = int(status.partition("VmHWM:")[2].split()[0])
    worker.terminate()
    worker.wait()
    pauses = [
        pause for line in _lines(rig) for pause in line.get("CheckpointPauseMilliseconds", [])
    ]
    return Start(seconds, _lines(rig, "State rebuilt")[0]["seconds"], peak_kb // 1024, pauses)


def _lines(rig: Rig, message: str | None = None) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in rig.log("worker").splitlines() if line[:1] == "{"]
    return [line for line in lines if message is None or line.get("message") == message]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="make bench-recovery",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--orders", type=int, default=1_000_000, help="open at the checkpoint")
    parser.add_argument("--tail", type=int, default=1_000_000, help="commands behind it")
    options = parser.parse_args()
    flow = Flow(1)
    records = asyncio.run(make_records(flow, options.orders, options.tail))
    border = split(records, options.orders)
    header, state = checkpoint_at(records[:border])
    records[border:] = attested(records[border:], header, state)
    with Rig() as rig:
        os.environ.update(
            {name: value for name, value in rig.environment().items() if name.startswith("AWS_")}
        )
        journal = DynamoJournal(rig.client("dynamodb"), "journal", 0)
        for record in records:
            journal.put(record)
        stored = S3Checkpoints(rig.client("s3"), "checkpoints", 0, "archive").save(header, state)
        start = start_and_stop(rig)
    replica = Replica(Engine(), Head())
    started = time.perf_counter()
    for record in records:
        replica.follow(record)
    replay_s = time.perf_counter() - started
    print(
        json.dumps(
            {
                "open_orders": options.orders,
                "tail_commands": records[-1].last_sequence - header.last_sequence,
                "seconds_to_lead": round(start.seconds, 2),
                "seconds_to_rebuild": start.rebuilt_s,
                "worker_peak_memory_mb": start.memory_mb,
                "checkpoint_pause_ms": [round(pause, 2) for pause in start.checkpoint_pause_ms],
                "checkpoint_bytes": len(state),
                "checkpoint_stored_bytes": stored,
                "replay_commands_per_s": round(records[-1].last_sequence / replay_s),
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
