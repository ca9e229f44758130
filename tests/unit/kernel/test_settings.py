"""How functions start: the variables they need, and what they must not load."""

import subprocess
import sys
from pathlib import Path

import pytest

from bursa.kernel.settings import (
    SettingsError,
    TradingApiSettings,
    read_settings,
)
from tests.doubles.exchange import environment

ROOT = Path(__file__).resolve().parents[3]


def test_settings_are_read_by_their_fields_names() -> None:
    settings = read_settings(TradingApiSettings, environment() | {"REPLY_DEADLINE_MS": "250"})

    assert settings.orders_table == "orders"
    assert settings.reply_deadline_ms == 250
    assert settings.queue_depth_max == 20_000


def test_every_missing_variable_is_named() -> None:
    with pytest.raises(SettingsError, match="ORDERS_TABLE is not set") as caught:
        read_settings(TradingApiSettings, {"QUEUE_DEPTH_MAX": "many"})

    assert "PROGRESS_TABLE is not set" in str(caught.value)
    assert "QUEUE_DEPTH_MAX is not a whole number" in str(caught.value)


@pytest.mark.parametrize(
    ("function", "not_needed"),
    [
        ("market_api", {"pydantic", "jwt", "boto3", "requests"}),
        ("trading_api", {"jwt", "boto3", "requests", "zstandard"}),
        ("authorizer", {"pydantic", "msgspec", "boto3", "requests", "zstandard"}),
    ],
)
def test_cold_start_loads_no_more_than_it_needs(function: str, not_needed: set[str]) -> None:
    code = f"import sys, {function}.app; print(*sys.modules)"
    paths = [str(ROOT / part) for part in ("", "layers/core", "functions")]
    loaded = subprocess.run(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", code],
        env=environment() | {"PYTHONPATH": ":".join(paths), "LAMBDA_TASK_ROOT": str(ROOT)},
        capture_output=True,
        check=True,
        text=True,
    )

    assert sorted(not_needed & set(loaded.stdout.split())) == []
