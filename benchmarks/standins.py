"""What stands in for AWS in a benchmark, and what looks on while AWS is there."""

import asyncio
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeVar

from bursa.intake.message import Delivery
from bursa.intake.queue_kinds import QueueKind
from bursa.intake.reply import Reply
from bursa.intake.sqs import SqsCommandReceiver
from bursa.journal.archive import Archived
from bursa.journal.checkpoint import CheckpointHeader
from bursa.journal.dynamodb import DynamoJournal
from bursa.journal.lease import LeaseRow
from bursa.journal.record import EncodedRecord, RecordPart
from bursa.journal.replica import Head
from bursa.kernel.traces import Trace
from worker import threads
from worker.capture import CopyCapture
from worker.engines import NamedEngines
from worker.ports import CommandQueue, Ports
from worker.probe import NoProbe

RECEIVERS, DELETERS = 3, 3
_Result = TypeVar("_Result")


class Meter:
    """The worker's telemetry: keeps commit latencies."""

    def __init__(self) -> None:
        self.commit_ms: list[float] = []

    def event(self, message: str, **fields: object) -> None:
        """Drop it: no one reads the output."""

    def alarm(self, name: str, message: str, **fields: object) -> None:
        sys.stderr.write(f"ALARM {name}: {message} {fields}\n")

    def measure(self, name: str, value: float) -> None:
        if name == "CommitMilliseconds":
            self.commit_ms.append(value)

    def traced(
        self, trace: Trace, sent_ms: int, taken_ms: int, committed_ms: int, **about: int
    ) -> None:
        """Drop it: no request is traced."""


class FundsMemory:
    """A queue of funds or transfers that responds at once, and then never again."""

    def __init__(self, deliveries: list[Delivery], stop: asyncio.Event) -> None:
        self.waiting = deque(deliveries)
        self._stop = stop

    async def receive(self) -> list[Delivery]:
        if not self.waiting:
            await self._stop.wait()
        return [self.waiting.popleft() for _ in range(min(10, len(self.waiting)))]

    async def delete(self, receipts: Sequence[str]) -> None:
        """Nothing to do."""

    async def release(self, receipts: Sequence[str]) -> None:
        """Nothing to do."""


class Memory:
    """Trading queue, journal, replies, lease and checkpoints that respond at once."""

    def __init__(self, deliveries: list[Delivery], stop: asyncio.Event) -> None:
        self.others = {
            kind: FundsMemory([one for one in deliveries if one.queue is kind], stop)
            for kind in (QueueKind.FUNDS, QueueKind.TRANSFERS)
        }
        self._deliveries = deque(one for one in deliveries if one.queue is QueueKind.TRADING)
        self._stop = stop
        self.records: list[EncodedRecord] = []
        self._row: LeaseRow | None = None

    async def receive(self) -> list[Delivery]:
        await asyncio.sleep(0)
        waiting = self._deliveries
        if any(other.waiting for other in self.others.values()):
            return []
        if not waiting:
            self._stop.set()
        return [waiting.popleft() for _ in range(min(10, len(waiting)))]

    async def delete(self, receipts: Sequence[str]) -> None:
        """Nothing to do."""

    async def release(self, receipts: Sequence[str]) -> None:
        """Nothing to do."""

    async def put_part(self, part: RecordPart) -> None:
        """Nothing to do."""

    async def put(self, record: EncodedRecord) -> None:
        self.records.append(record)
        await asyncio.sleep(0)

    async def read_span(self, first_sequence: int, last_sequence: int) -> list[EncodedRecord]:
        return []

    async def head_sequence(self, known_sequence: int) -> int:
        return max([known_sequence, *(one.last_sequence for one in self.records[-1:])])

    async def write(self, replies: Sequence[Reply]) -> None:
        """Nothing to do."""

    async def swap(self, expected: LeaseRow | None, row: LeaseRow) -> bool:
        self._row = row
        return True

    async def read(self, first_sequence: int | None = None) -> Any:  # noqa: ANN401 - row or records
        return self._row if first_sequence is None else []


class NoCheckpoints:
    """A checkpoint store that keeps nothing."""

    async def sequences(self) -> list[int]:
        return []

    async def load(self, sequence: int) -> tuple[CheckpointHeader, bytes]:
        raise NotImplementedError

    async def save(self, header: CheckpointHeader, state: bytes) -> int:
        return len(state)

    async def keep_evidence(self, sequence: int, data: bytes) -> None:
        raise NotImplementedError

    async def delete(self, sequence: int) -> None:
        """Nothing to do."""


class NoArchive:
    """An archive that keeps nothing."""

    async def advance(self, head: Head) -> Archived:
        return Archived(0, is_head_published=False)

    async def is_kept_by_another(self, since: Head, now: Head) -> bool:
        return False

    async def beyond(self, last_sequence: int) -> int:
        return 0


def ports_over(memory: Memory, meter: Meter) -> Ports:
    """Put stand-ins behind every port."""
    queues: dict[QueueKind, CommandQueue] = {
        QueueKind.TRADING: memory,
        **memory.others,
    }
    return Ports(
        queues, memory, memory, memory, NoCheckpoints(), NoArchive(), CopyCapture(),
        NamedEngines("core"), threads.SystemClock(), meter, os.urandom, NoProbe(),
    )  # fmt: skip


class BotocoreTime:
    """Adds up the processor time that threads spend inside adapters' calls."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._original = threads.Lane.call

    def __enter__(self) -> Self:
        original = self._original

        def timed(function: Callable[..., _Result]) -> Callable[..., _Result]:
            def call(*arguments: object) -> _Result:
                started = time.thread_time()
                try:
                    return function(*arguments)
                finally:
                    self.seconds += time.thread_time() - started

            return call

        async def patched(
            lane: threads.Lane, function: Callable[..., _Result], *arguments: object
        ) -> _Result:
            return await original(lane, timed(function), *arguments)

        threads.Lane.call = patched  # type: ignore[method-assign, assignment]
        return self

    def __exit__(self, *_: object) -> None:
        threads.Lane.call = self._original  # type: ignore[method-assign]


class WatchedQueue(threads.ThreadedQueue):
    """Counts down to when everything has been deleted; begins when told to."""

    def __init__(
        self,
        queue: SqsCommandReceiver,
        expected: int,
        done: asyncio.Event,
        begin: asyncio.Event | None = None,
    ) -> None:
        super().__init__(queue, RECEIVERS, DELETERS)
        self._left = expected
        self._stop = done
        self._begin = begin
        self.first_at = 0.0

    async def receive(self) -> list[Delivery]:
        if self._begin is not None:
            await self._begin.wait()
        self.first_at = self.first_at or time.perf_counter()
        return await super().receive()

    async def delete(self, receipts: Sequence[str]) -> None:
        await super().delete(receipts)
        self._left -= len(receipts)
        if self._left <= 0:
            self._stop.set()


class WatchedJournal(threads.ThreadedJournal):
    """Remembers what was put."""

    def __init__(self, journal: DynamoJournal) -> None:
        super().__init__(journal)
        self.records: list[EncodedRecord] = []

    async def put(self, record: EncodedRecord) -> None:
        await super().put(record)
        self.records.append(record)
