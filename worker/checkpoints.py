"""Checkpoints: when to take one, how to keep a few, how to start from the newest good one.

A checkpoint is a copy of the state at a record's end. It is offered to the store only once that
record is committed: a worker that was deposed in between must not leave a history behind that
never happened.
"""

import asyncio

from bursa.journal.checkpoint import (
    CHECKPOINT_SCHEMA,
    CheckpointDamaged,
    CheckpointHeader,
)
from bursa.journal.errors import OutcomeUnknown
from bursa.journal.replica import Head, Replica
from bursa.kernel.retry import Backoff, retry_async
from worker.capture import CaptureFailed
from worker.ports import CheckpointStore, Clock, EngineFactory, StateCapture, Telemetry
from worker.sequencer import Sequencer

_BACKOFF = Backoff(0.5, attempts=5)


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
        self._captured: tuple[Head, asyncio.Future[bytes]] | None = None
        self._copying: asyncio.Future[bytes] | None = None
        self._storing = False
        self._committed = asyncio.Event()

    def start_at(self, sequence: int) -> None:
        """Note what the stored ones cover."""
        self._last_sequence = sequence
        self._last_at = self._clock.monotonic()

    def sealed(self, sequencer: Sequencer, *, at_once: bool = False) -> None:
        """Copy the state if a checkpoint is due; the engine must be at the sealed head."""
        head = sequencer.sealed_head
        fresh = head.last_sequence - self._last_sequence
        now = self._clock.monotonic()
        due = fresh >= self._every_commands or (fresh and now - self._last_at >= self._every_s)
        busy = self._storing or self._captured is not None
        if busy or not fresh or not (due or at_once):
            return
        self._copying = self._capture.capture(sequencer.engine)
        self._captured = (head, self._copying)
        self._last_sequence = head.last_sequence
        self._last_at = now
        self._telemetry.measure(
            "CheckpointPauseMilliseconds", (self._clock.monotonic() - now) * 1000
        )

    @property
    def copying(self) -> bool:
        """Whether the engine is slower than usual because its state is being copied."""
        return self._copying is not None and not self._copying.done()

    def committed(self, last_sequence: int) -> None:
        """Note how far the journal has got."""
        if self._captured is not None and self._captured[0].last_sequence <= last_sequence:
            self._committed.set()

    async def run(self) -> None:
        """Store each copy once it is committed, until cancelled."""
        while True:
            await self._committed.wait()
            await self.store_captured()

    async def store_captured(self) -> None:
        """Store what was copied and committed, if anything."""
        if self._captured is None or not self._committed.is_set():
            return
        head, copying = self._captured
        self._captured = None
        self._committed.clear()
        self._storing = True
        try:
            header = CheckpointHeader(
                CHECKPOINT_SCHEMA,
                self._shard,
                head.number,
                head.last_sequence,
                head.epoch,
                head.time_ms,
                head.hash,
            )
            state = await copying
            # It holds the state too, which would outlive its storing.
            del copying
            self._copying = None
            await self._save(header, state)
        except CaptureFailed as error:
            self._telemetry.alarm("CheckpointFailed", str(error))
        finally:
            self._storing = False

    async def _save(self, header: CheckpointHeader, state: bytes) -> None:
        started = self._clock.monotonic()

        async def attempt() -> int:
            size = await self._store.save(header, state)
            for old in (await self._store.sequences())[self._keep :]:
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
    store: CheckpointStore, engines: EngineFactory, shard: int, telemetry: Telemetry
) -> Replica:
    """Start from the newest good checkpoint, or from nothing when there is none."""
    for sequence in await store.sequences():
        try:
            header, state = await store.load(sequence)
            if header.shard != shard or header.last_sequence != sequence:
                raise CheckpointDamaged("The checkpoint belongs elsewhere.")  # noqa: TRY301
            engine = engines.restore(state)
        except (CheckpointDamaged, ValueError) as error:
            telemetry.alarm(
                "CheckpointDamaged",
                "A checkpoint is damaged; the one before it is taken.",
                sequence=sequence,
                why=str(error),
            )
            continue
        head = Head(
            header.number, header.last_sequence, header.epoch, header.time_ms, header.record_hash
        )
        return Replica(engine, head)
    return Replica(engines.new(), Head())
