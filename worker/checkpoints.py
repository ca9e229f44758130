"""Checkpoints: when to take one, how to keep a few, how to start from the newest good one.

A checkpoint is a copy of the state at a record's end. A later record attests its digest, and it is
offered to the store only once that record is committed: a worker that was deposed in between must
not leave a history behind that never happened. A start believes no checkpoint that the journal
does not attest.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bursa.journal.checkpoint import (
    CHECKPOINT_SCHEMA,
    CheckpointDamaged,
    CheckpointHeader,
    checkpoint_digest,
    state_hash,
)
from bursa.journal.errors import OutcomeUnknown
from bursa.journal.record import Attestation, EncodedRecord, record_hash
from bursa.journal.replica import Head, JournalBroken, Replica, check_continues
from bursa.kernel.retry import Backoff, retry_async
from engine.errors import InvariantViolation
from worker.capture import CaptureFailed
from worker.ports import CheckpointStore, Clock, EngineFactory, Journal, StateCapture, Telemetry
from worker.sequencer import Sequencer

_BACKOFF = Backoff(0.5, attempts=5)


@dataclass(slots=True)
class _Copy:
    """A copy of the state on its way into the store."""

    header: CheckpointHeader
    copying: asyncio.Future[bytes]
    state: bytes = b""
    # Where the journal must be for the copy to be attested; 0 until that is known.
    attested_by: int = 0


class Checkpointer:
    """Takes checkpoints in the background of a leader.

    Parameters
    ----------
    every_commands, every_s
        A checkpoint is due after so many commands, or so many seconds if there was any command.
    keep
        How many are kept.

    """

    def __init__(
        self,
        store: CheckpointStore,
        capture: StateCapture,
        clock: Clock,
        telemetry: Telemetry,
        *,
        shard: int,
        every_commands: int,
        every_s: float,
        keep: int,
    ) -> None:
        self._store = store
        self._capture = capture
        self._clock = clock
        self._telemetry = telemetry
        self._shard = shard
        self._every_commands = every_commands
        self._every_s = every_s
        self._keep = keep
        self._last_sequence = 0
        self._last_at = clock.monotonic()
        self._copy: _Copy | None = None
        self._attest: Callable[[Attestation], None] | None = None
        self._taken = asyncio.Event()
        self._offered = asyncio.Event()
        self._committed = asyncio.Event()

    def start_at(self, sequence: int) -> None:
        """Note what the stored ones cover."""
        self._last_sequence = sequence
        self._last_at = self._clock.monotonic()

    def attest_by(self, attest: Callable[[Attestation], None]) -> None:
        """Set what has the next record attest a checkpoint, and sees to it that there is one."""
        self._attest = attest

    def sealed(self, sequencer: Sequencer) -> None:
        """Copy the state if a checkpoint is due; the engine must be at the sealed head."""
        head = sequencer.sealed_head
        if self._copy is not None:
            self._note_attested(head)
            return
        fresh = head.last_sequence - self._last_sequence
        waited_s = self._clock.monotonic() - self._last_at
        if fresh >= self._every_commands or (fresh and waited_s >= self._every_s):
            self.take(sequencer)

    def take(self, sequencer: Sequencer) -> None:
        """Copy the state unless it is that of the last copy, or one is on its way."""
        head = sequencer.sealed_head
        if self._copy is not None or head.last_sequence == self._last_sequence:
            return
        now = self._clock.monotonic()
        header = CheckpointHeader(
            CHECKPOINT_SCHEMA,
            self._shard,
            head.number,
            head.last_sequence,
            head.epoch,
            head.time_ms,
            head.hash,
        )
        self._copy = _Copy(header, self._capture.capture(sequencer.engine))
        self._offered.clear()
        self._committed.clear()
        self._taken.set()
        self._last_sequence = head.last_sequence
        self._last_at = now
        self._telemetry.measure(
            "CheckpointPauseMilliseconds", (self._clock.monotonic() - now) * 1000
        )

    def _note_attested(self, head: Head) -> None:
        """Note that this record attests the copy, if it is the first since that was offered."""
        copy = self._copy
        if copy is None or not self._offered.is_set() or copy.attested_by:
            return
        copy.attested_by = head.last_sequence
        if head.last_sequence == copy.header.last_sequence + 1:
            # Nothing but the attestation itself: an idle shard needs no further checkpoint.
            self._last_sequence = head.last_sequence

    @property
    def copying(self) -> bool:
        """Whether the engine is slower than usual because its state is being copied."""
        return self._copy is not None and not self._copy.copying.done()

    def committed(self, last_sequence: int) -> None:
        """Note how far the journal has got."""
        copy = self._copy
        if copy is not None and copy.attested_by and copy.attested_by <= last_sequence:
            self._committed.set()

    async def run(self) -> None:
        """Have each copy attested and, once that is committed, stored; until cancelled."""
        while True:
            await self._taken.wait()
            if await self._offer():
                await self._committed.wait()
                await self.store_attested()

    async def _offer(self) -> bool:
        """Offer a copy's digest to the next record; return whether there is a copy."""
        copy = self._copy
        self._taken.clear()
        if copy is None:
            return False
        try:
            copy.state = await copy.copying
        except CaptureFailed as error:
            self._copy = None
            self._offered.set()
            self._telemetry.alarm("CheckpointFailed", str(error))
            return False
        digest = checkpoint_digest(copy.header, await self._capture.hash(copy.state))
        self._offered.set()
        if self._attest is not None:
            self._attest(Attestation(copy.header.last_sequence, digest))
        return True

    async def offered(self) -> None:
        """Wait until the copy that is being made, if any, has been offered for attestation."""
        if self._copy is not None:
            await self._offered.wait()

    async def store_attested(self) -> None:
        """Store what was copied and is attested by a committed record, if anything."""
        copy = self._copy
        if copy is None or not self._committed.is_set():
            return
        # Cancelled in the middle, it can be called again.
        await self._save(copy.header, copy.state)
        self._copy = None

    async def _save(self, header: CheckpointHeader, state: bytes) -> None:
        started = self._clock.monotonic()

        async def attempt() -> int:
            size = await self._store.save(header, state)
            # Of those that this one follows: what claims to be of later must not drive them out.
            sequences = await self._store.sequences()
            own = [one for one in sequences if one <= header.last_sequence]
            for old in own[self._keep :]:
                await self._store.delete(old)
            return size

        try:
            size = await retry_async(attempt, _BACKOFF, self._clock.sleep, on=OutcomeUnknown)
        except OutcomeUnknown:
            self._telemetry.alarm("CheckpointFailed", "A checkpoint could not be stored.")
            return
        self._telemetry.event(
            "Checkpoint stored",
            sequence=header.last_sequence,
            bytes=size,
            seconds=round(self._clock.monotonic() - started, 3),
        )


async def restore_newest(
    store: CheckpointStore,
    journal: Journal,
    engines: EngineFactory,
    shard: int,
    telemetry: Telemetry,
) -> Replica:
    """Start from the newest good checkpoint, or from nothing when there is none."""
    for sequence in await store.sequences():
        try:
            header, state = await store.load(sequence)
            if header.shard != shard or header.last_sequence != sequence:
                raise CheckpointDamaged("The checkpoint belongs elsewhere.")  # noqa: TRY301
            head = Head(
                header.number,
                header.last_sequence,
                header.epoch,
                header.time_ms,
                header.record_hash,
            )
            await _require_attested(journal, head, checkpoint_digest(header, state_hash(state)))
            engine = engines.restore(state)
            engine.check()
            return Replica(engine, head)
        except (CheckpointDamaged, InvariantViolation, JournalBroken, ValueError) as error:
            telemetry.alarm(
                "CheckpointDamaged",
                "A checkpoint can't be trusted; the one before it is taken.",
                sequence=sequence,
                why=str(error),
            )
    return Replica(engines.new(), Head())


async def _require_attested(journal: Journal, head: Head, digest: bytes) -> None:
    """Return when a record behind a checkpoint attests it.

    Raises
    ------
    CheckpointDamaged
        When none does, up to the journal's end.

    """
    sequence = head.last_sequence
    while records := await journal.read(head.next_sequence):
        for record in records:
            head = _follow(head, record)
            if record.attestation == (sequence, digest):
                return
    raise CheckpointDamaged("No record of the journal attests the checkpoint.")


def _follow(head: Head, record: EncodedRecord) -> Head:
    try:
        check_continues(head, record)
    except JournalBroken as error:
        raise CheckpointDamaged(f"The journal does not follow it: {error}") from None
    if record_hash(record) != record.hash:
        raise CheckpointDamaged(f"Record {record.number} behind it is damaged.")
    return Head.of(record)
