"""A market whose breaker pauses is named in an alarm, once in a while."""

from engine.reference import Engine
from tests.unit.worker.fakes import SilentTelemetry
from tests.unit.worker.leading import lead


class Paused(Engine):
    """An engine some of whose breakers pause."""

    @property
    def paused_markets(self) -> list[int]:
        return [3, 8]


class Told(SilentTelemetry):
    """Keeps what alarms say."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: list[dict[str, object]] = []

    def alarm(self, name: str, message: str, **fields: object) -> None:
        super().alarm(name, message)
        self.fields.append(fields)


def test_a_paused_breaker_alarms_once_for_many_records() -> None:
    telemetry = Told()
    lead(Paused, telemetry)
    assert telemetry.alarms == ["BreakerPaused"]
    assert telemetry.fields == [{"count": 2, "markets": [3, 8]}]


def test_nothing_is_said_of_markets_whose_breaker_works() -> None:
    telemetry = Told()
    lead(Engine, telemetry)
    assert telemetry.alarms == []
