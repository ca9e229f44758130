"""How far back the engine remembers ids is measured, and alarms when that is within the hour."""

from engine.reference import Engine
from tests.unit.worker.fakes import SilentTelemetry
from tests.unit.worker.leading import lead
from wire import layout as w
from worker import leader


class Measured(SilentTelemetry):
    """Keeps what was measured."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list[float] = []

    def measure(self, name: str, value: float) -> None:
        if name == "RememberedMilliseconds":
            self.values.append(value)


def remembering(ids: int) -> Measured:
    """Have a worker carry out ten messages with an engine that remembers so many ids."""
    telemetry = Measured()
    lead(lambda: Engine(remembered_ids=ids), telemetry)
    return telemetry


def test_a_short_memory_is_measured_and_alarms() -> None:
    telemetry = remembering(ids=2)
    assert "MemoryOfIdsShort" in telemetry.alarms
    assert all(0 <= value < leader.REMEMBERED_MS_MIN for value in telemetry.values)
    assert telemetry.values


def test_nothing_is_said_while_no_id_has_been_forgotten() -> None:
    telemetry = remembering(ids=100)
    assert not telemetry.alarms
    assert not telemetry.values


def test_ids_are_remembered_for_twice_as_long_as_rings_the_alarm() -> None:
    assert w.ID_MEMORY_MS == 2 * leader.REMEMBERED_MS_MIN
