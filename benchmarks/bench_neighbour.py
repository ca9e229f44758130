"""What one tenant's flood does to another tenant's orders, where no machine is in the way.

    make bench-neighbour [ARGS="--seeds 12 --json"]

The worker, the engine, the budgets and the feed are the real ones; queue, journal and functions are
models, whose calls take some ten milliseconds as those of SQS and DynamoDB do. Twenty users of one
tenant place an order a second each; beside them an account of another tenant sends single orders,
batches and cancels at ten times its budget and opens twenty times its connections.

Each seed runs twice on each of two clocks: a virtual one, on which work takes no time, and one that
moves by the processor time of this process, so that one processor does all work of both tenants.
"""

import argparse
import json
import statistics
import sys
from dataclasses import replace

from rich.console import Console
from rich.table import Table

from tests.simulation.flood import FloodWorld, batches, cancels, singles
from tests.simulation.test_flood import CONNECTIONS, OPTIONS, SECONDS
from tests.simulation.virtual_loop import ChargedLoop, VirtualLoop

CLOCKS: dict[str, type[VirtualLoop]] = {"virtual": VirtualLoop, "one processor": ChargedLoop}


def measure(seed: int, clock: type[VirtualLoop]) -> dict[str, float]:
    """Return the p99s in milliseconds, alone and beside the flood, their ratio, and its size."""
    options = replace(OPTIONS, seed=seed)
    alone = FloodWorld(options).flood(SECONDS, (), clock)
    beside = FloodWorld(options, socket_floods=CONNECTIONS).flood(
        SECONDS, (singles, batches, cancels), clock
    )
    refused = {one.status for one in (*alone.traded, *beside.traded)} - {201}
    if refused:
        sys.exit(f"Orders of the other tenant were refused: {sorted(refused)}, seed {seed}.")
    return {
        "alone_p99_ms": alone.p99_ms(),
        "beside_p99_ms": beside.p99_ms(),
        "ratio": beside.p99_ms() / alone.p99_ms(),
        "orders": float(len(beside.traded)),
        "sent": float(sum(size for _, size in beside.flooded)),
        "admitted": float(beside.admitted()),
    }


def spread(values: list[float], digits: int) -> str:
    """Return the median and the range as text."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"


def one_or_more(text: str) -> int:
    """Return a number of seeds; raises for what is none."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of seeds: write 1 or more.")
    return int(text)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="make bench-neighbour",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seeds", type=one_or_more, default=12, help="how many, from 0 on")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found: dict[str, list[dict[str, float]]] = {name: [] for name in CLOCKS}
    for seed in range(options.seeds):
        for name, clock in CLOCKS.items():
            found[name].append(measure(seed, clock))
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{seed + 1} of {options.seeds} seeds ")
    if sys.stderr.isatty():
        sys.stderr.write("\n")
    if options.json:
        print(json.dumps(found))
        return 0
    table = Table(title="Orders beside another tenant's flood: median and range over the seeds")
    table.add_column("")
    for name in CLOCKS:
        table.add_column(f"{name} clock" if name == "virtual" else name, justify="right")
    for figure in found["virtual"][0]:
        digits = 3 if figure == "ratio" else 1 if figure.endswith("ms") else 0
        table.add_row(
            figure.replace("_", " "),
            *(spread([one[figure] for one in runs], digits) for runs in found.values()),
        )
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
