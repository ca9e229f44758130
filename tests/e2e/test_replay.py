"""Recorded flow through the whole exchange: the public API gives what the engine alone gives."""

import io
import lzma
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from scripts.client import Deployment
from scripts.replay import __main__ as tool
from tests.recordings import recorded_orders, recorded_trades

HEADER = "id,timestamp,exchange.timestamp,price,volume,action,direction\n"


def played(
    exchange: Deployment, monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> dict[str, object]:
    monkeypatch.setattr(Deployment, "read", lambda _path: exchange)
    console = Console(file=io.StringIO())
    return tool.replay(tool.parse_arguments([*arguments]), console)


def test_a_small_recording_plays_in_its_order_of_effect(
    exchange: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = [
        "1,1,1,500.00,100000000,created,ask",
        "2,2,2,500.00,50000000,created,ask",
        "1,3,3,500.00,100000000,deleted,ask",
        "3,4,4,501.00,80000000,created,bid",
        "3,5,5,501.00,30000000,deleted,bid",
        "4,6,6,501.00,10000000,created,ask",
    ]
    path = tmp_path / "orders.csv.xz"
    path.write_bytes(lzma.compress((HEADER + "\n".join(rows) + "\n").encode()))
    tape = tmp_path / "tape.csv"
    tape.write_text("timestamp,id,price,volume\n4,1,500.00,50000000\n")
    found = played(exchange, monkeypatch, str(path), "--tape", str(tape), "--batch", "4")
    assert (found["orders"], found["cancels"], found["requests"]) == (4, 2, 2)
    assert (found["trades"], found["volume"]) == (1, "0.5")
    assert found["tape_trades_reproduced"] == 1
    assert found["orders_refused"] == {}


@pytest.mark.long
def test_the_recorded_day_plays_to_the_digit_in_under_five_minutes(
    exchange: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders, tape = str(recorded_orders()), str(recorded_trades())
    found = played(exchange, monkeypatch, orders, "--tape", tape)
    assert (found["trades"], found["volume"]) == (517, "709.08982245")
    assert found["tape_trades_reproduced"] == 479
    assert Decimal(str(found["seconds"])) < 300
