"""One part of AWS does not respond for an hour, and then does: the worker goes on by itself."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.standins import Memory, Meter, NoArchive, NoCheckpoints, ports_over
from bursa.intake.queue_kinds import QueueKind
from bursa.journal.errors import OutcomeUnknown
from bursa.journal.record import decode_record
from tests.doubles.toy_engine import ToyEngine
from tests.unit.worker.fakes import NOW_MS, LoopClock, SilentTelemetry, credit, delivery, run
from worker.ports import Ports
from worker.settings import ShardSettings
from worker.shard import ShardWorker

HOUR_S = 3_600
MINUTES = 60


class Engines:
    """Makes engines that add up."""

    def new(self) -> Any:
        return ToyEngine()

    def restore(self, checkpoint: bytes) -> Any:
        raise NotImplementedError


class Away:
    """A port that takes a second to fail, for an hour; the first calls may still succeed."""

    def __init__(self, port: Any, answered: int = 0, since_s: int = 0) -> None:
        self._port = port
        self._answered = answered
        self._since_s = since_s
        self.failures = 0

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*arguments: Any, **options: Any) -> Any:
            self._answered -= 1
            now_s = asyncio.get_running_loop().time()
            if self._since_s <= now_s < HOUR_S and self._answered < 0:
                self.failures += 1
                await asyncio.sleep(1)
                raise OutcomeUnknown("no answer")
            return await getattr(self._port, name)(*arguments, **options)

        return call


class LastingQueue(Memory):
    """A queue that is there for a minute after the hour, whatever it still holds."""

    def __init__(self, count: int, stop: asyncio.Event) -> None:
        waiting = [
            delivery(credit(7, number=number), message_id=f"{number:032x}", reply=True)
            for number in range(count)
        ]
        super().__init__(waiting, stop)
        self._end = stop

    async def receive(self) -> Any:
        await asyncio.sleep(1)
        if asyncio.get_running_loop().time() > HOUR_S + 60:
            self._end.set()
        return []


COUNT = 12
CASES = {
    "journal": [],
    "leases": [],
    "queues": [],
    "replies": ["RepliesLost"],
    "checkpoints": ["CheckpointFailed"],
    "archive": [],
}
# A start reads the list of checkpoints twice and what is archived once, and waits for them.
ANSWERED = dict.fromkeys(CASES, 0) | {"checkpoints": 2, "archive": 1}


def usual_ports(memory: LastingQueue, telemetry: SilentTelemetry) -> Ports:
    return replace(
        ports_over(memory, Meter()),
        checkpoints=NoCheckpoints(),
        archive=NoArchive(),
        engines=Engines(),
        clock=LoopClock(NOW_MS),
        telemetry=telemetry,
    )


def decided(memory: LastingQueue) -> list[int]:
    """Return how often each command is in the journal."""
    commands = b"".join(decode_record(record).commands for record in memory.records)
    return [commands.count(credit(7, number=number)) for number in range(COUNT)]


@pytest.mark.parametrize("name", CASES)
def test_what_was_sent_is_decided_once_when_it_is_back(name: str) -> None:
    async def scenario() -> tuple[LastingQueue, Away, SilentTelemetry]:
        stop = asyncio.Event()
        memory = LastingQueue(COUNT, stop)
        telemetry = SilentTelemetry()
        ports = usual_ports(memory, telemetry)
        port: Any = getattr(ports, name)
        away = Away(ports.queues[QueueKind.FUNDS] if name == "queues" else port, ANSWERED[name])
        gone: Any = {QueueKind.FUNDS: away, QueueKind.TRADING: memory} if name == "queues" else away
        settings = ShardSettings(shard=0, checkpoint_commands=1)
        await ShardWorker(replace(ports, **{name: gone}), settings, stop).run()
        return memory, away, telemetry

    memory, away, telemetry = run(scenario())
    assert away.failures
    assert decided(memory) == [1] * COUNT
    assert sorted(set(telemetry.alarms)) == CASES[name]


@pytest.mark.parametrize("since_s", [0, 2], ids=["from the start", "while it leads"])
def test_all_that_the_key_encrypts_is_away_at_once(since_s: int) -> None:
    """As when KMS throttles or the key is disabled, or the whole region is away."""

    async def scenario() -> tuple[LastingQueue, list[Away], SilentTelemetry]:
        stop = asyncio.Event()
        memory = LastingQueue(COUNT, stop)
        telemetry = SilentTelemetry()
        ports = usual_ports(memory, telemetry)
        whole: dict[str, Any] = {name: getattr(ports, name) for name in CASES}
        away = {name: Away(port, since_s=since_s) for name, port in whole.items()}
        queues = {kind: Away(queue, since_s=since_s) for kind, queue in ports.queues.items()}
        gone: dict[str, Any] = away | {"queues": queues}
        settings = ShardSettings(shard=0, checkpoint_commands=1)
        await ShardWorker(replace(ports, **gone), settings, stop).run()
        return memory, [*away.values(), *queues.values()], telemetry

    memory, away, telemetry = run(scenario())
    assert sum(one.failures for one in away) > MINUTES
    assert decided(memory) == [1] * COUNT
    assert set(telemetry.alarms) <= {"RepliesLost", "CheckpointFailed"}
