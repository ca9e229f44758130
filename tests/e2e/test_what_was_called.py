"""What the functions, workers and tools called AWS for in all tests is what is recorded.

It runs after all others that use the exchange (tests/conftest.py). A part of them is held to the
recording as well, but can't show that anything in it is called no more.
"""

import os
from pathlib import Path

import pytest

from scripts.client import Deployment
from tests.contract.iam.recording import RECORDING, heard, recorded, unseen, written

HERE = Path(__file__).parent
RECORD = "make record-calls"

pytestmark = pytest.mark.runs_last


def test_every_call_is_recorded_and_still_made(
    exchange: Deployment, calls: Path, request: pytest.FixtureRequest
) -> None:
    made = heard(calls, exchange.stack_outputs) - set(unseen())
    is_whole = files_of(request.session.items) == files_with_the_exchange()
    if os.environ.get("RECORD_CALLS"):
        assert is_whole, "Record all end-to-end tests, or what others call is lost."
        RECORDING.write_text(written(made))
    assert not made - recorded(), f"Not recorded; `{RECORD}`, and look what it changes."
    if is_whole:
        assert not recorded() - made, f"Recorded, but not called any more: `{RECORD}`."


def files_of(items: list[pytest.Item]) -> set[Path]:
    """Return those that use the exchange, whole or by the place that it is at."""
    names = {"exchange", "exchange_place"}
    return {item.path for item in items if names & set(getattr(item, "fixturenames", ()))}


def files_with_the_exchange() -> set[Path]:
    names = ("exchange: Deployment", "exchange_place: Local")
    texts = {path: path.read_text() for path in HERE.glob("test_*.py")}
    return {path for path, text in texts.items() if any(name in text for name in names)}
