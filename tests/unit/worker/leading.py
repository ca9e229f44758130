"""Lets a worker lead over stand-ins and carry out messages, with an engine of a test's own."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmarks.standins import Memory, Meter, ports_over
from bursa.intake.message import CommandMessage, Delivery, encode_message
from bursa.intake.queue_kinds import QueueKind
from engine.reference import Engine
from tests.doubles.deliveries import asked_for
from tests.unit.worker.fakes import SilentTelemetry
from wire import layout as w
from wire.codec import encode_cancel_all
from worker.settings import ShardSettings
from worker.shard import ShardWorker

ACCOUNT = w.account_number(1, 1)
MESSAGES = 10


@dataclass(frozen=True)
class Engines:
    """Makes engines of one kind."""

    make: Callable[[], Engine]

    def new(self) -> Engine:
        return self.make()

    def restore(self, checkpoint: bytes) -> Engine:
        return Engine.restore(checkpoint)


def lead(make: Callable[[], Engine], telemetry: SilentTelemetry, trace_header: str = "") -> None:
    """Have a worker carry out ten messages."""

    async def scenario() -> None:
        stop = asyncio.Event()
        messages: list[Delivery] = []
        ports = ports_over(Memory(messages, stop), Meter())
        now_ms = ports.clock.time_ms()
        for number in range(1, MESSAGES + 1):
            cancel = asked_for(encode_cancel_all(ACCOUNT, command_id=(1, number), time_ms=now_ms))
            name = f"{number:032x}"
            body = encode_message(CommandMessage(name, ACCOUNT, cancel, {}, reply=False))
            messages.append(
                Delivery(body, name, "t1-1", name, now_ms, 1, QueueKind.TRADING, trace_header)
            )
        ports = replace(
            ports_over(Memory(messages, stop), Meter()), engines=Engines(make), telemetry=telemetry
        )
        await ShardWorker(ports, ShardSettings(shard=0), stop).run()

    asyncio.run(scenario())
