"""How much the leader gives the engine at a time."""

import asyncio
from dataclasses import replace

import pytest

from benchmarks.standins import Memory, Meter, ports_over
from bursa.intake.message import Delivery
from bursa.journal.checkpoint import state_hash
from bursa.journal.replica import Engine
from tests.simulation.engines import ToyEngines
from tests.unit.worker.fakes import credit, delivery
from worker.sequencer import Sequencer
from worker.settings import ShardSettings
from worker.shard import ShardWorker

PER_MESSAGE, MESSAGES = 25, 400
COPY_S = 0.02


class SlowCapture:
    """Reports when a copy is being made, and takes a while."""

    def __init__(self) -> None:
        self.copying: asyncio.Future[bytes] | None = None
        self.prepared = False

    async def hash(self, state: bytes) -> bytes:
        return state_hash(state)

    async def prepare(self) -> None:
        self.prepared = True

    def capture(self, engine: Engine) -> "asyncio.Future[bytes]":
        state, loop = engine.checkpoint(), asyncio.get_running_loop()
        self.copying = loop.create_future()
        loop.call_later(COPY_S, self.copying.set_result, state)
        return self.copying


def test_turns_are_small_while_a_checkpoint_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    capture = SlowCapture()
    sizes: dict[bool, list[int]] = {False: [], True: []}
    take = Sequencer.take

    def watched(sequencer: Sequencer, deliveries: list[Delivery], time_ms: int) -> None:
        copying = capture.copying is not None and not capture.copying.done()
        sizes[copying].append(len(deliveries) * PER_MESSAGE)
        take(sequencer, deliveries, time_ms)

    monkeypatch.setattr(Sequencer, "take", watched)
    messages = [
        delivery(
            *(credit(1, number=number * PER_MESSAGE + place) for place in range(PER_MESSAGE)),
            message_id=f"{number:032x}",
        )
        for number in range(MESSAGES)
    ]

    async def scenario() -> None:
        stop = asyncio.Event()
        ports = replace(
            ports_over(Memory(messages, stop), Meter()), engines=ToyEngines(), capture=capture
        )
        await ShardWorker(ports, ShardSettings(shard=0, checkpoint_commands=1), stop).run()

    asyncio.run(scenario())
    assert sum(map(sum, sizes.values())) == PER_MESSAGE * MESSAGES
    assert capture.prepared
    assert sizes[True]
    assert max(sizes[True]) <= 50
    assert max(sizes[False]) > 50
