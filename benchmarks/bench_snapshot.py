"""How long the batch loop stops for a checkpoint, and how much slower it is meanwhile.

    make bench-snapshot
    make bench-snapshot ARGS="--orders 100000 1000000 --checkpoints 20 --json"

Restores an engine with that many open orders, as a worker does at its start, and takes checkpoints
one after the other by the worker's own code, while turns of the batch loop go on: half of the
commands cancel orders drawn from the whole book, so that they write all over the memory, and as
many are placed. Nothing else is in the process but the worker's imports. For each size it prints

    fork          what the loop waits for: from the call to its return
    fork_cpu      the same in processor time, for machines where others want the processors too
    first         the three turns after it, which meet memory that the child still shares
    copying       all turns until the copy is there
    quiet         turns without a checkpoint
"""

import argparse
import asyncio
import gc
import json
import mmap
import re
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

import worker.__main__  # noqa: F401 - a worker's heap is part of what a fork copies
from benchmarks.flow import Flow
from bursa.intake.message import decode_message
from engine.core import Engine
from wire import layout
from wire.codec import encode
from worker.capture import ForkCapture
from worker.leader import COMMANDS_PER_TURN_COPYING
from worker.results import result_offsets, result_reason

_PER_MESSAGE = 50
_PAUSE_S = 0.001
_QUIET_TURNS = 300
_ACCEPTED_SHARE_MIN = 0.95
# Ids are remembered by time: what comes later than all that fills the book is not too old.
_LATER_MS = 60_000


def build(folder: Path, orders: int) -> None:
    """Write a state with so many open orders, and their accounts and numbers in any order."""
    flow, engine = Flow(1), Engine()
    for delivery in flow.set_up():
        engine.apply(decode_message(delivery.body).commands)
    placed: list[tuple[int, int]] = []
    for delivery in flow.messages(orders, _PER_MESSAGE, rests=True):
        message, first = decode_message(delivery.body), engine.sequence + 1
        engine.apply(message.commands)
        # An order's number is the sequence of the command that placed it.
        placed += [(message.account, number) for number in range(first, engine.sequence + 1)]
    Random(2).shuffle(placed)  # noqa: S311 - the same every time
    (folder / "state").write_bytes(engine.checkpoint())
    (folder / "open").write_bytes(array("q", [word for one in placed for word in one]).tobytes())


def _taken(words: "array[int]") -> Iterator[int]:
    """Yield what is there, and what is added meanwhile."""
    place = 0
    while True:
        yield words[place]
        place += 1


class Turns:
    """Turns of a batch loop; half the commands cancel, half place."""

    def __init__(self, folder: Path) -> None:
        self._engine = Engine.restore((folder / "state").read_bytes())
        # Mapped, not read: a fork does not copy the page table of a mapped file.
        with (folder / "open").open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        self._placed = array("q")
        self._open = chain(memoryview(mapped).cast("q"), _taken(self._placed))
        self._flow = Flow(3)
        self._flow.pass_time(_LATER_MS)
        self.decided = self.accepted = 0

    def capture(self) -> "asyncio.Future[bytes]":
        """Begin a checkpoint."""
        return ForkCapture().capture(self._engine)

    def take(self, commands: int) -> float:
        """Apply one turn; returns what it took, in milliseconds."""
        time_ms = self._flow.pass_time(1)
        half = commands // 2
        (message,) = self._flow.messages(half, half, rests=True)
        cancels = [self._cancel(time_ms) for _ in range(half)]
        placed = decode_message(message.body)
        turn = placed.commands + b"".join(cancels)
        for number in range(self._engine.sequence + 1, self._engine.sequence + 1 + half):
            self._placed.extend((placed.account, number))
        started = time.perf_counter()
        events = self._engine.apply(turn)
        took_ms = (time.perf_counter() - started) * 1000
        results = result_offsets(events)[:-1]
        self.decided += len(results)
        self.accepted += sum(not result_reason(events, at) for at in results)
        return took_ms

    def _cancel(self, time_ms: int) -> bytes:
        account, number = next(self._open), next(self._open)
        return encode(
            layout.COMMAND_CANCEL, account, number, 0, 0, command_id=(1, number), time_ms=time_ms
        )


async def measure(folder: Path, checkpoints: int) -> dict[str, Any]:
    """Take checkpoints while turns go on."""
    turns = Turns(folder)
    gc.collect()
    gc.freeze()
    memory_mb, huge_mb = _kilobytes("Anonymous") // 1024, _kilobytes("AnonHugePages") // 1024
    seen: dict[str, list[float]] = {
        name: [] for name in ("fork", "fork_cpu", "first", "copying", "quiet", "copy")
    }
    for _ in range(checkpoints):
        seen["quiet"] += [turns.take(COMMANDS_PER_TURN_COPYING) for _ in range(_QUIET_TURNS)]
        started, busy = time.perf_counter(), time.thread_time()
        copying = turns.capture()
        seen["fork_cpu"].append((time.thread_time() - busy) * 1000)
        seen["fork"].append((time.perf_counter() - started) * 1000)
        during = []
        while not copying.done():
            during.append(turns.take(COMMANDS_PER_TURN_COPYING))
            await asyncio.sleep(_PAUSE_S)
        seen["copy"].append((time.perf_counter() - started) * 1000)
        seen["first"] += during[:3]
        seen["copying"] += during
        state = len(await copying)
        # The next fork must not copy the table of what a worker would have stored and dropped.
        del copying
    if turns.accepted < turns.decided * _ACCEPTED_SHARE_MIN:
        raise RuntimeError(f"Only {turns.accepted} of {turns.decided} commands did anything.")
    return {
        "checkpoints": checkpoints,
        "checkpoint_bytes": state,
        "memory_mb": memory_mb,
        "huge_pages_mb": huge_mb,
        "huge_pages_after_mb": _kilobytes("AnonHugePages") // 1024,
        "turn_commands": COMMANDS_PER_TURN_COPYING,
    } | {f"{name}_ms": _spread(values) for name, values in seen.items()}


def _kilobytes(name: str) -> int:
    text = Path("/proc/self/smaps_rollup").read_text()
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) if found else 0


def _spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    chosen = {
        "median": ordered[len(ordered) // 2],
        "p99": ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)],
        "max": ordered[-1],
    }
    return {name: round(value, 3) for name, value in chosen.items()}


def _in_own_process(folder: Path, orders: int, checkpoints: int) -> dict[str, Any]:
    """Build in one process and measure in another, which so holds nothing but a worker's heap."""
    command = [sys.executable, "-m", "benchmarks.bench_snapshot", "--folder", str(folder)]
    for step in (["--build", str(orders)], ["--checkpoints", str(checkpoints)]):
        done = subprocess.run([*command, *step], check=True, stdout=subprocess.PIPE)  # noqa: S603
    return {"open_orders": orders, **json.loads(done.stdout)}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="make bench-snapshot",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--orders", type=int, nargs="+", default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--checkpoints", type=int, default=20)
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--build", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder and options.build:
        build(options.folder, options.build)
    elif options.folder:
        print(json.dumps(asyncio.run(measure(options.folder, options.checkpoints))))
    else:
        for orders in options.orders:
            with tempfile.TemporaryDirectory(prefix="bursa-checkpoints-") as folder:
                _print(_in_own_process(Path(folder), orders, options.checkpoints), options.json)
    return 0


def _print(figures: dict[str, Any], as_json: bool) -> None:  # noqa: FBT001 - one switch
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        spread = isinstance(value, dict)
        text = "  ".join(f"{key} {value[key]:9.3f}" for key in value) if spread else f"{value:,}"
        print(f"{name:16} {text}")
    print()


if __name__ == "__main__":
    sys.exit(main())
