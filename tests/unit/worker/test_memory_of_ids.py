"""How far back the engine remembers ids is measured, and alarms when that is within the hour."""

import asyncio
from dataclasses import replace
from typing import Any

from benchmarks.standins import Memory, Meter, ports_over
from bursa.intake.message import CommandMessage, Delivery, encode_message
from bursa.intake.queue_kinds import QueueKind
from engine.reference import Engine
from tests.unit.worker.fakes import SilentTelemetry
from wire import layout as w
from wire.codec import encode_cancel_all
from worker import leader
from worker.settings import ShardSettings
from worker.shard import ShardWorker

ACCOUNT = w.account_number(1, 1)


class Engines:
    """Makes engines that remember so many ids."""

    def __init__(self, remembered_ids: int) -> None:
        self._ids = remembered_ids

    def new(self) -> Engine:
        return Engine(remembered_ids=self._ids)

    def restore(self, checkpoint: bytes) -> Engine:
        return Engine.restore(checkpoint)


class Measured(SilentTelemetry):
    """Keeps what was measured."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list[float] = []

    def measure(self, name: str, value: float) -> None:
        if name == "RememberedMilliseconds":
            self.values.append(value)


def lead(remembered_ids: int) -> Measured:
    """Have a worker carry out ten messages."""
    telemetry = Measured()

    async def scenario() -> None:
        stop = asyncio.Event()
        messages: list[Any] = []
        ports = ports_over(Memory(messages, stop), Meter())
        now_ms = ports.clock.time_ms()
        for number in range(1, 11):
            cancel = encode_cancel_all(ACCOUNT, command_id=(1, number), time_ms=now_ms)
            name = f"{number:032x}"
            body = encode_message(CommandMessage(name, ACCOUNT, cancel, {}, reply=False))
            messages.append(Delivery(body, name, "t1-1", name, now_ms, queue=QueueKind.TRADING))
        ports = replace(
            ports_over(Memory(messages, stop), Meter()),
            engines=Engines(remembered_ids),
            telemetry=telemetry,
        )
        await ShardWorker(ports, ShardSettings(shard=0), stop).run()

    asyncio.run(scenario())
    return telemetry


def test_a_short_memory_is_measured_and_alarms() -> None:
    telemetry = lead(remembered_ids=2)
    assert "MemoryOfIdsShort" in telemetry.alarms
    assert all(0 <= value < leader.REMEMBERED_MS_MIN for value in telemetry.values)
    assert telemetry.values


def test_nothing_is_said_while_no_id_has_been_forgotten() -> None:
    telemetry = lead(remembered_ids=100)
    assert not telemetry.alarms
    assert not telemetry.values


def test_ids_are_remembered_for_twice_as_long_as_rings_the_alarm() -> None:
    assert w.ID_MEMORY_MS == 2 * leader.REMEMBERED_MS_MIN
