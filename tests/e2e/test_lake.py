"""`make lake` tells, to the unit, what accounts have on the exchange that runs."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

from scripts.client import Client, Deployment, Json
from tests.doubles.local_exchange import Local
from tests.e2e.test_websocket import order

ROOT = Path(__file__).resolve().parents[2]


def asked(query: str, local: Local, folder: Path) -> Json:
    done = subprocess.run(  # noqa: S603 - our own tool
        [
            *(sys.executable, "-m", "scripts.lake", query, "--json"),
            *("--outputs", str(local.home / "outputs.json"), "--folder", str(folder)),
        ],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found: Json = json.loads(done.stdout)
    return found


def test_the_lake_has_the_balances_to_the_unit(
    exchange: Deployment, exchange_place: Local, tmp_path: Path
) -> None:
    alice = Client(exchange, exchange.users[0])
    alice.call("POST", "/orders", json=order("sell"))
    bought = alice.call("POST", "/orders", json=order("buy") | {"price": "251.00"})

    read = {"min_sequence": bought["sequence"]}
    balances = alice.call("GET", "/balances", params=read)["items"]
    account = alice.call("GET", "/me")["account"]
    rows = asked("balances", exchange_place, tmp_path)["rows"]
    held = {row["asset"]: row["units"] for row in rows if row["account"] == account}

    told = asked("SELECT DISTINCT asset, scale FROM movements", exchange_place, tmp_path)["rows"]
    scales = {row["asset"]: row["scale"] for row in told}
    assert balances
    assert {one["asset"]: Decimal(one["total"]) for one in balances} == {
        asset: Decimal(units).scaleb(-scales[asset]) for asset, units in held.items()
    }
