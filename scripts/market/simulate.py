"""Bring markets of the running exchange to life: makers quote, takers trade, by the public API.

The first demo user makes, the second takes. Prices wander from a seed, so that two runs ask for the
same; what comes of it depends on the exchange. What is reported was seen over the WebSocket.
"""

import argparse
import json
import math
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from requests import ConnectionError as CannotConnect
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from scripts.client import OUTPUTS, ApiError, Deployment, Json, ToolError
from scripts.market.measures import Found
from scripts.market.simulation import Asked, Simulation

COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    TextColumn("{task.fields[trades]} trades"),
    TimeRemainingColumn(),
)
EXAMPLES = """examples:
  make simulate-market
  make simulate-market MARKETS="ETH-USDT" ARGS="--seconds 300 --rate 30 --seed 7"
  make simulate-market MARKETS="BTC-EUR=50000" TENANT=aurora ARGS="--worth 200 --json"
"""


def asked_market(text: str) -> Asked:
    """Read ``BTC-USDT`` or ``BTC-USDT=60000``."""
    market, _, price = text.partition("=")
    try:
        start = Decimal(price) if price else None
    except InvalidOperation:
        start = Decimal("NaN")
    if not market or (start is not None and not (start.is_finite() and start > 0)):
        raise argparse.ArgumentTypeError(f"{text!r} is not like BTC-USDT or BTC-USDT=60000")
    return Asked(market, start)


def number_in(least: float, most: float) -> Callable[[str], float]:
    """Return a reader of numbers in a range."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {least:g} to {most:g}")
        return value

    return read


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="simulate-market",
        description="Bring markets of the running exchange to life.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "markets", nargs="+", type=asked_market, help="such as BTC-USDT, or BTC-USDT=60000"
    )
    parser.add_argument("--tenant", default="", help="its name (default: the first)")
    parser.add_argument("--seconds", type=number_in(1, 86_400), default=60.0)
    parser.add_argument(
        "--rate",
        type=number_in(0.01, 1_000),
        default=5.0,
        help="takers' orders a second and market (default: 5)",
    )
    parser.add_argument("--takers", type=int, choices=range(1, 21), default=4, metavar="1..20")
    parser.add_argument(
        "--worth",
        type=number_in(0.000001, 1e12),
        default=1_000.0,
        help="a usual order, in the quote asset (default: 1000)",
    )
    parser.add_argument(
        "--volatility",
        type=number_in(0, 0.1),
        default=0.0003,
        help="of the fair price in a second, as a part of it (default: 0.0003)",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the fair prices and the takers")
    parser.add_argument("--plot", type=Path, default=Path(".local/simulated-market.png"))
    parser.add_argument("--no-plot", action="store_true", help="draw no picture")
    parser.add_argument("--outputs", type=Path, default=OUTPUTS)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(arguments)


def simulate(arguments: argparse.Namespace, console: Console) -> list[Found]:
    """Play, draw the picture, and return what was found; raises `ToolError`."""
    deployment = Deployment.read(arguments.outputs, arguments.tenant)
    simulation = Simulation(deployment, arguments)
    with Progress(*COLUMNS, console=console) as progress:
        names = ", ".join(simulation.stages)
        task = progress.add_task(f"trading {names}", total=arguments.seconds, trades=0)
        simulation.play(lambda done, trades: progress.update(task, completed=done, trades=trades))
        progress.update(task, description="comparing the books")
    found = [stage.found() for stage in simulation.stages.values()]
    if not arguments.no_plot:
        # Loading it takes a second, which a run without a picture does not wait for.
        from scripts.market.plot import draw  # noqa: PLC0415

        draw(found, simulation.started_ms, arguments.plot)
    return found


def print_summary(console: Console, summaries: Sequence[Json]) -> None:
    """Print a column for each market."""
    table = Table(title="Simulated market")
    table.add_column()
    for one in summaries:
        table.add_column(one["market"], justify="right")
    rows: dict[str, Callable[[Json], str]] = {
        "orders": lambda one: f"{one['orders']:,}",
        "cancels": lambda one: f"{one['cancels']:,}",
        "refused": lambda one: f"{sum(one['refused'].values()):,}",
        "trades": lambda one: f"{one['trades']:,}",
        "volume": lambda one: one["volume"],
        "price, first to last": lambda one: f"{one['first_price']} to {one['last_price']}",
        "spread, median": lambda one: f"{one['spread_bp']} bp",
        "depth within 1 %, median": lambda one: f"{one['depth_within_1_percent']}",
        "requote": lambda one: _latency(one, "requote"),
        "take": lambda one: _latency(one, "take"),
        "book by feed and by REST": lambda one: _EQUAL[one["feed_equals_book"]],
    }
    for name, text in rows.items():
        table.add_row(name, *map(text, summaries))
    console.print(table)
    for one in summaries:
        for code, count in one["refused"].items():
            console.print(f"[yellow]refused[/yellow] {one['market']}: {count:,} x {code}")


_EQUAL = {True: "equal", False: "[red]different[/red]", None: "never at one sequence"}


def _latency(summary: Json, kind: str) -> str:
    found = summary["response_ms"].get(kind)
    return f"p50 {found['p50']}, p99 {found['p99']} ms" if found else "none"


def main() -> int:
    """Run the tool; returns the exit status."""
    arguments = parse_arguments(sys.argv[1:])
    console = Console(stderr=True)
    try:
        found = simulate(arguments, console)
    except (ToolError, ApiError) as error:
        console.print(f"[red]{error}[/red]")
        return 1
    except CannotConnect:
        console.print("[red]The exchange does not respond: `make status`.[/red]")
        return 1
    except KeyboardInterrupt:
        return 130
    summaries = [one.summary() for one in found]
    plot = None if arguments.no_plot else str(arguments.plot)
    if arguments.json:
        print(json.dumps({"seed": arguments.seed, "plot": plot, "markets": summaries}))
    else:
        print_summary(Console(), summaries)
        if plot:
            console.print(f"The picture is in {plot}.")
    return 0 if all(one["feed_equals_book"] for one in summaries) else 1


if __name__ == "__main__":
    sys.exit(main())
