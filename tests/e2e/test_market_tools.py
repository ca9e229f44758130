"""A market comes to life by the public API alone, and can be watched."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.client import Client, Deployment, Json
from tests.doubles.local_exchange import Local

ROOT = Path(__file__).resolve().parents[2]
MARKET = "BTC-IDR"
RULES = ["--worth", "1000000", "--rate", "4", "--takers", "2"]


@pytest.fixture
def outputs(exchange_place: Local) -> list[str]:
    return ["--outputs", str(exchange_place.home / "outputs.json")]


def test_makers_and_takers_trade_and_the_feed_tells_the_same_book(
    exchange: Deployment, outputs: list[str], tmp_path: Path
) -> None:
    plot = tmp_path / "market.png"
    market: Json = {}
    messages: list[Json] = []
    # On a machine with much to do nobody has begun after six seconds.
    for seconds in (6, 40):
        watching = started("watch", MARKET, "--json", "--seconds", str(seconds * 2), *outputs)
        simulated = started(
            *("simulate", f"{MARKET}=1000000000", "--json", "--plot", str(plot), *RULES),
            *("--seconds", str(seconds), *outputs),
        )
        found, errors = simulated.communicate(timeout=180)
        lines, _ = watching.communicate(timeout=180)
        assert simulated.returncode == 0, errors
        (market,) = json.loads(found)["markets"]
        messages = [json.loads(line) for line in lines.splitlines()]
        if market["trades"] and messages:
            break
    assert market["trades"] > 0
    assert market["feed_equals_book"] is True
    assert plot.read_bytes().startswith(b"\x89PNG")

    kinds = {(one["channel"], one["type"]) for one in messages}
    assert {(f"book:{MARKET}", "snapshot"), (f"book:{MARKET}", "update")} <= kinds

    maker = Client(exchange, exchange.users[0])
    left = maker.call("GET", "/orders", params={"status": "open", "market": MARKET})
    assert not [one for one in left["items"] if (one["client_order_id"] or "").startswith("sim-")]


def started(tool: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603 - our own tools
        [sys.executable, "-m", f"scripts.market.{tool}", *arguments],
        cwd=ROOT,
        env=os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
