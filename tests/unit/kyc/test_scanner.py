"""The sweep measures the antivirus where there is one, and goes on where it is away."""

from collections.abc import Callable
from typing import Any

import pytest

from bursa.kernel.errors import Unavailable
from tests.doubles.exchange import Exchange, read_event
from tests.unit.conftest import Context, started
from tests.unit.kyc.test_case_desk import exchange as exchange  # noqa: PLC0414 - a fixture

EVENT = read_event("kyc-pass-time")
HOUR_MS = 3_600_000


class Scanner:
    """An antivirus with signatures of a time; away without one."""

    def __init__(self, at_ms: int | None) -> None:
        self._at_ms = at_ms

    def signatures_at_ms(self) -> int:
        if self._at_ms is None:
            raise Unavailable("scanner_unavailable", "Later.")
        return self._at_ms


@pytest.fixture
def measured(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[int], Any]], dict[str, float]]:
    del exchange  # opened before the function starts
    function = started("kyc_tasks.app")
    found: dict[str, float] = {}
    add = function.metrics.add_metric

    def counted(name: str, unit: Any, value: float) -> None:
        found[name] = value
        add(name, unit, value)

    monkeypatch.setattr(function.metrics, "add_metric", counted)

    def sweep(scanner_at: Callable[[int], Any]) -> dict[str, float]:
        parts = function.tasks()._replace(scanner=scanner_at(function.services.now_ms()))
        monkeypatch.setattr(function, "tasks", lambda: parts)
        assert function.handler(EVENT, Context())["failed"] == 0
        return {name: value for name, value in found.items() if name.startswith("Scanner")}

    return sweep


def test_a_deployment_without_one_measures_none(measured: Any) -> None:
    assert measured(lambda _: None) == {}


def test_the_age_of_signatures_is_whole_hours(measured: Any) -> None:
    signed_at = measured(lambda now_ms: Scanner(now_ms - 49 * HOUR_MS - 1))
    assert signed_at == {"ScannerSignaturesAgeHours": 49}


def test_one_that_is_away_is_counted_and_time_passes(measured: Any) -> None:
    assert measured(lambda _: Scanner(None)) == {"ScannerUnavailable": 1}
