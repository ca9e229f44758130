"""One run: users, workers, services and a projector, first with faults, then without.

A safety phase lets everything go wrong that the seed's options allow; the promises that can be
seen at once are watched by the services. Then faults end, and everything accepted must get done
within a bounded time; what must hold at the end is in `checks`.
"""

import asyncio
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bursa.intake.queue_kinds import QueueKind
from bursa.journal.record import EncodedRecord
from bursa.kernel import traces
from tests.simulation.faults import Faults
from tests.simulation.options import Options
from tests.simulation.projecting import ProjectorProcess
from tests.simulation.services import (
    ArchivePort,
    ArchiveService,
    CheckpointPort,
    CheckpointService,
    JournalPort,
    JournalTable,
    LeasePort,
    LeaseService,
    Message,
    QueuePort,
    QueueService,
    RepliesPort,
    RepliesService,
    Services,
    Violation,
)
from tests.simulation.virtual_loop import VirtualLoop
from tests.simulation.wire import Machine, Wire
from tests.simulation.workload import ClientMessage, Workload
from worker import recovery
from worker.capture import CopyCapture
from worker.ports import EngineFactory, Ports
from worker.probe import NoProbe
from worker.settings import ShardSettings
from worker.shard import ShardWorker

if TYPE_CHECKING:
    from collections.abc import Callable

_LIVELY_S_MAX = 180.0
_RECEIVE_LIMIT = 4
_PAGE_RECORDS = 7
_SPAN_SEQUENCES = 10
_HOUR_MS = 3_600_000
_ASK_EVERY_S = 0.2
_AT_ONCE = {2: "two workers at once", 3: "three workers at once"}


@dataclass(slots=True)
class Trace:
    """What happened, for a person and for comparing two runs."""

    lines: list[str] = field(default_factory=list)

    def say(self, now: float, who: str, what: str) -> None:
        self.lines.append(f"{now:9.3f} {who:4} {what}")


class MachineTelemetry:
    """A worker's telemetry, into the trace."""

    def __init__(self, trace: Trace, faults: Faults, name: str) -> None:
        self._trace = trace
        self._faults = faults
        self._name = name

    def event(self, message: str, **fields: object) -> None:
        about = " ".join(f"{name}={value}" for name, value in fields.items())
        self._trace.say(asyncio.get_running_loop().time(), self._name, f"{message} {about}")
        self._faults["deposed"] += message == "Deposed"

    def alarm(self, name: str, message: str, **fields: object) -> None:
        self.event(f"ALARM {name} {message}", **fields)

    def measure(self, name: str, value: float) -> None:
        """Metrics are not looked at here."""

    def traced(
        self, trace: traces.Trace, sent_ms: int, taken_ms: int, committed_ms: int, **about: int
    ) -> None:
        """Nor are traces of requests."""


def _takes_over(before: EncodedRecord, record: EncodedRecord) -> bool:
    return record.epoch > before.epoch


class World:
    """Everything in one run."""

    def __init__(self, options: Options, engines: EngineFactory) -> None:
        self.options = options
        self.engines = engines
        self.rng = random.Random(f"run {options.seed}")
        self.trace = Trace()
        self.faults = Faults()
        journal = JournalTable(_PAGE_RECORDS)
        self.services = Services(
            {kind: QueueService(options, self.rng, journal.log, self.faults) for kind in QueueKind},
            journal,
            CheckpointService(options, self.rng, journal.log, self.faults),
            RepliesService(journal.log),
            LeaseService(),
            ArchiveService(journal.log),
        )
        self.wire = Wire(options, self.rng, self.faults)
        self.workload = Workload(self.rng, options.accounts, options.commands_per_message_max)
        self.accepted: list[ClientMessage] = []
        self.malformed: list[tuple[str, str]] = []
        self.projector = ProjectorProcess(options, self.rng, journal, self.faults)
        self.failures: list[BaseException] = []
        self._running: list[tuple[Machine, asyncio.Event]] = []
        self._started = 0
        self.lasted_s = 0.0

    # --- workers ----------------------------------------------------------------------------------

    def start_worker(self) -> None:
        """Start one more process."""
        options = self.options
        self._started += 1
        loop = asyncio.get_running_loop()
        drift = (self.rng.random() * 2 - 1) * options.clock_drift
        machine = Machine(f"w{self._started}", loop, 1.0 + drift)
        stop = asyncio.Event()
        worker = ShardWorker(self._ports(machine), self._settings(), stop)
        machine.task = loop.create_task(self._live(machine, stop, worker))
        self._running.append((machine, stop))
        if len(self._running) in _AT_ONCE:
            self.faults[_AT_ONCE[len(self._running)]] += 1

    async def _live(self, machine: Machine, stop: asyncio.Event, worker: ShardWorker) -> None:
        try:
            await worker.run()
        except asyncio.CancelledError:
            self.say(machine.name, "crashed")
        except BaseException as error:  # noqa: BLE001 - whatever it is, the run has failed
            self.failures.append(error)
        else:
            self.say(machine.name, "stopped")
        machine.dead = True
        self._running.remove((machine, stop))

    def say(self, who: str, what: str) -> None:
        """Add to the trace."""
        self.trace.say(asyncio.get_running_loop().time(), who, what)

    def _settings(self) -> ShardSettings:
        options = self.options
        return ShardSettings(
            shard=0,
            lease_ms=round(options.lease_s * 1000),
            poll_ms=300,
            checkpoint_commands=options.checkpoint_commands,
            checkpoint_s=30,
            checkpoints_kept=2,
            archive_s=3,
            receivers=2,
            writers=1,
            deleters=2,
            held_messages_max=options.held_max,
            part_bytes=options.part_bytes,
        )

    def _ports(self, machine: Machine) -> Ports:
        services, wire = self.services, self.wire
        return Ports(
            queues={
                kind: QueuePort(services, kind, wire, machine, _RECEIVE_LIMIT) for kind in QueueKind
            },
            journal=JournalPort(services, wire, machine),
            replies=RepliesPort(services, wire, machine),
            leases=LeasePort(services, wire, machine),
            checkpoints=CheckpointPort(services, wire, machine),
            archive=ArchivePort(services, wire, machine),
            capture=CopyCapture(),
            engines=self.engines,
            clock=machine,
            telemetry=MachineTelemetry(self.trace, self.faults, machine.name),
            random_bytes=self.rng.randbytes,
            probe=NoProbe(),
        )

    # --- users ------------------------------------------------------------------------------------

    def send(self, message: ClientMessage, group: str | None = None) -> None:
        """Accept a message: from here on it must be done, once."""
        now = asyncio.get_running_loop().time()
        self.services.queues[message.queue].send(
            Message(
                message.body,
                group or message.group,
                message.message_id,
                message.command_ids,
                now,
            )
        )
        if message not in self.accepted:
            self.accepted.append(message)

    def _send_malformed(self) -> None:
        now = asyncio.get_running_loop().time()
        message_id = self.rng.randbytes(16).hex()
        body = self.rng.choice(("", "{}", "not json", '{"message_id":1}', "[" * 50))
        group = f"t1-{self.rng.randint(1, self.options.accounts)}"
        queue = self.services.queues[self.rng.choice(list(QueueKind))]
        queue.send(Message(body, group, message_id, frozenset(), now))
        self.malformed.append((group, message_id))
        self.faults["malformed"] += 1

    async def _users(self) -> None:
        options, rng = self.options, self.rng
        listing = self.workload.listing(asyncio.get_running_loop().time())
        self.send(listing)
        await self._until_committed(listing)
        for credit in self.workload.credits(asyncio.get_running_loop().time()):
            self.send(credit)
        for _ in range(options.messages):
            await asyncio.sleep(rng.random() * 2 * options.faulty_s / options.messages)
            message = self.workload.next(asyncio.get_running_loop().time())
            self.send(message)
            if rng.random() < options.resent_rate:
                again = rng.choice(self.accepted[1:])
                self.send(again)
                self.faults["resent"] += 1
            if rng.random() < options.malformed_rate:
                self._send_malformed()

    async def _until_committed(self, message: ClientMessage) -> None:
        """Wait as onboarding does, which asks for the reply again and again."""
        deadline = asyncio.get_running_loop().time() + _LIVELY_S_MAX + self.options.faulty_s
        while not message.command_ids <= self.services.journal.log.sequences.keys():
            if asyncio.get_running_loop().time() > deadline:
                raise Violation("The listing was never carried out.")
            await asyncio.sleep(_ASK_EVERY_S)

    # --- trouble ----------------------------------------------------------------------------------

    def _choose(self) -> tuple[Machine, asyncio.Event] | None:
        return self.rng.choice(self._running) if self._running else None

    def _crash_at_some_call(self) -> None:
        chosen = self._choose()
        if chosen is not None:
            chosen[0].crash_in_calls = self.rng.randint(1, 25)

    def _pause(self) -> None:
        chosen = self._choose()
        if chosen is not None:
            seconds = self.rng.random() * self.options.pause_s_max
            self.say(chosen[0].name, f"pauses for {seconds:.1f} s")
            chosen[0].pause(seconds)
            self.faults["paused"] += 1
            self.faults["paused beyond the lease"] += seconds > self.options.lease_s

    def _jump(self) -> None:
        chosen = self._choose()
        if chosen is not None:
            direction = self.rng.choice((-1, 1))
            chosen[0].jump(direction * _HOUR_MS)
            self.faults[f"clock an hour {'ahead' if direction > 0 else 'behind'}"] += 1

    def _stop(self) -> None:
        chosen = self._choose()
        if chosen is not None:
            chosen[1].set()
            self.faults["stopped"] += 1

    def _plan_trouble(self) -> None:
        options = self.options
        plans: list[tuple[int, Callable[[], None]]] = [
            (options.crashes, self._crash_at_some_call),
            (options.pauses, self._pause),
            (options.clock_jumps, self._jump),
            (options.stops, self._stop),
        ]
        loop = asyncio.get_running_loop()
        for count, trouble in plans:
            for _ in range(count):
                loop.call_later(self.rng.random() * options.faulty_s, trouble)

    async def _keep_workers_running(self) -> None:
        while True:
            while len(self._running) < self.options.workers:
                self.start_worker()
            await asyncio.sleep(0.5 + self.rng.random())

    # --- the run ----------------------------------------------------------------------------------

    async def _run(self) -> None:
        keeper = asyncio.create_task(self._keep_workers_running())
        users = asyncio.create_task(self._users())
        projecting = asyncio.create_task(self.projector.run())
        self._plan_trouble()
        await asyncio.sleep(self.options.faulty_s)
        await users
        self.say("", "faults end")
        self.wire.faulty = False
        self.services.checkpoints.torn_rate = 0.0
        for queue in self.services.queues.values():
            queue.early_rate = 0.0
        self.projector.faulty = False
        self.send(self.workload.next(asyncio.get_running_loop().time()))
        await self._wait_until_done()
        keeper.cancel()
        for machine, _ in list(self._running):
            machine.crash()
        await asyncio.sleep(0)
        projecting.cancel()

    async def _wait_until_done(self) -> None:
        deadline = asyncio.get_running_loop().time() + _LIVELY_S_MAX
        while not self._done():
            if self.failures:
                raise self.failures[0]
            if asyncio.get_running_loop().time() > deadline:
                raise Violation(f"Not everything was done {_LIVELY_S_MAX} s after the last fault.")
            await asyncio.sleep(0.5)

    def _done(self) -> bool:
        committed = self.services.journal.log.sequences
        return (
            all(queue.empty for queue in self.services.queues.values())
            and all(message.command_ids <= committed.keys() for message in self.accepted)
            and self.projector.at_head()
        )

    def run(self) -> None:
        """Run; raises when a promise was broken on the way."""
        recovery.SPAN_SEQUENCES = _SPAN_SEQUENCES
        loop = VirtualLoop()
        loop.set_exception_handler(self._on_loop_error)
        try:
            loop.run_until_complete(self._run())
        finally:
            self.lasted_s = loop.time()
            self.faults["record in parts"] = self.services.journal.in_parts
            self.faults["taken over"] = sum(map(_takes_over, self.records, self.records[1:]))
            loop.run_until_complete(self._end_tasks())
            loop.close()
        if self.failures:
            raise self.failures[0]

    @staticmethod
    async def _end_tasks() -> None:
        leftover = asyncio.all_tasks() - {asyncio.current_task()}
        for task in leftover:
            task.cancel()
        await asyncio.gather(*leftover, return_exceptions=True)

    def _on_loop_error(self, _: object, context: dict[str, object]) -> None:
        error = context.get("exception")
        if isinstance(error, Violation):
            self.failures.append(error)

    @property
    def records(self) -> list[EncodedRecord]:
        """The journal, in order."""
        records = self.services.journal.records
        return [records[slot] for slot in sorted(records)]
