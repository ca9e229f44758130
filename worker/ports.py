"""What the worker needs from the outside, so that its core runs anywhere.

In production, threads and AWS are behind these; in the simulator, a random seed. The core
awaits nothing else: no thread, no socket, no clock of its own, no randomness.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bursa.intake.message import Delivery
from bursa.intake.queue_kinds import QueueKind
from bursa.intake.reply import Reply
from bursa.journal.archive import Archived
from bursa.journal.checkpoint import CheckpointHeader
from bursa.journal.lease import LeaseRow
from bursa.journal.record import EncodedRecord, RecordPart
from bursa.journal.replica import Engine, Head
from bursa.kernel.traces import Trace


class EngineFactory(Protocol):
    """Builds engines."""

    def new(self) -> Engine:
        """Return an empty one."""

    def restore(self, checkpoint: bytes) -> Engine:
        """Return one with the state of a checkpoint; raises `ValueError` when it is damaged."""


class Clock(Protocol):
    """Time as this process knows it."""

    def monotonic(self) -> float:
        """Seconds that only rise, also while the process is stopped."""

    def time_ms(self) -> int:
        """UTC milliseconds; may jump."""

    async def sleep(self, seconds: float) -> None:
        """Let others run for a while."""


class CommandQueue(Protocol):
    """One of a shard's two queues. Every method raises `OutcomeUnknown` when it has no response."""

    async def receive(self) -> list[Delivery]:
        """Wait a moment for messages; returns none when there are none."""

    async def delete(self, receipts: Sequence[str]) -> None:
        """Acknowledge deliveries whose effect is committed."""

    async def release(self, receipts: Sequence[str]) -> None:
        """Return deliveries to the queue, to be delivered again at once."""


class Journal(Protocol):
    """The truth. Every method raises `OutcomeUnknown` when it has no response."""

    async def put_part(self, part: RecordPart) -> None:
        """Write a part of a record, before the record itself; again does no harm."""

    async def put(self, record: EncodedRecord) -> None:
        """Write a record into its slot; raises `SlotTaken` when one is there."""

    async def read(self, first_sequence: int) -> list[EncodedRecord]:
        """Read a run of records from this slot on, consistently; none at the head."""

    async def read_span(self, first_sequence: int, last_sequence: int) -> list[EncodedRecord]:
        """Read all records that begin between two sequences, both included."""

    async def head_sequence(self, known_sequence: int) -> int:
        """Return the last sequence, given one that is there (0 for an empty journal)."""


class Replies(Protocol):
    """Where intake finds replies. Raises `OutcomeUnknown`."""

    async def write(self, replies: Sequence[Reply]) -> None:
        """Write replies; a repeated one only where there is none."""


class LeaseStore(Protocol):
    """The row that says who leads. Every method raises `OutcomeUnknown`."""

    async def read(self) -> LeaseRow | None:
        """Read it, consistently."""

    async def swap(self, expected: LeaseRow | None, row: LeaseRow) -> bool:
        """Write it if it still is as expected; return whether it was."""


class CheckpointStore(Protocol):
    """Where checkpoints are kept. Every method raises `OutcomeUnknown`."""

    async def sequences(self) -> list[int]:
        """Return the sequences of what is there, newest first."""

    async def load(self, sequence: int) -> tuple[CheckpointHeader, bytes]:
        """Read one; raises `CheckpointDamaged`."""

    async def save(self, header: CheckpointHeader, state: bytes) -> int:
        """Store one unless its sequence has one; return its stored bytes."""

    async def delete(self, sequence: int) -> None:
        """Delete one."""

    async def keep_evidence(self, sequence: int, data: bytes) -> None:
        """Store the commands after which the books did not add up."""


class JournalArchive(Protocol):
    """What archives the journal; see `bursa.journal.archive.Archiver`. Raises `OutcomeUnknown`."""

    async def advance(self, head: Head) -> Archived:
        """Archive what is closed up to a head, and publish it; raises `ArchiveDiffers`."""

    async def is_kept_by_another(self, since: Head, now: Head) -> bool:
        """Return whether another process has published a head of the journal between two."""

    async def beyond(self, last_sequence: int) -> int:
        """Return the last sequence of which there is something behind one; 0 without any."""


class StateCapture(Protocol):
    """Copies a running engine's state without holding it up."""

    def capture(self, engine: Engine) -> asyncio.Future[bytes]:
        """Return the state as it is at this call, even if the engine goes on meanwhile.

        Until the future is done the engine may be slower than usual.
        """

    async def hash(self, state: bytes) -> bytes:
        """Return `bursa.journal.checkpoint.state_hash` of a copy, without holding others up."""

    async def prepare(self) -> None:
        """Prepare for fast copies, after the state has been rebuilt."""


class Probe(Protocol):
    """Tries what may end the process."""

    def survives(self, engine: Engine, commands: bytes) -> bool:
        """Return whether the process survives applying these commands now; changes nothing.

        True also when that can't be found out.
        """


class Telemetry(Protocol):
    """What the person who runs it sees."""

    def event(self, message: str, **fields: object) -> None:
        """Write one line about something that has happened."""

    def alarm(self, name: str, message: str, **fields: object) -> None:
        """Report something that an operator must look at, and count it as metric ``name``."""

    def measure(self, name: str, value: float) -> None:
        """Add one observation of a metric listed in `worker.telemetry`."""

    def traced(
        self, trace: Trace, sent_ms: int, taken_ms: int, committed_ms: int, **about: int
    ) -> None:
        """Add to a request's trace when its commands were sent, given to the engine, committed."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything outside the process."""

    queues: Mapping[QueueKind, CommandQueue]
    journal: Journal
    replies: Replies
    leases: LeaseStore
    checkpoints: CheckpointStore
    archive: JournalArchive
    capture: StateCapture
    engines: EngineFactory
    clock: Clock
    telemetry: Telemetry
    random_bytes: Callable[[int], bytes]
    probe: Probe
