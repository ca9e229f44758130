"""One worker of one shard, from its start to its end: recover, follow, lead, and again.

    recover ─► follow ──lease──► lead ──stop──► end
       ▲                          │
       └──── deposed, fault ──────┘

When a worker stops leading, for any reason, it drops its memory: it begins again from what is
stored.
"""

import asyncio
from base64 import b64encode
from collections.abc import Callable

from bursa.journal.errors import OutcomeUnknown
from bursa.journal.replica import Replica
from bursa.kernel.retry import Backoff, retry_async
from worker.archiver import ArchiveLoop
from worker.checkpoints import Checkpointer, restore_newest
from worker.commit import Deposed
from worker.leader import Leader
from worker.lease import Lease
from worker.poison import EngineFault, Quarantine
from worker.ports import Ports
from worker.recovery import catch_up, require_end, require_head
from worker.sequencer import InvariantBroken
from worker.settings import ShardSettings
from worker.steady_time import SteadyTime

_STORAGE_PAUSE_S = 1.0
_EVIDENCE_BACKOFF = Backoff(0.25, attempts=4)


class ShardWorker:
    """Runs a shard's worker until told to stop.

    Parameters
    ----------
    reclaim
        Frees what only refers to itself. What leads does, and it holds an engine: without this the
        next one would be built beside it.

    """

    def __init__(
        self,
        ports: Ports,
        settings: ShardSettings,
        stop: asyncio.Event,
        reclaim: Callable[[], object] = lambda: None,
    ) -> None:
        self._reclaim = reclaim
        self._ports = ports
        self._settings = settings
        self._stop = stop
        self._quarantine = Quarantine()
        self._time = SteadyTime(ports.clock)
        self._role = "recovering"
        self._replica: Replica | None = None
        owner = ports.random_bytes(8).hex()
        self._lease = Lease(ports.leases, ports.clock, owner, settings.lease_ms / 1000)

    def measure_role(self) -> None:
        """Count this worker as leading or following; one that recovers is neither."""
        if self._role == "leading":
            self._ports.telemetry.measure("Leading", 1)
        elif self._role == "following":
            self._ports.telemetry.measure("Following", 1)

    def status(self) -> dict[str, object]:
        """Return what this worker is doing, for its heartbeat."""
        replica = self._replica
        return {"role": self._role, "head": replica.engine.sequence if replica else 0}

    async def run(self) -> None:
        """Run.

        Raises
        ------
        JournalBroken, RecordError
            When what is stored does not add up, or more was stored, or followed, than the journal
            has: no worker may write after it.
        InvariantBroken
            When the books don't: the shard stops.

        """
        telemetry = self._ports.telemetry
        while not self._stop.is_set():
            self._role = "recovering"
            replica = self._replica = await self._recover()
            self._role = "following"
            epoch = await self._follow_until_leading(replica)
            if epoch is None:
                return
            self._role = "leading"
            telemetry.event(
                "Leading", epoch=epoch, owner=self._lease.owner, head=replica.head.last_sequence
            )
            try:
                await self._leader(replica, epoch).run()
            except Deposed as deposed:
                telemetry.event("Deposed", epoch=epoch, why=str(deposed))
            except InvariantBroken as broken:
                await self._report(broken)
                raise
            except EngineFault as fault:
                telemetry.alarm("EngineFault", "The engine raised; starting over.", why=str(fault))
            self._replica = None
            del replica
            self._reclaim()

    async def _report(self, broken: InvariantBroken) -> None:
        """Store the commands of the batch; the lease stays as it is, and runs out."""
        self._ports.telemetry.alarm(
            "InvariantBroken", str(broken), commands=b64encode(broken.commands).decode()
        )

        async def attempt() -> None:
            await self._ports.checkpoints.keep_evidence(broken.first_sequence, broken.commands)

        sleep = self._ports.clock.sleep
        try:
            await retry_async(attempt, _EVIDENCE_BACKOFF, sleep, on=OutcomeUnknown)
        except OutcomeUnknown as error:
            self._ports.telemetry.event(
                "Evidence is in the log only; it was not stored.", why=str(error)
            )

    def _leader(self, replica: Replica, epoch: int) -> Leader:
        ports, settings = self._ports, self._settings
        checkpointer = Checkpointer(
            ports.checkpoints,
            ports.capture,
            ports.clock,
            ports.telemetry,
            shard=settings.shard,
            every_commands=settings.checkpoint_commands,
            every_s=settings.checkpoint_s,
            keep=settings.checkpoints_kept,
        )
        checkpointer.start_at(replica.head.last_sequence)
        return Leader(
            replica,
            self._lease,
            epoch,
            ports,
            settings,
            time=self._time,
            checkpointer=checkpointer,
            quarantine=self._quarantine,
            stop=self._stop,
        )

    async def _recover(self) -> Replica:
        ports = self._ports
        while True:
            try:
                started = ports.clock.monotonic()
                await require_end(ports.journal, ports.checkpoints, ports.archive)
                replica = await restore_newest(
                    ports.checkpoints,
                    ports.journal,
                    ports.engines,
                    self._settings.shard,
                    ports.telemetry,
                )
                from_checkpoint = replica.head.last_sequence
                await catch_up(replica, ports.journal)
                await ports.capture.prepare()
            except OutcomeUnknown as error:
                ports.telemetry.event("Storage does not respond; trying again.", why=str(error))
                await ports.clock.sleep(_STORAGE_PAUSE_S)
            else:
                ports.telemetry.event(
                    "State rebuilt",
                    from_checkpoint=from_checkpoint,
                    head=replica.head.last_sequence,
                    seconds=round(ports.clock.monotonic() - started, 3),
                )
                return replica

    async def _read_on(self, replica: Replica) -> None:
        while records := await self._ports.journal.read(replica.head.next_sequence):
            for record in records:
                replica.follow(record)

    async def _follow_until_leading(self, replica: Replica) -> int | None:
        ports = self._ports
        archive = ArchiveLoop(ports.archive, ports.clock, ports.telemetry, self._settings.archive_s)
        archiving = asyncio.ensure_future(archive.run(lambda: replica.head, leads=False))
        try:
            return await self._take_the_lease(replica)
        finally:
            archiving.cancel()

    async def _take_the_lease(self, replica: Replica) -> int | None:
        ports = self._ports
        while not self._stop.is_set():
            self._time.now_ms()
            try:
                await self._read_on(replica)
                epoch = await self._lease.try_acquire(replica.head.epoch)
                if epoch is not None:
                    # What the leader before wrote between the last look and losing the lease.
                    await self._read_on(replica)
                    await require_head(ports.journal, replica)
                    return epoch
            except OutcomeUnknown as error:
                ports.telemetry.event("Storage does not respond; trying again.", why=str(error))
            await ports.clock.sleep(self._settings.poll_ms / 1000)
        return None
