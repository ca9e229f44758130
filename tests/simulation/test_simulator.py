import gc
import random
import weakref
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from bursa.journal.replica import Engine
from tests.doubles.toy_engine import ToyEngine
from tests.simulation import world as world_module
from tests.simulation.engines import SmallEngines, ToyEngines
from tests.simulation.faults import KINDS
from tests.simulation.options import Options
from tests.simulation.running import run_seed
from tests.simulation.wire import EPOCH_MS
from tests.simulation.world import World
from wire import layout as w
from worker.results import result_reason
from worker.shard import ShardWorker

SEEDS = 2_000
SEEDS_LONG = 50_000
PORTIONS = 8
# A kind of fault that fires in fewer runs is hardly looked at.
SHARE_MIN = 0.05
ENGINES = SmallEngines("core")
DUE_MS = EPOCH_MS + 30_000
CALM = Options(
    seed=1, workers=1, crashes=0, pauses=0, clock_jumps=0, stops=0, latency_tail_rate=0,
    request_lost_rate=0, answer_lost_rate=0, late_rate=0, twice_rate=0, throttle_rate=0,
    malformed_rate=0, resent_rate=0, redelivered_rate=0, torn_checkpoint_rate=0, stream_lost_rate=0,
    stream_repeated_rate=0, stream_shuffled_rate=0, projector_fault_rate=0,
)  # fmt: skip


@pytest.mark.parametrize("portion", range(PORTIONS))
def test_no_seed_breaks_a_promise_and_every_kind_of_fault_fires(portion: int) -> None:
    seeds = range(portion, SEEDS, PORTIONS)
    runs_with: Counter[str] = Counter()
    for seed in seeds:
        runs_with.update((+run_seed(seed, ENGINES).faults).keys())

    assert runs_with.keys() <= set(KINDS)
    rare = {kind: runs_with[kind] for kind in KINDS if runs_with[kind] < SHARE_MIN * len(seeds)}
    assert not rare


@pytest.mark.long
@pytest.mark.parametrize("portion", range(PORTIONS))
def test_no_seed_of_the_long_run_breaks_a_promise(portion: int) -> None:
    for seed in range(SEEDS + portion, SEEDS_LONG, PORTIONS):
        run_seed(seed, ENGINES)


@pytest.mark.parametrize("seed", [3, 17, 58])
def test_a_seed_repeats_exactly(seed: int) -> None:
    first, second = run_seed(seed, ENGINES), run_seed(seed, ENGINES)

    assert first.trace.lines == second.trace.lines
    assert [record.hash for record in first.records] == [record.hash for record in second.records]


def test_seeds_differ() -> None:
    hashes = {run_seed(seed, ENGINES).records[-1].hash for seed in range(20)}

    assert len(hashes) == 20


def test_commands_come_to_the_engine_again_and_again() -> None:
    repeated = 0
    for seed in range(60):
        sequences = run_seed(seed, ENGINES).services.journal.log.sequences
        repeated += sum(len(seen) > 1 for seen in sequences.values())

    assert repeated > 100


def test_a_fault_leaves_traces_in_what_the_workers_say() -> None:
    said = "\n".join(line for seed in range(60) for line in run_seed(seed, ENGINES).trace.lines)

    for words in ("crashed", "pauses", "Deposed", "CheckpointDamaged", "stopped", "throttled",
                  "request lost", "answer lost", "late"):  # fmt: skip
        assert words in said, words


def test_a_calm_run_needs_one_leader_and_repeats_nothing() -> None:
    world = World(CALM, ENGINES)
    world.run()

    assert {record.epoch for record in world.records} == {1}
    assert all(len(seen) == 1 for name, seen in world.services.journal.log.sequences.items()
               if name != bytes(16))  # fmt: skip
    assert not +world.faults


class BuggyEngine(ToyEngine):
    """Raises at one command, whatever it is; not at the rejection in its place."""

    def _one(self, words: tuple[int, ...]) -> bytes:
        if words[1:3] == (2, 2) and words[0] != w.COMMAND_REJECT:
            raise RuntimeError("a bug")
        return super()._one(words)


class BuggyEngines(ToyEngines):
    def new(self) -> Engine:
        return BuggyEngine()

    def restore(self, checkpoint: bytes) -> Engine:
        return BuggyEngine.restore(checkpoint)


def test_a_command_that_makes_the_engine_raise_holds_up_no_other() -> None:
    rejected = 0
    for seed in range(60):
        world = run_seed(seed, BuggyEngines())
        events = world.services.journal.log.events
        rejected += sum(result_reason(one, 0) == w.REASON_INTERNAL_ERROR for one in events)

    assert rejected > 40


class CountedEngines(BuggyEngines):
    """Notes how many engines are left whenever another is made."""

    def __init__(self) -> None:
        self.made: list[weakref.ref[Engine]] = []
        self.left: list[int] = []

    def new(self) -> Engine:
        return self._counted(super().new)

    def restore(self, checkpoint: bytes) -> Engine:
        return self._counted(lambda: super(CountedEngines, self).restore(checkpoint))

    def _counted(self, make: Callable[[], Engine]) -> Engine:
        self.left.append(sum(one() is not None for one in self.made))
        engine = make()
        self.made.append(weakref.ref(engine))
        return engine


def test_a_worker_drops_its_memory_before_it_builds_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(world_module, "ShardWorker", partial(ShardWorker, reclaim=gc.collect))
    rebuilt = 0
    gc.disable()
    try:
        for seed in range(12):
            gc.collect()
            engines = CountedEngines()
            world = World(replace(CALM, seed=seed, accounts=3, messages=20), engines)
            world.run()
            rebuilt += len(engines.left) - 1
            assert engines.left == [0] * len(engines.left)
    finally:
        gc.enable()
    assert rebuilt > 3


class AlarmClockEngine(ToyEngine):
    """Has something due by time alone, half a minute in."""

    @property
    def next_due_ms(self) -> int:
        return 0 if self._state.time_ms >= DUE_MS else DUE_MS


class AlarmClockEngines(ToyEngines):
    def new(self) -> Engine:
        return AlarmClockEngine()

    def restore(self, checkpoint: bytes) -> Engine:
        return AlarmClockEngine.restore(checkpoint)


def test_what_is_due_by_time_alone_happens_without_traffic() -> None:
    world = World(replace(CALM, faulty_s=60.0, messages=0), AlarmClockEngines())
    world.run()
    # A record that attests a checkpoint may follow at once.
    ticks = [
        record
        for record in world.records
        if 0 <= record.time_ms - DUE_MS < 3_000 and not record.attestation.sequence
    ]

    assert len(ticks) == 1
    assert ticks[0].first_sequence == ticks[0].last_sequence


def test_options_follow_from_the_seed_alone() -> None:
    random.seed(1)
    first = Options.of(5)
    random.seed(2)

    assert Options.of(5) == first
    assert Options.of(6) != first
