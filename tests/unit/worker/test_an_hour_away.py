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
from worker.settings import ShardSettings
from worker.shard import ShardWorker

HOUR_S = 3_600


class Engines:
    """Makes engines that add up."""

    def new(self) -> Any:
        return ToyEngine()

    def restore(self, checkpoint: bytes) -> Any:
        raise NotImplementedError


class Away:
    """A port that takes a second to fail, for an hour; the first calls may still succeed."""

    def __init__(self, port: Any, answered: int) -> None:
        self._port = port
        self._answered = answered
        self.failures = 0

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*arguments: Any, **options: Any) -> Any:
            self._answered -= 1
            if asyncio.get_running_loop().time() < HOUR_S and self._answered < 0:
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
# A start reads the list of checkpoints, and waits for it.
ANSWERED = dict.fromkeys(CASES, 0) | {"checkpoints": 1}


@pytest.mark.parametrize("name", CASES)
def test_what_was_sent_is_decided_once_when_it_is_back(name: str) -> None:
    async def scenario() -> tuple[LastingQueue, Away, SilentTelemetry]:
        stop = asyncio.Event()
        memory = LastingQueue(COUNT, stop)
        telemetry = SilentTelemetry()
        ports = replace(
            ports_over(memory, Meter()),
            checkpoints=NoCheckpoints(),
            archive=NoArchive(),
            engines=Engines(),
            clock=LoopClock(NOW_MS),
            telemetry=telemetry,
        )
        port: Any = getattr(ports, name)
        away = Away(ports.queues[QueueKind.FUNDS] if name == "queues" else port, ANSWERED[name])
        gone: Any = {QueueKind.FUNDS: away, QueueKind.TRADING: memory} if name == "queues" else away
        settings = ShardSettings(shard=0, checkpoint_commands=1)
        await ShardWorker(replace(ports, **{name: gone}), settings, stop).run()
        return memory, away, telemetry

    memory, away, telemetry = run(scenario())
    assert away.failures
    commands = b"".join(decode_record(record).commands for record in memory.records)
    assert [commands.count(credit(7, number=number)) for number in range(COUNT)] == [1] * COUNT
    assert sorted(set(telemetry.alarms)) == CASES[name]
