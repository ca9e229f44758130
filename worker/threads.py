"""The production side of the ports: AWS calls in threads, time from the system.

Each kind of call has threads of its own, so that long receives never keep a commit waiting.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from bursa.intake.message import Delivery
from bursa.intake.reply import Reply
from bursa.journal.archive import Archived
from bursa.journal.checkpoint import CheckpointHeader
from bursa.journal.lease import LeaseRow
from bursa.journal.record import EncodedRecord, RecordPart
from bursa.journal.replica import Head

_JOURNAL_READERS = 4

_Result = TypeVar("_Result")


class Lane:
    """A few threads for one kind of call."""

    def __init__(self, name: str, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def call(self, function: Callable[..., _Result], *arguments: object) -> _Result:
        """Call a blocking function in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)


class SystemClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        """Seconds since boot, those asleep included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def time_ms(self) -> int:
        """UTC milliseconds."""
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        """Let others run for a while."""
        await asyncio.sleep(seconds)


class BlockingQueue(Protocol):
    """A command queue whose calls block; each raises `OutcomeUnknown` when it has no response."""

    def receive(self) -> list[Delivery]:
        """Wait a moment for messages; return none when there are none."""

    def delete(self, receipts: Sequence[str]) -> None:
        """Delete deliveries whose effect is committed."""

    def release(self, receipts: Sequence[str]) -> None:
        """Make deliveries visible again at once."""


class ThreadedQueue:
    """The command queue; receives have threads apart from deletes."""

    def __init__(self, queue: BlockingQueue, receivers: int, deleters: int) -> None:
        self._queue = queue
        self._receiving = Lane("receive", receivers)
        self._deleting = Lane("delete", deleters)

    async def receive(self) -> list[Delivery]:
        """See `worker.ports.CommandQueue`."""
        return await self._receiving.call(self._queue.receive)

    async def delete(self, receipts: Sequence[str]) -> None:
        """See `worker.ports.CommandQueue`."""
        await self._deleting.call(self._queue.delete, receipts)

    async def release(self, receipts: Sequence[str]) -> None:
        """See `worker.ports.CommandQueue`."""
        await self._deleting.call(self._queue.release, receipts)


class BlockingJournal(Protocol):
    """A journal whose calls block; each raises `OutcomeUnknown` when it has no response."""

    def put_part(self, part: RecordPart) -> None:
        """Write a part of a record, before the record itself; a repeat does no harm."""

    def put(self, record: EncodedRecord) -> None:
        """Write a record into its slot; raises `SlotTaken` when one is there."""

    def read(self, first_sequence: int) -> list[EncodedRecord]:
        """Read a run of records from this slot on, consistently; none at the head."""

    def read_span(self, first_sequence: int, last_sequence: int) -> list[EncodedRecord]:
        """Read all records that begin between two sequences, both included."""

    def head_sequence(self, known_sequence: int) -> int:
        """Return the last sequence, given one that is there (0 for an empty journal)."""


class ThreadedJournal:
    """The journal; writes have a thread apart from reads."""

    def __init__(self, journal: BlockingJournal) -> None:
        self._journal = journal
        self._writing = Lane("commit", 1)
        self._reading = Lane("journal", _JOURNAL_READERS)

    async def put_part(self, part: RecordPart) -> None:
        """See `worker.ports.Journal`."""
        await self._writing.call(self._journal.put_part, part)

    async def put(self, record: EncodedRecord) -> None:
        """See `worker.ports.Journal`."""
        await self._writing.call(self._journal.put, record)

    async def read(self, first_sequence: int) -> list[EncodedRecord]:
        """See `worker.ports.Journal`."""
        return await self._reading.call(self._journal.read, first_sequence)

    async def read_span(self, first_sequence: int, last_sequence: int) -> list[EncodedRecord]:
        """See `worker.ports.Journal`."""
        return await self._reading.call(self._journal.read_span, first_sequence, last_sequence)

    async def head_sequence(self, known_sequence: int) -> int:
        """See `worker.ports.Journal`."""
        return await self._reading.call(self._journal.head_sequence, known_sequence)


class BlockingReplies(Protocol):
    """Where intake finds replies; the call blocks and raises `OutcomeUnknown`."""

    def write(self, replies: Sequence[Reply]) -> None:
        """Write replies; a repeated one only where there is none."""


class ThreadedReplies:
    """Replies."""

    def __init__(self, replies: BlockingReplies, writers: int) -> None:
        self._replies = replies
        self._lane = Lane("replies", writers)

    async def write(self, replies: Sequence[Reply]) -> None:
        """See `worker.ports.Replies`."""
        await self._lane.call(self._replies.write, replies)


class BlockingLeases(Protocol):
    """The row that names the leader; each call blocks and raises `OutcomeUnknown`."""

    def read(self) -> LeaseRow | None:
        """Read it, consistently."""

    def swap(self, expected: LeaseRow | None, row: LeaseRow) -> bool:
        """Write it if it still is as expected; return whether it was."""


class ThreadedLeases:
    """The lease."""

    def __init__(self, leases: BlockingLeases) -> None:
        self._leases = leases
        self._lane = Lane("lease", 1)

    async def read(self) -> LeaseRow | None:
        """See `worker.ports.LeaseStore`."""
        return await self._lane.call(self._leases.read)

    async def swap(self, expected: LeaseRow | None, row: LeaseRow) -> bool:
        """See `worker.ports.LeaseStore`."""
        return await self._lane.call(self._leases.swap, expected, row)


class BlockingArchiver(Protocol):
    """What archives the journal; each call blocks and raises `OutcomeUnknown`."""

    def advance(self, head: Head) -> Archived:
        """Archive what is closed up to a head, and publish it; raises `ArchiveDiffers`."""

    def is_kept_by_another(self, since: Head, now: Head) -> bool:
        """Return whether another process has published a head of the journal between two."""

    def beyond(self, last_sequence: int) -> int:
        """Return the last sequence of which there is something behind one; 0 without any."""


class ThreadedArchiver:
    """The archive; reading a segment, hashing it and sending it take place in the thread."""

    def __init__(self, archiver: BlockingArchiver) -> None:
        self._archiver = archiver
        self._lane = Lane("archive", 1)

    async def advance(self, head: Head) -> Archived:
        """See `worker.ports.JournalArchive`."""
        return await self._lane.call(self._archiver.advance, head)

    async def is_kept_by_another(self, since: Head, now: Head) -> bool:
        """See `worker.ports.JournalArchive`."""
        return await self._lane.call(self._archiver.is_kept_by_another, since, now)

    async def beyond(self, last_sequence: int) -> int:
        """See `worker.ports.JournalArchive`."""
        return await self._lane.call(self._archiver.beyond, last_sequence)


class BlockingCheckpoints(Protocol):
    """Where checkpoints are kept; each call blocks and raises `OutcomeUnknown`."""

    def sequences(self) -> list[int]:
        """Return the sequences of what is there, newest first."""

    def load(self, sequence: int) -> tuple[CheckpointHeader, bytes]:
        """Read one; raises `CheckpointDamaged`."""

    def save(self, header: CheckpointHeader, state: bytes) -> int:
        """Store one unless its sequence has one; return its stored bytes."""

    def delete(self, sequence: int) -> None:
        """Delete one."""

    def keep_evidence(self, sequence: int, data: bytes) -> None:
        """Store the commands after which the books did not add up."""


class ThreadedCheckpoints:
    """Checkpoints; compressing them takes place in the thread too."""

    def __init__(self, checkpoints: BlockingCheckpoints) -> None:
        self._checkpoints = checkpoints
        self._lane = Lane("checkpoints", 1)

    async def sequences(self) -> list[int]:
        """See `worker.ports.CheckpointStore`."""
        return await self._lane.call(self._checkpoints.sequences)

    async def load(self, sequence: int) -> tuple[CheckpointHeader, bytes]:
        """See `worker.ports.CheckpointStore`."""
        return await self._lane.call(self._checkpoints.load, sequence)

    async def save(self, header: CheckpointHeader, state: bytes) -> int:
        """See `worker.ports.CheckpointStore`."""
        return await self._lane.call(self._checkpoints.save, header, state)

    async def delete(self, sequence: int) -> None:
        """See `worker.ports.CheckpointStore`."""
        await self._lane.call(self._checkpoints.delete, sequence)

    async def keep_evidence(self, sequence: int, data: bytes) -> None:
        """See `worker.ports.CheckpointStore`."""
        await self._lane.call(self._checkpoints.keep_evidence, sequence, data)
