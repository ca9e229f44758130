"""A worker's time as the leader: from the record that fences the one before to standing down.

    queues ─ receivers ─► inbox ─► sequencer (engine) ─► commit ─► acknowledger ─► replies, deletes
                                                          └─► checkpoints

One record is being written while the next is being filled: a record goes out as soon as the one
before it is committed, or is closed early when it has reached its size. So the batch grows with
the load and with the journal's latency, and nothing waits when there is neither.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

from bursa.intake.message import Delivery
from bursa.intake.queue_kinds import QueueKind
from bursa.journal.errors import OutcomeUnknown
from bursa.journal.record import BATCH_ID_BYTES, Attestation, EncodedRecord
from bursa.journal.replica import Head, Replica
from wire import layout
from worker.acknowledge import Acknowledger
from worker.archiver import ArchiveLoop
from worker.checkpoints import Checkpointer
from worker.commit import commit
from worker.intake import Inbox, Receivers
from worker.lease import Lease
from worker.poison import EngineFault, Quarantine
from worker.ports import Ports
from worker.sequencer import Acknowledgement, Sequencer
from worker.settings import ShardSettings
from worker.steady_time import JUMP_MS, SteadyTime

# Messages given to the engine at a time: keeps one turn of the loop around a millisecond.
_COMMANDS_PER_TURN = 1000
# The same while a checkpoint is being copied, when what a command writes costs ten times as much.
COMMANDS_PER_TURN_COPYING = 50
_MESSAGES_PER_TURN_PROBED = 16
# A command in base64; the rest of a message's body is small beside it.
_BODY_BYTES_PER_COMMAND = 4 * layout.COMMAND_BYTES // 3


# How often markets are looked through for those whose breaker pauses.
_MARKETS_EVERY_S = 30.0
_MARKETS_NAMED_MAX = 20
# An engine that forgets ids sooner than this lacks room for them (docs/durability.md).
REMEMBERED_MS_MIN = 3_600_000
_RELEASES_PER_CALL = 10
# A message that was delivered so often has met a worker's end, or a delete that never arrives.
_RECEIVED_OFTEN = 5


class Leader:
    """Leads a shard until told to stop or deposed.

    Parameters
    ----------
    replica
        At the head of the journal; its engine belongs to the leader from now on.
    lease, epoch
        Held, and what it was taken with.
    ports, settings
        The outside world, and times and sizes.
    time
        Engine time, which goes on from one leadership to the next.
    stop
        Set from outside: drain and return.

    """

    def __init__(
        self,
        replica: Replica,
        lease: Lease,
        epoch: int,
        ports: Ports,
        settings: ShardSettings,
        *,
        time: SteadyTime,
        checkpointer: Checkpointer,
        quarantine: Quarantine,
        stop: asyncio.Event,
    ) -> None:
        self._lease = lease
        self._queues = ports.queues
        self._journal = ports.journal
        self._committed_head = replica.head
        self._archive = ArchiveLoop(ports.archive, ports.clock, ports.telemetry, settings.archive_s)
        self._clock = ports.clock
        self._telemetry = ports.telemetry
        self._checkpointer = checkpointer
        checkpointer.attest_by(self._attest)
        self._settings = settings
        self._stop = stop
        self._inbox = Inbox(
            settings.held_messages_max, settings.held_funds_messages_max, ports.clock.time_ms
        )
        self._sequencer = Sequencer(
            replica,
            settings.shard,
            epoch,
            lambda: ports.random_bytes(BATCH_ID_BYTES),
            quarantine,
            probe=ports.probe,
            probed_from_receive=settings.probed_from_receive,
        )
        self._acknowledger = Acknowledger(
            ports.queues,
            ports.replies,
            self._inbox,
            ports.clock,
            ports.telemetry,
            writers=settings.writers,
            deleters=settings.deleters,
        )
        self._time = time
        self._filled = asyncio.Event()
        self._sealed = asyncio.Event()
        self._sequencing_done = False
        self._last_commit_at = ports.clock.monotonic()
        self._markets_looked_at = float("-inf")

    async def run(self) -> None:
        """Lead.

        Returns when stopped and drained. Raises `Deposed` when another leads, `EngineFault` when
        memory must be rebuilt; messages that were held then come again.
        """
        failure: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                background = [
                    group.create_task(self._lease.keep(self._inbox.queue_state)),
                    group.create_task(self._checkpointer.run()),
                    group.create_task(self._archive.run(lambda: self._committed_head, leads=True)),
                ]
                pipeline = group.create_task(self._pipeline())
                await asyncio.wait([pipeline])
                for task in background:
                    task.cancel()
        except* Exception as several:  # noqa: BLE001 - it is raised again, by itself
            failure = _first(several)
        if failure is not None:
            if isinstance(failure, EngineFault):
                await self._give_back()
            # Not above: until 3.11.4 Python makes a group again of what is raised there.
            raise failure
        await self._lease.release()
        await self._checkpointer.store_attested()

    async def _give_back(self) -> None:
        """Release the messages held, in their order, so that they come again at once."""
        for kind, queue in self._queues.items():
            held = self._inbox.receipts(kind)
            with suppress(OutcomeUnknown):
                for start in range(0, len(held), _RELEASES_PER_CALL):
                    await queue.release(held[start : start + _RELEASES_PER_CALL])

    async def _pipeline(self) -> None:
        self._sequencer.announce(self._lease.owner, self._time.now_ms())
        await self._write_open_record()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._receive())
            group.create_task(self._acknowledger.run())
            ticking = group.create_task(self._tick())
            group.create_task(self._commit_records())
            await self._sequence()
            ticking.cancel()
            self._sequencing_done = True
            self._filled.set()
        await self._leave_checkpoint()

    async def _leave_checkpoint(self) -> None:
        """Have the last state attested, so that the next start may believe its checkpoint."""
        self._checkpointer.take(self._sequencer)
        await self._checkpointer.offered()
        if not self._sequencer.empty:
            await self._write_open_record()

    def _attest(self, attestation: Attestation) -> None:
        """Have the next record attest a checkpoint; a quiet shard gets one for it."""
        self._sequencer.attest(attestation)
        if self._sequencer.empty:
            self._sequencer.tick(self._time.now_ms())
        self._filled.set()

    async def _receive(self) -> None:
        """Receive from all queues until told to stop."""
        counts = dict.fromkeys(QueueKind, 1) | {QueueKind.TRADING: self._settings.receivers}
        async with asyncio.TaskGroup() as group:
            for kind, queue in self._queues.items():
                receivers = Receivers(
                    queue, self._inbox, self._clock, kind, count=counts[kind], stop=self._stop
                )
                group.create_task(receivers.run())
        self._inbox.close()

    async def _sequence(self) -> None:
        while await self._inbox.wait_ready():
            while not self._sequencer.room:
                self._sealed.clear()
                await self._sealed.wait()
            copying = self._checkpointer.copying
            turn = COMMANDS_PER_TURN_COPYING if copying else _COMMANDS_PER_TURN
            room = min(self._sequencer.room, turn)
            deliveries = self._inbox.take(room * _BODY_BYTES_PER_COMMAND)
            self._look_at(deliveries)
            for portion in self._portions(deliveries):
                self._sequencer.take(portion, self._time.now_ms())
                self._report_rejected()
                self._filled.set()
                await asyncio.sleep(0)

    def _portions(self, deliveries: list[Delivery]) -> Iterator[list[Delivery]]:
        """Cut up what has messages to be probed: every probe holds up the lease's renewal too."""
        probed_from = self._settings.probed_from_receive
        probes = any(one.receive_count >= probed_from for one in deliveries)
        size = _MESSAGES_PER_TURN_PROBED if probes else len(deliveries)
        for start in range(0, len(deliveries), size):
            yield deliveries[start : start + size]

    def _look_at(self, deliveries: list[Delivery]) -> None:
        often = [one.message_id for one in deliveries if one.receive_count >= _RECEIVED_OFTEN]
        if often:
            self._telemetry.alarm(
                "Redelivered", "Messages keep coming again.", count=len(often), first=often[0]
            )
        if abs(self._time.off_by_ms) > JUMP_MS:
            self._telemetry.alarm(
                "ClockJumped",
                "The wall clock is off; engine time follows it slowly.",
                off_by_ms=round(self._time.off_by_ms),
            )

    def _look_at_memory(self) -> None:
        """Measure how far back the engine remembers ids, once it has forgotten any."""
        horizon_ms = self._sequencer.engine.horizon_ms
        if horizon_ms < 0:
            return
        # Engine time may be some milliseconds ahead.
        remembered_ms = max(0, self._time.now_ms() - horizon_ms)
        self._telemetry.measure("RememberedMilliseconds", remembered_ms)
        if remembered_ms < REMEMBERED_MS_MIN:
            self._telemetry.alarm(
                "MemoryOfIdsShort",
                "The engine forgets ids that clients and the queue may well send again.",
                remembered_ms=remembered_ms,
            )

    def _look_at_markets(self) -> None:
        """Ask a person to look at markets whose breaker pauses."""
        now = self._clock.monotonic()
        if now - self._markets_looked_at < _MARKETS_EVERY_S:
            return
        self._markets_looked_at = now
        paused = self._sequencer.engine.paused_markets
        if paused:
            self._telemetry.alarm(
                "BreakerPaused",
                "Too many auctions, or one for nothing: these markets trade within their bands.",
                count=len(paused),
                markets=paused[:_MARKETS_NAMED_MAX],
            )

    def _report_rejected(self) -> None:
        for message_id, why in self._sequencer.rejected:
            self._telemetry.alarm(
                "PoisonMessage", "A message became a rejection.", message_id=message_id, why=why
            )
        self._sequencer.rejected.clear()

    async def _tick(self) -> None:
        tick_s = self._settings.idle_tick_ms / 1000
        while True:
            await self._clock.sleep(tick_s)
            idle = self._clock.monotonic() - self._last_commit_at >= tick_s
            if idle and self._sequencer.empty and self._sequencer.due(self._time.now_ms()):
                self._sequencer.tick(self._time.now_ms())
                self._filled.set()

    async def _commit_records(self) -> None:
        while True:
            await self._filled.wait()
            if not self._sequencer.empty:
                await self._write_open_record()
            elif self._sequencing_done:
                break
            else:
                self._filled.clear()
        self._acknowledger.close()

    async def _write_open_record(self) -> None:
        sequencer = self._sequencer
        records = sequencer.seal()
        self._checkpointer.sealed(sequencer)
        self._sealed.set()
        for record in records:
            await self._commit(record)
        last_sequence = records[-1].last_sequence
        acknowledgements = sequencer.pop_acknowledgements(last_sequence)
        self._acknowledger.add(acknowledgements)
        if acknowledgements and acknowledgements[0].sent_ms:
            age_ms = self._clock.time_ms() - acknowledgements[0].sent_ms
            self._telemetry.measure("QueueAgeMilliseconds", max(0, age_ms))
        self._telemetry.measure("HeldMessages", self._inbox.held)
        self._trace(acknowledgements, records[-1])
        self._look_at_memory()
        self._look_at_markets()
        self._checkpointer.committed(last_sequence)

    def _trace(self, committed: list[Acknowledgement], record: EncodedRecord) -> None:
        now_ms = self._clock.time_ms()
        for one in committed:
            if one.trace is not None:
                self._telemetry.traced(
                    one.trace,
                    one.sent_ms,
                    one.taken_ms,
                    now_ms,
                    shard=record.shard,
                    record=record.number,
                    sequence=one.last_sequence,
                )

    async def _commit(self, record: EncodedRecord) -> None:
        started = self._clock.monotonic()
        attempts = await commit(
            record, self._journal, self._clock, self._lease.held, self._settings.part_bytes
        )
        self._last_commit_at = self._clock.monotonic()
        self._committed_head = Head.of(record)
        count = record.last_sequence - record.first_sequence + 1
        measure = self._telemetry.measure
        measure("CommitMilliseconds", (self._last_commit_at - started) * 1000)
        measure("RecordBytes", len(record.body))
        measure("CommandsPerRecord", count)
        measure("BytesPerCommand", len(record.body) / count)
        if attempts > 1:
            measure("CommitRetries", attempts - 1)


def _first(several: BaseExceptionGroup[BaseException]) -> BaseException:
    first = several.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
