"""What stays when the books don't add up."""

import asyncio
from dataclasses import replace

import pytest

from benchmarks.standins import Memory, Meter, NoCheckpoints, ports_over
from bursa.journal.errors import OutcomeUnknown
from bursa.journal.replica import Engine
from tests.doubles.toy_engine import ToyEngine
from tests.unit.worker.fakes import NOW_MS, LoopClock, SilentTelemetry, credit, delivery, run
from worker.sequencer import InvariantBroken
from worker.settings import ShardSettings
from worker.shard import ShardWorker


class BreakingEngines:
    """Makes engines whose books break with their third command."""

    def new(self) -> Engine:
        engine = ToyEngine()
        engine.breach_at = 3
        return engine

    def restore(self, checkpoint: bytes) -> Engine:
        raise NotImplementedError


class EvidenceStore(NoCheckpoints):
    """Fails a few times before it keeps what it gets."""

    def __init__(self, refusals: int) -> None:
        self.kept: list[tuple[int, bytes]] = []
        self._refusals = refusals

    async def keep_evidence(self, sequence: int, data: bytes) -> None:
        self._refusals -= 1
        if self._refusals >= 0:
            raise OutcomeUnknown("no answer")
        self.kept.append((sequence, data))


@pytest.mark.parametrize(("refusals", "kept"), [(0, 1), (2, 1), (99, 0)])
def test_a_breach_stops_the_worker_whether_or_not_its_evidence_is_kept(
    refusals: int, kept: int
) -> None:
    async def scenario() -> tuple[EvidenceStore, SilentTelemetry, list[int]]:
        stop = asyncio.Event()
        memory = Memory([delivery(credit(7))], stop)
        store, telemetry = EvidenceStore(refusals), SilentTelemetry()
        ports = replace(
            ports_over(memory, Meter()),
            checkpoints=store,
            engines=BreakingEngines(),
            clock=LoopClock(NOW_MS),
            telemetry=telemetry,
        )
        with pytest.raises(InvariantBroken):
            await ShardWorker(ports, ShardSettings(shard=0), stop).run()
        return store, telemetry, [record.last_sequence for record in memory.records]

    store, telemetry, written = run(scenario())
    assert store.kept == [(3, credit(7))] * kept
    assert telemetry.alarms == ["InvariantBroken"]
    assert written == [1], "only the record that announces the epoch"
