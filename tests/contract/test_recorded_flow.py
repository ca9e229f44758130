"""The engine on recorded and generated flow: figures that others have found for the same files."""

import hashlib
import json
import os
import struct
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from engine.core import Engine
from scripts.replay.flow import CancelOrder, PlaceOrder, Print, read_flow, read_tape
from scripts.replay.report import Tally
from tests.recordings import recorded_orders, recorded_trades, recording
from wire import codec
from wire import layout as w
from wire.events import Result, Trade, decode_events

ROOT = Path(__file__).resolve().parents[2]

MARKET, BASE, QUOTE = 1, 1, 2
ACCOUNT = w.account_number(1, 1)
CENTS, LOTS = 100, 10**8


def market_with_a_rich_account() -> Engine:
    engine = Engine()
    commands = [
        codec.encode_define_asset(BASE, 1, 8, "BTC"),
        codec.encode_define_asset(QUOTE, 1, 10, "USDT"),
        codec.encode_define_market(
            MARKET, 1, BASE, QUOTE, lot_units=1, tick_units=1, symbol="BTC-USDT"
        ),
        codec.encode_funds(w.COMMAND_CREDIT, ACCOUNT, BASE, 10**17),
        codec.encode_funds(w.COMMAND_CREDIT, ACCOUNT, QUOTE, 10**18),
    ]
    results = [
        one for one in decode_events(engine.apply(b"".join(commands))) if type(one) is Result
    ]
    assert all(result.accepted for result in results)
    return engine


def played(engine: Engine, path: Path) -> Tally:
    tally = Tally()
    order_ids: dict[str, int] = {}
    for operation in read_flow(path):
        if isinstance(operation, PlaceOrder):
            tally.orders += 1
            command = codec.encode_place(
                ACCOUNT,
                MARKET,
                w.SIDE_BUY if operation.side == "buy" else w.SIDE_SELL,
                int(Decimal(operation.price) * CENTS),
                int(Decimal(operation.quantity) * LOTS),
            )
        else:
            assert isinstance(operation, CancelOrder)
            tally.cancels += 1
            command = codec.encode_cancel(ACCOUNT, order_ids[operation.order])
        for event in decode_events(engine.apply(command)):
            if isinstance(event, Result) and isinstance(operation, PlaceOrder):
                order_ids[operation.order] = event.order_id
            elif isinstance(event, Trade):
                tally.prints.append(printed(event))
    return tally


def printed(trade: Trade) -> Print:
    return Decimal(trade.price) / CENTS, Decimal(trade.quantity) / LOTS


def test_a_recorded_day_gives_the_trades_of_plain_price_time_matching() -> None:
    orders, tape = recorded_orders(), read_tape(recorded_trades())
    engine = market_with_a_rich_account()
    found = played(engine, orders).summary(tape)
    engine.check()
    assert (found["orders"], found["trades"]) == (24_894, 517)
    assert found["volume"] == "709.08982245"
    assert found["tape_trades_reproduced"] == 479


def test_the_sample_scenarios_pass() -> None:
    sample = recording("data/scenarios-sample.json")
    command = [sys.executable, "-m", "scripts.scenarios", str(sample)]
    path = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'layers/core'}"}
    run = subprocess.run(  # noqa: S603 - ours
        command, cwd=ROOT, env=path, capture_output=True, text=True, check=False
    )
    names = [scenario["name"] for scenario in json.loads(sample.read_text())]
    assert run.stdout.splitlines() == [
        *(f"PASS {name}" for name in names),
        f"{len(names)} passed, 0 failed",
    ]


@pytest.mark.parametrize("seed", [20240601])
def test_the_generated_workload_trades_as_its_generator_says(tmp_path: Path, seed: int) -> None:
    generator = recording("tools/gen_workload.py")
    (tmp_path / "work").mkdir()
    arguments = [sys.executable, str(generator), str(seed)]
    subprocess.run(arguments, cwd=tmp_path, check=True, timeout=120)  # noqa: S603 - a known tool
    said = json.loads((tmp_path / "work" / "workload_info.json").read_text())
    engine = market_with_a_rich_account()
    order_ids: dict[int, int] = {}
    digest, quantity, trades = hashlib.sha256(), 0, 0
    for line in (tmp_path / "work" / "workload.csv").read_text().splitlines()[1:]:
        op, side, _owner, number, price, lots = map(int, line.split(","))
        if op == 2:
            command = codec.encode_cancel(ACCOUNT, order_ids[number])
        else:
            tif = w.TIF_GTC if op == 1 else w.TIF_IOC
            command = codec.encode_place(ACCOUNT, MARKET, side + 1, price, lots, time_in_force=tif)
            order_ids[number] = engine.sequence + 1
        for event in decode_events(engine.apply(command)):
            if isinstance(event, Trade):
                digest.update(struct.pack("<II", event.price, event.quantity))
                quantity += event.quantity
                trades += 1
    assert (trades, quantity) == (said["trades"], said["trade_qty"])
    assert digest.hexdigest() == said["pq_sha256"]
