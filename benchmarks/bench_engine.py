"""Measure the engine: ``python -m benchmarks.bench_engine [--file CSV --warm N] [--curve]``.

Replays a workload (columns op,side,owner,id,price,qty: op 1 = limit, 2 = cancel, 3 = immediate or
cancel; side 0 = buy, 1 = sell) and prints one JSON line. Matching, balances, fees, events and the
digest are inside the measured time; reading the file and making the commands are not. Rates are
wall time; ``cpu_ops_per_s`` counts processor time, which other people's work on the same machine
disturbs less.
"""

import argparse
import gc
import hashlib
import json
import platform
import random
import resource
import statistics
import struct
import time
from array import array
from collections.abc import Iterator
from pathlib import Path

from engine.core import COMPILED, Engine
from engine.core.engine import Engine as InterpretedEngine
from wire import layout as w
from wire.codec import (
    NO_ID,
    encode_define_asset,
    encode_define_market,
    encode_funds,
    encode_set_fee_tier,
)
from wire.events import Result, Trade, decode_events

Row = tuple[int, int, int, int, int, int]

TENANT, MARKET, BASE, QUOTE = 1, 1, 1, 2
BATCH = 256
REMEMBERED_IDS = 1 << 20
ROUNDS = 5
RICH = 1 << 50
PERCENTILES = (0.5, 0.99, 0.999)
FLAGS = {
    (op, side): w.pack_flags(side + 1, w.TYPE_LIMIT, w.TIF_GTC if op == 1 else w.TIF_IOC)
    for op in (1, 3)
    for side in (0, 1)
}


def read_rows(file: Path) -> list[Row]:
    """Return the rows of a workload file."""
    lines = file.read_text(encoding="ascii").splitlines()[1:]
    return [
        (op, side, owner, number, price, quantity)
        for line in lines
        for op, side, owner, number, price, quantity in [map(int, line.split(","))]
    ]


def own_rows(count: int, seed: int = 1) -> list[Row]:
    """Return a workload like the file's: 60 % limits, 35 % cancels, 5 % immediate."""
    draw = random.Random(seed)  # noqa: S311 - a workload, not a secret
    rows: list[Row] = []
    placed: list[tuple[int, int, int]] = []
    middle = 100_000
    for number in range(1, count + 1):
        kind, side, owner = draw.random(), draw.randrange(2), draw.randrange(1000)
        middle += draw.choice((-1, 1)) if draw.random() < 0.02 else 0
        away = 1 + int(draw.expovariate(1 / 50))
        if kind < 0.35 and placed:
            at = draw.randrange(len(placed))
            placed[at], placed[-1] = placed[-1], placed[at]
            number_of, side, owner = placed.pop()
            rows.append((2, side, owner, number_of, 0, 0))
        elif kind < 0.40:
            price = middle + (30 if side == 0 else -30)
            rows.append((3, side, owner, number, price, 40 * draw.randint(1, 16)))
        else:
            price = middle - away if side == 0 else middle + away
            rows.append((1, side, owner, number, price, draw.randint(1, 80)))
            placed.append((number, side, owner))
    return rows


def setup_commands(owners: set[int]) -> bytes:
    """Return the commands that define the market, its fees, and make the owners rich."""
    commands = [
        encode_define_asset(BASE, TENANT, 0, "BASE"),
        encode_define_asset(QUOTE, TENANT, 0, "QUOTE"),
        encode_define_market(
            MARKET, TENANT, BASE, QUOTE, lot_units=1000, tick_units=1000, symbol="BASE-QUOTE"
        ),
        encode_set_fee_tier(TENANT, 0, 100, 200),
    ]
    for owner in sorted(owners):
        commands += [
            encode_funds(w.COMMAND_CREDIT, account(owner), asset, RICH) for asset in (BASE, QUOTE)
        ]
    return b"".join(commands)


def account(owner: int) -> int:
    """Return a workload owner's account."""
    return w.account_number(TENANT, owner + 1)


def encode_rows(rows: list[Row], sequence: int, *, ids: bool) -> bytes:
    """Return the rows as commands that follow a sequence; cancels name the engine's order ids."""
    order_ids: dict[int, int] = {}
    draw = random.Random(sequence)  # noqa: S311 - ids that scatter like hashes, not secrets
    words = array("q")
    for op, side, owner, number, price, quantity in rows:
        sequence += 1
        who = account(owner)
        high, low = (draw.getrandbits(63), draw.getrandbits(63)) if ids else NO_ID
        time_ms = sequence if ids else 0  # so that none is too old when earlier ids are forgotten
        if op == 2:
            words.extend((w.COMMAND_CANCEL, high, low, time_ms, 0, who, order_ids[number]))
            words.extend((0,) * 9)
        else:
            order_ids[number] = sequence
            words.extend((w.COMMAND_PLACE, high, low, time_ms, 0, who, MARKET))
            words.extend((FLAGS[op, side], price, quantity, 0, 0, 0, 0, 0, 0))
    return words.tobytes()


def batches(commands: bytes, size: int = BATCH) -> list[bytes]:
    """Return the commands in batches."""
    step = size * w.COMMAND_BYTES
    return [commands[start : start + step] for start in range(0, len(commands), step)]


class Replay:
    """A workload as commands: what sets up, what warms, what is measured."""

    def __init__(
        self, rows: list[Row], warm: int, *, ids: bool, remembered_ids: int = REMEMBERED_IDS
    ) -> None:
        self.remembered_ids = remembered_ids
        self.setup = setup_commands({row[2] for row in rows})
        sequence = len(self.setup) // w.COMMAND_BYTES
        commands = encode_rows(rows, sequence, ids=ids)
        split = warm * w.COMMAND_BYTES
        self.warm, self.measured = commands[:split], commands[split:]
        self.operations = len(self.measured) // w.COMMAND_BYTES

    def engine(self) -> Engine:
        """Return a warm engine."""
        engine = Engine(remembered_ids=self.remembered_ids)
        engine.apply(self.setup)
        engine.apply(self.warm)
        return engine

    def rates(self) -> tuple[list[float], list[float]]:
        """Return operations a second of each round, by wall and by processor time."""
        parts = batches(self.measured)
        wall, processor = [], []
        for _ in range(ROUNDS):
            engine = self.engine()
            started, started_cpu = time.perf_counter(), time.process_time()
            for part in parts:
                engine.apply(part)
            wall.append(self.operations / (time.perf_counter() - started))
            processor.append(self.operations / (time.process_time() - started_cpu))
        return wall, processor

    def outcome(self) -> dict[str, object]:
        """Return what was traded, with its hash, and how much was put out."""
        engine = self.engine()
        trades = quantity = refused = size = 0
        digest = hashlib.sha256()
        for part in batches(self.measured):
            output = engine.apply(part)
            size += len(output)
            for event in decode_events(output):
                if isinstance(event, Trade):
                    trades += 1
                    quantity += event.quantity
                    digest.update(struct.pack("<II", event.price, event.quantity))
                elif isinstance(event, Result):
                    refused += not event.accepted
        engine.check()
        return {
            "trades": trades,
            "quantity": quantity,
            "trades_sha256": digest.hexdigest(),
            "refused": refused,
            "output_bytes_per_op": round(size / self.operations, 1),
            "digest": f"{engine.digest():016x}",
        }

    def latencies(self) -> dict[str, float]:
        """Return percentiles of one command a call, the call included, and the longest."""
        engine = self.engine()
        parts = batches(self.measured, 1)
        spent = array("q", bytes(8 * len(parts)))
        for index, part in enumerate(parts):
            started = time.perf_counter_ns()
            engine.apply(part)
            spent[index] = time.perf_counter_ns() - started
        # Again by processor time: a pause of the engine's own, not of the machine's other users.
        engine, longest_cpu = self.engine(), 0
        for part in parts:
            started = time.thread_time_ns()
            engine.apply(part)
            longest_cpu = max(longest_cpu, time.thread_time_ns() - started)
        ordered = sorted(spent)
        named = {f"p{100 * part:g}_ns": ordered[int(part * len(ordered))] for part in PERCENTILES}
        return {
            **named,
            "longest_ms": round(ordered[-1] / 1e6, 3),
            "over_1_ms": sum(1 for nanoseconds in spent if nanoseconds > 1_000_000),
            "longest_cpu_ms": round(longest_cpu / 1e6, 3),
        }


def interpreted_rate(replay: Replay, count: int = 20_000) -> float:
    """Return operations a second of the same source without a compiler."""
    engine = InterpretedEngine()
    engine.apply(replay.setup)
    engine.apply(replay.warm)
    part = replay.measured[: count * w.COMMAND_BYTES]
    started = time.process_time()
    engine.apply(part)
    return len(part) // w.COMMAND_BYTES / (time.process_time() - started)


def resident_bytes() -> int:
    """Return how much memory the process has in use."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def curve(
    counts: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000),
) -> Iterator[dict[str, float]]:
    """Yield the cost of placing and cancelling with so many orders resting."""
    for count in counts:
        draw = random.Random(count)  # noqa: S311 - a workload, not a secret
        rows: list[Row] = []
        live: list[tuple[int, int, int]] = []
        for number in range(1, count + 200_001):
            side, owner = number & 1, draw.randrange(1000)
            away = 1 + int(draw.expovariate(1 / 50))
            if number > count and number & 2:
                at = draw.randrange(len(live))
                live[at], live[-1] = live[-1], live[at]
                number_of, side, owner = live.pop()
                rows.append((2, side, owner, number_of, 0, 0))
                continue
            price = 100_000 - away if side == 0 else 100_000 + away
            rows.append((1, side, owner, number, price, draw.randint(1, 80)))
            live.append((number, side, owner))
        replay = Replay(rows, count, ids=False)
        engine = Engine()
        engine.apply(replay.setup)
        before = resident_bytes()
        for part in batches(replay.warm):
            engine.apply(part)
        used = resident_bytes() - before
        rates = []
        for part in batches(replay.measured, 20_000):
            started = time.process_time()
            for small in batches(part):
                engine.apply(small)
            spent = time.process_time() - started
            rates.append(1e9 * spent / (len(part) // w.COMMAND_BYTES))
        yield {
            "resting": count,
            "cpu_ns_per_op": round(statistics.median(rates)),
            "bytes_per_resting_order": round(used / count),
        }


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(description="Measure the engine.")
    parser.add_argument("--file", type=Path)
    parser.add_argument("--warm", type=int, default=2_000)
    parser.add_argument("--ids", action="store_true", help="give every command an id")
    parser.add_argument(
        "--remembered-ids",
        type=int,
        default=REMEMBERED_IDS,
        help="fewer than the operations: each id makes the engine forget another",
    )
    parser.add_argument("--curve", action="store_true", help="cost by resting orders instead")
    arguments = parser.parse_args()
    gc.disable()
    if arguments.curve:
        for point in curve():
            print(json.dumps(point))
        return
    rows = read_rows(arguments.file) if arguments.file else own_rows(202_000)
    replay = Replay(
        rows, arguments.warm, ids=arguments.ids, remembered_ids=arguments.remembered_ids
    )
    del rows
    wall, processor = replay.rates()
    result = {
        "operations": replay.operations,
        "ops_per_s": round(statistics.median(wall)),
        "ops_per_s_rounds": [round(rate) for rate in sorted(wall)],
        "cpu_ops_per_s": round(statistics.median(processor)),
        "compiled": COMPILED,
        "command_ids": arguments.ids,
        **replay.outcome(),
        **replay.latencies(),
        "interpreted_ops_per_s": round(interpreted_rate(replay)),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
