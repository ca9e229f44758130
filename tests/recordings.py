"""Recorded and generated inputs that lie beside the project; tests skip by name without them."""

from pathlib import Path

import pytest

_SHARED = Path(__file__).parents[2] / "shared"


def recording(name: str) -> Path:
    """Find a file under ../shared, or skip the test."""
    path = _SHARED / name
    if not path.exists():
        pytest.skip(f"../shared/{name} is not here")
    return path


def recorded_orders() -> Path:
    """A day of a venue's order flow."""
    return recording("data/bitstamp-btcusd-2015-05-01-orders.csv.xz")


def recorded_trades() -> Path:
    """The trades that the venue published that day."""
    return recording("data/bitstamp-btcusd-2015-05-01-trades.csv.xz")
