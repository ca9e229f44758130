"""Messages that end the process which applies them."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from benchmarks.standins import Memory, Meter, ports_over
from bursa.intake.message import Delivery
from bursa.journal.record import decode_record
from bursa.journal.replica import Engine, Head, Replica
from tests.doubles.toy_engine import ToyEngine
from tests.simulation.engines import SmallEngines, ToyEngines
from tests.unit.worker.fakes import SilentTelemetry, credit, delivery
from wire import codec
from wire import layout as w
from worker import probe as probe_module
from worker.poison import Quarantine, rejection_of_command
from worker.probe import ForkProbe, NoProbe
from worker.results import result_offsets, result_reason
from worker.sequencer import Sequencer
from worker.settings import PROBED_FROM_RECEIVE, ShardSettings
from worker.shard import ShardWorker

NOW_MS = 1_000_000
FATAL = 13
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is private only on Linux")


class Fatal(ToyEngine):
    """Dies by a fault, as compiled code does."""

    def apply(self, commands: bytes) -> bytes:
        for start in range(0, len(commands), w.COMMAND_BYTES):
            amount = memoryview(commands[start : start + w.COMMAND_BYTES]).cast("q")
            known = f"{amount[1]} {amount[2]}" in self._state.ids
            if (amount[0], amount[w.FUNDS_AMOUNT]) == (w.COMMAND_CREDIT, FATAL) and not known:
                os.kill(os.getpid(), signal.SIGSEGV)
        return super().apply(commands)


class CountingProbe(ForkProbe):
    def __init__(self) -> None:
        self.asked: list[int] = []

    def survives(self, engine: Engine, commands: bytes) -> bool:
        self.asked.append(len(commands) // w.COMMAND_BYTES)
        return super().survives(engine, commands)


def sequencer_on(engine: Engine, probe: ForkProbe | NoProbe) -> Sequencer:
    batch_id = bytes(16)
    return Sequencer(Replica(engine, Head()), 0, 3, lambda: batch_id, Quarantine(), probe=probe)


def numbered(number: int, *amounts: int, received: int = PROBED_FROM_RECEIVE) -> Delivery:
    commands = [credit(amount, number=100 * number + place) for place, amount in enumerate(amounts)]
    made = delivery(*commands, message_id=f"{number:032x}", reply=True)
    return msgspec.structs.replace(made, receive_count=received)


def reasons(sequencer: Sequencer) -> list[int]:
    (sealed,) = sequencer.seal()
    events = decode_record(sealed).events
    return [result_reason(events, at) for at in result_offsets(events)[1:-1]]


def dies(body: Callable[[], object]) -> bool:
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)
        body()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_without_a_probe_the_process_dies() -> None:
    sequencer = sequencer_on(Fatal(), NoProbe())

    assert dies(lambda: sequencer.take([numbered(1, FATAL)], NOW_MS))


@pytest.mark.parametrize("place", range(5))
def test_only_the_command_that_ends_a_process_is_rejected(place: int) -> None:
    sequencer = sequencer_on(Fatal(), ForkProbe())
    messages = [numbered(number, 1, 2, 3) for number in range(5)]
    messages[place] = numbered(place, 1, FATAL, 3)
    sequencer.take(messages, NOW_MS)

    expected = [w.REASON_ACCEPTED] * 15
    expected[3 * place + 1] = w.REASON_INTERNAL_ERROR
    assert [message_id for message_id, _ in sequencer.rejected] == [f"{place:032x}"]
    assert len(sequencer.pop_acknowledgements(99)) == 5
    assert reasons(sequencer) == expected


def test_what_has_not_come_often_is_not_probed() -> None:
    probe = CountingProbe()
    sequencer = sequencer_on(Fatal(), probe)
    sequencer.take([numbered(1, 1, received=PROBED_FROM_RECEIVE - 1), numbered(2, 1)], NOW_MS)

    assert probe.asked == [1]
    assert reasons(sequencer) == [0, 0]


def test_many_innocent_ones_cost_one_probe() -> None:
    probe = CountingProbe()
    sequencer_on(Fatal(), probe).take([numbered(number, 1, 2) for number in range(50)], NOW_MS)

    assert probe.asked == [100]


def test_a_rejected_command_is_known_when_it_comes_again() -> None:
    sequencer = sequencer_on(Fatal(), ForkProbe())
    sequencer.take([numbered(1, FATAL)], NOW_MS)
    sequencer.take([numbered(1, FATAL)], NOW_MS)

    assert reasons(sequencer) == [w.REASON_INTERNAL_ERROR, w.REASON_DUPLICATE_COMMAND]


@pytest.mark.parametrize("name", ["core", "reference"])
def test_a_rejection_in_place_of_a_command_that_was_decided_is_a_duplicate(name: str) -> None:
    engine = SmallEngines(name).new()
    original = credit(5, number=9)
    engine.apply(codec.encode_advance_time(NOW_MS))
    engine.apply(original)
    events = engine.apply(rejection_of_command(original, w.REASON_INTERNAL_ERROR))

    assert result_reason(events, 0) == w.REASON_DUPLICATE_COMMAND


@pytest.mark.parametrize("name", ["core", "reference"])
def test_a_rejection_in_place_of_a_command_whose_id_is_forgotten_is_too_old(name: str) -> None:
    engine = SmallEngines(name).new()
    engine.apply(codec.encode_advance_time(NOW_MS))
    original = credit(5, number=1)
    engine.apply(original)
    remembered = 1 << 12
    others = [
        codec.encode_cancel_all(1 << 32 | 1, command_id=(8, 1 + other), time_ms=NOW_MS)
        for other in range(remembered)
    ]
    engine.apply(b"".join(others))
    events = engine.apply(rejection_of_command(original, w.REASON_INTERNAL_ERROR))

    assert result_reason(events, 0) == w.REASON_COMMAND_TOO_OLD


def test_a_worker_survives_what_has_ended_others_and_reports_it() -> None:
    class FatalEngines(ToyEngines):
        def new(self) -> Engine:
            return Fatal()

    messages = [numbered(number, 1, 2) for number in range(40)]
    messages[21] = numbered(21, FATAL, FATAL)
    telemetry = SilentTelemetry()

    async def scenario() -> list[int]:
        stop = asyncio.Event()
        memory = Memory(messages, stop)
        ports = replace(
            ports_over(memory, Meter()),
            engines=FatalEngines(),
            telemetry=telemetry,
            probe=ForkProbe(),
        )
        await ShardWorker(ports, ShardSettings(shard=0), stop).run()
        events = b"".join(decode_record(one).events for one in memory.records)
        return [result_reason(events, at) for at in result_offsets(events)[:-1]]

    seen = asyncio.run(scenario())
    assert seen.count(w.REASON_INTERNAL_ERROR) == 2
    assert len(seen) - seen.count(w.REASON_ACCEPTED) == 2
    assert telemetry.alarms.count("PoisonMessage") == 2


def test_a_child_ended_from_outside_proves_nothing() -> None:
    class Killed(ToyEngine):
        def apply(self, commands: bytes) -> bytes:
            os.kill(os.getpid(), signal.SIGKILL)
            return b""

    assert ForkProbe().survives(Killed(), credit(1))


def test_an_exception_is_no_fault() -> None:
    engine = ToyEngine()
    engine.raise_on = {FATAL}

    assert ForkProbe().survives(engine, credit(FATAL))
    assert not ForkProbe().survives(Fatal(), credit(FATAL))


def test_a_child_that_hangs_is_ended_and_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(ToyEngine):
        def apply(self, commands: bytes) -> bytes:
            while True:
                signal.pause()

    monkeypatch.setattr(probe_module, "_SECONDS_MAX", 0.05)
    assert ForkProbe().survives(Hanging(), credit(1))
