"""A replay that loses its worker, and is killed itself, still ends with the recording's figures."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from scripts.local.register import Register
from tests.doubles.local_exchange import ROOT, Local, read_until

PATIENCE_S = 180.0
ORDERS = 300
BATCH = 10
HEADER = "id,timestamp,exchange.timestamp,price,volume,action,direction\n"


@pytest.fixture
def running(local: Local) -> Iterator[Local]:
    """Return an exchange under `make run`, which restarts a worker that ends."""
    child = local.begin("run")
    read_until(child, "Ctrl-C ends everything")
    yield local
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=PATIENCE_S)


def recorded(path: Path) -> tuple[int, Decimal]:
    """Write a recording; returns its trades and their volume by plain price-time matching."""
    rng = random.Random(11)
    rows: list[str] = []
    book: list[tuple[str, int, int, list[int]]] = []
    trades, volume = 0, 0
    for number in range(1, ORDERS + 1):
        side = rng.choice(["bid", "ask"])
        price, quantity = 50_000 + rng.randint(-30, 30), rng.randint(1, 50) * 10**6
        rows.append(f"{number},1,1,{price / 100:.2f},{quantity},created,{side}")
        sign = 1 if side == "bid" else -1
        against = [row for row in book if row[0] != side and (price - row[1]) * sign >= 0]
        for row in sorted(against, key=lambda row: (row[1] * sign, row[2])):
            filled = min(quantity, row[3][0])
            if filled:
                trades, volume = trades + 1, volume + filled
                quantity, row[3][0] = quantity - filled, row[3][0] - filled
        book = [row for row in book if row[3][0]]
        if quantity:
            book.append((side, price, number, [quantity]))
        if book and rng.random() < 0.3:
            gone = book.pop(rng.randrange(len(book)))
            rows.append(f"{gone[2]},1,1,1.00,1,deleted,{gone[0]}")
    path.write_text(HEADER + "\n".join(rows) + "\n")
    return trades, Decimal(volume).scaleb(-8)


def begin(local: Local, path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "scripts.replay", str(path), "--batch", str(BATCH), "--json"]
    return subprocess.Popen(  # noqa: S603 - this project's own module
        [*command, "--outputs", str(local.home / "outputs.json")],
        cwd=ROOT,
        env=local.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_requests(local: Local, count: int) -> None:
    """Wait until this many requests are decided; the replay's log has a line for each."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        logs = list((local.home / "replays").glob("*.jsonl"))
        if logs and len(logs[0].read_bytes().splitlines()) > count:
            return
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_worker_and_tool_are_killed_and_the_figures_are_right(
    running: Local, tmp_path: Path
) -> None:
    path = tmp_path / "orders.csv"
    trades, volume = recorded(path)
    assert trades > 50
    tool = begin(running, path)
    wait_for_requests(running, 5)
    [worker] = [process for process in Register(running.home).all() if process.name == "worker-0"]
    os.kill(worker.pid, signal.SIGKILL)
    wait_for_requests(running, 15)
    tool.kill()
    tool.communicate(timeout=PATIENCE_S)

    again = begin(running, path)
    found, said = again.communicate(timeout=PATIENCE_S)

    assert again.returncode == 0, said
    assert "Going on after" in said
    summary = json.loads(found)
    assert summary["orders"] == ORDERS
    assert summary["orders_refused"] == {}
    assert (summary["trades"], Decimal(summary["volume"])) == (trades, volume)
    assert not list((running.home / "replays").iterdir())
